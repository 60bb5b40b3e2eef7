# prompt.py - `banyan user add` on a terminal: asks twice and echoes nothing.

import os
import pty
import signal
import sys

signal.alarm(60)
banyan, config, jid = sys.argv[1:]
pid, tty = pty.fork()
if pid == 0:
    os.execv(banyan, [banyan, "-c", config, "user", "add", jid])


def read_until(words):
    seen = b""
    while words not in seen:
        seen += os.read(tty, 1000)
    return seen


seen = read_until(b"Password: ")
os.write(tty, b"wherefore\n")
seen += read_until(b"again: ")
os.write(tty, b"wherefore\n")
try:
    while True:
        more = os.read(tty, 1000)
        if not more:
            break
        seen += more
except OSError:  # the other end is closed
    pass
status = os.waitpid(pid, 0)[1]
print(seen.decode())
sys.exit(1 if status or b"wherefore" in seen else 0)
