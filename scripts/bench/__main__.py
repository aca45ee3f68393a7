"""Measures Updraft beside the limits of the machine it runs on, and writes docs/benchmarks.md.

Needs a release binary (`make build`). PostgreSQL's rows need its server binaries. Only what is measured is
written; what can't be measured says why. `--only` measures a part and writes nothing, unless `--write` says where.
"""

import argparse
import os
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
    """A group's rows; a group that fails is a row that says so, and the others go on."""
    begin = time.monotonic()
    print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
    try:
        rows = GROUPS[name]()
    except NotMeasured as why:
        rows = [Row(name, f"not measured: {why}")]
    except Exception as error:  # The other groups are worth having.
        traceback.print_exc()
        rows = [Row(name, f"not measured: {type(error).__name__}: {error}")]
    print(f"{time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    return rows


def page(rows, loads):
    return [
        "# Benchmarks",
        "",
        f"`make bench`, release build, {os.cpu_count()} cores; load average {loads[0]:.1f} at the start and {loads[1]:.1f} at the end.",
        "A limit beside a figure was measured in the same run on the same machine, in turn with it where that matters.",
        "Times on a machine that does other things are upper bounds; a ratio says more.",
        "",
        *table(rows),
    ]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="ROWS", help=f"measure only these: {', '.join(GROUPS)}")
    parser.add_argument("--write", type=pathlib.Path, metavar="FILE", help="where to; docs/benchmarks.md if everything is measured")
    options = parser.parse_args()
    if not BINARY.exists():
        sys.exit(f"{BINARY} is not there: run `make build` first")
    before = os.getloadavg()[0]
    rows = [row for name in selected(options.only) for row in measured(name)]
    lines = page(rows, (before, os.getloadavg()[0]))
    print("\n".join(lines))
    target = options.write or (None if options.only else ROOT / "docs" / "benchmarks.md")
    if target:
        target.write_text("\n".join(lines) + "\n")


main()
