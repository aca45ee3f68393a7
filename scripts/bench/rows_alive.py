"""Many tasks alive at once on the local executor, and what each costs in memory."""

import time

from dagfiles import Folder, side_by_side
from daemon import Daemon, all_parents
from figures import NotMeasured, Row, size, wait_for


def alive():
    count = size("ALIVE", 10_000)
    with Folder() as folder:
        folder.write("sleepers", side_by_side(count, "cmd: [sleep, '600']"), f"max_active_tasks: {count}\n")
        with Daemon(folder.path, executors_local_parallelism=count) as daemon:
            daemon.set_slots(count)
            daemon.trigger("sleepers", "r")
            begin = time.monotonic()
            running = "SELECT count(*) FROM task_instance WHERE state = 'running'"
            wait_for(f"{count} tasks that run", lambda: daemon.number(running) >= count, 240, pause=0.5)
            seconds = time.monotonic() - begin
            return figures(daemon, count, seconds)


def figures(daemon, count, seconds):
    family = set(daemon.family()) - {daemon.process.pid}
    if len(family) < count:
        raise NotMeasured(f"{len(family)} processes look after {count} tasks")
    tasks = [pid for pid, parent in all_parents().items() if parent in family and pid not in family]
    ours, theirs = memory(family), memory(tasks)
    each = ours["Private"] / count / 1024
    beside = f"PSS {ours['Pss'] / count / 1024:.2f} MB; a task's own `sleep` {theirs['Private'] / max(1, len(tasks)) / 1024:.2f} MB; daemon {daemon.rss():.0f} MB"
    what = f"{count:,} tasks alive at once, all running after {seconds:.0f} s: private memory of supervisors and nursery"
    return [Row(what, f"{each:.2f} MB a task", beside, "0.5 MB", each <= 0.5)]


def memory(pids):
    """Sums in kB."""
    sums = {"Private": 0, "Pss": 0}
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                lines = [line.split() for line in file]
        except OSError:
            continue
        for name, *rest in lines:
            if name in ("Private_Clean:", "Private_Dirty:"):
                sums["Private"] += int(rest[0])
            elif name == "Pss:":
                sums["Pss"] += int(rest[0])
    return sums
