"""net_kernel.py - servers in network namespaces of their own, and links between
them that the kernel cuts; or, where these cannot be made, neither.

To all of them the users come by a bridge, which is never cut. What goes between
two servers goes by a proxy at an address of the test's own namespace, or by a
link: a veth pair at each of both, and a bridge between these."""

import json
import shutil
import subprocess

from net_world import Link, connect
from s2s_proxy import PORT


class Failed(Exception):
    pass


def do(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


class Namespace:
    """Is there until close()."""

    def __init__(self):
        # pylint: disable-next=consider-using-with
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo made; exec sleep infinity"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if not self.holder.stdout.readline():
            raise Failed("unshare --net")
        self.words = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        return do(*self.words, "ip", *words)

    def plug(self, name, bridge, address):
        """A veth pair: name in here, and another end at the bridge. Returns
        that one's name."""
        end = f"{bridge}-{self.holder.pid}"
        do("ip", "link", "add", "name", end, "type", "veth", "peer", "name",
           name, "netns", str(self.holder.pid))
        do("ip", "link", "set", end, "master", bridge, "up")
        self.ip("addr", "add", address, "dev", name)
        self.ip("link", "set", name, "up")
        return end

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


def make_bridge(name):
    do("ip", "link", "add", "name", name, "type", "bridge")
    do("ip", "link", "set", name, "up")


class KernelLink:
    """Between two servers, for one kind of domains of theirs. What is lost on
    it is lost without a word: TCP goes on trying, and nobody gets an RST."""

    n_made = 0
    title = "a veth pair that is down"

    def __init__(self, a, b, kinds, options=""):
        KernelLink.n_made += 1
        self.name = f"link{KernelLink.n_made}"
        make_bridge(self.name)
        self.nodes, self.holes = (a, b), []
        self.addresses = [f"10.78.{KernelLink.n_made}.{i}" for i in (1, 2)]
        self.ends = [
            node.namespace.plug(self.name, self.name, address + "/24")
            for node, address in zip(self.nodes, self.addresses)]
        for node, address in zip(self.nodes, self.addresses):
            node.listens.append(address)
        there, back = self.addresses[1], self.addresses[0]
        connect(a, b, kinds, [(there, PORT), (back, PORT)], options)

    def open(self):
        pass

    def cut(self):
        """The first server's port has no carrier; the second sees nothing."""
        do("ip", "link", "set", self.ends[0], "down")

    def lose(self, direction):
        """"there": what the first server sends; or "back"."""
        source = direction == "back"
        self.holes.append((self.nodes[source].namespace,
                           self.addresses[not source]))
        self.holes[-1][0].ip("route", "add", "blackhole", self.holes[-1][1])

    def heal(self):
        do("ip", "link", "set", self.ends[0], "up")
        for namespace, address in self.holes:
            namespace.ip("route", "del", "blackhole", address)
        self.holes = []

    def n_bytes(self):
        """What was brought (to the second server, to the first), TCP and all
        included."""
        return tuple(
            json.loads(do("ip", "-s", "-j", "link", "show", end))[0][
                "stats64"]["tx"]["bytes"] for end in reversed(self.ends))

    def close(self):
        pass


class Loopback:
    """All are at 127.0.0.x; every link is a proxy."""

    def __init__(self, why):
        self.title = f"127.0.0.x behind proxies ({why})"

    @staticmethod
    def address(number):
        return f"127.0.0.{number}"

    outside = address

    def add(self, node):
        pass

    def link(self, *words):
        return Link(*words)

    def close(self):
        pass


class Kernel:
    """Each server is in a namespace of its own."""

    title = "a network namespace for each Banyan, veth pairs between them"

    def __init__(self):
        self.namespaces = []
        make_bridge("users")
        do("ip", "addr", "add", "10.77.9.1/16", "dev", "users")
        # Name servers and proxies, and whoever has no namespace.
        for net in 1, 2, 3:
            do("ip", "route", "add", "local", f"10.77.{net}.0/24", "dev", "lo")

    @staticmethod
    def address(number):
        return f"10.77.0.{number}"

    @staticmethod
    def outside(number):
        return f"10.77.1.{number}"

    def add(self, node):
        node.namespace = Namespace()
        self.namespaces.append(node.namespace)
        node.inside = node.namespace.words
        node.namespace.plug("users", "users", node.address + "/16")

    def link(self, *words):
        return KernelLink(*words)

    def close(self):
        for namespace in self.namespaces:
            namespace.close()


def find_network(why=None):
    """The best that can be made here; the other one if there is a reason."""
    if why:
        return Loopback(why)
    for program in "ip", "nsenter":
        if not shutil.which(program):
            return Loopback(program + " is not installed")
    try:
        probe = Namespace()
        try:
            make_bridge("probe")
            probe.plug("probe", "probe", "10.79.0.1/24")
            do("ip", "link", "del", "probe")
        finally:
            probe.close()
        return Kernel()
    except Failed as e:
        return Loopback(str(e))
