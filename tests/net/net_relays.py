"""net_relays.py - rooms that some servers get from a relay, and not from the
room's server itself."""

import asyncio

from net_scenes import Scene
from net_splits import Broken
from net_users import check, check_left, check_no_errors, check_quiet
from net_users import check_rosters, hear, talk

ROUND = "a link breaks; a third server reaches both"
BACK = "it heals: from the room's server again"
MUTE = "it breaks in one direction; a third server reaches both"
BLIND = "nothing gets through on it, and nothing is refused"
KILL = "kill -9 of a relay"
RESTART = "its restart: the room comes by it again"
BELOW = "kill -9 and restart of a server below a relay, while nobody speaks"
CHAIN = "a message crosses the master's links once for four servers"

# So long the link stays cut, and by when it has to go round.
CUT_S, ROUND_S = 62, 20
PAUSE_S = 6
# Whoever gets the room by a relay acknowledges what it got after 30 s.
QUIET_S = 60
# Acknowledgements and positions among what is counted.
SPARE = 3


async def until(what, test, seconds=ROUND_S):
    """Returns after how long that was so."""
    loop = asyncio.get_event_loop()
    begin = loop.time()
    while not await test():
        if loop.time() - begin > seconds:
            raise RuntimeError(f"not after {seconds} s: {what}")
        await asyncio.sleep(0.2)
    return loop.time() - begin


async def soon(coroutine):
    try:
        await asyncio.wait_for(coroutine, ROUND_S)
    except asyncio.TimeoutError:
        raise RuntimeError(f"not heard after {ROUND_S} s") from None


async def tree(node, room):
    """{server: the one that it gets the room from}, as the node knows it."""
    above, found = [], {}
    text = await node.command("room", "tree", room)
    for line in text.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        above[depth:] = [line.split()[0]]
        if depth:
            found[above[depth]] = above[depth - 1]
    return found


def are_here(seats):
    """Nobody is shown as away."""
    return all(len(s.roster()) == len(seats)
               and all(how[0] == "available" for how in s.roster().values())
               for s in seats)


def n_away(seat, other):
    """How often the other one was shown so."""
    return sum(p.name == "presence" and p["type"] == "away"
               and p["from"].full == other.jid for p in seat.from_room())


class Relays(Scene):
    """Who gets the room by whom."""

    async def wait_tree(self, node, room, **wanted):
        """wanted: names of nodes, and which node each gets the room from.
        Returns after how long it was so."""
        play = self.play
        hub = room.partition("@")[2]
        want = {self.domain(getattr(play, k)):
                hub if v is play.hub else self.domain(v)
                for k, v in wanted.items()}
        seen = {}

        async def is_so():
            seen.clear()
            seen.update(await tree(node, room))
            return all(seen.get(k) == v for k, v in want.items())
        try:
            return await until("the tree", is_so)
        except RuntimeError as e:
            raise RuntimeError(f"{e}: {seen}, not {want}") from None

    def domain(self, node):
        return node.domains["main"]

    async def wait_here(self, seats):
        async def are():
            return are_here(seats)
        return await until("all are there", are)


