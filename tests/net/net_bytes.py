"""net_bytes.py - clients that keep the bytes that they get, and the views of
two of them, compared."""

import re
from xml.parsers import expat

from net_users import Seat, Watcher
from rooms_users import element
from s2s_users import Bounced


class Cutter:
    """What arrives in a stream, cut after each child of its root: what stands
    between two of them is at the beginning of the second."""

    def __init__(self):
        self.stanzas = []  # (address in from, bytes)
        self.restart()

    def restart(self):
        """A new stream; its bytes start with the next ones."""
        self.parser = expat.ParserCreate()
        # Newer ones wait for more.
        if hasattr(self.parser, "SetReparseDeferralEnabled"):
            self.parser.SetReparseDeferralEnabled(False)
        self.parser.StartElementHandler = self.on_start
        self.parser.EndElementHandler = self.on_end
        self.depth, self.sender = 0, None
        # What is not cut off yet, and where in the stream it begins.
        self.data, self.begin = bytearray(), 0

    def feed(self, data):
        self.data += data
        self.parser.Parse(data)

    def take(self, end):
        """Up to there."""
        piece = bytes(self.data[:end - self.begin])
        del self.data[:end - self.begin]
        self.begin = end
        return piece

    def on_start(self, _, attributes):
        self.depth += 1
        if self.depth == 2:
            self.sender = attributes.get("from")

    def on_end(self, name):
        self.depth -= 1
        at = self.parser.CurrentByteIndex
        if self.depth == 1:
            # At the end tag, or behind an element that has none.
            if self.data.startswith(b"</" + name.encode(), at - self.begin):
                at = self.begin + self.data.index(b">", at - self.begin) + 1
            self.stanzas.append((self.sender, self.take(at)))


class Recorder(Watcher):
    """Keeps the bytes of all that arrives, too."""

    def __init__(self, jid, resource="test"):
        self.cutter = Cutter()
        super().__init__(jid, resource)

    def init_parser(self):
        super().init_parser()
        self.cutter.restart()

    def data_received(self, data):
        self.cutter.feed(data)
        super().data_received(data)


class Place(Seat):
    """A Seat whose bytes count from start() on; what is sent has ids that are
    the same for whoever sends it."""

    begin = 0

    def start(self):
        super().start()
        self.begin = len(self.user.cutter.stanzas)

    def received(self):
        """What is not from the room would be seen, too. But a server says to
        a client what others of the same account do."""
        own = self.user.boundjid.bare
        return [data for sender, data in self.user.cutter.stanzas[self.begin:]
                if (sender or "").split("/")[0] != own]

    def put(self, sent, xml, to=None, kind="groupchat"):
        """A message to the room, or to somebody in it."""
        stanza = self.user.make_message(mto=to or self.room, mtype=kind)
        stanza["id"] = sent
        stanza.append(element(xml))
        stanza.send()

    def say_as(self, sent, to=None, kind="groupchat"):
        self.put(sent, f"<body xmlns='jabber:client'>said: {sent}</body>", to,
                 kind)

    async def ask_as(self, sent, xml, kind="get", to=None, wanted=None):
        """An IQ to the room; wanted: the error that is its answer."""
        iq = self.user.make_iq(id=sent, ito=to or self.room, itype=kind)
        iq.append(element(xml))
        try:
            await self.ask(iq)
        except Bounced as e:
            if str(e) != wanted:
                raise RuntimeError(f"{sent}: {e}") from None
            return
        if wanted:
            raise RuntimeError(f"{sent}: no {wanted}")

    async def ping_as(self, sent, wanted=None):
        """XEP-0410."""
        await self.ask_as(sent, "<ping xmlns='urn:xmpp:ping'/>", "get",
                          self.jid, wanted)

    async def has(self, sent):
        """A message with that id."""
        return await self.expect(f"message {sent}", lambda m: (
            m.name == "message" and m["id"] == sent))

    async def denied(self, sent):
        """An error."""
        return await self.expect(f"an error for {sent}", lambda s: (
            s["type"] == "error" and s["id"] == sent))


