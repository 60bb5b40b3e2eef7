"""s2s_table.py - the tables of docs/interop.md: what they are made of; they
are written, or compared with."""

import re
import sys
import time

OUT, IN = "→", "←"
YES, NO, NOT_THERE = "yes", "**no**", "–"
BEGIN, END = "<!-- made by tests/interop/{} --table -->", "<!-- end -->"


class Results:
    """What worked: (row, column, direction) -> a word for the table."""

    def __init__(self, rows):
        self.rows = rows
        self.found, self.why = {}, {}

    async def run(self, row, title, direction, coroutine):
        key = row, title, direction
        self.found[key] = NO
        try:
            self.found[key] = await coroutine or YES
        except Exception as e:  # pylint: disable=broad-except
            self.why[key] = f"{type(e).__name__}: {e}"

    def get(self, key):
        return self.found.get(key, NOT_THERE)


class Clock:
    def __init__(self):
        self.last = time.monotonic()

    def say(self, what):
        now = time.monotonic()
        print(f"{what}: {now - self.last:.1f} s", flush=True)
        self.last = now


def columns(results):
    return list(dict.fromkeys(title for _, title, _ in results.found))


def table(results, titles, directions):
    heads = [f"{t} {d}" if len(directions) > 1 else t
             for t in titles for d in directions]
    there = {r for r, t, _ in results.found if t in titles}
    rows = [r for r in results.rows if r in there]
    lines = ["| | " + " | ".join(heads) + " |",
             "| --- |" + " --- |" * len(heads)]
    for row in rows:
        cells = [results.get((row, t, d)) for t in titles for d in directions]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def plain(results):
    return table(results, columns(results), (OUT, IN))


def parts(results):
    """One table of the others, one of domains that are not reached."""
    titles = columns(results)
    others = [t for t in titles if "gets" not in t]
    gets = [t for t in titles if "gets" in t]
    return (table(results, others, (OUT, IN))
            + ("\n" + table(results, gets, (OUT,)) if gets else ""))


def write(path, names, results, test="s2s"):
    """test: whose tables they are."""
    from s2s_peers import PEERS  # pylint: disable=import-outside-toplevel
    versions = ", ".join(f"{PEERS[n].title} {PEERS[n].version()}"
                         for n in names if n != "banyan2")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    begin = BEGIN.format(test)
    new = f"{begin}\n{versions}.\n\n{parts(results)}{END}"
    text, n = re.subn(re.escape(begin) + ".*" + re.escape(END),
                      lambda _: new, text, flags=re.S)
    if n != 1:
        sys.exit(f"{path} has no place for the tables: {begin}")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def read(path):
    """{(row, column): word} of all tables in the file."""
    found, heads = {}, []
    with open(path, encoding="utf-8") as f:
        for line in f:
            cells = [c.strip() for c in line.strip().strip("|").split("|")]
            if not line.startswith("|"):
                heads = []
            elif not heads:
                heads = [c.strip() for c in line.strip()[1:-1].split("|")][1:]
            elif not line.startswith("| ---"):
                for head, word in zip(heads, cells[1:]):
                    found[cells[0], head] = word
    return found


def compare(path, results):
    """How many cells differ from what is documented. What failed is counted
    by the caller; a server that is not installed is not compared."""
    documented, wrong = read(path), 0
    for (row, title, direction), word in results.found.items():
        want = documented.get((row, f"{title} {direction}"),
                              documented.get((row, title), "nothing"))
        if word not in (want, NO):
            print(f"FAILED: {row}, {title} {direction}: {word}, but {path} "
                  f"says {want}")
            wrong += 1
    return wrong