class Round(Relays, Broken):
    """The link between the room's server and another one is cut. What is said
    goes by the relay, for as long as it takes."""

    def domain(self, node):
        return node.domains["far" if node is self.play.three else "main"]

    async def play_all(self):
        await self.cell(ROUND, self.cut())
        await self.cell(BACK, self.heal())
        await self.cell(MUTE, self.mute())
        await self.cell(BLIND, self.blind())

    async def prepare(self):
        self.away, self.was_away = self.play.three, {}
        play, room = self.play, self.room(self.play.hub, "relayed")
        self.owner = await self.seat(play.hub, 15, room, "Owner", "relayed")
        await self.owner.create()
        self.between = await self.seat(play.relay, 15, room, "Between")
        self.x = await self.seat(self.away, 15, room, "X", "far")
        self.y = await self.seat(self.away, 16, room, "Y", "far")
        self.third = await self.seat(play.two, 15, room, "Third")
        for seat in self.seats[1:]:
            await seat.enter()
            await seat.told_subject()
        await self.see_all()
        await self.wait_tree(play.hub, room, three=play.hub, relay=play.hub)
        self.start()

    async def cut(self):
        loop = asyncio.get_event_loop()
        await self.prepare()
        self.said = await talk(self.seats, self.seats, 1)
        begin = loop.time()
        self.play.hub_far.cut()
        words = [s.say() for s in self.seats]
        self.said += words
        await soon(hear(self.seats, words))
        heard = loop.time() - begin
        await self.wait_here(self.seats)
        print(f"round a link that is cut: heard after {heard:.1f} s, all "
              f"there after {loop.time() - begin:.1f} s", flush=True)
        await self.check_round()
        await self.stay(begin + CUT_S)
        await self.check_round()
        if self.play.hub_far.there.ways or self.play.hub_far.back.ways:
            raise RuntimeError("the link is not cut")

    async def check_round(self):
        play, room = self.play, self.owner.room
        for node in play.hub, play.three:
            await self.wait_tree(node, room, three=play.relay, relay=play.hub)

    async def stay(self, end):
        """All talk, one enters, one leaves."""
        loop = asyncio.get_event_loop()
        late = await self.seat(self.away, 17, self.owner.room, "Late", "far")
        await late.enter()
        await late.told_subject()
        await asyncio.gather(*(s.sees(late.jid) for s in self.seats[:-1]))
        late.start()
        said = await talk(self.seats, self.seats, 1)
        self.said += said
        check([late], said)
        late.presence("unavailable")
        self.seats.remove(late)
        await asyncio.gather(*(s.sees_gone(late.jid) for s in self.seats))
        while loop.time() < end:
            await asyncio.sleep(PAUSE_S)
            self.said += await talk(self.seats, self.seats, 2)

    async def heal(self):
        play, room = self.play, self.owner.room
        play.hub_far.heal()
        self.said += [s.say() for s in self.seats]
        for node in play.hub, play.three:
            took = await self.wait_tree(node, room, three=play.hub)
        print(f"from the room's server itself after {took:.1f} s more",
              flush=True)
        self.said += await talk(self.seats, self.seats, 2)
        self.check()

    async def mute(self):
        """The room's server goes on reaching the other one."""
        link = self.play.hub_far
        link.cut(link.back)
        self.said += [s.say() for s in self.seats]
        await self.check_round()
        self.said += await talk(self.seats, self.seats, 2)
        if not link.there.ways:
            raise RuntimeError("the link is cut in both directions")
        await self.mend()

    async def blind(self):
        """Both sides have to notice that by themselves."""
        loop = asyncio.get_event_loop()
        begin = loop.time()
        self.play.hub_far.swallow("there", "back")
        words = [s.say() for s in self.seats]
        self.said += words
        await soon(hear(self.seats, words))
        heard = loop.time() - begin
        await self.check_round()
        await self.wait_here(self.seats)
        print(f"round a link that swallows: heard after {heard:.1f} s, all "
              f"there after {loop.time() - begin:.1f} s", flush=True)
        await self.mend()

    async def mend(self):
        self.play.hub_far.heal()
        self.said += [s.say() for s in self.seats]
        for node in self.play.hub, self.play.three:
            await self.wait_tree(node, self.owner.room, three=self.play.hub)
        self.said += await talk(self.seats, self.seats, 1)
        self.check()

    def check(self):
        check(self.seats, self.said)
        check_left(self.seats, "Late")
        check_no_errors(self.seats)
        check_quiet(self.seats)
        check_rosters(self.seats)
        if not are_here(self.seats):
            raise RuntimeError(f"away: {self.owner.roster()}")
        self.check_away()

    def check_away(self):
        """Since the last time once at most."""
        for pair in [(a, b) for a in self.seats for b in self.seats]:
            seat, other = pair
            n = n_away(seat, other)
            if n - self.was_away.get(pair, 0) > 1:
                raise RuntimeError(f"{seat.user.boundjid} has seen "
                                   f"{other.jid} away {n} times")
            self.was_away[pair] = n


