"""10,000 DAGs on a one-minute cron."""

import time

from dagfiles import Folder, side_by_side
from daemon import Daemon
from figures import Row, percentile, size, took, wait_for

RATE = 2_000


def cron():
    count = size("CRON", 10_000)
    with Folder() as folder:
        folder.write("rate", side_by_side(RATE, "cmd: ['true']"), "max_active_tasks: 100000\n")
        with Daemon(folder.path) as daemon:
            rate = RATE / took(daemon.run("rate", "r"))
            for i in range(count):
                folder.one_task(f"c{i:05}", "cmd: ['true']", "schedule: '* * * * *'\n")
            known = "SELECT count(*) FROM dag WHERE next_run_after IS NOT NULL"
            wait_for(f"{count} DAGs that are scheduled", lambda: daemon.number(known) >= count)
            minute = quiet_minute(daemon)
            over = "SELECT count(*) FROM dag_run WHERE run_after = ? AND state = 'success'"
            wait_for("the runs of a minute", lambda: daemon.number(over, minute * 1_000_000) >= count, 180, pause=0.25)
            runs = "SELECT start_date - run_after FROM dag_run WHERE run_after = ?"
            starts = "SELECT max(t.start_date) FROM task_instance AS t JOIN dag_run AS r ON r.id = t.run WHERE r.run_after = ?"
            late = [micros / 1e6 for (micros,) in daemon.sql(runs, minute * 1_000_000)]
            last = daemon.number(starts, minute * 1_000_000) / 1e6 - minute
    p99, allowed = percentile(late, 0.99), count / rate
    what = f"{count:,} DAGs on a one-minute cron, SQLite"
    return [
        Row(f"{what}: runs `running` after their minute, p50 / p99", f"{percentile(late, 0.5):.2f} / {p99:.2f} s", f"{len(late):,} runs", "p99 1 s", p99 <= 1),
        Row(f"{what}: the last task starts", f"{last:.1f} s after it", f"{rate:.0f} tasks/s allow {allowed:.1f} s: {last / allowed:.2f}x", "1.3x", last <= 1.3 * allowed),
    ]


def quiet_minute(daemon):
    """Waits for a minute before which nothing is under way any more; its time."""
    busy = "SELECT count(*) FROM dag_run WHERE state IN ('queued', 'running')"
    while True:
        minute = (int(time.time()) // 60 + 1) * 60
        time.sleep(max(0, minute - 1 - time.time()))
        if not daemon.number(busy):
            time.sleep(max(0, minute - time.time()))
            return minute
        time.sleep(2)
