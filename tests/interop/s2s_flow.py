"""s2s_flow.py - users who send each other numbered messages, and a book of
what came of each."""

import asyncio
import base64
import collections
import hashlib
import hmac
import re

from s2s_peers import PASSWORD

WAIT_S = 90
HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams' to='{}' "
          "version='1.0'>")
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
STANZA = re.compile(rb"<(message|iq)\b(?:[^>]*/>|.*?</\1>)", re.S)
ID = re.compile(rb"^<[^>]*?\bid=['\"]([^'\"]*)")
ERROR = re.compile(rb"^<[^>]*?\btype=['\"]error['\"]")
CONDITION = re.compile(
    rb"<([a-z-]+)[^>]*xmlns=['\"]urn:ietf:params:xml:ns:xmpp-stanzas")


class Book:
    """Of messages from A to B, by the ends of their way: how many were sent,
    and the numbers of those that arrived or came back."""

    def __init__(self):
        self.sent = collections.Counter()
        self.arrived = collections.defaultdict(list)
        self.bounced = collections.defaultdict(list)
        self.n_arrived = self.n_bounced = self.n_sent = 0
        self.conditions = collections.Counter()
        # Whose messages are not for us to account for: a server that loses
        # some by itself.
        self.ignored = None

    def note(self, text, stanza):
        """A message that came to one of the users."""
        sender, receiver, number = text.split(" ")
        pair = sender, receiver
        if ERROR.match(stanza):
            self.bounced[pair].append(int(number))
            self.n_bounced += 1
            found = CONDITION.search(stanza)
            self.conditions[found[1].decode() if found else "none"] += 1
        else:
            self.arrived[pair].append(int(number))
            self.n_arrived += 1

    def is_done(self, pair, number):
        return (number in self.arrived[pair][-9:]
                or number in self.bounced[pair][-9:])

    def n_done(self):
        return self.n_arrived + self.n_bounced

    async def until(self, what, done):
        for _ in range(WAIT_S * 200):
            if done():
                return
            await asyncio.sleep(0.005)
        raise RuntimeError(f"{what}: of {self.n_sent} messages "
                           f"{self.n_arrived} arrived, {self.n_bounced} came "
                           f"back; {self.missing()[:10]} are missing")

    def missing(self):
        """Those that are lost silently."""
        return [(*pair, i) for pair, n in self.sent.items()
                if not self.ignored or self.ignored not in pair[0] for i in
                sorted(set(range(n)) - set(self.arrived[pair])
                       - set(self.bounced[pair]))]

    def twice(self):
        return sum(len(a) - len(set(a)) for a in self.arrived.values())

    def both(self):
        """Those that arrived and came back nevertheless."""
        return sum(len(set(a) & set(self.bounced[pair]))
                   for pair, a in self.arrived.items())

    def check_order(self):
        for pair, numbers in self.arrived.items():
            if numbers != sorted(numbers):
                raise RuntimeError(f"out of order: {pair}: {numbers}")

    def check_all(self):
        """Each has arrived, once and in order."""
        for pair, n in self.sent.items():
            if self.arrived[pair] != list(range(n)):
                raise RuntimeError(
                    f"{pair}: {n} were sent; {self.arrived[pair]} arrived, "
                    f"{self.bounced[pair]} came back")
        if self.n_bounced:
            raise RuntimeError(f"{self.n_bounced} came back")

    def check_none_lost(self):
        """Each has arrived or come back; what has arrived is in order."""
        if self.missing():
            raise RuntimeError(f"lost: {self.missing()}")
        if self.twice():
            raise RuntimeError(f"{self.twice()} came twice")
        self.check_order()


def encode(data):
    return base64.b64encode(data).decode()


def mac(key, data):
    return hmac.new(key, data, "sha1").digest()