class Narrow(Relays):
    """The room's server sends what happens to one other server only."""

    async def play_all(self):
        await self.cell(KILL, self.kill())
        await self.cell(RESTART, self.restart())

    async def prepare(self):
        """Whoever enters first is next to the room's server."""
        play, room = self.play, self.room(self.play.hub, "narrow")
        self.owner = await self.seat(play.hub, 15, room, "Owner", "narrow")
        await self.owner.create()
        self.between = await self.seat(play.spare, 16, room, "Between")
        self.x = await self.seat(play.two, 16, room, "X")
        self.y = await self.seat(play.two, 17, room, "Y")
        for seat in self.seats[1:]:
            await seat.enter()
            await seat.told_subject()
        await asyncio.gather(*(s.sees(o.jid) for s in self.seats
                               for o in self.seats if s is not o))
        for node in play.hub, play.two:
            await self.wait_tree(node, room, two=play.spare, spare=play.hub)
        self.start()

    async def kill(self):
        play, loop = self.play, asyncio.get_event_loop()
        await self.prepare()
        self.said = await talk(self.seats, self.seats, 2)
        self.seats.remove(self.between)
        words = [s.say() for s in self.seats]
        begin = loop.time()
        await play.spare.kill()
        self.between.user.abort()
        words += [s.say() for _ in range(3) for s in self.seats]
        self.said += words
        await soon(hear(self.seats, words))
        print(f"a relay dies: heard after {loop.time() - begin:.1f} s",
              flush=True)
        for node in play.hub, play.two:
            await self.wait_tree(node, self.owner.room, two=play.hub)
        self.said += await talk(self.seats, self.seats, 1)
        self.check()

    def check(self, *left):
        check(self.seats, self.said)
        check_left(self.seats, *left)
        check_no_errors(self.seats)
        check_quiet(self.seats)
        check_rosters(self.seats)

    async def restart(self):
        """Who was there is gone; when he is back, so is the relay."""
        play, room, there = self.play, self.owner.room, self.seats[:]
        await play.spare.start()
        await asyncio.gather(*(s.sees_gone(self.between.jid) for s in there))
        self.said += await talk(there, there, 1)
        self.check("Between")
        self.between = await self.seat(play.spare, 16, room, "Between")
        await self.between.enter()
        await self.between.told_subject()
        await asyncio.gather(*(s.sees(self.between.jid) for s in there))
        for node in play.hub, play.two:
            await self.wait_tree(node, room, two=play.spare, spare=play.hub)
        said = await talk(self.seats, self.seats, 2)
        self.said += said
        check(there, self.said)
        check([self.between], [*self.between.said()[:-len(said)], *said])
        check_left(there, "Between")
        check_no_errors(self.seats)
        check_quiet(there)
        check_rosters(self.seats)


