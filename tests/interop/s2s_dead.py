"""s2s_dead.py - domains that cannot be reached, each in its own way: what does
one who writes to them get, and when?"""

import asyncio
import time

from s2s_peers import DOWN
from s2s_table import OUT
from s2s_users import Bounced, error_for, send
from s2s_world import ZONE

SILENT, MUTE = "127.0.0.20", "127.0.0.21"
ADDRESSES = {"refused": DOWN, "silent": SILENT, "mute": MUTE}
DOMAINS = {
    "no such domain": "nowhere." + ZONE,
    "SRV target is `.`": "closed." + ZONE,
    "nobody listens": "refused." + ZONE,
    "accepts and never answers": "silent." + ZONE,
    "sends a stream header and no more": "mute." + ZONE,
}
# Twice what Banyan is told to wait, and a busy machine.
LIMIT_S = 40
HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
          "xmlns:stream='http://etherx.jabber.org/streams' id='1' "
          "from='{}' version='1.0'>")


# What is not about one other server stands in this column.
COLUMN = "Banyan's user gets"


class Dead:
    """The servers that do too little; cells() writes to all."""

    def __init__(self, world):
        self.servers, self.writers = [], []
        for domain in DOMAINS.values():
            name = domain.split(".", 1)[0]
            if name == "closed":
                world.service(domain, None)
                world.service(domain, None, tls=True)
            elif name in ADDRESSES:
                world.service(domain, world.host(name, ADDRESSES[name]))

    async def start(self):
        for address in SILENT, MUTE:
            self.servers.append(await asyncio.start_server(
                self.mute if address == MUTE else self.silent, address, 5269))

    async def silent(self, _, writer):
        self.writers.append(writer)

    async def mute(self, reader, writer):
        self.writers.append(writer)
        if await reader.read(4096):
            writer.write(HEADER.format("mute." + ZONE).encode())

    async def stop(self):
        for server in self.servers:
            server.close()
        for writer in self.writers:
            writer.close()

    def cells(self, peer, users, results):
        return [results.run(row, COLUMN, OUT,
                            self.write_to(domain, peer, users))
                for row, domain in DOMAINS.items()]

    @staticmethod
    async def write_to(domain, peer, users):
        """The condition of the error, which must come in time."""
        sender = await users.get("alice", peer, "main")
        to, start = "somebody@" + domain, time.monotonic()
        error = await error_for(sender, to, send(sender, to))
        took = time.monotonic() - start
        if took > LIMIT_S:
            raise Bounced(f"only after {took:.1f} s")
        return f"`{error['error']['condition']}`"
