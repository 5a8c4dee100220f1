"""How do we ask an identity provider, without letting it hurt us? One client for everything that meshproxy fetches itself.

The rule: an answer is whole, small enough, in time and from the very URL that was asked, over verified TLS (or on loopback), or it is a
:class:`BackChannelError`. One deadline covers connecting, waiting and the whole body. No redirects are followed, no cookies kept, no
compressed bodies inflated. It has treq's interface, so plugins use it as they would use treq.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import treq
from treq.client import HTTPClient
from treq.cookies import IndexableCookieJar
from twisted.internet.defer import Deferred
from twisted.web.http_headers import Headers

from ..core.strict_json import NotJson, loads
from .backchannel_error import BackChannelError
from .bounded_agent import BoundedAgent, body_producer
from .reaching import agent_for, file_problems

CAP = 512 * 1024
TIMEOUT = 5.0

__all__ = ["BackChannel", "BackChannelError", "back_channel_for", "fields", "file_problems"]


class BackChannel(HTTPClient):
    """A treq client with deadlines. ``get``, ``post``, ``request`` … are treq's; a response's body is always there already.

    :param ca_file: PEM of the CAs to trust in place of the system's.
    :param proxy: an outgoing HTTP proxy for https URLs, ``http://[user:password@]host:port``.
    :param timeout: seconds for everything, from connecting to the last byte.
    :param cap: bytes of a body at most.
    :param agent: what to send with, in place of a real Agent (for tests, see ``treq.testing.RequestTraversalAgent``).
    """

    def __init__(
        self,
        reactor: Any,
        *,
        ca_file: Path | None = None,
        proxy: str | None = None,
        timeout: float = TIMEOUT,
        cap: int = CAP,
        agent: Any = None,
    ) -> None:
        self.reactor = reactor
        self.timeout = timeout
        bounded = BoundedAgent(reactor, agent_for(reactor, ca_file, proxy, timeout) if agent is None else agent, timeout, cap)
        # A policy that takes nobody's cookies.
        jar = IndexableCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        super().__init__(bounded, cookiejar=jar, data_to_body_producer=body_producer)

    def request(self, method: str, url: Any, **options: Any) -> Deferred[Any]:
        """As treq's, with ``allow_redirects`` always false. Fails with :class:`BackChannelError`."""
        options.update(allow_redirects=False, reactor=self.reactor)
        options.pop("browser_like_redirects", None)
        options["_stacklevel"] = options.get("_stacklevel", 2) + 1
        return super().request(method, url, **options)

    async def get_json(self, url: str, headers: Mapping[str, str] | None = None) -> tuple[Any, Headers]:
        """The JSON value at a URL, and the fields of the answer.

        :raises BackChannelError: also for every status but 200, and for a body that is no JSON.
        """
        response = await self.get(url, headers=fields({"Accept": "application/json", **(headers or {})}))
        if response.code != 200:
            raise BackChannelError("status", f"{_host(url)} answered {response.code}", response.code)
        try:
            return loads(await treq.content(response)), response.headers
        except NotJson as error:
            raise BackChannelError("not_json", f"{_host(url)}: {error}", response.code) from None

    async def post_form(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> tuple[int, Any, Headers]:
        """POST a form; the status, the JSON value of the body (the bytes where it is none) and the fields, whatever the status is.

        :raises BackChannelError: when there was no whole answer.
        """
        sent = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        response = await self.post(url, data=urlencode(form).encode("ascii"), headers=fields(sent))
        body = await treq.content(response)
        try:
            return response.code, loads(body), response.headers
        except NotJson:
            return response.code, body, response.headers


def back_channel_for(context: Any, *, ca_file: Path | None = None, proxy: str = "", timeout: float = TIMEOUT) -> BackChannel:
    """The context's own client, unless a provider needs another CA, a proxy or more time.

    :raises ValueError: the file has no certificate, the proxy's URL is none; OSError when the file cannot be read.
    """
    if ca_file is None and not proxy and timeout <= context.http.timeout:
        http: BackChannel = context.http
        return http
    return BackChannel(context.reactor, ca_file=ca_file, proxy=proxy or None, timeout=timeout)


def fields(names: Mapping[str, str]) -> Headers:
    """Field names and values as treq wants them."""
    return Headers({name: [value] for name, value in names.items()})


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
