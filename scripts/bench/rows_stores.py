"""What is the same on both stores: the chain of 40, 10,000 empty tasks, 10,000 parallel ones."""

import subprocess

from dagfiles import Folder, chain, side_by_side
from daemon import Daemon
from figures import Row, at, median, percentile, size, stopwatch, took
from postgres import Postgres

ROUNDS = 5


def sqlite():
    return measure("SQLite", None)


def postgres():
    with Postgres() as server:
        return measure("PostgreSQL", server)


def measure(title, server):
    rows = []
    with Folder() as folder:
        folder.write("chain", chain(40, "bash: 'true'"))
        folder.write("empty_wide", side_by_side(10_000, "empty: true"))
        folder.write("empty_chain", chain(10_000, "empty: true"))
        folder.write("wide", side_by_side(size("PARALLEL", 10_000), "cmd: ['true']"), "max_active_tasks: 100000\n")
        with Daemon(folder.path, server and server.url) as daemon:
            rows += chain_rows(title, daemon, server)
            rows += empty_rows(title, daemon)
            rows.append(parallel_row(title, daemon))
    return rows


def shell_loop():
    _, seconds = stopwatch(lambda: subprocess.run(["bash", "-c", "for i in $(seq 40); do bash -c true; done"], check=True))
    return seconds


def chain_rows(title, daemon, server):
    daemon.run("chain", "warm")
    walls, hops, loops, commits = [], [], [], []
    for i in range(ROUNDS):
        loops.append(shell_loop())
        daemon.run("chain", f"r{i}")
        tasks, more = daemon.hops("chain", f"r{i}")
        walls.append((at(tasks[-1]["end_date"]) - at(tasks[0]["start_date"])).total_seconds())
        hops += more
        if server:
            commits.append(server.single_row_commit(seconds=1))
    loop, wall = median(loops), median(walls)
    p50, p99 = median(hops), percentile(hops, 0.99)
    hop = f"{p50:.1f} / {p99:.1f} ms"
    rows = [Row(f"{title}: chain of 40 `bash: \"true\"`, wall", f"{wall:.3f} s", f"shell loop {loop:.3f} s: {wall / loop:.2f}x", "2.5x", wall <= 2.5 * loop)]
    if server:
        commit = median(commits)
        limit = 3 + 2 * commit
        rows[0].goal, rows[0].met = "", None
        rows.append(Row(f"{title}: hop p50 / p99", hop, f"single-row commit {commit:.2f} ms", f"p50 3 ms + 2x commit = {limit:.1f} ms", p50 <= limit))
    else:
        rows.append(Row(f"{title}: hop p50 / p99", hop, "", "3 / 15 ms", p50 <= 3 and p99 <= 15))
    return rows


def empty_rows(title, daemon):
    rows = []
    for name, what in (("empty_wide", "side by side"), ("empty_chain", "as a chain")):
        seconds, commits = [], []
        for i in range(3):
            before = daemon.metrics()["updraft_commits_total"]
            seconds.append(took(daemon.run(name, f"r{i}")))
            commits.append(daemon.metrics()["updraft_commits_total"] - before)
        second, commit = median(seconds), median(commits)
        rows.append(Row(f"{title}: 10,000 `empty` tasks {what}", f"{second:.2f} s, {commit:.0f} commits", "", "0.5 s, 20 commits", second <= 0.5 and commit <= 20))
    return rows


def parallel_row(title, daemon):
    count = size("PARALLEL", 10_000)
    numbers = "\n".join(map(str, range(count)))
    xargs = ["xargs", "-P", "32", "-n", "1", "true"]
    _, seconds = stopwatch(lambda: subprocess.run(xargs, input=numbers, text=True, check=True))
    limit, rate = count / seconds, count / took(daemon.run("wide", "r"))
    return Row(f"{title}: {count:,} `cmd: [true]`, 32 slots", f"{rate:.0f}/s", f"`xargs -P 32` {limit:.0f}/s: {rate / limit:.2f}", "0.5", rate >= limit / 2)
