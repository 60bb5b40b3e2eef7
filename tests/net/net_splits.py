"""net_splits.py - rooms on several servers, while links break and servers
die."""

import asyncio
import random
import time
from datetime import datetime

from net_scenes import Scene
from net_users import Seat, Watcher, check, check_left, check_no_errors
from net_users import check_quiet, check_rosters, hear, talk
from s2s_proxy import FIN, RST, TORN

# What has waited for longer has a stamp; and how far off that may be.
LATE_S = 5
# So long the master's link stays cut.
CUT_S = 60
# Times four: how often a link breaks that does so all the time.
STORMS = 3

SPLIT = "the master's link is cut, and heals"
AWAY = "others are shown as away, ours are not"
SAID = "what is said in it"
LEAVE = "leave and log-out in it"
BAN = "ban in it"
ENTER = "enter in it"
HEAL = "all hear all once after it"
DESTROY = "the room is destroyed in it"
TIME = "removed after rooms-away-time: enters again, with another nick"
STORM = "a link that breaks all the time, while all talk"
STAYS = "it stays cut for 60 s"
HOLE_THERE = "packets of the master to the copy get lost, others do not"
HOLE_BACK = "packets of the copy to the master get lost, others do not"
BLIND = "nothing gets through, and nothing is refused"
MASTER_MUTE = "the master cannot reach the copy, which can reach it"
COPY_MUTE = "the copy cannot reach the master, which can reach it"
KILL_MASTER = "kill -9 and restart of the master"
KILL_COPY = "kill -9 and restart of a copy's server"
KILL_BOTH = "kill -9 and restart of both"


class Broken(Scene):
    """A room, its owner, and users of each server."""

    def __init__(self, play, results, title="Banyan"):
        super().__init__(play, results, title)
        self.away, self.plain = play.one, []

    async def enter_all(self, room, config=None, kinds=("main", "main"),
                        is_plain=False):
        play = self.play
        hub_kind, one_kind = kinds
        self.owner = await self.seat(play.hub, 5, room, "Owner", hub_kind)
        await self.owner.create()
        if config:
            await self.owner.configure(**config)
        self.x = await self.seat(self.away, 5, room, "X", one_kind)
        self.y = await self.seat(self.away, 6, room, "Y", one_kind)
        self.third = await self.seat(play.two, 5, room, "Third")
        if is_plain:
            await self.enter_plain()
        for seat in self.seats[1:]:
            await seat.enter()
            await seat.told_subject()
        await self.see_all()
        self.start()

    async def see_all(self):
        await asyncio.gather(*(s.sees(o.jid) for s in self.seats
                               for o in self.seats if s is not o))

    def here(self):
        """On the room's side of the break."""
        return [self.owner, self.third, *self.plain]

    async def enter_plain(self):
        """Somebody whose server knows nothing of copies."""
        prosody = self.play.prosody
        if not prosody:
            return
        user = Watcher(f"alice@{prosody.domains['main']}", self.name)
        await user.log_in(prosody.address)
        self.plain = [Seat(user, self.owner.room, "Plain")]
        self.seats += self.plain

    async def both_back(self):
        """Each side sees the other."""
        await asyncio.gather(
            *(s.sees_back(o.jid) for s in (self.x, self.y)
              for o in self.here()),
            *(s.sees_back(o.jid) for s in self.here()
              for o in (self.x, self.y)))

    async def both_away(self):
        await self.here_sees_away()
        await self.there_sees_away()

    async def here_sees_away(self):
        await asyncio.gather(*(s.sees_away(o.jid) for s in self.here()
                               for o in (self.x, self.y)))

    async def there_sees_away(self):
        await asyncio.gather(*(s.sees_away(o.jid) for s in (self.x, self.y)
                               for o in self.here()))


