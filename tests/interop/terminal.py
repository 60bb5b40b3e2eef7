"""terminal.py - a client in tmux: what is typed there, and what is seen."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections import namedtuple

WAIT_S = 30
NOBODY = "nobody"  # whom clients run as that refuse to run as root

# Where somebody has an account: what to connect to, the certificate that is
# shown there, and that of who has signed it (which may be the same).
Home = namedtuple("Home", "domain address port cert authority")


def as_nobody(words):
    """The command as root would run it for somebody else."""
    if os.geteuid() != 0:
        return words
    group = str(pwd.getpwnam(NOBODY).pw_gid)
    return ["setpriv", "--reuid=" + NOBODY, "--regid=" + group,
            "--clear-groups", *words]


def give_to_nobody(folder):
    """So that what as_nobody() runs can write there."""
    if os.geteuid() != 0:
        return
    user = pwd.getpwnam(NOBODY)
    for path, _, names in os.walk(folder):
        for name in [path, *(os.path.join(path, n) for n in names)]:
            os.chown(name, user.pw_uid, user.pw_gid)


def make_home():
    """A new home, and the environment of a program that lives there."""
    home = tempfile.mkdtemp(prefix="banyan-test-")
    env = dict(os.environ, HOME=home, LANG="C.UTF-8")
    for variable in list(env):
        if variable.startswith(("XDG_", "LC_")) or variable == "TMUX":
            del env[variable]
    return home, env


def wait_for(text, look, who, is_there=True):
    """Until look() returns something with the text in it, or without."""
    deadline = time.monotonic() + WAIT_S
    while (text in (seen := look())) != is_there:
        if time.monotonic() > deadline:
            verb = "does not see" if is_there else "still sees"
            raise RuntimeError(f"{who} {verb} {text!r}:\n" + seen)
        time.sleep(0.05)


class Terminal:
    """A program with a home of its own, in a tmux server of its own."""

    lines = 40

    def __init__(self, name):
        self.name = name
        self.home, self.env = make_home()
        self.env["TERM"] = "xterm"
        self.socket = os.path.join(self.home, "tmux")

    def run(self, words):
        subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null",
                        "new-session", "-d", "-x", "120", "-y",
                        str(self.lines), *words], env=self.env, check=True)

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.socket, *words],
                              check=True, capture_output=True,
                              text=True).stdout

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, line):
        self.tmux("send-keys", "-l", line)
        self.press("Enter")

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def see(self, text):
        wait_for(text, self.screen, self.name)

    def see_no(self, text):
        wait_for(text, self.screen, self.name, False)

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"],
                       check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.home, ignore_errors=True)
