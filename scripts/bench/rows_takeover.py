"""`kill -9` of the leader while a standby waits."""

import collections
import pathlib
import time

from dagfiles import Folder, side_by_side
from daemon import Daemon
from figures import NotMeasured, Row, size, wait_for
from postgres import Postgres

TASKS = 300
KILLS = 3


def takeover():
    kills = [one_kill(number) for number in range(size("KILLS", KILLS))]
    waits = [wait for wait, _ in kills]
    beside = f"{TASKS} tasks each time: {kills[0][1]}"
    met = max(waits) <= 5 and all(said == "each started once" for _, said in kills)
    if not all(said == "each started once" for _, said in kills):
        beside = "; ".join(said for _, said in kills)
    shown = ", ".join(f"{wait:.1f}" for wait in sorted(waits))
    return [Row(f"PostgreSQL: `kill -9` of the leader, {len(kills)} times: the standby starts the next task after", f"{shown} s", beside, "5 s, nothing lost or doubled", met)]


def one_kill(number):
    """Seconds from the kill to the first task that the other one starts, and what became of all tasks."""
    with Postgres() as server, Folder() as folder:
        seen = folder.path / "seen"
        seen.mkdir()
        # Each start leaves a line that says when.
        leave_a_line = f'bash: "date +%s.%N >> {seen}/$UPDRAFT_TASK_ID; sleep 0.2"'
        folder.write("many", side_by_side(TASKS, leave_a_line), "max_active_tasks: 8\n")
        # What runs on the dead node holds its slots until that node is back: the next task is one that has a slot.
        folder.write("next", [("next", leave_a_line, [])])
        with Daemon(folder.path, server.url) as one, Daemon(folder.path, server.url) as other:
            leads = "SELECT count(*) FROM scheduler_lease WHERE address LIKE '%:{}'"
            leader, standby = (one, other) if server.number(leads.format(one.port)) else (other, one)
            standby.trigger("many", "r")
            wait_for("some tasks", lambda: len(list(seen.glob("t*"))) >= TASKS // 10 + number)
            leader.kill()
            killed = time.time()
            wait_for("a run on the standby", lambda: is_triggered(standby), 60)
            first = wait_for("a task of the standby", lambda: first_line(seen / "next"), 60)
            # The dead leader's tasks went on under their supervisors; it tells how they ended.
            with Daemon(folder.path, server.url, home=leader.home):
                standby.end_of("many", "r", 120)
            return first - killed, verdict(seen)


def is_triggered(daemon):
    """A server that waits in vain for a leader answers with 503, and nothing has happened."""
    return daemon.ask("/api/v2/dags/next/dagRuns", {"logical_date": None, "dag_run_id": "r"})[0] in (200, 409)


def first_line(file):
    try:
        return float(file.read_text().split()[0])
    except (OSError, IndexError):
        return None


def verdict(seen):
    lines = collections.Counter({file.name: len(file.read_text().splitlines()) for file in pathlib.Path(seen).glob("t*")})
    lost, doubled = TASKS - len(lines), sum(1 for count in lines.values() if count > 1)
    if len(lines) > TASKS:
        raise NotMeasured("more tasks than there are")
    return "each started once" if not lost and not doubled else f"{lost} lost, {doubled} doubled"
