"""s2s_peers.py - the servers of tests/interop/s2s, each with one domain for
each way to connect to it."""

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess

from banyan import BINARY
from s2s_world import EXPIRED, GOOD, SELF, WRONG, ZONE, Program

# Ways to reach a server: the certificate of its domain for that, and what the
# server must be able to do.
KINDS = {
    "main": (GOOD, None),           # whatever both like best
    "external": (GOOD, "external"),  # certificates, no dialback
    "self": (SELF, None),           # dialback
    "direct": (GOOD, "direct"),     # TLS from the start, nothing else
    "oneway": (GOOD, "external"),   # no bidi
    "bidi": (GOOD, "bidi"),         # no address: answers can only come back
    "backup": (GOOD, None),         # two targets, the first of which is down
    "picky": (GOOD, "strict"),      # with the next two only
    "expired": (EXPIRED, None),
    "wrong": (WRONG, None),
}
STRICT = "expired", "wrong"
# Where one stream may be for both directions; elsewhere each is tried.
BIDI = "main", "bidi"
USERS = "alice", "bob"
DOWN = "127.0.0.99"        # nobody listens there
PASSWORD = "secret"


class Peer:
    """One server. Its folder, certificates and names are made by the
    constructor, its files by configure()."""

    name = title = package = None
    address = None
    # What it can do; the rest is not tested with it.
    can = frozenset()
    # What it gets while it stops is delivered, kept, or bounced.
    keeps_all = False
    # What was on its way when a stream breaks is sent again, or comes back.
    knows_losses = True
    # What comes while its user logs in may be lost, or kept for the next time.
    loses_at_log_in = False
    # Rooms are distributed.
    has_copies = False
    # Handshakes at the same time break its streams.
    is_fragile = False
    kinds = KINDS
    stop_s = 15

    def __init__(self, world):
        self.world = world
        self.dir = world.folder(self.name)
        self.certs = world.folder(self.name, "certs")
        self.programs = []
        self.host = world.host(self.name, self.address)
        self.domains = {kind: f"{kind}.{self.name}.{ZONE}"
                        for kind, (_, need) in self.kinds.items()
                        if not need or need in self.can}
        for kind, domain in self.domains.items():
            world.authority.issue(domain, self.kinds[kind][0], self.certs)
            if kind == "backup":
                world.service(domain, world.host("down", DOWN), priority=1)
            if kind != "bidi":
                world.service(domain, self.host, priority=2,
                              tls=kind == "direct")

    @classmethod
    def missing(cls):
        """The program that would have to be installed, or None."""
        return None if shutil.which(cls.program) else cls.program

    @classmethod
    def version(cls):
        done = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", cls.package],
            capture_output=True, text=True, check=False)
        return done.stdout or "?"

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def pem(self, kind):
        return os.path.join(self.certs, self.domains[kind] + ".pem")

    async def run(self, words, *ports, env=None):
        program = Program(self.path("output"), words, env)
        self.programs.append(program)
        await program.ready(*((self.address, p) for p in ports))

    async def start(self):
        raise NotImplementedError

    async def stop(self):
        for program in reversed(self.programs):
            await program.end(self.stop_s)
        self.programs = []

    def logs(self):
        """What a reader of a failed run may want to see."""
        text = ""
        for name in sorted(os.listdir(self.dir)):
            if name == "output" or name.endswith("log"):
                with open(self.path(name), encoding="utf-8",
                          errors="replace") as f:
                    text += f"-- {self.name}/{name}\n" + f.read()
        return text


# What Banyan is told of the others' domains.
POLICIES = {
    "external": "dialback = no\n\tbidi = no",
    **{kind: "bidi = no" for kind in ("self", "direct", "oneway")},
    **{kind: "require-certificate = yes" for kind in STRICT},
}


