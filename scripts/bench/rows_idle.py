"""What a daemon costs that has nothing to do."""

import time

from dagfiles import Folder
from daemon import Daemon
from figures import Row, wait_for
from postgres import Postgres

SECONDS = 20


def idle():
    rows = []
    with Folder() as folder:
        for i in range(100):
            folder.one_task(f"d{i:03}", "empty: true", "schedule: '@yearly'\n")
        with Daemon(folder.path) as daemon:
            rows += figures("SQLite", daemon)
        with Postgres() as server, Daemon(folder.path, server.url) as daemon:
            counter = Queries(server) if server.can_count() else None
            rows += figures("PostgreSQL", daemon, counter)
            if counter:
                rate = counter.count / SECONDS
                rows.append(Row("PostgreSQL: idle, 100 DAGs: queries of the leader", f"{rate:.2f}/s", f"most often {counter.often}", "1.5/s", rate <= 1.5))
            else:
                rows.append(Row("PostgreSQL: idle, 100 DAGs: queries of the leader", "not measured: pg_stat_statements is not installed"))
    return rows


def figures(title, daemon, counter=None):
    wait_for("100 DAGs", lambda: daemon.exists("d099"))
    time.sleep(5)  # What is measured is what it does when nothing happens.
    if counter:
        counter.reset()
    before = daemon.cpu()
    time.sleep(SECONDS)
    share = (daemon.cpu() - before) / SECONDS * 100
    if counter:
        counter.read()
    rss = daemon.rss()
    return [
        Row(f"{title}: idle, 100 DAGs: RSS", f"{rss:.0f} MB", "", "50 MB", rss <= 50),
        Row(f"{title}: idle, 100 DAGs: CPU", f"{share:.2f} %", "", "0.5 %", share <= 0.5),
    ]


class Queries:
    """Statements that the server was given, but for our own."""

    def __init__(self, server):
        self.server = server
        self.server.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

    def reset(self):
        self.server.sql("SELECT pg_stat_statements_reset()")

    def read(self):
        rows = self.server.sql(
            "SELECT calls, left(split_part(query, chr(10), 1), 40) FROM pg_stat_statements"
            " WHERE query NOT LIKE '%pg_stat_statements%' ORDER BY calls DESC"
        )
        self.count = sum(int(calls) for calls, _ in rows)
        # The first line of a query is its name, in a comment.
        self.often = ", ".join(f"{calls}x `{query.lstrip('- ')}`" for calls, query in rows[:4])
