"""rooms_peers.py - the servers of tests/interop/rooms: each with one domain
with users, behind a proxy, and a service for rooms where it has one."""

import s2s_peers
from s2s_peers import GOOD
from s2s_proxy import Proxy


class Peer(s2s_peers.Peer):
    """The way to it can be cut. Rooms are a domain with a certificate of its
    own."""

    kinds = {"main": (GOOD, None)}
    has_rooms = True
    proxy_class = Proxy

    def __init__(self, world):
        target = self.address
        self.proxy = self.proxy_class(target.replace("0.0.", "0.1."), target)
        self.address = self.proxy.address
        super().__init__(world)
        self.address = target
        self.service = "rooms." + self.domains["main"]
        if self.has_rooms:
            world.authority.issue(self.service, GOOD, self.certs)
            world.service(self.service, self.host)

    def edit(self, name, old, new):
        with open(self.path(name), encoding="utf-8") as f:
            text = f.read()
        if old not in text:
            raise RuntimeError(f"{name} has no {old!r}")
        self.write(name, text.replace(old, new))


class Banyan(Peer, s2s_peers.Banyan):
    """Its service has the name and options that are the default."""


class Banyan2(Peer, s2s_peers.Banyan2):
    pass


class Prosody(Peer, s2s_peers.Prosody):
    def configure(self, peers):
        super().configure(peers)
        self.edit("prosody.cfg.lua", "VirtualHost",
                  f'Component "{self.service}" "muc"\n'
                  "\tmodules_enabled = { \"muc_mam\" }\nVirtualHost")


class Ejabberd(Peer, s2s_peers.Ejabberd):
    """It ends streams that are idle for so long, and then cannot say any more
    that it is shutting down."""

    def configure(self, peers):
        super().configure(peers)
        self.edit("ejabberd.yml", "s2s_timeout: 10\n", "s2s_timeout: 300\n")
        pem = self.pem("main").replace(self.domains["main"], self.service)
        self.edit("ejabberd.yml", "certfiles: [ ", f'certfiles: [ "{pem}", ')
        self.edit("ejabberd.yml", "modules:\n",
                  f"modules:\n  mod_muc:\n    host: \"{self.service}\"\n")


class Jabberd2(Peer, s2s_peers.Jabberd2):
    has_rooms = False


PEERS = {c.name: c for c in (Banyan, Banyan2, Prosody, Ejabberd, Jabberd2)}