class Banyan(Peer):
    name, title, package, program = "banyan", "Banyan", "", BINARY
    address = "127.0.0.10"
    can = frozenset(("external", "bidi", "direct", "strict"))
    has_users, keeps_all, has_copies = False, True, True

    def configure(self, peers):
        hosts = "".join(f'host "{d}" {{}}\n' for d in self.domains.values())
        remotes = "".join(
            f'remote "{peer.domains[kind]}" {{\n\t{policy}\n}}\n'
            for peer in peers for kind, policy in POLICIES.items()
            if kind in peer.domains)
        self.write("banyan.conf", f"""
data-dir = "{self.dir}"
certificates-dir = "{self.certs}"
c2s-listen = {{"{self.address}:5222"}}
c2s-tls-listen = {{"{self.address}:5223"}}
component-listen = {{"{self.address}:5347"}}
c2s-require-tls = no
scram-iterations = 4096
log-level = debug
s2s-listen = {{"{self.address}:5269"}}
s2s-tls-listen = {{"{self.address}:5270"}}
s2s-ca = "{self.world.authority.cert}"
s2s-connect-timeout = 3s
s2s-auth-timeout = 6s
s2s-queue-age = 20s
s2s-retry-min = 1s
{hosts}{remotes}""")

    @classmethod
    def version(cls):
        return subprocess.run([BINARY, "--version"], text=True, check=True,
                              capture_output=True).stdout.split()[-1]

    async def command(self, *words, stdin=""):
        program = await asyncio.create_subprocess_exec(
            BINARY, "-c", self.path("banyan.conf"), *words,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE)
        out, err = await program.communicate(stdin.encode())
        if program.returncode:
            raise RuntimeError(f"banyan {words[0]}: {err.decode()}")
        return out.decode()

    async def add_users(self, user):
        for domain in self.domains.values():
            await self.command("user", "add", f"{user}@{domain}",
                               "--password-stdin", stdin=PASSWORD + "\n")

    async def start(self):
        if not self.has_users:
            await asyncio.gather(*(self.add_users(u) for u in USERS))
            self.has_users = True
        await self.run([BINARY, "-c", self.path("banyan.conf"), "serve"],
                       5222, 5269, 5270)


class Banyan2(Banyan):
    """A second one: what the two say to each other is special."""

    name, address = "banyan2", "127.0.0.14"


class Prosody(Peer):
    name = package = program = "prosody"
    title = "Prosody"
    address = "127.0.0.11"
    can = frozenset(("external", "bidi", "direct", "strict"))

    def configure(self, peers):
        """Accounts as mod_storage_internal keeps them. libunbound must be
        told that loopback is fine."""
        others = [*peers, self]
        weak = ", ".join(f'"{d}"' for p in others for k, d in p.domains.items()
                         if k == "self" or (k not in STRICT
                                            and "external" not in p.can))
        hosts = "".join(
            f'VirtualHost "{d}"\n'
            + ("" if k in BIDI else '\tmodules_disabled = { "s2s_bidi" }\n')
            for k, d in self.domains.items())
        self.write("prosody.cfg.lua", f"""
run_as_root = true
daemonize = false
pidfile = "{self.path("pid")}"
data_path = "{self.path("data")}"
log = {{ {{ levels = {{ min = "debug" }}; to = "file";
	filename = "{self.path("prosody.log")}" }} }}
interfaces = {{ "{self.address}" }}
c2s_ports = {{ 5222 }}
s2s_ports = {{ 5269 }}
s2s_direct_tls_ports = {{ 5270 }}
modules_enabled = {{ "disco"; "roster"; "saslauth"; "tls"; "dialback"; "ping";
	"version"; "posix"; "offline"; "s2s_bidi"; "smacks" }}
authentication = "internal_plain"
allow_unencrypted_plain_auth = true
c2s_require_encryption = false
s2s_secure_auth = true
s2s_insecure_domains = {{ {weak} }}
s2s_timeout = 10
unbound = {{ resolvconf = false; forward = {{ "127.0.0.1" }};
	options = {{ ["do-not-query-localhost:"] = "no" }} }}
certificates = "{self.certs}"
ssl = {{ cafile = "{self.world.authority.cert}" }}
{hosts}""")
        for domain in self.domains.values():
            stored = re.sub(r"\W", lambda m: f"%{ord(m[0]):02x}", domain)
            folder = self.path("data", stored, "accounts")
            os.makedirs(folder)
            for user in USERS:
                with open(os.path.join(folder, user + ".dat"), "w",
                          encoding="ascii") as f:
                    f.write(f'return {{ ["password"] = "{PASSWORD}"; }};\n')

    async def start(self):
        await self.run(["prosody", "--config", self.path("prosody.cfg.lua"),
                        "-F"], 5222, 5269, 5270)


