"""banyan.py - a Banyan server of its own for a test, on free loopback ports."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

TOP = os.environ.get("top_builddir", ".")
BINARY = os.path.abspath(os.path.join(TOP, "banyan"))
START_S = 20
SKIP = 77


def skip(why):
    """Ends the test as skipped, loudly."""
    print("SKIP: " + why)
    sys.exit(SKIP)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_cert(folder, name, days=30):
    """NAME.crt and NAME.key in folder; returns the path of the former."""
    path = os.path.join(folder, name)
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-days", str(days), "-subj",
         "/CN=" + name, "-addext", "subjectAltName=DNS:" + name, "-keyout",
         path + ".key", "-out", path + ".crt"],
        check=True, stderr=subprocess.DEVNULL)
    return path + ".crt"


class Server:
    """Started by start(); close() ends it and removes all that it left."""

    def __init__(self, hosts=("localhost",), extra="",
                 addresses=("127.0.0.1",)):
        self.dir = tempfile.mkdtemp(prefix="banyan-test-")
        self.certs = os.path.join(self.dir, "certs")
        os.mkdir(self.certs)
        self.hosts, self.addresses = hosts, addresses
        self.port, self.tls_port = free_port(), free_port()
        self.component_port = free_port()
        for host in hosts:
            make_cert(self.certs, host)
        self.config = os.path.join(self.dir, "banyan.conf")
        self.configure(extra)
        self.log_path = os.path.join(self.dir, "log")
        self.process = None

    def configure(self, extra):
        """Writes banyan.conf, with more at its top than it needs."""
        c2s = ", ".join(f'"{a}:{self.port}"' for a in self.addresses)
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(
                f'data-dir = "{self.dir}"\n'
                f'certificates-dir = "{self.certs}"\n'
                f'c2s-listen = {{{c2s}}}\n'
                f'c2s-tls-listen = {{"127.0.0.1:{self.tls_port}"}}\n'
                f'component-listen = {{"127.0.0.1:{self.component_port}"}}\n'
                's2s = no\n'
                + extra + "".join(f'host "{h}" {{}}\n' for h in self.hosts))

    def command(self, *words, stdin=None, check=True):
        return subprocess.run([BINARY, "-c", self.config, *words],
                              input=stdin, text=True, check=check,
                              capture_output=True, timeout=60)

    def add_user(self, jid, password):
        self.command("user", "add", jid, "--password-stdin",
                     stdin=password + "\n")

    def start(self):
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [BINARY, "-c", self.config, "serve"], stderr=log)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("the server did not start:\n" + self.log())

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM; returns the exit code and the seconds that it took."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self.process = None
        return code, time.monotonic() - start

    def log(self):
        with open(self.log_path, encoding="utf-8") as f:
            return f.read()

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir)


def run_tests(tests):
    """Runs functions that raise where something is wrong; exits."""
    passed = failed = 0
    for test in tests:
        try:
            test()
            passed += 1
            print("ok: " + test.__doc__.strip())
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print("FAILED: " + test.__doc__.strip())
            traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
