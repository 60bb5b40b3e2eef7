"""s2s_world.py - a small internet for tests of federation: a network that ends
at its loopback interface, name servers, a certificate authority.

The whole test runs in namespaces of its own. There every server has an
address in 127.0.0.0/8 and the usual ports, and the system's resolver asks the
name server of the test: nothing of the machine is touched, and nothing of the
test stays."""

import asyncio
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

from banyan import skip

ZONE = "example"
DNS = "127.0.0.1"
INSIDE = "BANYAN_TEST_NAMESPACE"
READY_S = 60
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1

# Kinds of certificates: (days it is valid from, days it is valid until), the
# name in it where that is not the domain's, and whether it signs itself.
GOOD, EXPIRED, WRONG, SELF = "good", "expired", "wrong", "self"


def need(*programs):
    """Ends the test where one of them is not installed."""
    for program in programs:
        if not shutil.which(program):
            skip(program + " is not installed")


def enter_namespaces(may_fail=False):
    """Runs this program again, in namespaces of its own; returns there. Where
    they cannot be made that ends the test, or returns why."""
    if os.environ.get(INSIDE):
        start_network()
        return None
    if may_fail and not (shutil.which("unshare") and shutil.which("mount")):
        return "there is no unshare or no mount"
    need("unshare", "mount")
    words = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
             "--mount-proc"]
    if os.geteuid() != 0:
        words += ["--user", "--map-root-user"]
    tried = subprocess.run([*words, "true"], capture_output=True, text=True,
                           check=False)
    if tried.returncode:
        if may_fail:
            return tried.stderr.strip()
        skip("namespaces cannot be made here: " + tried.stderr.strip())
    os.environ[INSIDE] = "1"
    sys.stdout.flush()
    return os.execvp(words[0], [*words, sys.executable, *sys.argv])


def start_network():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(
            s, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(s, SIOCSIFFLAGS,
                    struct.pack("16sh14x", b"lo", flags | IFF_UP))


class Program:
    """A process and its output; ends with the test."""

    def __init__(self, log, words, env=None):
        self.name, self.log = words[0], log
        with open(log, "ab") as out:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, env=dict(os.environ, **(env or {})))

    async def ready(self, *addresses):
        """Waits until there is somebody at (host, port) of each."""
        deadline = time.monotonic() + READY_S
        for address in addresses:
            while not await answers(*address):
                if self.process.poll() is not None:
                    raise RuntimeError(f"{self.name} ended:\n{self.output()}")
                if time.monotonic() > deadline:
                    raise RuntimeError(
                        f"{self.name} does not listen on {address}:\n"
                        + self.output())
                await asyncio.sleep(0.03)

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-30:])

    async def end(self, seconds=15):
        """SIGTERM; SIGKILL where that does not help. Returns the status."""
        if self.process.poll() is None:
            self.process.terminate()
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                os.killpg(self.process.pid, signal.SIGKILL)
            await asyncio.sleep(0.02)
        return self.process.returncode


async def answers(host, port):
    try:
        _, writer = await asyncio.wait_for(
            asyncio.open_connection(host, port), 1)
    except (OSError, asyncio.TimeoutError):
        return False
    writer.close()
    return True


