"""net_world.py - the servers of tests/net, and the links between them: each
goes through a proxy of its own, for each direction. Who asks for a domain gets
the address of its own link to it: each server has a name server of its own."""

import asyncio
import json
import os
import signal

import s2s_peers
from s2s_peers import GOOD, PASSWORD
from s2s_proxy import RST, Proxy, Way
from s2s_world import DNS, ZONE

# What a slow link takes: bytes a second, and seconds for each.
RATE, DELAY_S = 9600 / 8, 0.6
PIECE = 256
# How many users the servers have: u1, u2 ...
N_USERS = 21


class SlowWay(Way):
    """What passes takes its time; while it does, no more is taken."""

    async def pump(self, source, sink, direction):
        loop, queue = asyncio.get_event_loop(), asyncio.Queue()
        ends = asyncio.ensure_future(self.deliver(queue, sink))
        self.tasks.append(ends)
        try:
            while data := await loop.sock_recv(source, PIECE):
                self.proxy.n_bytes[direction] += len(data)
                await asyncio.sleep(len(data) / RATE)
                queue.put_nowait((loop.time() + DELAY_S, data))
        except OSError:
            pass
        queue.put_nowait((loop.time() + DELAY_S, b""))

    async def deliver(self, queue, sink):
        loop = asyncio.get_event_loop()
        try:
            while True:
                when, data = await queue.get()
                await asyncio.sleep(when - loop.time())
                if not data:
                    break
                await loop.sock_sendall(sink, data)
        except OSError:
            pass
        self.end(RST)


class LinkProxy(Proxy):
    """At a port that nobody tries who does not look for SRV records."""

    port = 5275


class SlowProxy(LinkProxy):
    way = SlowWay


class Node(s2s_peers.Banyan):
    """A Banyan with rooms. Its domains, and those of its rooms, have
    certificates."""

    kinds = {"main": (GOOD, None)}
    options = ""
    # Of one kind of domain.
    host_options = {}
    connect_s, ping_s = 3, 2
    has_users = True  # by add_users()

    def __init__(self, world, name, address):
        self.name, self.address = name, address
        super().__init__(world)
        self.listens = [address]
        self.remotes, self.is_served = "", False
        self.ways = {}  # where a domain is, for this server: (address, port)
        self.inside = []  # the words before a command in its namespace
        network, number = address.rsplit(".0.", 1)
        self.dns = f"{network}.1.{number}"
        self.services = {k: "rooms." + d for k, d in self.domains.items()}
        for service in self.services.values():
            world.authority.issue(service, GOOD, self.certs)
            world.service(service, self.host)

    def configure(self, peers=()):
        hosts = "".join(
            f'host "{d}" {{\n{self.host_options.get(k, "")}\n}}\n'
            for k, d in self.domains.items())
        s2s = ", ".join(f'"{a}:5269"' for a in self.listens)
        self.write("banyan.conf", f"""
data-dir = "{self.dir}"
certificates-dir = "{self.certs}"
c2s-listen = {{"{self.address}:5222"}}
c2s-tls-listen = {{"{self.address}:5223"}}
component-listen = {{"{self.address}:5347"}}
c2s-require-tls = no
scram-iterations = 4096
log-level = debug
s2s-listen = {{{s2s}}}
s2s-tls-listen = {{"{self.address}:5270"}}
s2s-ca = "{self.world.authority.cert}"
dns-servers = {{"{self.dns}:{self.world.dns_port}"}}
s2s-connect-timeout = {self.connect_s}s
s2s-auth-timeout = {2 * self.connect_s}s
s2s-retry-min = 1s
s2s-retry-max = 1s
s2s-queue-age = 2m
s2s-ping-interval = {self.ping_s}s
s2s-ping-timeout = {self.ping_s}s
{self.remotes}{hosts}""")

    def route(self, peer, kind, way, options=""):
        """What goes to that kind of domain of the peer goes that way."""
        for domain in peer.domains[kind], peer.services[kind]:
            self.ways[domain] = way
            if options:
                self.remotes += f'remote "{domain}" {{ {options} }}\n'

    def names(self):
        """The records, as this server gets them."""
        changed = tuple(f"_xmpp-server._tcp.{d}. SRV " for d in self.ways)
        records = [r for r in self.world.records if not r.startswith(changed)]
        for n, (service, way) in enumerate(zip(changed, self.ways.values())):
            host = f"way{n}.hosts.{ZONE}."
            records += f"{host} A {way[0]}", f"{service}0 10 {way[1]} {host}"
        return records

    async def run(self, words, *ports, env=None):
        await super().run([*self.inside, *words], *ports, env=env)

    async def start(self):
        if not self.is_served:
            self.is_served = True
            await self.world.name_server(self.name + "/nsd", self.dns,
                                         self.names())
        await super().start()

    async def add_users(self, user=None):
        del user
        text = "".join(f"u{i}@{d} {PASSWORD}\n" for i in range(N_USERS)
                       for d in self.domains.values())
        await self.command("user", "add", "--batch",
                           self.write("users", text))

    async def kill(self):
        """As by a power cut."""
        for program in self.programs:
            os.killpg(program.process.pid, signal.SIGKILL)
        await self.stop()

    async def streams(self, domain):
        """Those with that domain."""
        lines = (await self.command("s2s", domain, "--json")).splitlines()
        return [s for s in map(json.loads, lines) if "in" in s]

    async def count(self, domain):
        """(in, out): stanzas on the streams with that domain."""
        streams = await self.streams(domain)
        return sum(s["in"] for s in streams), sum(s["out"] for s in streams)


