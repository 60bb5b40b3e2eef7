"""net_views.py - a user of the rooms' server, and one of a server that has a
copy, get the same bytes."""

import asyncio

from net_bytes import OtherRoom, Place, Recorder, check_parts, compare
from net_scenes import Scene
from rooms_users import MUC

# Users of no other scene: what a room says to one who is not in it, as that he
# has been banned, goes to all his clients.
ACTOR, WATCHER, LATE, ME = 11, 12, 13, 14

INFO = "<query xmlns='http://jabber.org/protocol/disco#info'{}/>"
ITEMS = "<query xmlns='http://jabber.org/protocol/disco#items'/>"
ADMIN = f"<query xmlns='{MUC}#admin'><item {{}}/></query>"
OWNER = f"<query xmlns='{MUC}#owner'/>"
RETRACT = "urn:xmpp:message-retract:1"
MODERATE = ("<moderate xmlns='urn:xmpp:message-moderate:1' id='{}'>"
            f"<retract xmlns='{RETRACT}'/><reason>no</reason></moderate>")

# Of what is sent and answered, or comes back.
IDS = ("j1 m0 m1 m2 p1 n1 n2 c1 c2 c3 c4 s1 m3 m4 r1 m5 r2 d1 d2 d3 d4 d5 d6 "
       "d7 d8 v1 v2 a1 a2 a a3 a4 b1 b2 x1 x2 j2 j3 j4 j5 e1")


def id_of(stanza):
    """XEP-0359"""
    return stanza.xml.find("{urn:xmpp:sid:0}stanza-id").get("id")


def has_item(presence, name, value):
    item = presence.xml.find(f"{{{MUC}#user}}x/{{{MUC}#user}}item")
    return item is not None and item.get(name) == value


async def sees_moderated(places):
    """That something was taken back by somebody else."""
    await asyncio.gather(*(p.expect("a notice", lambda m: (
        m.name == "message" and m.xml.find(
            f"{{{RETRACT}}}retract/"
            "{urn:xmpp:message-moderate:1}moderated") is not None))
        for p in places))


