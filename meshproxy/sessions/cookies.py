"""Under which names does a session stand in the browser, and how does it get in and out? (contract §3.1)

The rules: ``__Host-`` wherever it can be; exact deletion, with the attributes the cookie was set with; and a session that takes several
cookies says inside its seal how many, so that cookies of different writings never make one session.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping

from ..core.cookie_field import split
from ..core.envelope import NONCE_BYTES, KeyRing
from ..core.places import Origin

CHUNK_BYTES = 3800
"""Browsers take 4096 bytes of name, value and attributes."""
CHUNKS = 3
"""More would not pass through the head limits of common proxies (wire-rules §3.1)."""

Ours = Mapping[bytes, list[bytes]]
"""Our cookies of one request, by name."""


class SessionCookies:
    """The cookies of one deployment.

    :param public: the origin of ``public_url``; its scheme is that of every host.
    :param cookie_domain: as in ``[session]``: "" for host-only cookies.
    """

    __slots__ = ("_attributes", "_domain", "_names", "_under", "base", "name", "secure")

    def __init__(self, public: Origin, cookie_domain: str = "") -> None:
        self._domain = cookie_domain.lower().lstrip(".")
        self._under = "." + self._domain
        self.secure = public.scheme == "https"
        prefix = b"" if not self.secure else b"__Secure-" if self._domain else b"__Host-"
        #: the session cookie's name, and that of its first chunk
        self.name = prefix + b"meshproxy"
        self._names = tuple(self.name if number == 0 else b"%s.%d" % (self.name, number) for number in range(CHUNKS))
        self._attributes = b"; Path=/; HttpOnly" + (b"; Secure" if self.secure else b"")

    def scope(self, host: str) -> str:
        """For which host (or domain) a session cookie is that this host gets; what a session must be for to count here."""
        return self._domain if self._domain and (host == self._domain or host.endswith(self._under)) else host

    def split(self, cookie: bytes) -> tuple[Ours, bytes]:
        """Our cookies, and what goes upstream."""
        return split(cookie, self.name)

    # ---------------------------------------------------------------- the session's own cookies

    def pack(self, keys: KeyRing, purpose: bytes, payload: bytes, random: Callable[[int], bytes]) -> list[bytes] | None:
        """The payload sealed and cut into cookie values; ``None`` when it would take too many.

        How many they are stands inside the seal, and changes what the seal is long by next to nothing: a second writing settles it.
        """
        count = 1
        while count <= CHUNKS:
            token = keys.seal(purpose, self.name, _counted(count, payload), random(NONCE_BYTES), deflate=True)
            needed = math.ceil(len(token) / CHUNK_BYTES)
            if needed <= count:
                return [token[start : start + CHUNK_BYTES] for start in range(0, count * CHUNK_BYTES, CHUNK_BYTES)]
            count = needed
        return None

    def unpack(self, keys: KeyRing, purpose: bytes, ours: Ours) -> tuple[bytes, int] | None:
        """The payload and the number of its cookies; ``None`` when there is no session of ours in them.

        A name that comes twice was set by somebody else as well: neither counts. Chunks that a longer session left behind are not minded.
        """
        values = []
        for name in self._names:
            found = ours.get(name)
            if found is None:
                break
            if len(found) != 1:
                return None
            values.append(found[0])
        for count in range(len(values), 0, -1):
            plain = keys.open(purpose, self.name, b"".join(values[:count]))
            if plain is not None:
                payload = _uncounted(count, plain)
                return None if payload is None else (payload, count)
        return None

    def written(self, host: str, values: Collection[bytes], lasts: float, stale: int = 0) -> tuple[bytes, ...]:
        """``Set-Cookie`` values that keep the session for ``lasts`` seconds.

        :param stale: how many of the session's cookies the browser has: the ones beyond the new number are deleted.
        """
        domain = self._domain_attribute(host)
        keep = b"; Max-Age=%d; SameSite=Lax%s%s" % (max(1, math.ceil(lasts)), self._attributes, domain)
        lines = [b"%s=%s%s" % (name, value, keep) for name, value in zip(self._names, values, strict=False)]
        return (*lines, *(self._deletion(name, domain) for name in self._names[len(values) : stale]))

    def deletions(self, host: str) -> tuple[bytes, ...]:
        """``Set-Cookie`` values after which the browser has no session for this host."""
        domain = self._domain_attribute(host)
        return tuple(self._deletion(name, domain) for name in self._names)

    def count(self, ours: Ours) -> int:
        """How many of the session's cookies the browser has, counted to the last one that is there."""
        return max((number for number, name in enumerate(self._names, 1) if name in ours), default=0)

    def leftovers(self, ours: Ours) -> tuple[bytes, ...]:
        """Deletions of session cookies under names that are not in use here: of a time before ``cookie_domain`` was changed."""
        if not self.secure:
            return ()
        forms = (b"__Host-meshproxy", b"__Secure-meshproxy")
        names = (form + suffix for form in forms if form != self.name for suffix in (b"", b".1", b".2"))
        return tuple(self._deletion(name, b"") for name in names if name in ours)

    # ---------------------------------------------------------------- short-lived cookies of one host

    def short(self, suffix: bytes, value: bytes, lasts: float, *, cross_site: bool = False) -> bytes:
        """``Set-Cookie`` of ``NAME-suffix``, for this very host alone.

        :param cross_site: it has to come along with a form that another site's page sends (``response_mode=form_post``).
        """
        same_site = b"None" if cross_site and self.secure else b"Lax"
        return b"%s-%s=%s; Max-Age=%d; SameSite=%s%s" % (self.name, suffix, value, math.ceil(lasts), same_site, self._attributes)

    def short_deletion(self, suffix: bytes) -> bytes:
        """The deletion of such a cookie."""
        return self._deletion(b"%s-%s" % (self.name, suffix), b"")

    def shorts(self, ours: Ours, family: bytes) -> dict[bytes, list[bytes]]:
        """The cookies ``NAME-family-LABEL`` of a request by label."""
        prefix = b"%s-%s-" % (self.name, family)
        return {name[len(prefix) :]: values for name, values in ours.items() if name.startswith(prefix)}

    # ---------------------------------------------------------------- parts

    def _domain_attribute(self, host: str) -> bytes:
        return b"; Domain=" + self._domain.encode("ascii") if self._domain and self.scope(host) == self._domain else b""

    def _deletion(self, name: bytes, domain: bytes) -> bytes:
        return b"%s=; Max-Age=0; SameSite=Lax%s%s" % (name, self._attributes, domain)


def _counted(count: int, payload: bytes) -> bytes:
    return count.to_bytes(1, "big") + len(payload).to_bytes(3, "big") + payload


def _uncounted(count: int, plain: bytes) -> bytes | None:
    payload = plain[4:]
    return payload if plain[:1] == count.to_bytes(1, "big") and int.from_bytes(plain[1:4], "big") == len(payload) else None
