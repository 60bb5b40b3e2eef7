# nonsense.py - the control socket takes what is no request, and goes on.

import socket
import struct
import sys


def ask(data, end=True):
    control = socket.socket(socket.AF_UNIX)
    control.settimeout(20)
    control.connect(sys.argv[1])
    try:
        control.sendall(data)
        if end:
            control.shutdown(socket.SHUT_WR)
        answer = b""
        while more := control.recv(65536):
            answer += more
    except (BrokenPipeError, ConnectionResetError):
        answer = b""
    control.close()
    return answer


def frame(payload):
    return struct.pack(">I", len(payload)) + payload


# Closed without an answer.
for data in (
    b"",
    b"\0",
    frame(b"text\0user\0")[:-1],
    struct.pack(">I", 0xFFFFFFFF),
    frame(b"text\0") + b"more than it said",
):
    if ask(data) != b"":
        sys.exit(f"an answer to {data!r}")

# No command: code 1 and a line on standard error.
for data in (
    frame(b""),
    frame(b"\0"),
    frame(b"text"),
    frame(b"text\0"),
    frame(b"text\0status"),
    frame(b"text\0\0"),
    frame(b"text\0frobnicate\0\0"),
    frame(b"text\0" + b"x\0" * 100 + b"\0"),
    frame(b"\xff" * 100000),
):
    answer = ask(data, end=False)
    if not answer.startswith(b"\1\0\0\0\0") or b"know" not in answer:
        sys.exit(f"to {data[:50]!r} the answer {answer!r}")

# Words that a client of ours would not send.
answer = ask(frame(b"text\0user\0add\0--batch\0\0"), end=False)
if answer[:1] != b"\2":
    sys.exit(f"a batch without accounts: {answer!r}")
answer = ask(frame(b"json\0status\0\0"), end=False)
if answer[:1] != b"\0" or b'"pid"' not in answer:
    sys.exit(f"status: {answer!r}")

# Behind as many as are served at a time, one waits; it is not turned away.
held = []
for _ in range(16):
    control = socket.socket(socket.AF_UNIX)
    control.connect(sys.argv[1])
    held.append(control)
last = socket.socket(socket.AF_UNIX)
last.settimeout(20)
last.connect(sys.argv[1])
last.sendall(frame(b"json\0status\0\0"))
last.settimeout(0.2)
try:
    sys.exit(f"the seventeenth got {last.recv(100)!r} before its turn")
except socket.timeout:
    pass
for control in held:
    control.close()
last.settimeout(20)
if last.recv(1) != b"\0":
    sys.exit("the seventeenth got no answer")
last.close()

# Who goes away before the answer.
for _ in range(30):
    control = socket.socket(socket.AF_UNIX)
    control.connect(sys.argv[1])
    control.sendall(frame(b"text\0user\0list\0\0"))
    control.close()
