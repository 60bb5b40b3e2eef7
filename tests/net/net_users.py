"""net_users.py - users of rooms, who remember all that they have seen."""

import asyncio

from rooms_users import MUC, Occupant, codes, element
from s2s_users import Bounced, User

# Options of rooms that are ours.
OURS = "split", "relays"


class Watcher(User):
    def __init__(self, jid, resource="test"):
        self.all = []
        super().__init__(jid, resource)

    def note(self, stanza):
        self.all.append(stanza)
        super().note(stanza)


class Seat(Occupant):
    """A user in a room. What he sees counts from start() on."""

    def __init__(self, user, room, nick):
        super().__init__(user, room, nick)
        self.at = 0

    def start(self):
        self.forget()
        self.at = len(self.user.all)

    def from_room(self):
        return [s for s in self.user.all[self.at:]
                if s["from"].bare == self.room]

    def said(self):
        """(nick, body), in order."""
        return [(m["from"].resource, m["body"]) for m in self.from_room()
                if m.name == "message" and m["type"] == "groupchat"
                and m["body"]]

    def left(self):
        """The nicks of those who were seen to leave."""
        return [p["from"].resource for p in self.from_room()
                if p.name == "presence" and p["type"] == "unavailable"]

    def roster(self):
        """Who is there and how, by nick, as far as this one has been told;
        but for addresses, which only some are."""
        there = {}
        for p in self.user.all:
            if p["from"].bare != self.room or p.name != "presence":
                continue
            if p["type"] == "unavailable":
                there.pop(p["from"].resource, None)
                if "110" in codes(p) and "303" not in codes(p):
                    there = {}
            elif p["type"] != "error":
                item = p.xml.find(f".//{{{MUC}#user}}item")
                there[p["from"].resource] = (
                    p["type"], p["status"], item.get("role"),
                    item.get("affiliation"))
        return there

    def addresses(self):
        """Those of others that this one was shown, at any time."""
        return {i.get("jid") for p in self.user.all
                if p["from"].bare == self.room
                for i in p.xml.iter(f"{{{MUC}#user}}item")
                if i.get("jid")} - {self.user.boundjid.full}

    def errors(self):
        return [s for s in self.from_room() if s["type"] == "error"]

    # ---- what is expected ----

    async def expect(self, what, test):
        try:
            return await super().expect(what, test)
        except RuntimeError as e:
            last = [str(s) for s in self.from_room()[-4:]]
            raise RuntimeError(f"{e}; the last were {last}") from None

    async def sees_back(self, jid):
        return await self.expect(f"{jid} back", lambda p: (
            p.name == "presence" and p["from"].full == jid
            and p["type"] == "available"))

    async def sees_real(self, jid, real):
        """A presence that tells the address."""
        return await self.expect(f"{jid} is {real}", lambda p: (
            p.name == "presence" and p["from"].full == jid
            and any(i.get("jid") == real
                    for i in p.xml.iter(f"{{{MUC}#user}}item"))))

    async def told(self, code):
        return await self.expect(f"a message with {code}", lambda m: (
            m.name == "message" and code in codes(m)))

    async def told_subject(self):
        """The last of what one gets who enters."""
        return await self.expect("the subject", lambda m: (
            m.name == "message" and m["type"] == "groupchat"
            and m.xml.find("{jabber:client}subject") is not None))

    async def renamed(self, old, new, *wanted):
        """Someone, perhaps this one: codes of the new presence."""
        await asyncio.gather(
            self.sees_gone(f"{self.room}/{old}", "303"),
            self.sees(f"{self.room}/{new}", *wanted))

    # ---- what is done ----

    def say(self):
        """Returns (nick, body)."""
        return self.nick, self.send(self.room, "groupchat")

    def presence_as(self, sent, kind=None, enters=False, show=None):
        """With an id of one's own."""
        stanza = self.user.make_presence(pto=self.jid, ptype=kind,
                                         pshow=show)
        stanza["id"] = sent
        if enters:
            stanza.append(element(f"<x xmlns='{MUC}'/>"))
        stanza.send()

    def message_as(self, sent, body, subject=None):
        stanza = self.user.make_message(mto=self.room, mbody=body,
                                        msubject=subject, mtype="groupchat")
        stanza["id"] = sent
        stanza.send()

    async def admin(self, **item):
        iq = self.user.make_iq_set(ito=self.room)
        words = " ".join(f"{k}='{v}'" for k, v in item.items())
        iq.append(element(f"<query xmlns='{MUC}#admin'><item {words}/>"
                          "</query>"))
        await self.ask(iq)

    async def configure(self, **fields):
        """Keys without muc#roomconfig_; or of OURS. Lists are several
        values."""
        iq = self.user.make_iq_set(ito=self.room)
        xml = "".join(
            f"<field var='{name(k)}'>" + "".join(
                f"<value>{v}</value>" for v in (
                    values if isinstance(values, list) else [values]))
            + "</field>" for k, values in fields.items())
        iq.append(element(
            f"<query xmlns='{MUC}#owner'><x xmlns='jabber:x:data' "
            f"type='submit'><field var='FORM_TYPE'><value>{MUC}#roomconfig"
            f"</value></field>{xml}</x></query>"))
        await self.ask(iq)

    async def destroy(self):
        iq = self.user.make_iq_set(ito=self.room)
        iq.append(element(f"<query xmlns='{MUC}#owner'><destroy><reason>"
                          "done</reason></destroy></query>"))
        await self.ask(iq)

    async def sees_destroyed(self):
        return await self.expect("the end", lambda p: (
            p.name == "presence" and p["from"].full == self.jid
            and p["type"] == "unavailable"
            and p.xml.find(f".//{{{MUC}#user}}destroy") is not None))

    async def cannot_enter(self, wanted):
        try:
            await self.enter()
        except Bounced as e:
            if str(e) == wanted:
                return
            raise
        raise RuntimeError(f"{self.user.boundjid} can enter {self.room}")


