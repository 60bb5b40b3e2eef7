"""gajim.py - Gajim on a screen of its own, with somebody at its keyboard."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import namedtuple

from terminal import WAIT_S, as_nobody, give_to_nobody, make_home, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = "gajim", "Xvfb", "xdotool", "dbus-run-session"
VERSION = 5  # of the settings below

# Who runs it may have no right to read it here.
with open(os.path.join(HERE, "gajim_screen.py"), encoding="utf-8") as source:
    READER = source.read()

Thing = namedtuple("Thing", "role words tip left top width height")


def missing():
    """What has to be installed first, or None."""
    for program in PROGRAMS:
        if not shutil.which(program):
            return program
    code = "import gi; gi.require_version('Atspi', '2.0')"
    if subprocess.run(["/usr/bin/python3", "-c", code], check=False,
                      stderr=subprocess.DEVNULL).returncode:
        return "gir1.2-atspi-2.0"
    return None


class Gajim:
    """One account, which logs in at once, and an empty list of chats."""

    # In pixels, within a screen that is somewhat larger.
    width, height = 1000, 500

    def __init__(self, name, at):
        self.name, self.at = name, at
        self.home, self.env = make_home()
        self.env.update(XDG_RUNTIME_DIR=self.home, GDK_BACKEND="x11")
        self.screen_server = self.process = None
        self.write_settings()
        give_to_nobody(self.home)
        self.start_screen()
        # Everything that is shown is to be found on the bus.
        self.process = self.start(
            ["dbus-run-session", "--", "sh", "-c",
             "echo $DBUS_SESSION_BUS_ADDRESS >bus && "
             "exec gajim -c conf -s -v"], start_new_session=True)

    def be_online(self):
        """Waits for it. Nothing on the screen says so in words: its own
        presence comes back."""
        wait_for(f"from='{self.name.lower()}@{self.at.domain}/gajim",
                 self.log, self.name)

    def start(self, words, **more):
        with open(os.path.join(self.home, "log"), "a",
                  encoding="utf-8") as log:
            return subprocess.Popen(as_nobody(words), env=self.env,
                                    cwd=self.home, stdout=log, stderr=log,
                                    **more)

    def log(self):
        with open(os.path.join(self.home, "log"), encoding="utf-8",
                  errors="replace") as f:
            return f.read()

    def write_settings(self):
        conf = os.path.join(self.home, "conf")
        trusted = os.path.join(conf, "cert_store")
        os.makedirs(trusted)
        shutil.copy(self.at.cert, trusted)
        account = {
            "account_label": self.name, "name": self.name.lower(),
            "hostname": self.at.domain, "password": "secret", "active": True,
            "use_custom_host": True, "custom_host": self.at.address,
            "custom_port": self.at.port, "custom_type": "START TLS"}
        settings = {
            "app": {"use_keyring": False, "check_for_update": False,
                    "mainwin_width": self.width,
                    "mainwin_height": self.height},
            "workspaces": {"one": {"name": "Verona", "chats": [],
                                   "color": "rgb(191,15,167)"}}}
        with sqlite3.connect(os.path.join(conf, "settings.sqlite")) as db:
            db.executescript(
                "CREATE TABLE settings (name TEXT UNIQUE, settings TEXT);"
                "CREATE TABLE account_settings"
                " (account TEXT UNIQUE, settings TEXT);"
                f"PRAGMA user_version = {VERSION}")
            for part in ("app", "workspaces", "soundevents",
                         "status_presets", "proxies", "plugins"):
                db.execute("INSERT INTO settings VALUES (?, ?)",
                           (part, json.dumps(settings.get(part, {}))))
            db.execute("INSERT INTO account_settings VALUES (?, ?)",
                       (self.name, json.dumps({
                           "account": account, "contact": {},
                           "group_chat": {}})))
        db.close()

    def start_screen(self):
        size = f"{self.width + 200}x{self.height + 300}x24"
        ours, theirs = os.pipe()
        self.screen_server = self.start(
            ["Xvfb", "-displayfd", str(theirs), "-nolisten", "tcp",
             "-screen", "0", size], pass_fds=[theirs])
        os.close(theirs)
        with os.fdopen(ours) as number:
            self.env["DISPLAY"] = ":" + number.readline().strip()

    def look(self):
        """All things that are shown; none as long as Gajim only starts."""
        try:
            with open(os.path.join(self.home, "bus"),
                      encoding="utf-8") as f:
                bus = f.read().strip()
        except OSError:
            return []
        env = dict(self.env, DBUS_SESSION_BUS_ADDRESS=bus)
        done = subprocess.run(
            as_nobody(["/usr/bin/python3", "-W", "ignore", "-"]), env=env,
            input=READER, cwd=self.home, check=False, timeout=WAIT_S,
            capture_output=True, text=True)
        return [Thing(*json.loads(line))
                for line in done.stdout.splitlines()]

    def screen(self):
        return "\n".join(t.words for t in self.look() if t.words)

    def see(self, text):
        wait_for(text, self.screen, self.name)

    def find(self, what, is_it):
        """Waits for the last such thing to be shown, and to stand still."""
        deadline = time.monotonic() + WAIT_S
        before = None
        while True:
            things = self.look()
            found = [t for t in things if is_it(t, things)]
            if found and found[-1] == before:
                return before
            before = found[-1] if found else None
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not find {what}:\n"
                                   + "\n".join(map(str, things)))

    def find_room(self, room):
        """Shows what it is like. For who has not chatted yet."""
        self.click("Start Chatting…")
        self.see("Note to myself")
        self.xdotool("type", room)
        self.see("Start New Chat")
        self.xdotool("key", "Return")
        self.see("Semi-Anonymous")

    def xdotool(self, *words):
        subprocess.run(["xdotool", *map(str, words)], env=self.env,
                       check=True)

    def click_at(self, thing):
        self.xdotool("mousemove", thing.left + thing.width // 2,
                     thing.top + thing.height // 2, "click", 1)

    def click(self, words):
        self.click_at(self.find(repr(words), lambda t, _:
                                words in (t.words, t.tip)))

    def fill(self, label, text):
        """The field beside the label."""
        def is_it(thing, things):
            return thing.role == "text" and any(
                t.role == "label" and t.words == label and
                t.left < thing.left and t.top == thing.top for t in things)

        self.click_at(self.find("the field " + label, is_it))
        self.xdotool("key", "ctrl+a")
        self.xdotool("type", text)

    def say(self, text):
        """In the chat that is open; its field has no name."""
        self.click_at(self.find("the field for messages", lambda t, _:
                                t.role == "text" and t.left > 400 and
                                t.words in ("", None)))
        self.xdotool("type", text)
        self.xdotool("key", "Return")

    def take_picture(self, path):
        subprocess.run(["import", "-window", "root", path], env=self.env,
                       check=True)

    def close(self):
        if self.process:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait()
        if self.screen_server:
            self.screen_server.terminate()
            self.screen_server.wait()
        shutil.rmtree(self.home, ignore_errors=True)