class Split(Broken):
    """Of the kind that the room's owner has chosen."""

    def __init__(self, play, results, mode):
        super().__init__(play, results, mode)
        self.mode = mode
        self.said, self.said_at, self.healed_at = [], {}, 0

    async def play_prepare(self):
        await self.cell(SPLIT, self.prepare())

    async def play_split(self):
        """Before the room's server has noticed, or behind that."""
        if self.mode == "hold":
            await self.cell(AWAY, self.here_sees_away())
        await self.cell(AWAY, self.there_sees_away())
        await self.cell(SAID, self.speak())
        await self.cell(LEAVE, self.leave())
        await self.cell(BAN, self.ban())
        await self.cell(ENTER, self.enter())
        if self.mode != "hold":
            await self.cell(AWAY, self.here_sees_away())

    async def play_last(self):
        await self.cell(STAYS, self.last())

    async def play_heal(self):
        await self.cell(HEAL, self.heal())
        await self.cell(LEAVE, self.see_leave())
        await self.cell(BAN, self.see_ban())
        await self.cell(SPLIT, self.end())

    async def prepare(self):
        room, play = self.room(self.play.hub), self.play
        await self.enter_all(room, {"split": self.mode}, is_plain=True)
        self.leaver = await self.seat(play.one, 7, room, "Leaver")
        self.ender = await self.seat(play.one, 8, room, "Ender")
        self.bad = await self.seat(play.one, 9, room, "Bad")
        self.outsider = await self.seat(play.one, 10, room, "Outsider")
        self.seats.remove(self.outsider)
        for seat in self.leaver, self.ender, self.bad:
            await seat.enter()
            await seat.told_subject()
        for seat in self.leaver, self.ender, self.bad:
            await asyncio.gather(*(o.sees(seat.jid) for o in self.seats
                                   if o not in (self.leaver, self.ender,
                                                self.bad)))
        self.start()

    async def speak(self):
        """In the order of their names, as each waits for the last one."""
        for _ in range(3):
            said = await talk([self.owner], self.here(), 1)
            self.said_at[said[0][1]] = time.time()
            self.said += said
        for _ in range(3):
            for who in self.x, self.y, self.leaver, self.bad:
                said = [who.say()]
                self.said_at[said[0][1]] = time.time()
                if self.mode == "continue":
                    await hear([self.x, self.y], said)
                if who is not self.bad:
                    self.said += said

    async def last(self):
        """Just before it heals. Nothing has come through, and nobody has been
        shown as back."""
        await self.say_apart(self.owner, self.here())
        for who in self.x, self.y:
            await self.say_apart(who, [self.x, self.y]
                                 if self.mode == "continue" else [])
        for near, far in (self.here(), [self.x, self.y]), (
                [self.x, self.y], self.here()):
            names = {s.nick for s in far}
            for seat in near:
                roster, said = seat.roster(), seat.said()
                if any(roster[n][0] != "away" for n in names):
                    raise RuntimeError(f"{seat.user.boundjid}: {roster}")
                if any(n in names for n, _ in said):
                    raise RuntimeError(f"{seat.user.boundjid} heard {said}")

    async def say_apart(self, who, listeners):
        said = [who.say()]
        self.said_at[said[0][1]] = time.time()
        self.said += said
        await hear(listeners, said)

    async def leave(self):
        self.leaver.presence("unavailable")
        await self.leaver.sees_gone(self.leaver.jid, "110")
        self.ender.user.abort()
        await asyncio.gather(*(s.sees_gone(o.jid) for s in (self.x, self.y)
                               for o in (self.leaver, self.ender)))

    async def ban(self):
        await self.owner.admin(jid=self.bad.user.boundjid.bare,
                               affiliation="outcast")
        await asyncio.gather(*(s.sees_gone(self.bad.jid, "301")
                               for s in self.here()))

    async def enter(self):
        """Where the room goes on, that is for those who may."""
        if self.mode == "hold":
            await self.outsider.cannot_enter("remote-server-timeout")
        else:
            await self.outsider.enter()
            await self.x.sees(self.outsider.jid)

    def check_stamps(self):
        """What had to wait for longer than a moment says since when."""
        for seat in *self.here(), self.x, self.y:
            for m in seat.from_room():
                at = self.said_at.get(m["body"])
                is_near = (m["from"].resource == self.owner.nick) == (
                    seat in self.here())
                if not at or is_near or self.healed_at - at < LATE_S + 1:
                    continue
                delay = m.xml.find("{urn:xmpp:delay}delay")
                if delay is None:
                    raise RuntimeError(f"{seat.user.boundjid} was not told "
                                       f"when it was said: {m}")
                stamp = datetime.fromisoformat(
                    delay.get("stamp").replace("Z", "+00:00")).timestamp()
                if abs(stamp - at) > LATE_S:
                    raise RuntimeError(f"{m}: it was said at {at}")

    async def heal(self):
        self.healed_at = time.time()
        await hear(self.here(), [s for s in self.said
                                 if s[0] != self.owner.nick])
        await hear([self.x, self.y], [
            s for s in self.said
            if s[0] == self.owner.nick or self.mode == "hold"])
        await self.both_back()

    async def see_leave(self):
        await asyncio.gather(*(s.sees_gone(o.jid) for s in self.here()
                               for o in (self.leaver, self.ender)))

    async def see_ban(self):
        await asyncio.gather(
            self.bad.sees_gone(self.bad.jid, "301", "110"),
            *(s.sees_gone(self.bad.jid, "301") for s in (self.x, self.y)))
        await self.bad.cannot_enter("forbidden")

    async def end(self):
        if self.mode == "hold":
            await self.outsider.enter()
            await self.x.sees(self.outsider.jid)
        await self.owner.sees(self.outsider.jid)
        seats = [*self.here(), self.x, self.y]
        self.said += await talk(seats, seats, 2)
        self.check_stamps()
        # In its own server, what the one who is banned said was heard.
        bad = [s for s in self.x.said() if s[0] == self.bad.nick]
        if bad and self.mode == "hold":
            raise RuntimeError(f"heard: {bad}")
        check(self.here(), self.said)
        check([self.x, self.y], self.said + bad, self.mode == "hold")
        if self.mode == "hold":
            check([self.owner, self.x], self.said)
        check_left(seats, "Leaver", "Ender", "Bad")
        check_no_errors(seats)
        check_quiet(seats)
        check_rosters([*seats, self.outsider])


