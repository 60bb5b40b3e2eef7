"""s2s_proxy.py - a way between two servers that breaks when it is told to."""

import asyncio
import socket
import struct

PORT = 5269
CHUNK = 65536
# How a connection ends: with an RST, in order, or after some more bytes.
RST, FIN, TORN = "rst", "fin", "torn"


class Way:
    """One connection through the proxy: two sockets, and what passes."""

    def __init__(self, proxy, near):
        self.proxy, self.near, self.far = proxy, near, None
        self.left = None  # bytes until it is torn; None: no limit
        self.tasks = []

    async def run(self):
        loop, far = asyncio.get_event_loop(), socket.socket()
        far.setblocking(False)
        try:
            await loop.sock_connect(far, (self.proxy.target, PORT))
        except OSError:
            far.close()
            self.end(RST)
            return
        if not self.near:
            far.close()
            return
        self.far = far
        self.tasks = [asyncio.ensure_future(self.pump(*ends)) for ends in (
            (self.near, self.far, "there"), (self.far, self.near, "back"))]

    async def pump(self, source, sink, direction):
        loop = asyncio.get_event_loop()
        try:
            while data := await loop.sock_recv(source, CHUNK):
                if direction in self.proxy.swallows:
                    continue
                self.proxy.n_bytes[direction] += len(data)
                if self.left is not None:
                    data = data[:self.left]
                    self.left -= len(data)
                await loop.sock_sendall(sink, data)
                if self.left == 0:
                    break
            self.end(RST if self.left == 0 else FIN)
        except OSError:
            self.end(RST)

    def end(self, how):
        """Both sides see the same."""
        self.proxy.ways.discard(self)
        others = [t for t in self.tasks if t is not asyncio.current_task()]
        for task in others:
            task.cancel()
        ends, self.near, self.far = (self.near, self.far), None, None
        asyncio.ensure_future(self.close(others, [s for s in ends if s], how))

    @staticmethod
    async def close(tasks, ends, how):
        """Not before nobody waits for them: that would go on with the next
        sockets of the same numbers."""
        await asyncio.gather(*tasks, return_exceptions=True)
        for sock in ends:
            if how == RST:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
            sock.close()


class Proxy:
    """Listens at an address, and connects to another one."""

    way, port = Way, PORT

    def __init__(self, address, target):
        self.address, self.target = address, target
        self.ways, self.swallows = set(), set()
        self.n_accepted = 0
        self.n_bytes = {"there": 0, "back": 0}
        self.listener = self.task = None

    def open(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.setblocking(False)
        self.listener.bind((self.address, self.port))
        self.listener.listen(50)
        self.task = asyncio.ensure_future(self.accept())

    async def accept(self):
        loop = asyncio.get_event_loop()
        while True:
            near, _ = await loop.sock_accept(self.listener)
            near.setblocking(False)
            self.n_accepted += 1
            way = self.way(self, near)
            self.ways.add(way)
            asyncio.ensure_future(way.run())

    def refuse(self):
        """From now on nobody gets through; those who are, stay."""
        if self.task:
            self.task.cancel()
            self.listener.close()
        self.task = None

    def cut(self, how, after=0):
        for way in list(self.ways):
            if how == TORN:
                way.left = after or 1
            else:
                way.end(how)

    def swallow(self, *directions):
        """What comes from there is taken, and goes nowhere: "there", "back",
        or both; of the connections that are open."""
        self.swallows = set(directions)

    def close(self):
        self.refuse()
        self.cut(RST)
