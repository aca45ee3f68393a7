"""10,000 DAG files: the first start, a start with a filled store, an edit."""

import time

from dagfiles import Folder
from daemon import Daemon
from figures import Row, median, size, wait_for

EDITS = 5


def files():
    count = size("FILES", 10_000)
    with Folder() as folder:
        for i in range(count):
            folder.write(f"d{i:05}", [("a", "bash: 'echo {{ ds }}'", []), ("b", "empty: true", ["a"])], "schedule: '@yearly'\n")
        with Daemon(folder.path) as daemon:
            scheduled = "SELECT count(*) FROM dag WHERE next_run_after IS NOT NULL"
            first = since_start(daemon, f"{count} DAGs that are scheduled", lambda: daemon.number(scheduled) >= count)
            first_cpu = daemon.cpu()
            daemon.stop()
            edit(folder, f"d{count - 1:05}", 0)
            with Daemon(folder.path, home=daemon.home) as again:
                # An edit from before the start: once it is in effect, all files were compared with the store.
                warm = since_start(again, "the edit made before the start", lambda: versions(again, f"d{count - 1:05}") == 2)
                warm_cpu = again.cpu()
                edits = [edit_seconds(again, folder, f"d{i:05}") for i in range(EDITS)]
    what = f"{count:,} DAG files, SQLite"
    return [
        Row(f"{what}: first start until all are scheduled", f"{first:.1f} s", f"CPU of the daemon {first_cpu:.1f} s", "5 s", first <= 5),
        Row(f"{what}: warm start until an edit made before it is in effect", f"{warm:.1f} s", f"CPU of the daemon {warm_cpu:.1f} s", "2 s", warm <= 2),
        Row(f"{what}: an edited file takes effect", f"{median(edits):.2f} s, at most {max(edits):.2f} s", "", "1 s", max(edits) <= 1),
    ]


def since_start(daemon, what, ask):
    wait_for(what, ask, 180)
    return time.time() - daemon.began


def versions(daemon, dag):
    return daemon.number("SELECT count(*) FROM dag_version WHERE dag_id = ?", dag)


def edit(folder, dag, number):
    folder.write(dag, [("a", f"bash: 'echo edited {number}'", []), ("c", "empty: true", ["a"])], "schedule: '@yearly'\n")


def edit_seconds(daemon, folder, dag):
    time.sleep(1)
    begin = time.monotonic()
    edit(folder, dag, 1)
    wait_for(f"the edit of {dag}", lambda: versions(daemon, dag) == 2)
    return time.monotonic() - begin
