"""One DAG with 50,000 tasks, and how another DAG fares meanwhile."""

import threading

from dagfiles import Folder, chain, layers
from daemon import Daemon
from figures import NotMeasured, Row, median, percentile, size, stopwatch, took, wait_for
from postgres import Postgres


def large():
    with Postgres() as server:
        return on_store("SQLite", None) + on_store("PostgreSQL", server.url)


def on_store(title, database):
    count = size("LARGE", 50_000)
    with Folder() as folder:
        folder.write("chain", chain(40, "cmd: ['true']"))
        with Daemon(folder.path, database) as daemon:
            for i in range(3):
                daemon.run("chain", f"before{i}")
            alone = daemon.hops("chain", "before2")[1]
            before = daemon.metrics()
            with Chains(daemon) as chains:
                folder.write("large", layers(count, 1_000, "empty: true"), "max_active_tasks: 100000\n")
                _, load = stopwatch(lambda: wait_for("the large DAG", lambda: daemon.exists("large"), pause=0.1))
                run = took(daemon.run("large", "r"))
            slow, worst = slow_commits(before, daemon.metrics())
            details, tasks = "/api/v2/dags/large/details", "/api/v2/dags/large/dagRuns/r/taskInstances"
            asked = [details, f"{tasks}?limit=100", f"{tasks}?limit=100&offset={count - 100}", "/api/v2/dags/large/tasks"]
            shown = [stopwatch(lambda path=path: daemon.call(path))[1] * 1e3 for path in asked]
    what = f"{title}: one DAG with {count:,} tasks"
    hops = chains.hops
    return [
        Row(f"{what}: loads / runs (`empty` tasks in layers of 1,000)", f"{load:.1f} s / {run:.1f} s"),
        Row(f"{what}: shows (details, first and last 100 task instances, all tasks)", " / ".join(f"{ms:.0f}" for ms in shown) + " ms"),
        Row(f"{what}: commits above 100 ms", f"{slow}, the slowest {worst}", "", "none", slow == 0),
        Row(
            f"{what}: another DAG's hop meanwhile, p50 / p99 / max",
            f"{median(hops):.0f} / {percentile(hops, 0.99):.0f} / {max(hops):.0f} ms",
            f"alone {median(alone):.0f} / {percentile(alone, 0.99):.0f} / {max(alone):.0f} ms" + "".join(f"; {why}" for why in chains.refusals),
            "50 ms",
            max(hops) <= 50 and not chains.refusals,
        ),
    ]


class Chains:
    """Runs one chain after the other in the background."""

    def __init__(self, daemon):
        self.daemon, self.hops, self.refusals, self.stopping = daemon.client(), [], [], threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(120)

    def work(self):
        number = 0
        while not self.stopping.is_set():
            number += 1
            try:
                self.daemon.run("chain", f"r{number}")
                self.hops += self.daemon.hops("chain", f"r{number}")[1]
            except NotMeasured as why:
                # A server that finds no leader in time: worse than any hop.
                self.refusals.append(str(why))


def slow_commits(before, after):
    """How many commits took more than 100 ms between two looks at the metrics, and the bound of the slowest."""
    name = "updraft_commit_duration_seconds"
    buckets = {key.split('"')[1]: after[key] - before.get(key, 0) for key in after if key.startswith(f"{name}_bucket")}
    total = buckets.pop("+Inf")
    for end, below in sorted(buckets.items(), key=lambda item: float(item[0])):
        if below >= total:
            return int(total - buckets["0.1"]), f"at most {float(end) * 1e3:.0f} ms"
    return int(total - buckets["0.1"]), "above 5 s"
