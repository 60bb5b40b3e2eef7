"""The raw lines of a benchmark run as a table in Markdown."""
import os
import platform
import re
import statistics
import subprocess
import time

# Figure: job, key, text, unit, digits, the limit's job, target as a ratio to
# the limit, target as a number. A rate is better where it is higher.
FIGURES = [
    ("chat-one", "srv_cpu_us_per_msg", "1:1 chat, 1 of each pair in flight: CPU per message", "µs", "relay", None, None),
    ("chat-one", "msgs_per_s", "the same: messages per second", "/s", None, None, None),
    ("chat", "srv_cpu_us_per_msg", "1:1 chat, 4 of each pair in flight: CPU per message", "µs", "relay", 2, None),
    ("chat", "msgs_per_s", "the same: messages per second", "/s", None, None, None),
    ("chat-many", "srv_cpu_us_per_msg", "20 of each pair in flight: CPU per message", "µs", "fanout8", None, 8),
    ("chat-many", "msgs_per_s", "the same: messages per second", "/s", None, None, None),
    ("chat-free", "msgs_per_s", "the same with all cores for all: messages per second", "/s", None, None, None),
    ("chat-free", "srv_cpu_us_per_msg", "the same: CPU per message", "µs", None, None, None),
    ("chat-free", "srv_cpu_pct", "the same: CPU of the server", "%", None, None, None),
    ("latency", "rate", "half of the own top rate with 1 in flight", "/s", None, None, None),
    ("latency", "p50_us", "at that rate: median latency", "ms", None, None, None),
    ("latency", "p99_us", "at that rate: 99th percentile of latency", "ms", "machine-latency", None, 2),
    ("login", "srv_cpu_us_per_login", "log-in with SCRAM, to presence: CPU per log-in", "µs", "handshake", 1.8, None),
    ("login", "srv_cpu_us_per_login", "the same, and the limit with its sockets and records", "µs", "machine-login", None, None),
    ("login", "logins_per_s", "the same: log-ins per second", "/s", None, None, None),
    ("presence", "srv_cpu_us_per_delivery", "presence to 50 contacts: CPU per delivery", "µs", "fanout", None, None),
    ("churn", "srv_cpu_us_per_cycle", "log in, one message, leave: CPU per round", "µs", "handshake", None, None),
    ("churn", "cycles_per_s", "the same: rounds per second", "/s", None, None, None),
    ("idle", "pss_kb_per_session", "idle TLS session: memory", "KiB", None, None, 18),
]
LIMIT_KEYS = {"relay": "srv_cpu_us_per_delivery", "fanout": "srv_cpu_us_per_delivery",
              "fanout8": "srv_cpu_us_per_delivery", "handshake": "srv_cpu_us", "machine-latency": "p99_us", "machine-login": "cpu_us"}


def output(*cmd):
    try:
        return subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
    except OSError:
        return ""


def first(pattern, path, otherwise):
    with open(path) as f:
        found = re.search(pattern, f.read(), re.M)
    return found.group(1) if found else otherwise


def version(server, banyan):
    if server == "banyan":
        here = os.path.dirname(os.path.abspath(__file__))
        commit = output("git", "-C", here, "describe", "--always", "--dirty")
        return f"{output(banyan, 'version')} ({commit})" if commit else output(banyan, "version")
    return server + " " + output("dpkg-query", "-W", "-f", "${Version}", server)


AUTOGROUP = "/proc/sys/kernel/sched_autogroup_enabled"


def priority():
    """Where it is not the usual one. The servers have sessions of their own."""
    nice = os.nice(0)
    if not nice:
        return []
    grouped = os.path.exists(AUTOGROUP) and first(r"^(\d+)", AUTOGROUP, "0") != "0"
    return [f"# Priority: nice {nice}" + (", without effect: sched_autogroup_enabled is not 0" if grouped else "")]