class World:
    """A folder for all that the servers need; close() removes it."""

    def __init__(self, keep=False):
        # Else there may be other name servers, and nothing can be mounted.
        self.is_inside = INSIDE in os.environ
        self.dns_port = 53 if self.is_inside else 5300
        self.dir = tempfile.mkdtemp(prefix="banyan-s2s-")
        self.keep = keep
        # In memory nobody waits for a disk.
        self.is_mounted = not keep and self.is_inside and subprocess.run(
            ["mount", "-t", "tmpfs", "tmpfs", self.dir], check=False,
            stderr=subprocess.DEVNULL).returncode == 0
        os.chmod(self.dir, 0o755)
        self.records = []
        self.authority = Authority(self.path("ca"))
        self.name_servers = []

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def folder(self, *names):
        path = self.path(*names)
        os.makedirs(path, exist_ok=True)
        return path

    def write(self, path, text):
        with open(self.path(path), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(path)

    def host(self, name, address):
        """An address record; returns the host's name."""
        full = f"{name}.hosts.{ZONE}"
        if f"{full}. A {address}" not in self.records:
            self.records.append(f"{full}. A {address}")
        return full

    def service(self, domain, host, priority=0, tls=False, port=None):
        """An SRV record of a domain; host None: not offered."""
        service = "_xmpps-server" if tls else "_xmpp-server"
        if host is None:
            target = "0 0 0 ."
        else:
            port = port or (5270 if tls else 5269)
            target = f"{priority} 10 {port} {host}."
        self.records.append(f"{service}._tcp.{domain}. SRV {target}")

    async def serve_names(self):
        """nsd with the records so far; and in namespaces all ask it."""
        await self.name_server("nsd", DNS, self.records)
        if not self.is_inside:
            return
        for name, text in (("resolv.conf", f"nameserver {DNS}\n"),
                           ("hosts", "127.0.0.1 localhost\n")):
            path = self.write("nsd/" + name, text)
            subprocess.run(["mount", "--bind", path, "/etc/" + name],
                           check=True)

    async def name_server(self, name, address, records):
        """name: of a folder for it."""
        self.folder(name)
        self.write(name + "/zone", "\n".join(
            ["$TTL 60", f"{ZONE}. SOA ns.{ZONE}. root.{ZONE}. 1 60 60 60 1",
             f"{ZONE}. NS ns.{ZONE}.", f"ns.{ZONE}. A {address}",
             *records]) + "\n")
        conf = self.write(name + "/nsd.conf", f"""
server:
  ip-address: {address}
  port: {self.dns_port}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{self.path(name)}"
  pidfile: "{self.path(name, "pid")}"
  xfrdfile: "{self.path(name, "xfrd")}"
  xfrdir: "{self.path(name)}"
  zonelistfile: "{self.path(name, "zones")}"
remote-control:
  control-enable: no
zone:
  name: "{ZONE}."
  zonefile: "{self.path(name, "zone")}"
""")
        server = Program(self.path(name, "log"), ["nsd", "-d", "-c", conf])
        self.name_servers.append(server)
        await server.ready((address, self.dns_port))

    async def close(self):
        for server in self.name_servers:
            await server.end()
        if self.is_mounted:
            subprocess.run(["umount", "-l", self.dir], check=True)
        if self.keep:
            print("the servers' files are in " + self.dir)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


class Authority:
    """A certificate authority that only this test trusts."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        self.key = os.path.join(folder, "ca.key")
        self.cert = os.path.join(folder, "ca.crt")
        self.conf = os.path.join(folder, "ca.conf")
        self.leaf_key = os.path.join(folder, "leaf.key")
        for name in "index", "index.attr":
            self.write(name, "")
        self.write("serial", "01\n")
        self.write("ca.conf", f"""
[ca]
default_ca = test
[test]
dir = {folder}
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
certificate = {self.cert}
private_key = {self.key}
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
basicConstraints = CA:FALSE
keyUsage = digitalSignature
extendedKeyUsage = serverAuth,clientAuth
""")
        for key in self.key, self.leaf_key:
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-out", key)
        openssl("req", "-x509", "-new", "-key", self.key, "-days", "30",
                "-subj", "/CN=Test authority", "-addext",
                "keyUsage=keyCertSign", "-out", self.cert)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w",
                  encoding="ascii") as f:
            f.write(text)

    def issue(self, domain, kind, folder):
        """DOMAIN.crt, DOMAIN.key and DOMAIN.pem (both) in folder; returns the
        path of the last."""
        name = "elsewhere." + ZONE if kind == WRONG else domain
        path = os.path.join(folder, domain)
        self.sign(name, kind, path + ".crt")
        shutil.copy(self.leaf_key, path + ".key")
        with open(path + ".pem", "w", encoding="ascii") as pem:
            for part in path + ".crt", path + ".key":
                with open(part, encoding="ascii") as f:
                    pem.write(f.read())
        return path + ".pem"

    def sign(self, name, kind, path):
        request = ["req", "-new", "-key", self.leaf_key, "-subj",
                   "/CN=" + name, "-addext", "subjectAltName=DNS:" + name]
        if kind == SELF:
            openssl(*request, "-x509", "-days", "30", "-out", path)
            return
        openssl(*request, "-out", path + ".csr")
        dates = (["-startdate", "20200101000000Z", "-enddate",
                  "20200201000000Z"] if kind == EXPIRED else ["-days", "30"])
        openssl("ca", "-batch", "-notext", "-config", self.conf, "-in",
                path + ".csr", "-out", path, *dates)


def openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr}")
