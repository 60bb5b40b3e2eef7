# notify.py - `banyan serve` tells systemd when it is ready, reloads and stops.

import os
import signal
import socket
import subprocess
import sys

banyan, config = sys.argv[1:]
path = os.path.abspath("notify")
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(path)
listener.settimeout(20)
server = subprocess.Popen(
    [banyan, "-c", config, "serve"], env={**os.environ, "NOTIFY_SOCKET": path}
)


def expect(words):
    got = listener.recv(1000).decode()
    print(got)
    if not got.startswith(words):
        server.kill()
        sys.exit(f"found {got!r}, expected {words}")


try:
    expect("READY=1")
except socket.timeout:
    server.kill()
    help_text = "is it built without systemd?"
    sys.exit(f"nothing came; {help_text}")
server.send_signal(signal.SIGHUP)
expect("RELOADING=1\nMONOTONIC_USEC=")
expect("READY=1")
server.send_signal(signal.SIGTERM)
expect("STOPPING=1")
sys.exit(server.wait(20))