def name(key):
    return ("{urn:xmpp:tmp:dmuc:1}" if key in OURS else "muc#roomconfig_") + key


async def hear(seats, said):
    """All of them hear all that was said: (nick, body)."""
    await asyncio.gather(*(
        s.hears(f"{s.room}/{nick}", body) for s in seats
        for nick, body in said))


async def talk(speakers, listeners, times=3):
    """All at the same time."""
    said = [s.say() for _ in range(times) for s in speakers]
    await hear(listeners, said)
    return said


def check(seats, said, is_ordered=True):
    """Each heard each once, what one said in order, and where nothing was
    said apart all in the same order."""
    for seat in seats:
        heard = seat.said()
        who = f"{seat.user.boundjid} in {seat.room}"
        if sorted(heard) != sorted(said):
            raise RuntimeError(
                f"{who} heard {heard}; said was {said}")
        for nick in {n for n, _ in said}:
            if ([b for n, b in heard if n == nick]
                    != [b for n, b in said if n == nick]):
                raise RuntimeError(f"{who}: out of order: {heard}")
        if is_ordered and heard != seats[0].said():
            raise RuntimeError(f"{who} heard {heard}, another one "
                               f"{seats[0].said()}")


def check_left(seats, *nicks):
    """Nobody else was seen to leave, and nobody twice."""
    for seat in seats:
        if sorted(seat.left()) != sorted(nicks):
            raise RuntimeError(f"{seat.user.boundjid} in {seat.room} saw "
                               f"{seat.left()} leave, not {nicks}")


def check_rosters(seats):
    """All know the same of the room. They have heard the last word."""
    for seat in seats:
        if seat.roster() != seats[0].roster():
            raise RuntimeError(
                f"to {seat.user.boundjid} {seat.room} is {seat.roster()}; to "
                f"{seats[0].user.boundjid} it is {seats[0].roster()}")


def check_quiet(seats):
    """Nobody has entered the room again, as far as he knows."""
    for seat in seats:
        for s in seat.from_room():
            if s.name == "message" and not s["body"]:
                raise RuntimeError(f"{seat.user.boundjid} got {s}")
            if s.name == "presence" and "110" in codes(s):
                raise RuntimeError(f"{seat.user.boundjid} got {s}")


def check_no_errors(seats):
    for seat in seats:
        if seat.errors():
            raise RuntimeError(f"{seat.user.boundjid} in {seat.room} got "
                               f"{seat.errors()}")

