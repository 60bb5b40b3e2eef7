"""net_backups.py - rooms on several servers, one of which gets an old backup of
its data back."""

import asyncio
import os
import re
import shutil
import sqlite3

from net_splits import Broken
from net_users import check, check_left, check_no_errors, check_rosters
from net_users import hear, talk
from s2s_peers import PASSWORD

MASTER = "an old backup of the master is restored"
COPY = "an old backup of a copy's server is restored"


class Backup:
    """What a server has stored, while it runs."""

    def __init__(self, node):
        self.node, self.dir = node, node.path("backup")
        shutil.rmtree(self.dir, ignore_errors=True)
        os.mkdir(self.dir)
        for name in os.listdir(node.dir):
            if name.endswith(".sqlite"):
                source = sqlite3.connect(node.path(name))
                with sqlite3.connect(os.path.join(self.dir, name)) as copy:
                    source.backup(copy)
                source.close()
                copy.close()
        shutil.copy(node.path("secret"), self.dir)

    def restore(self):
        """It does not run."""
        for name in os.listdir(self.node.dir):
            if ".sqlite" in name:
                os.unlink(self.node.path(name))
        for name in os.listdir(self.dir):
            shutil.copy(os.path.join(self.dir, name), self.node.dir)


class Backups(Broken):
    async def play_all(self):
        await self.cell(MASTER, self.master())
        await self.cell(COPY, self.copy())

    async def epoch(self):
        text = await self.play.hub.command("room", "show", self.third.room)
        found = re.search(r"of epoch (\w+)", text)
        if not found:
            raise RuntimeError(f"no epoch: {text}")
        return found.group(1)

    async def come(self, number, nick):
        """To the copy."""
        seat = await self.seat(self.play.one, number, self.third.room, nick)
        others = [s for s in self.seats if s is not seat]
        await seat.enter()
        await seat.told_subject()
        await asyncio.gather(*(s.sees(seat.jid) for s in others),
                             *(seat.sees(s.jid) for s in others))
        return seat

    async def change(self):
        """What the backup does not know: one has left, one has come, one has
        another nickname."""
        self.early.presence("unavailable")
        self.seats.remove(self.early)
        await asyncio.gather(*(s.sees_gone(self.early.jid)
                               for s in self.seats))
        self.early.user.abort()
        self.late = await self.come(8, "Late")
        await self.y.rename(self.x)
        await asyncio.gather(*(s.sees(self.y.jid) for s in self.seats
                               if s not in (self.x, self.y)))

    async def rename_back(self, seats):
        """The room is what it was, and all are told."""
        old, self.y.nick = self.y.nick, "Y"
        await asyncio.gather(
            self.y.renamed(old, "Y", "110"),
            *(s.renamed(old, "Y") for s in seats if s is not self.y))

    async def master(self):
        play = self.play
        await self.enter_all(self.room(play.hub), is_plain=True)
        self.early = await self.come(7, "Early")
        await talk(self.seats, self.seats, 1)
        backup, epoch = Backup(play.hub), await self.epoch()
        await self.change()
        self.start()
        said = await talk(self.seats, self.seats, 1)
        self.owner.user.abort()
        self.seats.remove(self.owner)
        there = self.seats[:]
        await play.hub.stop()
        copies = [s for s in there if s not in self.plain]
        words = [s.say()[1] for s in copies]
        backup.restore()
        await play.hub.start()
        words += [s.say()[1] for s in copies]
        await self.rename_back(copies)
        words = list(zip([s.nick for s in copies] * 2, words))
        await hear(there, words)
        if await self.epoch() == epoch:
            raise RuntimeError(f"still epoch {epoch}")
        self.owner = await self.seat(play.hub, 5, self.third.room, "Owner")
        await self.owner.enter()
        await asyncio.gather(*(s.sees(self.owner.jid) for s in there),
                             *(self.owner.sees(s.jid) for s in there))
        await self.owner.told_subject()
        said += words + await talk(self.seats, self.seats, 2)
        check(there, said)
        check_no_errors(there)
        self.check_there("X", "Y", "Late")
        # For a moment the room may be shown as it was then.
        for seat in copies:
            left = sorted(n for n in seat.left() if n not in ("Early", "Late"))
            if left != ["Owner", "Y II"]:
                raise RuntimeError(f"{seat.user.boundjid}: {seat.left()}")

    def check_there(self, *nicks):
        """No others are, for any of them, but for one to whom only a server
        could say so that has forgotten what it has told him."""
        knowing = [s for s in self.seats if s not in self.plain]
        check_rosters(knowing)
        want = {"Owner", "Third", *(s.nick for s in self.plain), *nicks}
        if set(self.third.roster()) != want:
            raise RuntimeError(f"there are {self.third.roster()}")

    async def copy(self):
        """As it was before one of its users left, and another one came."""
        play = self.play
        backup, epoch = Backup(play.one), await self.epoch()
        gone = [self.x, self.y, self.late, await self.come(9, "New")]
        self.seats = [s for s in self.seats if s not in gone]
        self.start()
        user = "late@" + play.one.domains["main"]
        await play.one.command("user", "add", user, "--password-stdin",
                               stdin=PASSWORD + "\n")
        await play.one.kill()
        for seat in gone:
            seat.user.abort()
        said = await talk(self.seats, self.seats, 1)
        backup.restore()
        await play.one.start()
        if user in await play.one.command("user", "list"):
            raise RuntimeError("it is not the old one")
        there = self.seats[:]
        await asyncio.gather(*(s.sees_gone(o.jid) for s in there
                               for o in gone))
        check_left(there, *(s.nick for s in gone))
        self.x, self.late = await self.come(5, "X"), await self.come(8, "Late")
        new = await talk(self.seats, self.seats, 2)
        check(there, said + new)
        for seat in self.x, self.late:
            # Behind the history.
            if seat.said()[-len(new):] != there[0].said()[-len(new):]:
                raise RuntimeError(f"{seat.user.boundjid}: {seat.said()}")
            if len(set(seat.said())) != len(seat.said()):
                raise RuntimeError(f"{seat.user.boundjid}: {seat.said()}")
        check_no_errors(there)
        self.check_there("X", "Late")
        if await self.epoch() != epoch:
            raise RuntimeError("another epoch")