class Timeout(Broken):
    """Whoever is away is removed at once."""

    async def play_prepare(self):
        await self.cell(TIME, self.enter_all(
            self.room(self.play.hub, "brief"), None, ("brief", "main")))

    async def play_split(self):
        await self.cell(TIME, self.split())

    async def play_heal(self):
        await self.cell(TIME, self.heal())

    async def split(self):
        """Who is still there takes a nickname."""
        await asyncio.gather(*(s.sees_gone(o.jid, "333") for s in self.here()
                               for o in (self.x, self.y)))
        self.taker = await self.seat(self.play.hub, 6, self.owner.room, "X",
                                     "brief")
        await self.taker.enter()
        await self.owner.sees(self.taker.jid)
        self.body = self.x.say()[1]

    async def heal(self):
        new = "X 2"
        await self.x.renamed("X", new, "110", "210")
        self.x.nick = new
        await self.y.renamed("X", new)
        await self.y.sees(self.taker.jid)
        await asyncio.gather(*(s.sees(o.jid) for o in (self.x, self.y)
                               for s in (*self.here(), self.taker)))
        said = (new, self.body)
        await hear([self.x, self.y, *self.here()], [said])
        seats = [*self.here(), self.x, self.y]
        check(seats, [said, *await talk(seats, seats, 2)])
        check_left(self.here(), "X", "Y")
        # X by changing the nickname.
        check_left([self.x, self.y], "X")
        check_quiet([self.y])
        check_rosters([*seats, self.taker])


class Gone(Broken):
    """The room ends while nobody can tell the copy: before the room's server
    knows that, or behind it."""

    def __init__(self, play, results, is_known):
        super().__init__(play, results)
        self.is_known = is_known

    async def play_prepare(self):
        await self.cell(DESTROY, self.enter_all(self.room(self.play.hub)))

    async def play_split(self):
        await self.cell(DESTROY, self.split())

    async def play_heal(self):
        await self.cell(DESTROY, self.heal())

    async def split(self):
        if self.is_known:
            await self.both_away()
        else:
            await self.x.sees_away(self.owner.jid)
        await self.owner.destroy()
        await asyncio.gather(*(s.sees_destroyed() for s in self.here()))
        self.x.say()

    async def heal(self):
        await asyncio.gather(*(s.sees_gone(s.jid, "110")
                               for s in (self.x, self.y)))
        if await self.x.is_in():
            raise RuntimeError("X is still in")
        # It is another one now.
        await self.x.enter("201")
        await self.x.told_subject()
        await self.y.cannot_enter("item-not-found")