class Ejabberd(Peer):
    name = package = "ejabberd"
    program = "ejabberdctl"
    title = "ejabberd"
    address = "127.0.0.12"
    can = frozenset(("external", "direct"))
    knows_losses = False
    # mod_offline takes out what there is in a transaction (wread, delete), and
    # writes without a lock (dirty_write): what is written in between is gone.
    loses_at_log_in = True

    def configure(self, peers):
        del peers
        hosts = ", ".join(f'"{d}"' for d in self.domains.values())
        certs = ", ".join(f'"{self.pem(k)}"' for k in self.domains)
        self.write("ejabberd.yml", f"""
hosts: [ {hosts} ]
loglevel: debug
certfiles: [ {certs} ]
ca_file: "{self.world.authority.cert}"
s2s_cafile: "{self.world.authority.cert}"
s2s_use_starttls: required
s2s_timeout: 10
s2s_max_retry_delay: 1
s2s_dns_timeout: 3
s2s_dns_retries: 1
auth_method: mnesia
auth_password_format: plain
listen:
  -
    port: 5222
    ip: "{self.address}"
    module: ejabberd_c2s
    starttls: true
    starttls_required: false
  -
    port: 5269
    ip: "{self.address}"
    module: ejabberd_s2s_in
  -
    port: 5270
    ip: "{self.address}"
    module: ejabberd_s2s_in
    tls: true
modules:
  mod_disco: {{}}
  mod_offline: {{}}
  mod_ping: {{}}
  mod_roster: {{}}
  mod_s2s_dialback: {{}}
  mod_version: {{}}
""")

    async def start(self):
        """Without a node name: then there is no epmd, and no cookie."""
        files = subprocess.run(["dpkg", "-L", "ejabberd"], text=True,
                               check=True, capture_output=True).stdout
        libs = re.search("^(.*)/ejabberd-[^/]*/ebin/ejabberd.app$", files,
                         re.M).group(1)
        users = ",".join(
            f'ejabberd_auth:try_register(<<"{u}">>,<<"{d}">>,<<"{PASSWORD}">>)'
            for d in self.domains.values() for u in USERS)
        await self.run(
            ["erl", "+sbwt", "none", "-noinput", "-mnesia", "dir",
             f'"{self.path("mnesia")}"', "-s", "ejabberd", "-eval",
             users + "."],
            5222, 5269, 5270,
            env={"ERL_LIBS": libs, "HOME": self.dir,
                 "ERL_CRASH_DUMP_BYTES": "0",
                 "EJABBERD_CONFIG_PATH": self.path("ejabberd.yml"),
                 "EJABBERD_LOG_PATH": self.path("ejabberd.log")})