class Below(Relays):
    """A server that gets the room by a relay dies. Nothing happens in the room
    that would have to be sent to it: the break alone has to tell."""

    async def play_all(self):
        await self.cell(BELOW, self.kill())

    async def is_quiet(self):
        """Nothing is on its way to it, nor is an acknowledgement."""
        play, domain = self.play, self.domain(self.play.below)
        for node in play.hub, play.spare:
            if any(s["waiting"] or s["unconfirmed"]
                   for s in await node.streams(domain)):
                return False
        text = await play.hub.command("room", "show", self.owner.room)
        return [line for line in text.splitlines() if " 0 behind" in line
                and line.split()[0] == domain]

    async def kill(self):
        play, room = self.play, self.room(self.play.hub, "narrow")
        self.owner = await self.seat(play.hub, 18, room, "Owner", "narrow")
        await self.owner.create()
        self.between = await self.seat(play.spare, 18, room, "Between")
        self.x = await self.seat(play.below, 18, room, "X")
        self.y = await self.seat(play.below, 19, room, "Y")
        for seat in self.seats[1:]:
            await seat.enter()
            await seat.told_subject()
        await asyncio.gather(*(s.sees(o.jid) for s in self.seats
                               for o in self.seats if s is not o))
        for node in play.hub, play.below:
            await self.wait_tree(node, room, below=play.spare, spare=play.hub)
        await talk(self.seats, self.seats, 1)
        await until("all is confirmed", self.is_quiet, QUIET_S)
        there, gone = [self.owner, self.between], [self.x, self.y]
        for seat in there:
            seat.start()
        await play.below.kill()
        for seat in gone:
            seat.user.abort()
        await play.below.start()
        await asyncio.gather(*(s.sees_gone(o.jid) for s in there
                               for o in gone))
        self.seats = there[:]
        said = await talk(there, there, 1)
        self.x = await self.seat(play.below, 18, room, "X")
        await self.x.enter()
        await self.x.told_subject()
        await asyncio.gather(*(s.sees(self.x.jid) for s in there),
                             *(self.x.sees(s.jid) for s in there))
        new = await talk(self.seats, self.seats, 2)
        check(there, said + new)
        if self.x.said()[-len(new):] != there[0].said()[-len(new):]:
            raise RuntimeError(f"X heard {self.x.said()}")
        check_left(there, "X", "Y")
        check_no_errors(self.seats)
        check_quiet(there)
        check_rosters(self.seats)


class Chain(Relays):
    """Each server is a relay, and sends what happens to one other."""

    n = 20

    async def play_all(self):
        await self.cell(CHAIN, self.all())

    async def prepare(self):
        play, room = self.play, self.room(self.play.hub, "narrow")
        nodes = play.spare, play.one, play.two, play.three
        self.owner = await self.seat(play.hub, 15, room, "Owner", "narrow")
        await self.owner.create()
        await self.owner.configure(relays=[self.domain(n) for n in nodes[:3]])
        for node in nodes:
            for i in range(15, 18):
                seat = await self.seat(node, i, room, f"{node.name} {i}")
                await seat.enter()
                await self.owner.sees(seat.jid)
        await self.wait_tree(play.hub, room, spare=play.hub, one=play.spare,
                             two=play.one, three=play.two)
        self.start()
        return nodes

    async def counts(self, nodes):
        """(in, out) for each; and bytes to those that have a proxy."""
        play = self.play
        counts = [await play.hub.count(self.domain(n)) for n in nodes]
        return counts, [link.n_bytes()[0] for link in (
            play.hub_one, play.hub_two, play.hub_three)]

    async def all(self):
        nodes = await self.prepare()
        said = await talk(self.seats, self.seats, 1)
        counts, n_bytes = await self.counts(nodes)
        said += await talk([self.owner], self.seats, self.n)
        later, n_later = await self.counts(nodes)
        check(self.seats, said)
        check_left(self.seats)
        check_no_errors(self.seats)
        check_rosters(self.seats)
        n_out = [b[1] - a[1] for a, b in zip(counts, later)]
        n_in = [b[0] - a[0] for a, b in zip(counts, later)]
        print(f"{self.n} messages to four servers, each by the one before: "
              f"{n_out} stanzas out, {n_in} in, "
              f"{[b - a for a, b in zip(n_bytes, n_later)]} bytes to the "
              "last three", flush=True)
        if (not self.n <= n_out[0] <= self.n + SPARE
                or max(n_out[1:]) > SPARE
                or max(n_in) > self.n // 64 + SPARE):
            raise RuntimeError(f"{n_out} stanzas out, {n_in} in")
