"""s2s_users.py - the users of tests/interop/s2s, and what they try."""

import asyncio
import itertools

import slixmpp
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from s2s_peers import PASSWORD

# How long anything may take on a busy machine.
WAIT_S = 60
RETRY_S = 1
numbers = itertools.count()


class Bounced(Exception):
    """A stanza came back as an error; the text is the condition."""


class User(slixmpp.ClientXMPP):
    """Keeps what arrives until somebody expects it."""

    def __init__(self, jid, resource="test"):
        super().__init__(f"{jid}/{resource}", PASSWORD)
        self.seen, self.waiting = [], []
        self.auto_authorize = None
        self.auto_subscribe = False
        for plugin in "xep_0030", "xep_0092", "xep_0199":
            self.register_plugin(plugin)
        self["feature_mechanisms"].unencrypted_plain = True
        for kind in "message", "presence":
            self.register_handler(Callback(
                "note " + kind, MatchXPath("{jabber:client}" + kind),
                self.note))
        self.started = asyncio.get_event_loop().create_future()
        self.add_event_handler("session_start", self.on_start)
        self.add_event_handler("failed_auth", lambda _: self.give_up(
            "log-in failed"))

    def give_up(self, why):
        if not self.started.done():
            self.started.set_exception(RuntimeError(f"{self.boundjid}: {why}"))

    async def on_start(self, _):
        self.send_presence()
        await self.get_roster(timeout=WAIT_S)
        if not self.started.done():
            self.started.set_result(None)

    def note(self, stanza):
        for entry in self.waiting:
            if not entry[1].done() and entry[0](stanza):
                self.waiting.remove(entry)
                entry[1].set_result(stanza)
                return
        self.seen.append(stanza)

    async def expect(self, what, test):
        """The first stanza for which test is true."""
        for stanza in self.seen:
            if test(stanza):
                self.seen.remove(stanza)
                return stanza
        entry = (test, asyncio.get_event_loop().create_future())
        self.waiting.append(entry)
        try:
            return await asyncio.wait_for(entry[1], WAIT_S)
        except asyncio.TimeoutError:
            raise RuntimeError(f"{self.boundjid} waits for {what}") from None
        finally:
            if entry in self.waiting:
                self.waiting.remove(entry)

    async def log_in(self, address):
        """Without TLS: it is not what is tested, and takes time."""
        self.connect(address=(address, 5222), disable_starttls=True)
        await asyncio.wait_for(self.started, WAIT_S)


class Users:
    """Logs in whoever is asked for, once."""

    def __init__(self):
        self.tasks = {}

    async def get(self, name, peer, kind):
        jid = f"{name}@{peer.domains[kind]}"
        if jid not in self.tasks:
            self.tasks[jid] = asyncio.ensure_future(self.make(jid, peer))
        return await asyncio.shield(self.tasks[jid])

    @staticmethod
    async def make(jid, peer):
        user = User(jid)
        await user.log_in(peer.address)
        return user

    def forget(self, peer):
        """All of a server that is going to stop."""
        for jid in [j for j in self.tasks
                    if j.split("@")[1] in peer.domains.values()]:
            task = self.tasks.pop(jid)
            if task.done() and not task.exception():
                task.result().abort()


def condition(stanza):
    return stanza["error"]["condition"]


def send(sender, to):
    """A message that is like no other; returns its body, which is its id."""
    body = f"message {next(numbers)}"
    stanza = sender.make_message(mto=to, mbody=body, mtype="chat")
    stanza["id"] = body
    stanza.send()
    return body


async def first(*coroutines):
    """The first result; the others are cancelled. So are all when this is:
    they would take what somebody expects later."""
    tasks = [asyncio.ensure_future(c) for c in coroutines]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            return task.result()
    raise asyncio.CancelledError


def error_for(sender, to, body):
    """A coroutine for the error that the message was answered with."""
    return sender.expect(f"an error for {body!r} to {to}", lambda m: (
        m.name == "message" and m["type"] == "error"
        and m["id"] == body))


async def arrives(sender, receiver, body):
    """Raises Bounced where it comes back."""
    to = receiver.boundjid.bare
    got = await first(
        receiver.expect(f"{body!r} from {sender.boundjid}", lambda m: (
            m.name == "message" and m["body"] == body
            and m["from"].bare == sender.boundjid.bare)),
        error_for(sender, to, body))
    if got["type"] == "error":
        raise Bounced(condition(got))


def is_known(body, *users):
    """Has it arrived already, or come back?"""
    return any(m.name == "message" and m["id"] == body
               for user in users for m in user.seen)


async def message(sender, receiver):
    await arrives(sender, receiver, send(sender, receiver.boundjid.bare))


async def subscription(sender, receiver):
    """RFC 6121 3.1: a request, its approval, and presence."""
    contact, me = receiver.boundjid.bare, sender.boundjid.bare

    def presence(kind, whose):
        return lambda p: (p.name == "presence" and p["type"] == kind
                          and p["from"].bare == whose)

    sender.send_presence_subscription(contact, ptype="subscribe")
    await receiver.expect("subscribe", presence("subscribe", me))
    receiver.send_presence_subscription(me, ptype="subscribed")
    await sender.expect("subscribed", presence("subscribed", contact))
    await sender.expect(f"presence of {contact}",
                        presence("available", contact))


async def ask(iq):
    try:
        return await iq
    except IqError as e:
        raise Bounced(e.condition) from None
    except IqTimeout:
        raise RuntimeError("no answer to an IQ") from None


async def disco(sender, receiver):
    info = await ask(sender["xep_0030"].get_info(
        receiver.boundjid.domain, timeout=WAIT_S))
    identities = info["disco_info"]["identities"]
    if not any(i[0] == "server" for i in identities):
        raise RuntimeError(f"not a server: {identities}")


async def version(sender, receiver):
    answer = await ask(sender["xep_0092"].get_version(
        receiver.boundjid.domain, timeout=WAIT_S))
    if not answer["software_version"]["name"]:
        raise RuntimeError("a version without a name")


async def ping(sender, receiver):
    await ask(sender["xep_0199"].send_ping(
        receiver.boundjid.domain, timeout=WAIT_S))


async def refused(sender, receiver):
    """The message must not arrive; whether its sender learns of it is for
    the sender's server, but is what ends the wait."""
    to = receiver.boundjid.bare
    try:
        await message(sender, receiver)
    except Bounced:
        return
    raise RuntimeError(f"{sender.boundjid.bare} could write to {to}")


async def until_arrives(sender, receiver, step=message):
    """Tries again after an error, as a human would."""
    deadline = asyncio.get_event_loop().time() + WAIT_S
    while True:
        try:
            return await step(sender, receiver)
        except Bounced:
            if asyncio.get_event_loop().time() > deadline:
                raise
            await asyncio.sleep(RETRY_S)


async def end_tasks():
    """slixmpp leaves some."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
