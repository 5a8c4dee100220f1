"""``kubernetes-impersonation``: the API server's impersonation fields, beside a token that may impersonate.

The rule: never the token without a name. A request with meshproxy's own token and no Impersonate-User would be done with meshproxy's own
rights, so a principal without a user name is refused. Groups go one a line: the API server takes ``a,b`` in one line for one group.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from pydantic import Field as Key

from meshproxy.api import (
    Context,
    Field,
    FieldWriter,
    IdentityFields,
    Principal,
    Refused,
    SignedIn,
    Template,
    TemplateText,
    ValueSettings,
    hookimpl,
    settings_of,
)

_TOKEN_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
_REREAD_AFTER = 30.0
"""Seconds. The kubelet renews a token at 80 % of its life, which is an hour: the old one is good for minutes after the change."""
_EXTRA_KEY_SAFE = "!#$&'*+-.^_`|~"


class KubernetesImpersonation:
    """Authorization from ``token_file``, Impersonate-User, -Group and -Extra-."""

    name = "kubernetes-impersonation"
    needs_tokens = False
    managed_fields: tuple[bytes, ...] = (b"Authorization", b"Impersonate-User", b"Impersonate-Group", b"Impersonate-Uid")

    class Settings(ValueSettings):
        """``extra`` lists claims that become ``Impersonate-Extra-NAME``."""

        user: TemplateText = Template("{email}")
        token_file: Path = _TOKEN_FILE
        extra: list[str] = Key(default_factory=list)
        allow_system: bool = False

    def __init__(self, settings: Settings, context: Context) -> None:
        settings = settings_of(self.Settings, settings)
        self._user = settings.user
        self._allow_system = settings.allow_system
        self._writer = FieldWriter(settings, context.log)
        self._token_file = context.path(settings.token_file)
        self._token_stamp: tuple[int, int, int] | None = None
        self._token = b""
        self._seconds = context.reactor.seconds
        # The API server reads these names percent-decoded and in lower case (its user.Info.Extra keys are case-insensitive).
        self._extra = tuple((b"Impersonate-Extra-" + quote(path.lower(), safe=_EXTRA_KEY_SAFE).encode(), path) for path in settings.extra)
        self.managed_fields = (*self.managed_fields, *(name for name, _ in self._extra))

    def token_fields(self, signed_in: SignedIn) -> IdentityFields:
        """All fields; computed anew twice a minute, for the token file's sake."""
        fields = [(b"Authorization", b"Bearer " + self._read_token()), *self._impersonation(signed_in.principal)]
        return IdentityFields(fields, self._seconds() + _REREAD_AFTER)

    def _impersonation(self, principal: Principal) -> list[Field]:
        user = self._writer.text(self._user, principal)
        if user is None:
            raise Refused(f"no user name to impersonate: {self._user.text} is missing")
        groups = self._writer.items("groups", principal)
        if not self._allow_system and any(text.casefold().startswith("system:") for text in (user, *groups)):
            raise Refused("a name or group that begins with system: belongs to Kubernetes itself")
        lines = [(b"Impersonate-User", user), *((b"Impersonate-Group", group) for group in groups)]
        for name, path in self._extra:
            lines.extend((name, text) for text in self._writer.items(f"claims.{path}", principal))
        return [(name, self._writer.encode(text)) for name, text in lines]

    def _read_token(self) -> bytes:
        """The token as it stands in the file now. Raises :class:`OSError`, :class:`ValueError`: nothing goes out without a token."""
        found = self._token_file.stat()
        stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
        if stamp != self._token_stamp:
            token = self._token_file.read_bytes().strip()
            if not token:
                raise ValueError(f"{self._token_file} is empty")
            self._token, self._token_stamp = token, stamp
        return self._token


@hookimpl
def meshproxy_header_rewriters() -> list[type]:
    """Registers ``kubernetes-impersonation``."""
    return [KubernetesImpersonation]
