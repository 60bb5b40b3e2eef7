"""net_scenes.py - rooms on several servers, while all links are there."""

import asyncio
import time
from xml.etree import ElementTree

from net_users import Seat, Watcher, check, check_left, check_rosters, talk

# What a server whose users enter a room may cost the link, in stanzas.
FIRST_MAX = 12
# And in bytes, with a stream of its own, and its certificates.
FIRST_UP, FIRST_DOWN = 8000, 16000
# What a stanza may cost a link, with what goes along with it.
BYTES = 1000
# And a second of time.
PING_BYTES = 500
# Acknowledgements and positions among what is counted, which come with time.
SPARE = 3


class Scene:
    """Rooms with names of their own, users with resources of their own."""

    number = 0

    def __init__(self, play, results, title="Banyan"):
        Scene.number += 1
        self.play, self.results, self.title = play, results, title
        self.name = f"r{Scene.number}"
        self.seats = []
        self.failed = False

    async def cell(self, row, coroutine):
        """After a failure nothing is as it should be."""
        if self.failed:
            coroutine.close()
            return
        key = row, self.title, ""
        before = len(self.results.why)
        await self.results.run(*key, coroutine)
        self.failed = key in self.results.why and (
            len(self.results.why) > before)

    async def user(self, node, i, kind="main"):
        user = Watcher(f"u{i}@{node.domains[kind]}", self.name)
        await user.log_in(node.address)
        return user

    def room(self, hub, kind="main"):
        return f"{self.name}@{hub.services[kind]}"

    async def seat(self, node, i, room, nick, kind="main"):
        seat = Seat(await self.user(node, i, kind), room, nick)
        self.seats.append(seat)
        return seat

    def start(self):
        for seat in self.seats:
            seat.start()

    async def close(self):
        for seat in self.seats:
            seat.user.abort()


class Counts(Scene):
    """What it costs each link that users are in a room behind it."""

    n = 20
    names = "one", "two", "three"
    pings = 0  # bytes, as long as the last step took

    async def play_all(self):
        await self.cell("first join of a server", self.first())
        await self.cell("following joins cost one stanza up, one down",
                        self.following())
        await self.cell("a message to 20 users behind a link crosses it once",
                        self.messages())

    async def counts(self):
        """{server: (stanzas up, down, bytes up, down)}"""
        play, found = self.play, {}
        for name in self.names:
            n_in, n_out = await play.hub.count(
                getattr(play, name).domains["main"])
            down, up = getattr(play, "hub_" + name).n_bytes()
            found[name] = n_in, n_out, up, down
        return found

    async def cost(self, what, step):
        """What that has cost each link."""
        begin, before = time.monotonic(), await self.counts()
        await step
        after = await self.counts()
        self.pings = int((time.monotonic() - begin) * PING_BYTES)
        costs = {k: tuple(b - a for a, b in zip(before[k], after[k]))
                 for k in self.names}
        print(f"{what}:", "; ".join(
            f"{k} {up} stanzas and {fro} bytes up, {down} and {to} down"
            for k, (up, down, fro, to) in costs.items()), flush=True)
        return costs

    def check(self, costs, name, up, down):
        """(least, most) stanzas, and the most bytes, up and down, on the link
        to that server."""
        for (least, most, n_bytes), n, n_real in zip(
                (up, down), costs[name][:2], costs[name][2:]):
            if not least <= n <= most or n_real > n_bytes + self.pings:
                raise RuntimeError(
                    f"{name}: {costs[name]} for {up} up, {down} down")

    async def enter_first(self, name):
        """Somebody of a server that has no user in the room."""
        node = getattr(self.play, name)
        guest = await self.seat(node, 0, self.owner.room, name)

        async def enter():
            await guest.enter()
            await asyncio.gather(*(a.sees(b.jid) for a in self.seats
                                   for b in self.seats
                                   if a is not b and guest in (a, b)))
        costs = await self.cost(f"the first join at {name}", enter())
        self.check(costs, name, (1, FIRST_MAX, FIRST_UP),
                   (1, FIRST_MAX, FIRST_DOWN))
        if sum(costs[name][:2]) > FIRST_MAX:
            raise RuntimeError(f"{name}: {costs[name]}")
        return costs

    async def first(self):
        """The others get an entry, or nothing where nobody is."""
        play, room = self.play, self.room(self.play.hub)
        self.owner = await self.seat(play.hub, 0, room, "Owner")
        await self.owner.create()
        for _ in range(5):
            await self.owner.talk()
        inside = []
        for name in "two", "one", "three":
            costs = await self.enter_first(name)
            for other in self.names:
                is_in = other in inside
                if other != name:
                    self.check(costs, other, (0, SPARE, BYTES * SPARE),
                               (is_in, is_in, BYTES * (1 + SPARE)))
            inside.append(name)
        self.others, self.guests = self.seats[2:], [self.seats[1]]
        for i in range(1, self.n):
            guest = Seat(await self.user(play.two, i), room, f"Guest {i}")
            self.guests.append(guest)
        self.seats = [self.owner, *self.guests, *self.others]

    def check_all(self, costs, n_up, n):
        """n_up and n stanzas on the link of who enters or speaks; and n to
        each of the others, who acknowledge some of them."""
        spare = n // 64 + SPARE
        self.check(costs, "two", (n_up, n_up + spare,
                                  BYTES * (n_up + spare)),
                   (n, n + 1, BYTES * (n + SPARE)))
        for name in "one", "three":
            self.check(costs, name, (0, spare, BYTES * spare),
                       (n, n + 1, BYTES * (n + SPARE)))

    async def following(self):
        first_guest, *others = self.guests

        async def enter():
            for guest in others:
                await guest.enter()
                await asyncio.gather(
                    guest.sees(first_guest.jid),
                    *(s.sees(guest.jid) for s in (self.owner, first_guest,
                                                  *self.others)))
        n = len(others)
        self.check_all(await self.cost(f"{n} more joins at two", enter()),
                       n, n)

    async def messages(self):
        self.start()
        said = []

        async def speak():
            said.extend(await talk(self.guests, self.seats, 1))
        self.check_all(await self.cost(f"{self.n} messages of two", speak()),
                       self.n, self.n)

        async def listen():
            said.extend(await talk([self.owner], self.seats, self.n))
        self.check_all(await self.cost(f"{self.n} messages of hub", listen()),
                       0, self.n)
        check(self.seats, said)


