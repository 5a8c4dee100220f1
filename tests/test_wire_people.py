"""Two people, many connections, services that lie about framing: whose bytes does anybody see?

A thousand requests, interleaved by a seeded dice. Every request carries its person's name and a number; every byte that a service
sends says whose request it belongs to. Nobody may ever read the other's, nor their own at the wrong request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.principal import Principal

from .support.house import Browser, House, Live
from .support.strict import read_request
from .support.wire import SWITCHING, ServiceTransport

_TAG = re.compile(rb"<([a-z]+/[0-9]+)>")
_HEAD = re.compile(rb"(GET|HEAD|POST) / HTTP/1\.1\r\n(.+\r\n)+\r\n")
PEOPLE = (b"alice", b"bob")


@dataclass(eq=False)
class Tab:
    """One connection of a person: one request at a time.

    :ivar asked: the tags of its requests, in order.
    :ivar got: everything that came.
    """

    person: bytes
    browser: Browser
    asked: list[bytes] = field(default_factory=list)
    got: bytes = b""

    @property
    def over(self) -> bool:
        return self.browser.disconnecting or self.browser.half_closed or self.browser.gone

    @property
    def waits(self) -> bool:
        """Whether its last request has no final answer yet."""
        return len(re.findall(rb"HTTP/1\.1 [2-5]", self.got)) < len(self.asked)


@dataclass(eq=False)
class Server:
    """One connection that meshproxy has opened, as a hostile service sees it."""

    transport: ServiceTransport
    came: bytes = b""
    tag: bytes = b""


class Town:
    """The house, two people with several tabs each, and the service's connections."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.house = House(active=8, per_principal=0)
        self.house.sessions.live[b"bob"] = Live(Principal("https://idp.test", "bob", groups=("devs",), provider="corp"))
        self.tabs: list[Tab] = []
        self.all_tabs: list[Tab] = []
        self.servers: list[Server] = []
        self.asked = 0
        self.cross: list[str] = []

    def tab(self) -> Tab | None:
        """A tab that may ask now; perhaps a new one."""
        for old in self.tabs:
            old.got += old.browser.takes()
        self.tabs = [tab for tab in self.tabs if not tab.over]
        free = [tab for tab in self.tabs if not tab.waits]
        if len(self.tabs) < 8:
            free.append(Tab(self.dice.choice(PEOPLE), self.house.browser()))
        if not free:
            return None
        tab = self.dice.choice(free)
        if tab not in self.tabs:
            self.tabs.append(tab)
            self.all_tabs.append(tab)
        return tab

    def ask(self) -> None:
        """Somebody asks something; sometimes they leave before the answer, or send what is no request."""
        tab = self.tab()
        if tab is None:
            return
        self.asked += 1
        tag = b"%b/%d" % (tab.person, self.asked)
        kind = self.dice.randrange(12)
        head = b"Host: apps.test:8080\r\nCookie: meshproxy=" + tab.person + b"\r\nX-Tag: <" + tag + b">\r\n"
        tab.asked.append(tag)
        if kind == 0:
            tab.browser.sends(b"HEAD / HTTP/1.1\r\n" + head + b"\r\n")
        elif kind <= 2:
            tab.browser.sends(b"POST / HTTP/1.1\r\n" + head + b"Content-Length: %d\r\n\r\n" % (len(tag) + 2), b"<" + tag + b">")
        elif kind == 3:
            chunk = b"%x\r\n<%b>\r\n" % (len(tag) + 2, tag)
            tab.browser.sends(b"POST / HTTP/1.1\r\n" + head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n")
        elif kind == 4:
            tab.browser.sends(b"POST / HTTP/1.1\r\n" + head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        elif kind == 5:
            tab.browser.sends(b"POST / HTTP/1.1\r\n" + head + b"Transfer-Encoding: chunked\r\n\r\n3\r\n<" + tag[:1], b"zz\r\nbad")
        elif kind == 6:
            tab.browser.sends(b"GET / HTTP/1.1\r\n" + head + b"\r\n")
            tab.browser.lost(clean=self.dice.random() < 0.5)
        else:
            tab.browser.sends(b"GET / HTTP/1.1\r\n" + head + b"\r\n")

    def look(self) -> None:
        """The service accepts, and reads what came."""
        wire = self.house.wire
        while wire.waiting:
            if wire.reactor.tcpClients[-wire.waiting][2]._onConnection.called:
                wire._accepted += 1
            else:
                self.servers.append(Server(wire.accept()))
        for server in self.servers:
            server.came += server.transport.takes()
            heads = list(_HEAD.finditer(server.came))
            if heads and not server.tag:
                # before it there may be the rest of a body whose request was answered early
                message = read_request(server.came[heads[-1].start() :])
                server.tag = _TAG.findall(message.values(b"x-tag")[0])[0]
                if message.values(b"x-user") != [server.tag.partition(b"/")[0]]:
                    self.cross.append(f"{server.tag!r} went up as {message.values(b'x-user')!r}")
        self.servers = [server for server in self.servers if not server.transport.gone and not server.transport.disconnecting]

    def serve(self) -> None:
        """One of the service's connections does something, rarely the right thing."""
        if not self.servers:
            return
        server = self.dice.choice(self.servers)
        mine = b"<" + server.tag + b">" if server.tag else b"<nobody/0>"
        if not server.tag:
            if self.dice.random() < 0.2:  # an idle connection that speaks, or closes
                self.send(server, self.dice.choice([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + mine, b"x", b"\r\n"]))
            return
        ok = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(mine), mine)
        action = self.dice.randrange(16)
        if action <= 4:
            self.send(server, ok)
        elif action == 5:
            self.send(server, ok + ok)
        elif action == 6:
            self.send(server, b"HTTP/1.1 204 No Content\r\nContent-Length: %d\r\n\r\n%b" % (len(mine), mine))
        elif action == 7:
            self.send(server, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(mine), mine))
        elif action == 8:
            self.send(server, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(mine), mine) + ok)
        elif action == 9:
            self.send(server, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + mine)
            server.transport.lost(clean=False)
        elif action == 10:
            self.send(server, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + mine)
        elif action == 11:
            server.transport.lost(clean=self.dice.random() < 0.5)
        elif action == 12:
            self.send(server, SWITCHING + mine)
        elif action == 13:
            self.send(server, b"HTTP/1.1 304 Not Modified\r\n\r\n" + mine)
        elif action == 14:
            self.send(server, b"HTTP/1.1 103 Early\r\nX-Tag: %b\r\n\r\n" % mine + ok)
        else:
            self.send(server, b"HTTP/1.1 200 OK\r\n\r\n" + mine)
            if not server.transport.gone and not server.transport.disconnecting:
                server.transport.fin()
        # What it does next belongs to the next request that comes.
        server.came, server.tag = b"", b""

    def send(self, server: Server, data: bytes) -> None:
        cut = self.dice.randrange(len(data) + 1)
        for piece in (data[:cut], data[cut:]):
            if piece and not server.transport.gone and not server.transport.disconnecting:
                server.transport.answers(piece)

    def check(self) -> None:
        """What every tab got is about its own requests, each answer about its own."""
        for tab in self.all_tabs:
            tab.got += tab.browser.takes()
            # an interim answer belongs to the final one behind it
            answers = re.findall(rb"(?:HTTP/1\.1 1.+?\r\n\r\n)*HTTP/1\.1 [2-5].+?(?=HTTP/1\.1 |$)", tab.got, re.DOTALL)
            seen = [set(_TAG.findall(answer)) for answer in answers]
            if b"nobody/0" in _TAG.findall(tab.got):
                self.cross.append(f"{tab.person!r} got bytes that nobody asked for")
            for wanted, tags in zip(tab.asked, seen, strict=False):
                if tags - {wanted}:
                    self.cross.append(f"{wanted!r} got {tags!r}")


class PeopleTests(SynchronousTestCase):
    def test_a_thousand_requests(self) -> None:
        """Two people's requests over services that answer twice, too long, too short, or unasked: nobody gets another's bytes."""
        for seed in range(3):
            town = Town(seed)
            while town.asked < 1000:
                self.assertLess(len(town.house.records), 5000)
                if town.dice.random() < 0.5:
                    town.ask()
                town.look()
                town.serve()
                town.look()
                if town.dice.random() < 0.1:
                    town.house.wire.advance(0.25)
            town.check()
            self.assertEqual(town.cross, [])
            served = sum(tab.got.count(b"HTTP/1.1 200 OK") for tab in town.all_tabs)
            self.assertGreater(served, 250)
            self.assertGreater(town.house.wire.pool.reused_total, 100)
            self.assertGreater(town.house.wire.pool.surplus_total, 20)
            town.house.close()