class User:
    """A client by hand: thousands of messages should not cost seconds."""

    def __init__(self, name, domain, address):
        self.name, self.domain, self.address = name, domain, address
        self.jid = f"{name}@{domain}/r"
        self.book = self.reader = self.writer = self.task = None
        self.pongs = {}

    async def log_in(self):
        self.reader, self.writer = await asyncio.open_connection(
            self.address, 5222)
        await self.ask(HEADER.format(self.domain), b"</stream:features>")
        await self.authenticate()
        await self.ask(HEADER.format(self.domain), b"</stream:features>")
        await self.ask(f"<iq type='set' id='b'><bind xmlns='{BIND}'>"
                       "<resource>r</resource></bind></iq>", b"</iq>")
        self.write("<presence/>")
        self.task = asyncio.ensure_future(self.read())

    async def authenticate(self):
        """SCRAM-SHA-1 (RFC 5802), which needs no TLS."""
        bare = f"n={self.name},r=nonce"
        first = await self.ask(
            f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'>"
            + encode(b"n,," + bare.encode()) + "</auth>",
            b"<challenge[^>]*>([^<]*)<")
        first = base64.b64decode(first).decode()
        nonce, salt, n = (part[2:] for part in first.split(",")[:3])
        final = "c=biws,r=" + nonce
        salted = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode(),
                                     base64.b64decode(salt), int(n))
        key = mac(salted, b"Client Key")
        signature = mac(hashlib.sha1(key).digest(),
                        f"{bare},{first},{final}".encode())
        proof = encode(bytes(a ^ b for a, b in zip(key, signature)))
        await self.ask(f"<response xmlns='{SASL}'>"
                       + encode(f"{final},p={proof}".encode())
                       + "</response>", b"<success[^>]*>([^<]*)<")

    async def ask(self, text, answer):
        self.write(text)
        seen = b""
        while not (found := re.search(answer, seen)):
            data = await asyncio.wait_for(self.reader.read(65536), WAIT_S)
            if not data:
                raise RuntimeError(f"{self.jid}: closed after {seen!r}")
            seen += data
        return found[found.re.groups]

    def write(self, text):
        self.writer.write(text.encode())

    async def read(self):
        """To the end, which is not for us to judge."""
        rest = b""
        try:
            while data := await self.reader.read(1 << 20):
                rest += data
                end = 0
                for m in STANZA.finditer(rest):
                    end = m.end()
                    self.take(m[1], m[0])
                rest = rest[end:]
        except OSError:
            pass

    def take(self, kind, stanza):
        found = ID.match(stanza)
        text = found[1].decode() if found else ""
        if kind == b"iq" and text in self.pongs:
            self.pongs.pop(text).set_result(None)
        elif kind == b"message" and self.book and text.count(" ") == 2:
            self.book.note(text, stanza)

    def send(self, receiver, size=0):
        """The next message to that user, with a body of so many bytes;
        returns what is_done() asks for."""
        pair = self.jid, receiver.jid
        text = f"{self.jid} {receiver.jid} {self.book.sent[pair]}"
        self.book.sent[pair] += 1
        self.book.n_sent += 1
        self.write(f"<message type='chat' to='{receiver.jid}' id='{text}'>"
                   f"<body>{'x' * size}.</body></message>")
        return pair, self.book.sent[pair] - 1

    async def taken(self):
        """The server has what was sent so far."""
        text = f"ping{len(self.pongs)}"
        self.pongs[text] = asyncio.get_event_loop().create_future()
        pong = self.pongs[text]
        self.write(f"<iq type='get' id='{text}' to='{self.domain}'>"
                   "<ping xmlns='urn:xmpp:ping'/></iq>")
        await asyncio.wait_for(pong, WAIT_S)

    async def ended(self):
        """The server has closed it."""
        await asyncio.wait_for(self.task, WAIT_S)
        self.writer.close()

    def close(self):
        if self.task:
            self.task.cancel()
        if self.writer:
            self.writer.close()


async def log_in(users):
    await asyncio.gather(*(u.log_in() for u in users))