class Views(Scene):
    async def play_all(self):
        await self.cell("what others do looks the same", self.watch())
        await self.cell("what one does looks the same", self.act())

    async def user(self, node, i, kind="main", more=""):
        user = Recorder(f"u{i}@{node.domains[kind]}", self.name + more)
        await user.log_in(node.address)
        return user

    async def seat(self, node, i, room, nick, more=""):
        place = Place(await self.user(node, i, more=more), room, nick)
        self.seats.append(place)
        return place

    async def others(self, room):
        """Who is in the room, at its server and at a third one."""
        owner = await self.seat(self.play.hub, ACTOR, room, "Owner")
        await owner.create()
        await owner.configure(enablearchiving=1, roomname="A room")
        other = await self.seat(self.play.two, ACTOR, room, "Other")
        await other.enter()
        await owner.sees(other.jid)
        return owner, other

    async def have_copies(self, room, *nodes):
        text = await self.play.hub.command("room", "show", room)
        for node in nodes:
            if f"{node.domains['main']}  follows" not in text:
                raise RuntimeError(f"no copy at {node.name}: {text}")

    # ---- what others do ----

    async def watch(self):
        """Two in one room. Whatever is of the room has to be the same, ids and
        stamps included."""
        room = self.room(self.play.hub)
        owner, other = await self.others(room)
        third = await self.seat(self.play.one, ACTOR, room, "Third")
        near = await self.seat(self.play.hub, WATCHER, room, "Near")
        far = await self.seat(self.play.one, WATCHER, room, "Far")
        inside = [owner, other]
        for place in third, near, far:
            await place.enter()
            inside.append(place)
            await asyncio.gather(*(a.sees(b.jid) for a in inside
                                   for b in inside
                                   if a is not b and place in (a, b)))
            await place.told_subject()
        await self.have_copies(room, self.play.one, self.play.two)
        near.start()
        far.start()
        actors = owner, other, third
        await self.speak(actors, (near, far))
        await self.rule(owner, other, third)
        await self.throw_out(owner, other, third)
        await self.second_clients(owner, other, third)
        await self.ask_both(owner, near, far)
        await self.late(owner)
        await self.have_copies(room, self.play.one, self.play.two)
        await self.end(owner, third, near, far)
        check_parts(
            compare(near, far), b"said: w-Other", b"said: p-Third",
            b"code='303'", b"<show>away", b"<subject>", b"<retract ",
            b"<moderated ", b"affiliation='member'", b"affiliation='admin'",
            b"role='moderator'", b"code='104'", b"code='172'", b"code='173'",
            b" jid='u11@", b"code='307'", b"code='301'", b"id='second-Other'",
            b"id='i1'.*<identity ", b"id='i2'[^>]*/>",
            b"<destroy>", b"id='i3'")

    @staticmethod
    async def speak(actors, watchers):
        """Nothing waits for what the watchers get."""
        for actor in actors:
            actor.say_as(f"w-{actor.nick}")
            for watcher in watchers:
                actor.say_as(f"p-{actor.nick}", watcher.jid, "chat")
            actor.say_as(f"x-{actor.nick}")
            await asyncio.gather(*(a.has(f"x-{actor.nick}") for a in actors))
            old, actor.nick = actor.nick, actor.nick + " II"
            actor.presence_as("n-" + actor.nick)
            await actor.renamed(old, actor.nick, "110")
            actor.presence_as("a-" + actor.nick, show="away")
            await actor.sees_away(actor.jid)
            actor.presence_as("b-" + actor.nick)
            await actor.sees(actor.jid)
            actor.message_as("s-" + actor.nick, None,
                             subject="of " + actor.nick)
            await actor.has("s-" + actor.nick)

    @staticmethod
    async def rule(owner, other, third):
        for who in other, third:
            who.say_as("r-" + who.nick)
            said = id_of(await who.has("r-" + who.nick))
            who.put("t-" + who.nick, f"<retract xmlns='{RETRACT}' id='{said}'/>")
            await who.has("t-" + who.nick)
            who.say_as("m-" + who.nick)
            said = id_of(await who.has("m-" + who.nick))
            await owner.ask_as("m", MODERATE.format(said), "set")
            await sees_moderated([who])
            jid = who.user.boundjid.bare
            await owner.admin(jid=jid, affiliation="member")
            await owner.configure(moderatedroom=1)
            await owner.admin(nick=who.nick, role="moderator")
            await owner.configure(moderatedroom=0, whois="anyone")
            who.presence_as("d-" + who.nick, show="dnd")
            await who.expect("dnd", lambda p: p["type"] == "dnd")
            await owner.configure(whois="moderators", roomname=who.nick)
            await owner.admin(jid=jid, affiliation="admin")
            await owner.admin(jid=jid, affiliation="none")

    @staticmethod
    async def throw_out(owner, other, third):
        for who in other, third:
            jid = who.user.boundjid.bare
            for item, code in ((dict(nick=who.nick, role="none"), "307"),
                               (dict(jid=jid, affiliation="outcast"), "301")):
                await owner.admin(**item)
                await who.sees_gone(who.jid, code)
                await owner.admin(jid=jid, affiliation="none")
                who.forget()
                who.presence_as(f"j-{code}", enters=True)
                await who.told_subject()

    async def second_clients(self, *firsts):
        nodes = self.play.hub, self.play.two, self.play.one
        for one, node in zip(firsts, nodes):
            name = one.nick.split()[0]
            second = await self.seat(node, ACTOR, one.room, one.nick, "b")
            second.presence_as("second-" + name, enters=True)
            await second.told_subject()
            second.say_as("second-" + name)
            await second.has("second-" + name)
            second.presence_as("second", show="xa")
            await second.expect("xa", lambda p: p["type"] == "xa")
            second.presence_as("second", "unavailable")
            await second.sees_gone(second.jid, "110")

    @staticmethod
    async def ask_both(owner, near, far):
        """When all that was said has come."""
        owner.say_as("last")
        await asyncio.gather(*(p.has("last") for p in (near, far)))
        for place in near, far:
            await place.ask_as("i1", INFO.format(""))
            await place.ping_as("i2")

    async def late(self, owner):
        """One after the other, invited and with the same nickname."""
        places = []
        for node in self.play.hub, self.play.one:
            place = await self.seat(node, LATE, owner.room, "Late")
            place.start()
            owner.put("invite", (
                f"<x xmlns='{MUC}#user'><invite to='"
                f"{place.user.boundjid.bare}'><reason>now</reason></invite>"
                "</x>"), kind="normal")
            await place.expect("an invitation", lambda m: (
                m.name == "message" and m["from"].bare == owner.room))
            await place.ask_as("i0", INFO.format(""))
            place.presence_as("enters", enters=True)
            await place.told_subject()
            place.presence_as("leaves", "unavailable")
            await asyncio.gather(place.sees_gone(place.jid, "110"),
                                 owner.sees_gone(place.jid))
            places.append(place)
        check_parts(compare(*places), b"<invite ", b"<identity ", b"<delay ",
                    b"said: w-Other", b"code='110'", b"type='unavailable'")

    @staticmethod
    async def end(owner, third, near, far):
        """A session ends, and then the room."""
        third.user.abort()
        await owner.sees_gone(third.jid)
        await owner.destroy()
        for place in near, far:
            await place.sees_destroyed()
            await place.ping_as("i3", "not-acceptable")

    # ---- what one does ----

    async def act(self):
        """The same by each, in a room of its own, as the first of his server
        in it."""
        near = await self.act_at(self.play.hub, "n")
        far = await self.act_at(self.play.one, "f")
        got = [compare(n, f, OtherRoom) for n, f in zip(near, far)]
        check_parts(got[0], *(b" id='%s'" % i.encode() for i in IDS.split()))
        check_parts(got[1], b"code='110'", b"<delay ", b"said: b1",
                    b"said: b2", b"<show>xa", b"type='unavailable'")

    async def act_at(self, node, letter):
        """Returns his two clients."""
        room = f"{letter}{self.name}@{self.play.hub.services['main']}"
        copies = {self.play.two, node} - {self.play.hub}
        owner, other = await self.others(room)
        for who in owner, other:
            who.say_as("w-" + who.nick)
            await asyncio.gather(*(p.has("w-" + who.nick)
                                   for p in (owner, other)))
        me = await self.seat(node, ME, room, "Me")
        me.start()
        await self.enter(me, owner)
        await self.have_copies(room, *copies)
        await self.speak_alone(me, owner, other)
        await self.ask_alone(me, other)
        await self.fall(me, owner)
        await self.rise(me, owner, other)
        second = await self.double(me, node)
        await self.have_copies(room, *copies)
        await self.thrown_out(me, owner)
        await self.entered(me, owner, "j5")
        await self.have_copies(room, *copies)
        await owner.destroy()
        await me.sees_destroyed()
        await me.ping_as("e1", "not-acceptable")
        return me, second

    @staticmethod
    async def entered(me, owner, sent):
        me.presence_as(sent, enters=True)
        await asyncio.gather(me.told_subject(), owner.sees(me.jid))

    async def enter(self, me, owner):
        await self.entered(me, owner, "j1")
        for i in range(3):
            me.say_as(f"m{i}")
        await me.has("m2")
        me.presence_as("p1", show="away")
        await me.sees_away(me.jid)
        old, me.nick = me.nick, "Mine"
        me.presence_as("n1")
        await me.renamed(old, me.nick, "110")

    @staticmethod
    async def speak_alone(me, owner, other):
        # Taken.
        mine, me.nick = me.nick, other.nick
        me.presence_as("n2")
        await me.denied("n2")
        me.nick = mine
        me.say_as("c1", me.jid, "chat")
        await me.has("c1")
        me.say_as("to", other.jid, "chat")
        await other.has("to")
        for who, sent in (owner, "c2"), (other, "c3"):
            who.say_as(sent, me.jid, "chat")
            await me.has(sent)
        me.say_as("c4", f"{me.room}/Nobody", "chat")
        await me.denied("c4")
        me.message_as("s1", None, subject="what is said")
        await me.has("s1")
        ids = []
        for sent in "m3", "m4":
            me.say_as(sent)
            ids.append(id_of(await me.has(sent)))
        me.put("r1", f"<retract xmlns='{RETRACT}' id='{ids[0]}'/>")
        await me.has("r1")
        await owner.ask_as("m", MODERATE.format(ids[1]), "set")
        await sees_moderated([me])
        other.say_as("m5")
        said = id_of(await me.has("m5"))
        me.put("r2", f"<retract xmlns='{RETRACT}' id='{said}'/>")
        await me.denied("r2")

    @staticmethod
    async def ask_alone(me, other):
        await me.ask_as("d1", INFO.format(""))
        await me.ask_as("d2", INFO.format(
            " node='http://jabber.org/protocol/muc#traffic'"),
            wanted="service-unavailable")
        await me.ask_as("d3", INFO.format(" node='x-roomuser-item'"))
        await me.ask_as("d4", ITEMS)
        await me.ping_as("d5")
        await me.ask_as("d6", "<ping xmlns='urn:xmpp:ping'/>", to=other.jid)
        await me.ask_as("d7", OWNER, wanted="forbidden")
        await me.ask_as("d8", "<query xmlns='urn:xmpp:mam:2'/>", "set")

    @staticmethod
    async def fall(me, owner):
        await owner.admin(nick=me.nick, role="visitor")
        await me.expect("no voice", lambda p: has_item(p, "role", "visitor"))
        await owner.configure(moderatedroom=1)
        await me.told("104")
        me.say_as("v1")
        await me.denied("v1")
        await owner.configure(moderatedroom=0, whois="anyone")
        await me.told("172")
        me.presence_as("v2", show="dnd")
        await me.expect("dnd", lambda p: p["type"] == "dnd")
        await owner.configure(whois="moderators")
        await me.told("173")

    @staticmethod
    async def rise(me, owner, other):
        """To an admin, who sees addresses, and puts somebody out."""
        await owner.admin(jid=me.user.boundjid.bare, affiliation="admin")
        await me.expect("admin", lambda p: has_item(p, "role", "moderator"))
        await me.ask_as("a1", ADMIN.format("affiliation='outcast'"))
        await me.ask_as("a2", ADMIN.format("role='participant'"))
        other.presence_as("a", show="xa")
        await me.expect("xa", lambda p: p["type"] == "xa")
        await me.ask_as("a3", ADMIN.format(
            f"nick='{other.nick}' role='none'"), "set")
        await asyncio.gather(*(p.sees_gone(other.jid, "307")
                               for p in (me, other)))
        await me.ask_as("a4", ADMIN.format(
            f"jid='{owner.user.boundjid.bare}' affiliation='none'"), "set",
            wanted="forbidden")
        other.forget()
        other.presence_as("again", enters=True)
        await asyncio.gather(other.told_subject(), me.sees(other.jid))
        await owner.admin(jid=me.user.boundjid.bare, affiliation="none")
        await me.expect("nothing", lambda p: has_item(
            p, "role", "participant") and p["from"].full == me.jid)

    async def double(self, me, node):
        """Somebody's second client."""
        second = await self.seat(node, ME, me.room, me.nick, "b")
        second.start()
        second.presence_as("b0", enters=True)
        await second.told_subject()
        for who, sent in (me, "b1"), (second, "b2"):
            who.say_as(sent)
            await asyncio.gather(*(p.has(sent) for p in (me, second)))
        second.presence_as("b3", show="xa")
        await asyncio.gather(*(p.expect("xa", lambda s: s["type"] == "xa")
                               for p in (me, second)))
        second.presence_as("b4", "unavailable")
        await second.sees_gone(second.jid, "110")
        return second

    async def thrown_out(self, me, owner):
        jid = me.user.boundjid.bare
        await owner.admin(nick=me.nick, role="none")
        await me.sees_gone(me.jid, "307")
        me.say_as("x1")
        await me.denied("x1")
        await me.ping_as("x2", "not-acceptable")
        await self.entered(me, owner, "j2")
        await owner.admin(jid=jid, affiliation="outcast")
        await me.sees_gone(me.jid, "301")
        me.presence_as("j3", enters=True)
        await me.denied("j3")
        await owner.admin(jid=jid, affiliation="none")
        await self.entered(me, owner, "j4")
        me.presence_as("l1", "unavailable")
        await asyncio.gather(me.sees_gone(me.jid, "110"),
                             owner.sees_gone(me.jid))