# Of stanzas that differ.
SHOWN = 3
START = re.compile(rb"\s*<[^>]*>")


def replace_in_start(data, pattern, text):
    start = START.match(data).group()
    return pattern.sub(text, start, 1) + data[len(start):]


def attribute(name, value):
    """Its value, in single quotes, and nothing else."""
    return re.compile(b"(?<= " + name + b"=')" + re.escape(value)
                      + b"(?=')")


class View:
    """What a client has got, where what has to be different is not. That is
    the address in `to`; the nickname in `from`, where it is the client's own;
    and in his own presence, the address in <item/>, and the id that the room
    makes of that address."""

    occupant = re.compile(rb"<occupant-id [^>]*\bid='([0-9a-f]{40})'")

    def __init__(self, place):
        self.place = place
        jid = place.user.boundjid
        full, bare = jid.full.encode(), jid.bare.encode()
        self.start = [(attribute(b"to", full), b"FULL"),
                      (attribute(b"to", bare), b"BARE"),
                      (attribute(b"from", place.jid.encode()), b"ME")]
        self.address = attribute(b"jid", full)

    def stanzas(self):
        return [self.change(s) for s in self.place.received()]

    def change_start(self, data):
        for pattern, name in self.start:
            data = replace_in_start(data, pattern, name)
        return data

    def change(self, data):
        data = self.change_start(data)
        if b"<status code='110'/>" in data:
            data = self.address.sub(b"FULL", data)
            data = self.occupant.sub(
                lambda m: m.group().replace(m.group(1), b"OWN"), data)
        return data


class OtherRoom(View):
    """The same was done in another room, at another time. So the addresses of
    the room and of the user have to be different, and what the room makes of
    them and of the time: stamps, and the ids of the archive and of occupants.
    For each id there stands the number that it has in the order in which ids
    appear, wherever it is used again; of a stamp its form stays."""

    stamp = re.compile(
        rb"(?<= stamp=')\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z(?=')")
    ids = (re.compile(rb"<stanza-id [^>]*\bid='(\d{16})'"),
           re.compile(rb"<retract [^>]*\bid='(\d{16})'"),
           re.compile(rb"<result [^>]*\bid='(\d{16})'"),
           re.compile(rb"<occupant-id [^>]*\bid='([0-9a-f]{40})'"))

    def __init__(self, place):
        super().__init__(place)
        self.known = {place.room.encode(): b"ROOM",
                      place.user.boundjid.bare.encode(): b"USER"}

    def change(self, data):
        data = self.stamp.sub(
            lambda m: re.sub(rb"\d", b"0", m.group()), self.change_start(data))
        found = sorted((m.start(), m.group(1)) for i in self.ids
                       for m in i.finditer(data))
        for _, value in found:
            if value not in self.known:
                self.known[value] = b"ID-%d" % len(self.known)
        for value, name in self.known.items():
            data = data.replace(value, name)
        return data


def compare(near, far, view=View):
    """Places. Returns all that both have got."""
    a, b = view(near).stanzas(), view(far).stanzas()
    different = [f"\n{i}: {x}\n{i}: {y}"
                 for i, (x, y) in enumerate(zip(a, b)) if x != y]
    if different:
        raise RuntimeError(f"of {len(a)} stanzas {len(different)} differ:"
                           + "".join(different[:SHOWN]))
    if len(a) != len(b):
        rest = max(a, b, key=len)[min(len(a), len(b)):]
        raise RuntimeError(f"{len(a)} stanzas and {len(b)}: {rest}")
    return b"\n".join(a)


def check_parts(got, *parts):
    """What has been compared is really there."""
    missing = [p for p in parts if not re.search(p, got)]
    if missing:
        raise RuntimeError(f"nobody has got {missing}")