# Passes rooms on; where it is asked to.
MAY_RELAY = {"main": "\troom-copies-relay = yes"}
RELAYS = '\trooms-relays = {{"main.{}.{}"}}\n'


class Hub(Node):
    """The rooms are there. Who cannot be reached is put out of those of one
    of its hosts at once. Two have a relay; one of them sends its rooms to no
    more than one server."""

    kinds = {k: (GOOD, None) for k in ("main", "brief", "relayed", "narrow")}
    host_options = {"main": "\trooms-create = anybody",
                    "brief": "\trooms-away-time = 1s",
                    "relayed": RELAYS.format("relay", ZONE),
                    "narrow": RELAYS.format("spare", ZONE)
                    + "\trooms-relays-by-owner = yes"
                    + "\n\trooms-fanout = 1"}


class Leaf(Node):
    """To one of its domains the hub has streams that go one way; to another
    one, a link of its own."""

    kinds = {k: (GOOD, None) for k in ("main", "oneway", "far")}


class Relay(Node):
    host_options = MAY_RELAY


class Patient(Node):
    """Knows slow links."""

    connect_s, ping_s = 20, 60
    host_options = MAY_RELAY


class Prosody(s2s_peers.Prosody):
    """Knows nothing of copies."""

    kinds = {"main": (GOOD, None)}

    def __init__(self, world, address):
        self.address = address
        super().__init__(world)

    def configure(self, peers):
        super().configure(peers)
        with open(self.path("prosody.cfg.lua"), encoding="utf-8") as f:
            text = f.read()
        self.write("prosody.cfg.lua", text.replace(
            f'"{DNS}"', f'"{DNS}@{self.world.dns_port}"'))


def connect(a, b, kinds, ways, options=""):
    """kinds: of domains of a, and of b; ways: from a to b, and back."""
    for kind in kinds[1]:
        a.route(b, kind, ways[0], options)
    for kind in kinds[0]:
        # Another link may have been first.
        if a.domains[kind] not in b.ways:
            b.route(a, kind, ways[1])


class Link:
    """Two ways between two servers, for one kind of domains of theirs."""

    n_made = 0
    title = "connections end with an RST, and new ones are refused"

    def __init__(self, a, b, kinds, options="", proxy=LinkProxy):
        Link.n_made += 1
        network = a.address.rsplit(".0.", 1)[0]
        self.there = proxy(f"{network}.2.{Link.n_made}", b.address)
        self.back = proxy(f"{network}.3.{Link.n_made}", a.address)
        connect(a, b, kinds, [(p.address, p.port)
                              for p in (self.there, self.back)], options)

    def open(self):
        for proxy in self.there, self.back:
            if not proxy.task:
                proxy.open()

    def cut(self, *proxies):
        """Nobody gets through, or only on the other way."""
        for proxy in proxies or (self.there, self.back):
            proxy.refuse()
            proxy.cut(RST)

    def swallow(self, *directions):
        """Connections stay, but what comes from there does not arrive:
        "there", for what goes from the first server to the second."""
        turned = {"there": "back", "back": "there"}
        self.there.swallow(*directions)
        self.back.swallow(*(turned[d] for d in directions))

    # What is lost then is what a server sends, as in a network.
    lose = swallow

    def heal(self):
        """Those that are broken end now."""
        swallowed = self.there.swallows
        self.swallow()
        if swallowed:
            for proxy in self.there, self.back:
                proxy.cut(RST)
        self.open()

    def n_bytes(self):
        """(to the second server, to the first)"""
        there, back = self.there.n_bytes, self.back.n_bytes
        return there["there"] + back["back"], there["back"] + back["there"]

    def close(self):
        self.there.close()
        self.back.close()