class Holes(Broken):
    """What one of the two servers sends gets lost; each packet, and so what
    the other one sends comes, but is never acknowledged."""

    async def play_all(self):
        await self.cell(HOLE_THERE, self.lose("there"))
        await self.cell(HOLE_BACK, self.lose("back"))

    async def lose(self, direction):
        link = self.play.hub_one
        if not self.seats:
            await self.enter_all(self.room(self.play.hub), is_plain=True)
        self.start()
        said = await talk(self.seats, self.seats, 1)
        link.lose(direction)
        before = link.n_bytes()
        words = [s.say() for s in self.seats]
        await self.both_away()
        words += [s.say() for s in self.seats]
        ours = [w for w in words if self.is_here(w[0])]
        theirs = [w for w in words if w not in ours]
        await hear(self.here(), ours)
        self.check_lost(direction)
        comes = direction == "there"
        if link.n_bytes()[comes] == before[comes]:
            raise RuntimeError("nothing came from the other one, either")
        link.heal()
        await hear(self.here(), theirs)
        await hear([self.x, self.y], words)
        await self.both_back()
        said += words + await talk(self.seats, self.seats, 1)
        check(self.seats, said)
        check_left(self.seats)
        check_no_errors(self.seats)
        check_quiet(self.seats)
        check_rosters(self.seats)

    def is_here(self, nick):
        return nick in [s.nick for s in self.here()]

    def check_lost(self, direction):
        """What the master sends, or what the copy does."""
        is_there = direction == "there"
        for seat in [self.x, self.y] if is_there else self.here():
            words = seat.said()[len(self.seats):]
            if any(self.is_here(n) == is_there for n, _ in words):
                raise RuntimeError(f"{seat.user.boundjid} heard {words}")


class OneWay(Broken):
    def __init__(self, play, results):
        super().__init__(play, results)
        self.away = play.three

    async def play_all(self):
        await self.cell(STORM, self.storm())
        await self.cell(BLIND, self.blind())
        await self.cell(MASTER_MUTE, self.mute(True))
        await self.cell(COPY_MUTE, self.mute(False))

    async def storm(self):
        """Each connection ends after some bytes, and may begin anew."""
        link, rng = self.play.hub_three, random.Random(1)
        await self.enter_all("s" + self.room(self.play.hub))
        said, heard = [], []
        for how in [RST, TORN, FIN, TORN] * STORMS:
            words = [s.say() for s in self.seats for _ in range(3)]
            said += words
            for proxy in link.there, link.back:
                proxy.cut(how, rng.randrange(1, 3000))
            words = [s.say() for s in self.seats]
            said += words
            heard.append(asyncio.ensure_future(hear([self.x], words)))
            await asyncio.wait(heard, timeout=rng.random(),
                               return_when=asyncio.ALL_COMPLETED)
        await asyncio.gather(*heard)
        said += await talk(self.seats, self.seats, 1)
        self.check(said)
        await self.close_all()

    async def blind(self):
        """What the room's server sends goes nowhere: both notice."""
        link = self.play.hub_three
        await self.enter_all(self.room(self.play.hub))
        link.swallow("there")
        said = [s.say() for s in self.seats]
        await self.both_away()
        said += [s.say() for s in self.seats]
        link.heal()
        await hear(self.seats, said)
        await self.both_back()
        self.check(said)
        await self.close_all()

    def check(self, said):
        check(self.seats, said)
        check_left(self.seats)
        check_no_errors(self.seats)
        check_quiet(self.seats)
        check_rosters(self.seats)

    async def close_all(self):
        for seat in self.seats:
            seat.user.abort()
        self.seats = []

    async def mute(self, is_master):
        """One cannot connect to the other, which can."""
        room = ("m" if is_master else "c") + self.room(self.play.hub)
        if not self.seats:
            await self.enter_all(room, None, ("main", "oneway"))
        link = self.play.hub_oneway if is_master else self.play.hub_three
        waiting = []
        link.cut(link.there if is_master else link.back)
        if is_master:
            await asyncio.gather(*(s.sees_away(o.jid) for s in self.here()
                                   for o in (self.x, self.y)))
            said = await talk([self.x, self.y, *self.here()], self.here(), 2)
        else:
            await asyncio.gather(*(s.sees_away(o.jid)
                                   for s in (self.x, self.y)
                                   for o in self.here()))
            said = await talk(self.here(), self.here(), 2)
            waiting = [s.say() for s in (self.x, self.y)]
        link.heal()
        await hear([self.x, self.y], said)
        await hear([self.x, self.y, *self.here()], waiting)
        said += waiting
        seats = [self.x, self.y, *self.here()]
        said += await talk(seats, seats, 1)
        self.check(said)
        await self.close_all()


