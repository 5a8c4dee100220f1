"""Who is really asking, when somebody stands between? What a peer says of others, believed from trusted peers alone.

The rule: a connection's own address and certificate are facts; ``X-Forwarded-*`` are hearsay, believed only from peers that
the operator named by network or by SPIFFE id. Of ``X-Forwarded-For`` only the part that trusted peers wrote counts; of
``X-Forwarded-Client-Cert`` only the last element, which our own sidecar (or a trusted peer) wrote itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from .heads import Field
from .memo import Memo
from .peer import Peer
from .xfcc import last_uri

Network = IPv4Network | IPv6Network

_READ = frozenset({
    b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port", b"x-envoy-external-address",
    b"x-forwarded-client-cert", b"x-request-id",
})
_REQUEST_ID_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=:@"
_MAX_REQUEST_ID = 128


@dataclass(frozen=True, slots=True)
class Claimed:
    """What is believed of a request's way to us.

    :ivar trusted: whether the peer is believed at all (by network, certificate, or the identity its sidecar vouches for).
    :ivar client: the client's address: the rightmost in ``X-Forwarded-For`` that no trusted peer has, else the peer's own.
    :ivar chain: ``X-Forwarded-For`` from that client on, ready to be continued; empty where there is nothing to continue.
    :ivar scheme, host, port: what the client used, by ``X-Forwarded-Proto``, ``-Host``, ``-Port``; ``None`` where not said.
    :ivar spiffe_id: of the workload at the other end: from the connection's certificate, else from the last XFCC element.
    :ivar request_id: a valid ``X-Request-Id`` to keep.
    """

    trusted: bool
    client: str
    chain: bytes = b""
    scheme: str | None = None
    host: str | None = None
    port: int | None = None
    spiffe_id: str | None = None
    request_id: bytes | None = None


class Trust:
    """Whom to believe. Immutable but for what it remembers of addresses seen, which is bounded.

    :param networks: ``trusted_peers`` that are CIDRs.
    :param spiffe_ids: ``trusted_peers`` that are ``spiffe://`` ids.
    :param sidecar_networks: ``sidecar_peers``: connections of our own sidecar, whose XFCC is read.
    """

    def __init__(self, networks: Iterable[Network], spiffe_ids: Iterable[str], sidecar_networks: Iterable[Network]) -> None:
        self._networks = tuple(networks)
        self._spiffe_ids = frozenset(spiffe_ids)
        self._sidecar_networks = tuple(sidecar_networks)
        self._chains: Memo[tuple[str, bytes]] = Memo(self._walk, longest=512)
        self._identities: Memo[str | None] = Memo(last_uri, longest=4096, entries=256)

    def peer(self, address: str, port: int, certificate_der: bytes | None = None, spiffe_of_certificate: str | None = None) -> Peer:
        """The other end of a new connection.

        :param address: its IP address as text, or ``unix``.
        :param certificate_der: its client certificate, verified.
        :param spiffe_of_certificate: that certificate's SPIFFE id.
        """
        parsed = _parse_address(address)
        trusted = _within(parsed, self._networks) or spiffe_of_certificate in self._spiffe_ids
        sidecar = _within(parsed, self._sidecar_networks)
        return Peer(str(parsed) if parsed else address, port, certificate_der, spiffe_of_certificate, trusted, sidecar)

    def claimed(self, peer: Peer, fields: Iterable[Field]) -> Claimed:
        """What is believed of this request. For a peer that is neither trusted nor a sidecar nothing is read at all."""
        if not peer.trusted and not peer.sidecar:
            return Claimed(False, peer.address, spiffe_id=peer.spiffe_id)
        said: dict[bytes, bytes] = {}
        for name, value in fields:
            lower = name.lower()
            if lower in _READ:
                said[lower] = said[lower] + b", " + value if lower in said else value
        spiffe_id = peer.spiffe_id
        if spiffe_id is None and b"x-forwarded-client-cert" in said:
            spiffe_id = self._identities[said[b"x-forwarded-client-cert"]]
        if not peer.trusted and spiffe_id not in self._spiffe_ids:
            return Claimed(False, peer.address, spiffe_id=spiffe_id)
        client, chain = self._client(said.get(b"x-forwarded-for", b""), said.get(b"x-envoy-external-address", b""))
        return Claimed(
            True, client or peer.address, chain, _scheme(said.get(b"x-forwarded-proto")), _host(said.get(b"x-forwarded-host")),
            _port(said.get(b"x-forwarded-port")), spiffe_id, valid_request_id(said.get(b"x-request-id")),
        )

    def forwarded_for(self, peer: Peer, claimed: Claimed) -> bytes:
        """The value of ``X-Forwarded-For`` for the service: what is believed, then the peer."""
        # A peer on a Unix socket is on this machine and has no address; services parse the value as addresses.
        address = b"127.0.0.1" if peer.address == "unix" else peer.address.encode()
        return claimed.chain + b", " + address if claimed.chain else address

    def _client(self, forwarded_for: bytes, external: bytes) -> tuple[str, bytes]:
        if forwarded_for:
            return self._chains[forwarded_for]
        # Envoy's word for the client, where it keeps no X-Forwarded-For. It comes second because a trusted peer that is
        # no Envoy lets the browser's own through.
        address = _parse_address(external.decode("latin-1"))
        return (str(address), str(address).encode()) if address else ("", b"")

    def _walk(self, forwarded_for: bytes) -> tuple[str, bytes]:
        """From the right over trusted addresses to the first that is not; what stands left of it anybody may have written.

        An entry that is no address ends the walk before it. Nothing believed: an empty client.
        """
        believed: list[str] = []
        for entry in reversed(forwarded_for.decode("latin-1").split(",")):
            address = _parse_address(entry)
            if address is None:
                break
            believed.append(str(address))
            if not _within(address, self._networks):
                break
        believed.reverse()
        return (believed[0] if believed else ""), ", ".join(believed).encode()


def valid_request_id(value: bytes | None) -> bytes | None:
    """A request id that may go into logs and fields as it is, else ``None``."""
    if not value or len(value) > _MAX_REQUEST_ID or value.translate(None, _REQUEST_ID_BYTES):
        return None
    return value


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """An address as peers write it: bare, with a port, an IPv6 one in brackets; an IPv4 one in IPv6's clothes is IPv4."""
    text = text.strip(' \t"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _within(address: IPv4Address | IPv6Address | None, networks: tuple[Network, ...]) -> bool:
    return address is not None and any(address.version == network.version and address in network for network in networks)


def _scheme(value: bytes | None) -> str | None:
    lower = value.lower() if value else b""
    return lower.decode() if lower in (b"http", b"https") else None


def _host(value: bytes | None) -> str | None:
    """One authority, as it may be shown; a list or anything odd is nothing."""
    if not value or b"," in value or not value.isascii() or not value.decode().isprintable() or b" " in value:
        return None
    return value.lower().decode()


def _port(value: bytes | None) -> int | None:
    return int(value) if value and value.isdigit() and len(value) <= 5 and 0 < int(value) < 65536 else None
