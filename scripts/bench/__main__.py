"""Measures Updraft beside the limits of the machine it runs on, and writes docs/benchmarks.md.

Needs a release binary (`make build`). PostgreSQL's rows need its server binaries. Only what is measured is
written; what can't be measured says why. `--only` measures a part and replaces that part of the page.
"""

import argparse
import os
import re
import pathlib
import sys
import time
import traceback

import rows_alive
import rows_core
import rows_cron
import rows_files
import rows_history
import rows_idle
import rows_large
import rows_stores
import rows_takeover
from daemon import BINARY, ROOT
from figures import NotMeasured, Row, table

GROUPS = {
    "sqlite": rows_stores.sqlite,
    "postgres": rows_stores.postgres,
    "core": rows_core.core,
    "alive": rows_alive.alive,
    "files": rows_files.files,
    "large": rows_large.large,
    "cron": rows_cron.cron,
    "history-sqlite": rows_history.history_sqlite,
    "history-postgres": rows_history.history_postgres,
    "idle": rows_idle.idle,
    "takeover": rows_takeover.takeover,
}


def selected(words):
    """`history` selects `history-sqlite` and `history-postgres`."""
    if not words:
        return list(GROUPS)
    unknown = [word for word in words if not any(matches(word, name) for name in GROUPS)]
    if unknown:
        sys.exit(f"no rows are called {', '.join(unknown)}; there are: {', '.join(GROUPS)}")
    return [name for name in GROUPS if any(matches(word, name) for word in words)]


def matches(word, name):
    return name == word or name.startswith(f"{word}-")


def measured(name):
    """A group's part of the page; a group that fails is a row that says so, and the others go on."""
    load, begin = os.getloadavg()[0], time.monotonic()
    print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
    try:
        rows = GROUPS[name]()
    except NotMeasured as why:
        rows = [Row(name, f"not measured: {why}")]
    except Exception as error:  # The other groups are worth having.
        traceback.print_exc()
        rows = [Row(name, f"not measured: {type(error).__name__}: {error}")]
    seconds = time.monotonic() - begin
    print(f"{seconds:.0f} s", file=sys.stderr, flush=True)
    said = f"Took {seconds:.0f} s; load average {load:.1f} before it and {os.getloadavg()[0]:.1f} after."
    return "\n".join([said, "", *table(rows)])


HEAD = """# Benchmarks

`make bench`, release build, {cores} cores. `make bench BENCH_ARGS='--only NAME ..'` measures parts again.

What stands beside a figure was measured in the same run on the same machine, in turn with it where that
matters. Times are upper bounds where the load average, which counts the measurement itself, shows that the
machine had other things to do; a ratio then says more."""


def parts_of(page):
    """What is below each heading."""
    pieces = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)
    return {name: text.strip() for name, text in zip(pieces[1::2], pieces[2::2])}


def write(path, parts):
    """The page, with the groups in their order. What was not measured now, and what a person wrote, stays."""
    kept = parts_of(path.read_text()) if path.exists() else {}
    parts = {**kept, **parts}
    names = [name for name in GROUPS if name in parts] + [name for name in parts if name not in GROUPS]
    sections = [f"## {name}\n\n{parts[name]}" for name in names]
    path.write_text("\n\n".join([HEAD.format(cores=os.cpu_count()), *sections]) + "\n")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"measure only these: {', '.join(GROUPS)}")
    parser.add_argument("--print", action="store_true", help="print, and leave the page as it is")
    options = parser.parse_args()
    if not BINARY.exists():
        sys.exit(f"{BINARY} is not there: run `make build` first")
    for name in selected(options.only):
        part = measured(name)
        print(f"## {name}\n\n{part}\n", flush=True)
        # At once, so that an end in the middle loses nothing.
        if not options.print:
            write(ROOT / "docs" / "benchmarks.md", {name: part})


main()