class Jabberd2(Peer):
    name = package = "jabberd2"
    program = "jabberd2-s2s"
    title = "jabberd2"
    address = "127.0.0.13"
    # Each certificate that it looks at leaves an error in OpenSSL's queue
    # ("oid exists"), and the next call for another stream then fails with it.
    is_fragile = True

    def configure(self, peers):
        del peers
        lib = self.packaged("/authreg_sqlite.so")
        for name in "auth.db", "sm.db":
            self.make_database(name)
        self.write("users.xml", "<users><user><name>jabberd</name>"
                   "<secret>secret</secret></user></users>")
        for part in "router", "sm", "c2s", "s2s":
            text = getattr(self, part + "_xml")(os.path.dirname(lib))
            self.write(part + ".xml", f"""
<{part}><id>{part}</id><pidfile>{self.path(part + ".pid")}</pidfile>
 <log type='file'><file>{self.path(part + ".log")}</file></log>
 <router><ip>{self.address}</ip><port>5347</port>
  <user>jabberd</user><pass>secret</pass>
  <retry><init>20</init><lost>3</lost><sleep>1</sleep></retry></router>
{text}</{part}>
""")

    def packaged(self, end):
        files = subprocess.run(["dpkg", "-L", "jabberd2"], text=True,
                               check=True, capture_output=True).stdout
        return next(f for f in files.split("\n") if f.endswith(end))

    def make_database(self, name):
        schema = subprocess.run(
            ["zcat", self.packaged("/db-setup.sqlite.gz")], text=True,
            check=True, capture_output=True).stdout
        users = [(u, d) for d in self.domains.values() for u in USERS]
        with sqlite3.connect(self.path(name)) as db:
            db.executescript(schema)
            db.executemany("insert into authreg (username, realm, password)"
                           f" values (?, ?, '{PASSWORD}')", users)
            db.executemany('insert into active ("collection-owner", time)'
                           " values (?, 1)", [(f"{u}@{d}",) for u, d in users])

    def router_xml(self, _):
        return f"""
 <local><ip>{self.address}</ip><port>5347</port>
  <users>{self.path("users.xml")}</users><secret>secret</secret></local>
 <check><interval>60</interval></check><io><max_fds>1024</max_fds></io>
 <aliases/><aci><acl type='all'><user>jabberd</user></acl></aci>
"""

    def sm_xml(self, lib):
        chains = {
            "in-sess": "validate privacy roster iq-ping disco offline"
                       " presence deliver",
            "out-sess": "",
            "in-router": "session validate presence privacy",
            "out-router": "privacy",
            "pkt-sm": "iq-ping iq-version disco presence",
            "pkt-user": "roster presence disco deliver offline",
            "pkt-router": "session disco",
            "user-load": "active roster privacy",
            "user-create": "active",
            "user-delete": "active offline privacy roster",
            "disco-extend": "iq-version",
        }
        modules = "".join(
            f"<chain id='{chain}'>" + "".join(
                f"<module>{m}</module>" for m in names.split()) + "</chain>"
            for chain, names in chains.items())
        ids = "".join(f"<id>{d}</id>" for d in self.domains.values())
        return f"""
 <local>{ids}</local>
 <storage><path>{lib}</path><driver>sqlite</driver><limits/>
  <sqlite><dbname>{self.path("sm.db")}</dbname>
   <busy-timeout>5000</busy-timeout></sqlite></storage>
 <aci/><modules><path>{lib}</path>{modules}</modules>
 <discovery><identity><category>server</category><type>im</type>
  <name>jabberd2</name></identity><items/></discovery>
 <user><auto-create/></user><amp/><offline/><roster/><status/>
"""

    def c2s_xml(self, lib):
        ids = "".join(f"<id verify-mode='0'>{d}</id>"
                      for d in self.domains.values())
        mechanisms = ("<traditional><plain/></traditional>"
                      "<sasl><plain/></sasl>")
        return f"""
 <local>{ids}<ip>{self.address}</ip><port>5222</port></local>
 <io><max_fds>1024</max_fds></io><stats/><pbx/><stream_redirect/>
 <authreg><path>{lib}</path><module>sqlite</module>
  <mechanisms>{mechanisms}</mechanisms>
  <sqlite><dbname>{self.path("auth.db")}</dbname>
   <busy-timeout>5000</busy-timeout>
   <password_type><plaintext/></password_type></sqlite></authreg>
"""

    def s2s_xml(self, _):
        ca = self.world.authority.cert
        ids = "".join(
            f"<id realm='' pemfile='{self.pem(k)}' cachain='{ca}'"
            f" verify-mode='0'>{d}</id>" for k, d in self.domains.items())
        return f"""
 <local>{ids}<ip>{self.address}</ip><port>5269</port>
  <origins><ip>{self.address}</ip></origins>
  <pemfile>{self.pem("main")}</pemfile><verify-mode>0</verify-mode>
  <cachain>{ca}</cachain></local>
 <io><max_fds>1024</max_fds></io>
 <check><interval>1</interval><queue>8</queue><retry>8</retry>
  <dnscache>60</dnscache></check><stats/>
 <lookup><srv>xmpp-server</srv><min-ttl>1</min-ttl>
  <bad-host-timeout>1</bad-host-timeout></lookup>
 <security><require_tls/></security>
"""

    async def start(self):
        ports = {"router": [5347], "c2s": [5222], "s2s": [5269], "sm": []}
        for part, wait in ports.items():
            await self.run(["jabberd2-" + part, "-c",
                            self.path(part + ".xml")], *wait)


PEERS = {c.name: c for c in (Banyan, Banyan2, Prosody, Ejabberd, Jabberd2)}
