"""Where are the provider's endpoints? Its discovery document, and the keys that it leads to, both kept fresh.

The rule: what was good an hour ago is used on while the provider is down, for a day; a document that cannot be used never replaces one
that can (RFC 8414 §3.3, OpenID Connect Discovery §4.3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ...core.provider_metadata import Metadata, MetadataInvalid, parse_metadata
from ..backchannel import BackChannel, BackChannelError
from ..keys import KeyCache
from ..refreshing import Refreshing

FRESH_FOR = 3600.0
STALE_FOR = 24 * 3600.0


def document_url(issuer: str) -> str:
    """Where an issuer's document lies (Discovery §4.1): any slash at the issuer's end goes first."""
    return issuer.rstrip("/") + "/.well-known/openid-configuration"


class Discovery:
    """One issuer's metadata and keys.

    :param same_issuer: ``(named, asked)``; equality unless one document serves many tenants.
    :param keys_only: nobody logs in there: only the keys are wanted.
    :param key_set_url: where the keys lie, in place of what the document says. With ``keys_only`` no document is fetched then.
    :param log: told of the endpoints' hosts when they change.
    :param token: gives a bearer token to fetch with, sent to the issuer's own origin and to ``key_set_url`` only.
    """

    def __init__(
        self,
        http: BackChannel,
        clock: IReactorTime,
        issuer: str,
        *,
        same_issuer: Callable[[str, str], bool] = str.__eq__,
        keys_only: bool = False,
        key_set_url: str = "",
        token: Callable[[], str] | None = None,
        log: Logger | None = None,
    ) -> None:
        self.issuer = issuer
        self._http = http
        self._same_issuer = same_issuer
        self._keys_only = keys_only
        self._key_set_url = key_set_url
        self._token = token
        self._log = log
        self._hosts: tuple[str, ...] = ()
        self._metadata: Refreshing[Metadata] = Refreshing(self._fetch, clock, stale_for=STALE_FOR)
        self.keys = KeyCache(self._fetch_keys, clock)

    async def metadata(self) -> Metadata:
        """What the provider says of itself.

        :raises BackChannelError: it was never heard, or too long ago.
        """
        return await self._metadata.get()

    def peek(self) -> Metadata | None:
        """The same, if it is at hand."""
        return self._metadata.peek()

    @property
    def trouble(self) -> str | None:
        """Why nobody can log in there now; ``None`` when both document and keys are at hand."""
        wanted: list[Any] = [self.keys] if self._key_set_url and self._keys_only else [self._metadata, self.keys]
        for part in wanted:
            if part.peek() is None:
                return str(part.error) if part.error is not None else "not asked yet"
        return None

    def keep(self) -> None:
        """Fetch both, again and again until it has worked: for start-up."""
        self.keys.keep()

    def stop(self) -> None:
        """End what is under way."""
        self.keys.stop()
        self._metadata.stop()

    def _credentials(self, url: str) -> dict[str, str]:
        own = urlsplit(url)[:2] == urlsplit(self.issuer)[:2] or url == self._key_set_url
        if self._token is None or not own:
            return {}
        try:
            return {"Authorization": f"Bearer {self._token()}"}
        except (OSError, ValueError) as error:
            raise BackChannelError("credentials", f"the token to fetch keys with cannot be read ({type(error).__name__})") from None

    async def _fetch(self) -> tuple[Metadata, float]:
        url = document_url(self.issuer)
        value, _ = await self._http.get_json(url, self._credentials(url))
        try:
            metadata = parse_metadata(value, self.issuer, self._same_issuer, keys_only=self._keys_only)
        except MetadataInvalid as error:
            raise BackChannelError("metadata", str(error)) from None
        self._tell(metadata)
        return metadata, FRESH_FOR

    def _tell(self, metadata: Metadata) -> None:
        """Which hosts logins and secrets will go to, whenever that changes: an operator's firewall, and nose, want to know."""
        urls = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri, metadata.userinfo_endpoint)
        hosts = tuple(dict.fromkeys(urlsplit(url).netloc for url in urls if url))
        if self._log is not None and hosts != self._hosts:
            self._log.info("issuer {issuer} has its endpoints at {hosts}", issuer=self.issuer, hosts=", ".join(hosts))
        self._hosts = hosts

    async def _fetch_keys(self) -> tuple[Any, Any]:
        url = self._key_set_url or (await self._metadata.get()).jwks_uri
        return await self._http.get_json(url, {"Accept": "application/jwk-set+json, application/json", **self._credentials(url)})