class Restarts(Broken):
    async def play_all(self):
        await self.cell(KILL_MASTER, self.kill_master())
        await self.cell(KILL_COPY, self.kill_copy())
        await self.cell(KILL_BOTH, self.kill_both())

    async def kill_master(self):
        play = self.play
        await self.enter_all(self.room(play.hub))
        said = await talk(self.seats, self.seats, 1)
        self.owner.user.abort()
        await play.hub.kill()
        there = [self.x, self.y, self.third]
        # While there is no master, and while it starts.
        said += [s.say() for s in there]
        await play.hub.start()
        said += [s.say() for s in there]
        await hear(there, [s for s in said[len(self.seats):]])
        await self.return_owner(there)
        said += await talk(self.seats, self.seats, 1)
        check(there, said)
        check_left(there, "Owner")
        check_no_errors(there)
        check_quiet(there)
        check_rosters(self.seats)

    async def return_owner(self, there):
        """His session has gone with the server."""
        await asyncio.gather(*(s.sees_gone(self.owner.jid) for s in there))
        self.seats.remove(self.owner)
        self.owner = await self.seat(self.play.hub, 5, self.owner.room,
                                     "Owner")
        await self.owner.enter()
        await asyncio.gather(*(s.sees(self.owner.jid) for s in there),
                             *(self.owner.sees(s.jid) for s in there))
        await self.owner.told_subject()

    async def kill_copy(self):
        self.start()
        self.lose(self.x, self.y)
        await self.play.one.kill()
        said = await talk(self.here(), self.here(), 1)
        await self.play.one.start()
        await asyncio.gather(*(s.sees_gone(jid) for s in self.here()
                               for jid in self.gone))
        await self.return_visitors(self.here())
        said += await talk(self.seats, self.seats, 2)
        check(self.here(), said)
        check_left(self.here(), "X", "Y")
        check_rosters(self.seats)

    def lose(self, *seats):
        self.gone = [s.jid for s in seats]
        for seat in seats:
            seat.user.abort()
            self.seats.remove(seat)

    async def return_visitors(self, others):
        play, room = self.play, self.third.room
        self.x = await self.seat(play.one, 5, room, "X")
        self.y = await self.seat(play.one, 6, room, "Y")
        for seat in self.x, self.y:
            await seat.enter()
            await seat.told_subject()
            await asyncio.gather(*(s.sees(seat.jid) for s in others),
                                 *(seat.sees(s.jid) for s in others))

    async def kill_both(self):
        play = self.play
        self.start()
        self.lose(self.x, self.y, self.owner)
        await asyncio.gather(play.hub.kill(), play.one.kill())
        said = [self.third.say()]
        await asyncio.gather(play.hub.start(), play.one.start())
        await hear([self.third], said)
        await asyncio.gather(*(self.third.sees_gone(jid)
                               for jid in self.gone))
        self.owner = await self.seat(play.hub, 5, self.third.room, "Owner")
        await self.owner.enter()
        await self.third.sees(self.owner.jid)
        await self.owner.told_subject()
        await self.return_visitors(self.here())
        said += await talk(self.seats, self.seats, 2)
        check([self.third], said)
        check_left([self.third], "X", "Y", "Owner")
        check_no_errors([self.third])
        check_quiet([self.third])
        check_rosters(self.seats)