def text(stanza):
    return ElementTree.canonicalize(ElementTree.tostring(
        stanza.xml, encoding="unicode"))


class Visit(Scene):
    """All that one does in a room, with users of every server in it; it is
    looked at from one."""

    steps = {
        "join": "join",
        "chat among all": "chat",
        "nickname of a user": "rename",
        "subject of the room": "subject",
        "private messages between servers": "whisper",
        "a moderator on another server knows who is who": "moderate",
        "change of the configuration": "configure",
        "a second client of a user": "bring",
        "user is kicked": "kick",
        "user is banned": "ban",
        "user leaves": "leave",
        "room is destroyed": "destroy",
    }

    def __init__(self, play, results, title, away):
        super().__init__(play, results, title)
        self.away = away

    async def play_all(self):
        for row, step in self.steps.items():
            await self.cell(row, getattr(self, step)())

    async def join(self):
        play, room = self.play, self.room(self.play.hub)
        self.owner = await self.seat(play.hub, 0, room, "Owner")
        await self.owner.create()
        self.host = await self.seat(play.hub, 1, room, "Host")
        self.other = await self.seat(play.two, 1, room, "Other")
        self.one = await self.seat(play.one, 1, room, "One")
        jid = (f"alice@{play.prosody.domains['main']}"
               if self.away is play.prosody
               else f"u2@{self.away.domains['main']}")
        user = Watcher(jid, self.name)
        await user.log_in(self.away.address)
        self.visitor = Seat(user, room, "Visitor")
        self.seats.append(self.visitor)
        # At the same time, so that copies are made while others enter.
        await asyncio.gather(*(s.enter() for s in self.seats[1:]))
        await asyncio.gather(*(s.sees(o.jid) for s in self.seats
                               for o in self.seats if s is not o))

    def others(self):
        return [s for s in self.seats if s is not self.visitor]

    async def chat(self):
        self.start()
        check(self.seats, await talk(self.seats, self.seats, 10))
        check_rosters(self.seats)

    async def rename(self):
        for who in self.visitor, self.host:
            await who.rename(next(s for s in self.seats if s is not who))
            # rename() has looked at the first two.
            await asyncio.gather(*(s.sees(who.jid) for s in self.seats[2:]
                                   if s is not who))

    async def subject(self):
        self.owner.user.send_message(self.owner.room, None, mtype="groupchat",
                                     msubject=self.name)
        await asyncio.gather(*(s.expect("the subject", lambda m: (
            m.name == "message" and m["subject"] == self.name
            and not m["body"])) for s in self.seats))

    async def whisper(self):
        for a in self.seats:
            if a is not self.visitor:
                await a.whisper(self.visitor)
                await self.visitor.whisper(a)
        await self.one.whisper(self.other)

    async def moderate(self):
        """Whoever is none must not be told, nor any server without one."""
        for seat in self.seats[1:]:
            if seat.addresses():
                raise RuntimeError(f"{seat.user.boundjid} knows "
                                   f"{seat.addresses()}")
        await self.owner.admin(nick=self.other.nick, role="moderator")
        await self.other.expect("the role", lambda p: (
            p.name == "presence" and p["from"].full == self.other.jid
            and 'role="moderator"' in text(p)))
        for who in self.host, self.one, self.visitor:
            who.presence()
            await asyncio.gather(
                self.other.sees_real(who.jid, who.user.boundjid.full),
                self.one.sees(who.jid), self.visitor.sees(who.jid))
        for seat in self.host, self.one, self.visitor:
            if seat.addresses():
                raise RuntimeError(f"{seat.user.boundjid} knows "
                                   f"{seat.addresses()}")

    async def configure(self):
        await self.owner.configure(whois="anyone")
        await asyncio.gather(*(s.told("172") for s in self.seats))
        self.start()
        # Who says something of himself now shows his address.
        for who in self.host, self.visitor:
            who.presence()
            await asyncio.gather(*(s.sees_real(who.jid,
                                               who.user.boundjid.full)
                                   for s in self.seats))
        await self.owner.configure(whois="moderators")
        await asyncio.gather(*(s.told("173") for s in self.seats))

    async def bring(self):
        """It sees all that the first one sees, and leaves unseen."""
        user = Watcher(self.visitor.user.boundjid.bare, self.name + "-b")
        await user.log_in(self.away.address)
        second = Seat(user, self.visitor.room, self.visitor.nick)
        self.seats.append(second)
        await second.enter()
        await second.told_subject()
        await asyncio.gather(*(second.sees(s.jid) for s in self.others()
                               if s is not second))
        self.start()
        said = await talk(self.seats[:-1], self.seats, 2)
        said += await talk([second], self.seats, 2)
        check(self.seats, said)
        check_rosters(self.seats)
        second.presence("unavailable")
        await second.sees_gone(second.jid, "110")
        self.seats.remove(second)
        check(self.seats, said + await talk(self.seats, self.seats, 1))
        check_left(self.others())
        if sorted(second.said()) != sorted(said):
            raise RuntimeError(f"heard outside: {second.said()}")
        user.abort()

    async def kick(self):
        self.start()
        await self.owner.kick(self.visitor)
        await asyncio.gather(*(s.sees_gone(self.visitor.jid, "307")
                               for s in self.others()[1:]))
        if await self.visitor.is_in():
            raise RuntimeError("the visitor is still in")
        await self.again()

    async def again(self):
        self.visitor.forget()
        await self.visitor.enter()
        await self.visitor.told_subject()
        await asyncio.gather(*(s.sees(self.visitor.jid)
                               for s in self.others()))
        self.start()
        check(self.seats, await talk(self.seats, self.seats, 1))

    async def ban(self):
        jid = self.visitor.user.boundjid.bare
        await self.owner.admin(jid=jid, affiliation="outcast")
        await asyncio.gather(*(s.sees_gone(self.visitor.jid, "301")
                               for s in self.seats))
        await self.visitor.cannot_enter("forbidden")
        await self.owner.admin(jid=jid, affiliation="none")
        await self.again()

    async def leave(self):
        self.start()
        self.visitor.presence("unavailable")
        await asyncio.gather(*(s.sees_gone(self.visitor.jid)
                               for s in self.seats))
        self.seats = self.others()
        check(self.seats, await talk(self.seats, self.seats, 1))
        check_left(self.seats, self.visitor.nick)
        check_rosters(self.seats)

    async def destroy(self):
        self.seats.append(self.visitor)
        await self.again()
        await self.owner.destroy()
        await asyncio.gather(*(s.sees_destroyed() for s in self.seats))
        if await self.visitor.is_in():
            raise RuntimeError("the visitor is still in")


class Slow(Scene):
    """20 users behind a link of 9,600 bit/s and 600 ms."""

    n = 20

    async def play_all(self):
        await self.cell("20 users behind 9,600 bit/s and 600 ms",
                        self.all())

    async def all(self):
        loop, play = asyncio.get_event_loop(), self.play
        room = self.room(play.two)
        owner = await self.seat(play.two, 0, room, "Owner")
        await owner.create()
        guests = [await self.seat(play.slow, i, room, f"Guest {i}")
                  for i in range(self.n)]
        begin = loop.time()
        await asyncio.gather(*(g.enter() for g in guests))
        await asyncio.gather(*(a.sees(b.jid) for a in self.seats
                               for b in self.seats if a is not b))
        entered = loop.time()
        self.start()
        said = await talk([owner, *guests], self.seats, 1)
        check(self.seats, said)
        check_left(self.seats)
        check_rosters(self.seats)
        print(f"slow link: 20 users are in after {entered - begin:.1f} s, "
              f"21 messages take {loop.time() - entered:.1f} s, "
              f"{sum(play.two_slow.n_bytes())} bytes", flush=True)