def conditions(o):
    """Lines that begin with #, for the log."""
    cpu = first(r"^model name\s*: (.*)$", "/proc/cpuinfo", platform.machine())
    memory = int(first(r"^MemTotal:\s*(\d+)", "/proc/meminfo", "0")) / 2**20
    system = first(r'^PRETTY_NAME="?([^"\n]*)', "/etc/os-release", "")
    load = " ".join(f"{x:.1f}" for x in os.getloadavg())
    return "\n".join([
        f"# Date: {time.strftime('%Y-%m-%d %H:%M')}, load average at the start {load}",
        f"# Machine: {os.cpu_count()} cores of {cpu}, {memory:.0f} GiB, Linux {platform.release()}, {system}",
        "# Versions: " + ", ".join(version(s, o.banyan) for s in o.servers.split(",")) + ", " +
        " ".join(output("openssl", "version").split()[:2]),
        *priority(),
    ])


def parse(text):
    """(job, server) -> list of dictionaries; the limits' server is ''."""
    runs = {}
    for line in text.splitlines():
        kv = dict(w.split("=", 1) for w in line.split() if "=" in w)
        if not line.startswith("#") and "job" in kv:
            runs.setdefault((kv["job"], kv.get("server", "")), []).append(kv)
    return runs


def values(runs, job, server, key):
    return [float(r[key]) / (1000 if key.endswith("_us") and key[0] == "p" else 1)
            for r in runs.get((job, server), []) if key in r and r.get("ok", "1") == "1"]


def short(x):
    return f"{x:.0f}" if x >= 100 else f"{x:.3g}"


def best_of(vals, unit):
    return max(vals) if unit in ("/s", "%") else min(vals)


def cell(vals, unit):
    if not vals:
        return "–"
    if len(vals) == 1 or min(vals) == max(vals):
        return short(vals[0])
    return f"{short(best_of(vals, unit))} ({short(statistics.median(vals))})"


def row(runs, servers, figure):
    job, key, text, unit, limit, ratio, target = figure
    cells = {s: values(runs, job, s, key) for s in servers}
    if not any(cells.values()):
        return None
    limits = values(runs, f"limit-{limit}", "", LIMIT_KEYS[limit]) if limit else []
    goal = f"≤ {ratio} × limit" if ratio else f"≤ {target}" if target else "–"
    own = cells.get("banyan")
    factor = f"{best_of(own, unit) / min(limits):.2f}" if own and limits else "–"
    return " | ".join([f"| {text}, {unit}", goal, cell(limits, unit), factor] +
                      [cell(cells[s], unit) for s in servers]) + " |"


def table(text):
    runs = parse(text)
    servers = [s for s in ("banyan", "prosody", "ejabberd", "jabberd2") if any(k[1] == s for k in runs)]
    loads = [float(r["load1"]) for lines in runs.values() for r in lines]
    repeats = max((len(lines) for lines in runs.values()), default=0)
    out = [line[2:] + ("  " if line else "") for line in text.splitlines() if line.startswith("# ")]
    if loads:
        out.append(f"Load average during the runs: {min(loads):.1f} to {max(loads):.1f}; repeats: {repeats}. "
                   "Cells: best (median).")
    out += ["", "| | target | limit | Banyan / limit | " + " | ".join(servers) + " |", "|---" * (4 + len(servers)) + "|"]
    out += [r for r in (row(runs, servers, f) for f in FIGURES) if r]
    failed = sorted({f"{k[0]} of {k[1]}" for k, lines in runs.items() for r in lines if r.get("ok", "1") != "1"})
    if failed:
        out += ["", "Failed (a loss or an error), and not in the table: " + ", ".join(failed) + "."]
    busy = sorted({f"{k[0]} of {k[1]}" for k, lines in runs.items() for r in lines
                   if float(r.get("gen_cpu_pct", 0)) > 95 and float(r.get("srv_cpu_pct", 100)) < 95})
    if busy:
        out += ["", "The generator, not the server, was the limit of the rate: " + ", ".join(busy) + "."]
    return "\n".join(out)
