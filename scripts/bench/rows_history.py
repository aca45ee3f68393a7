"""A million finished task instances in the history: what the loop and the lists cost beside them."""

import hashlib
import sqlite3
import statistics
import uuid

from dagfiles import Folder, chain, side_by_side
from daemon import Daemon
from figures import Row, median, size, stopwatch, took
from postgres import Postgres

TASKS = 10
ROUNDS = 7
TIMES = ("run_after", "queued_at", "start_date", "end_date", "scheduled_at", "first_start", "started_at", "ended_at")
NEVER = {"retention": "never"}


def history_sqlite():
    with Folder() as folder:
        write(folder)
        with Daemon(folder.path, **NEVER) as full:
            full.run("history", "r")
            full.stop()
            fill_sqlite(full.home / "updraft.db")
            with Daemon(folder.path, home=full.home, **NEVER) as full, Daemon(folder.path, **NEVER) as bare:
                return measure("SQLite", full, bare, lambda: count_sqlite(full.home / "updraft.db"))


def history_postgres():
    with Postgres() as server, Folder() as folder:
        write(folder)
        server.sql("CREATE DATABASE bare")
        with Daemon(folder.path, server.url, **NEVER) as full:
            full.run("history", "r")
            full.stop()
            fill_postgres(server)
            with Daemon(folder.path, server.url, home=full.home, **NEVER) as full:
                with Daemon(folder.path, server.url.removesuffix("postgres") + "bare", **NEVER) as bare:
                    return measure("PostgreSQL", full, bare, lambda: server.timed("SELECT count(*) FROM task_instance"))


def write(folder):
    folder.write("history", side_by_side(TASKS, "cmd: ['true']"))
    folder.write("loop", chain(10_000, "empty: true"))


# The history: copies of a run that the daemon has made, each a minute older than the one before.


def copies(table, columns, changes, shift, series):
    """INSERT .. SELECT of a table's rows, once for each number `n` of `series`, with some columns changed."""
    values = [changes.get(column) or (shift(column) if column in TIMES else f"t.{column}") for column in columns]
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table} AS t, {series} WHERE t.{'id' if table == 'dag_run' else 'run'} = 1"


def fill(columns_of, text_id, shift, series):
    """The statements that fill all three tables. `text_id(kind)`: an id of the copy that two tables agree on."""
    run = {"id": "t.id + n", "run_id": "t.run_id || '-' || n"}
    instance = {"run": "t.run + n", "id": text_id("instance"), "attempt": text_id("attempt")}
    attempt = {"run": "t.run + n", "id": text_id("attempt")}
    tables = [("dag_run", run), ("attempt", attempt), ("task_instance", instance)]
    return [copies(table, columns_of(table), changes, shift, series) for table, changes in tables]


def runs_to_add():
    return size("HISTORY", 1_000_000) // TASKS


def fill_sqlite(path):
    database = sqlite3.connect(path)
    # Random as real ids are, so that the index on them is as large and as scattered.
    database.create_function("some_id", 3, lambda *of: str(uuid.UUID(bytes=hashlib.md5(repr(of).encode()).digest())), deterministic=True)
    database.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; CREATE TEMP TABLE series (n INTEGER PRIMARY KEY);")
    database.executemany("INSERT INTO series VALUES (?)", ((n,) for n in range(1, runs_to_add() + 1)))
    columns_of = lambda table: [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    text_id = lambda kind: f"some_id('{kind}', n, t.task_id)"
    for statement in fill(columns_of, text_id, lambda column: f"t.{column} - n * 60000000", "series"):
        database.execute(statement)
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def fill_postgres(server):
    columns_of = lambda table: [row[0] for row in server.sql(f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position")]
    text_id = lambda kind: f"md5('{kind}' || n || t.task_id)::uuid"
    series = f"generate_series(1, {runs_to_add()}) AS s(n)"
    statements = fill(columns_of, text_id, lambda column: f"t.{column} - n * interval '1 minute'", series)
    # Autovacuum would come to it by itself, some time.
    server.sql(";\n".join(["SET synchronous_commit = off", *statements, "VACUUM ANALYZE"]) + ";")


def count_sqlite(path):
    database = sqlite3.connect(path)
    seconds = [stopwatch(lambda: database.execute("SELECT count(*) FROM task_instance").fetchone())[1] for _ in range(5)]
    database.close()
    return median(seconds) * 1e3


# What is measured.


def measure(title, full, bare, bare_count):
    count = int(full.call("/api/v2/dags/~/dagRuns/~/taskInstances?limit=1")["total_entries"])
    what = f"{title}: {count:,} finished task instances"
    return [loop_row(what, full, bare), *list_rows(what, full), *offset_rows(what, full, bare_count())]


def loop_row(what, full, bare):
    seconds = {full: [], bare: []}
    for i in range(ROUNDS + 1):
        # In turn, so that what else the machine does meets both alike.
        for daemon in (bare, full) if i % 2 else (full, bare):
            seconds[daemon].append(took(daemon.run("loop", f"r{i}")))
    # The first of each finds cold caches.
    here, there = (statistics.median(seconds[daemon][1:]) for daemon in (full, bare))
    return Row(f"{what}: 10,000 `empty` tasks as a chain", f"{here:.2f} s", f"without history {there:.2f} s: {here / there:.2f}x", "1.1x", here <= 1.1 * there)


def milliseconds(daemon, path):
    """The median, of fewer turns where one takes long."""
    _, cold = stopwatch(lambda: daemon.call(path))
    return median([stopwatch(lambda: daemon.call(path))[1] * 1e3 for _ in range(5 if cold < 1 else 2)])


def list_rows(what, daemon):
    one_run = milliseconds(daemon, "/api/v2/dags/history/dagRuns/r-77/taskInstances?limit=100")
    of_dag = milliseconds(daemon, "/api/v2/dags/history/dagRuns?limit=100&order_by=-run_after")
    recent = milliseconds(daemon, "/api/v2/recentRuns")
    lists = Row(
        f"{what}: lists: tasks of a run / first 100 runs of its DAG / recent runs",
        f"{one_run:.0f} / {of_dag:.0f} / {recent:.0f} ms", "", "50 ms", max(one_run, of_dag, recent) <= 50,
    )
    return [lists, cursor_row(what, daemon)]


def cursor_row(what, daemon):
    path = "/api/v2/dags/~/dagRuns/~/taskInstances?limit=100&order_by=-start_date&cursor="
    status, text = daemon.ask(path)
    if status != 200:
        return Row(f"{what}: lists by cursor", f"not measured: `cursor` is answered with {status}", "", "50 ms", False)
    following = daemon.call(path).get("next_cursor")
    pages = [milliseconds(daemon, path), milliseconds(daemon, f"{path}{following}")]
    return Row(f"{what}: lists by cursor, first and second page", " / ".join(f"{ms:.0f}" for ms in pages) + " ms", "", "50 ms", max(pages) <= 50)


def offset_rows(what, daemon, bare):
    path = "/api/v2/dags/~/dagRuns/~/taskInstances?limit=100"
    asked = {"newest first": "&order_by=-start_date", "newest first, from the middle": f"&order_by=-start_date&offset={runs_to_add() * TASKS // 2}", "default order": ""}
    rows = []
    for name, more in asked.items():
        ms = milliseconds(daemon, path + more)
        rows.append(Row(f"{what}: offset page of all, {name}", f"{ms:.0f} ms", f"bare COUNT(*) {bare:.0f} ms: {ms / bare:.1f}x", "2x", ms <= 2 * bare))
    return rows
