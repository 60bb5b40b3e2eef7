"""rooms_users.py - what the users of tests/interop/rooms do in a room."""

import asyncio
import itertools
from xml.etree import ElementTree

from slixmpp.exceptions import IqError, IqTimeout

from s2s_users import RETRY_S, WAIT_S, Bounced, condition, first

MUC = "http://jabber.org/protocol/muc"
ROOM_FORM = (f"<x xmlns='jabber:x:data' type='submit'>"
             f"<field var='FORM_TYPE'><value>{MUC}#roomconfig</value></field>"
             f"<field var='muc#roomconfig_persistentroom'><value>1</value>"
             f"</field></x>")
# What a ping of one's own nick says when one is not in (XEP-0410 3.2), and
# when it has not been there.
OUT_OF_IT = "not-acceptable", "item-not-found"
# The last: from Prosody, of what was not acknowledged when a stream ended.
NO_WAY = ("remote-server-not-found", "remote-server-timeout",
          "recipient-unavailable")
numbers = itertools.count()
# What has no answer by then is lost.
LOST_S = 5


def codes(stanza):
    return {s.get("code") for s in stanza.xml.iter(f"{{{MUC}#user}}status")}


def element(xml):
    return ElementTree.fromstring(xml)


class Occupant:
    """A user, and his nick in one room."""

    def __init__(self, user, room, nick, is_safe=True):
        self.user, self.room, self.nick = user, room, nick
        # Nothing that breaks with a stream is lost without a word.
        self.is_safe = is_safe

    @property
    def jid(self):
        return f"{self.room}/{self.nick}"

    # ---- what is expected ----

    async def expect(self, what, test):
        return await self.user.expect(f"{what} in {self.room}", test)

    async def sees(self, jid, *wanted):
        """A presence of an occupant who is there, with these codes."""
        return await self.expect(f"{jid} {wanted}", lambda p: (
            p.name == "presence" and p["from"].full == jid
            and p["type"] not in ("unavailable", "error")
            and codes(p) >= set(wanted)))

    async def sees_away(self, jid):
        return await self.expect(f"{jid} away", lambda p: (
            p.name == "presence" and p["from"].full == jid
            and p["type"] == "away"))

    async def sees_gone(self, jid, *wanted):
        return await self.expect(f"{jid} leave {wanted}", lambda p: (
            p.name == "presence" and p["from"].full == jid
            and p["type"] == "unavailable" and codes(p) >= set(wanted)))

    async def refused(self, sent):
        """An error for what was sent to the room with this id."""
        stanza = await self.expect("an error", lambda s: (
            s["type"] == "error" and s["id"] == sent))
        raise Bounced(condition(stanza))

    async def hears(self, jid, body, kind="groupchat"):
        await self.expect(f"{body!r} from {jid}", lambda m: (
            m.name == "message" and m["type"] == kind and m["body"] == body
            and m["from"].full == jid))

    # ---- what is done ----

    def presence(self, kind=None, enters=False):
        """Returns its id."""
        stanza = self.user.make_presence(pto=self.jid, ptype=kind)
        stanza["id"] = f"presence {next(numbers)}"
        if enters:
            stanza.append(element(f"<x xmlns='{MUC}'/>"))
        stanza.send()
        return stanza["id"]

    async def ask(self, iq):
        try:
            return await iq.send(timeout=WAIT_S)
        except IqError as e:
            raise Bounced(e.condition) from None

    async def enter(self, *wanted):
        sent = self.presence(enters=True)
        await first(self.sees(self.jid, "110", *wanted), self.refused(sent))

    async def create(self):
        """The room is there, and is to stay."""
        await self.enter("201")
        iq = self.user.make_iq_set(ito=self.room)
        iq.append(element(f"<query xmlns='{MUC}#owner'>{ROOM_FORM}</query>"))
        await self.ask(iq)

    async def meet(self, other):
        """Enters where the other is."""
        self.forget()
        other.forget()
        await self.enter()
        await asyncio.gather(self.sees(other.jid), other.sees(self.jid))

    async def rename(self, other):
        old, self.nick = self.jid, self.nick + " II"
        sent = self.presence()
        await first(self.sees_gone(old, "303", "110"), self.refused(sent))
        await asyncio.gather(
            self.sees(self.jid, "110"), other.sees_gone(old, "303"),
            other.sees(self.jid))

    def send(self, to, kind):
        body = f"word {next(numbers)}"
        stanza = self.user.make_message(mto=to, mbody=body, mtype=kind)
        stanza["id"] = body
        stanza.send()
        return body

    async def talk(self, *others):
        """To the room: all hear it, who says it too."""
        body = self.send(self.room, "groupchat")
        await first(self.hears(self.jid, body), self.refused(body))
        await asyncio.gather(*(o.hears(self.jid, body) for o in others))

    async def whisper(self, other):
        body = self.send(other.jid, "chat")
        await other.hears(self.jid, body, "chat")

    async def change_subject(self, other):
        subject = f"subject {next(numbers)}"
        self.user.send_message(self.room, None, msubject=subject,
                               mtype="groupchat")
        await asyncio.gather(*(o.expect("a subject", lambda m: (
            m.name == "message" and m["subject"] == subject
            and m["type"] == "groupchat" and not m["body"]))
            for o in (self, other)))

    async def kick(self, other):
        iq = self.user.make_iq_set(ito=self.room)
        iq.append(element(f"<query xmlns='{MUC}#admin'><item nick='"
                          f"{other.nick}' role='none'><reason>rest</reason>"
                          "</item></query>"))
        await self.ask(iq)
        await asyncio.gather(self.sees_gone(other.jid, "307"),
                             other.sees_gone(other.jid, "307", "110"))

    async def invite(self, user):
        """XEP-0045 7.8.2; user is one who is not in the room."""
        message = self.user.make_message(mto=self.room)
        message.append(element(
            f"<x xmlns='{MUC}#user'><invite to='{user.boundjid.bare}'/></x>"))
        message.send()
        await user.expect("an invitation", lambda m: (
            m.name == "message" and m["from"].bare == self.room
            and m.xml.find(f"{{{MUC}#user}}x/{{{MUC}#user}}invite")
            is not None))

    async def leave(self, other):
        self.presence("unavailable")
        await asyncio.gather(self.sees_gone(self.jid, "110"),
                             other.sees_gone(self.jid))

    async def is_in(self):
        """What the room says, when it can be asked again."""
        deadline = asyncio.get_event_loop().time() + WAIT_S
        while True:
            try:
                await self.user["xep_0199"].send_ping(
                    self.jid, timeout=WAIT_S if self.is_safe else LOST_S)
                return True
            except IqTimeout:
                if self.is_safe:
                    raise RuntimeError("no answer to a ping") from None
            except IqError as e:
                if e.condition in OUT_OF_IT:
                    return False
                if e.condition not in NO_WAY:
                    raise Bounced(e.condition) from None
            if asyncio.get_event_loop().time() > deadline:
                raise RuntimeError(f"no way to {self.room}")
            await asyncio.sleep(RETRY_S)

    def forget(self):
        """What has come from this room so far."""
        self.user.seen = [s for s in self.user.seen
                          if s["from"].bare != self.room]
