"""A daemon that is measured: its processes, a client of its API, its database file."""

import http.client
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import time

import scratch
from figures import NotMeasured, at, wait_for

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
BINARY = TARGET / "release" / "updraft"
PASSWORD = "for measuring only"
ENDED = ("success", "failed")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    """A daemon in a home of its own. Options of Updraft's are given by their names: `parallelism=100`."""

    def __init__(self, dags, database=None, home=None, **options):
        self.home = home or scratch.folder("home")
        self.port = free_port()
        self.token = None
        self.connection = None
        command = [BINARY, "--home", self.home, "--dags", dags, "--port", str(self.port)]
        if database:
            command += ["--database-url", database]
        env = {"PATH": os.environ["PATH"], "UPDRAFT_ADMIN_PASSWORD": PASSWORD}
        env.update({f"UPDRAFT_{name.upper()}": str(value) for name, value in options.items()})
        with open(self.home / "daemon.log", "ab") as log:
            self.began = time.time()
            self.process = subprocess.Popen(command + ["standalone"], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self):
        try:
            wait_for("the daemon", self.login)
        except BaseException:
            self.discard()
            raise
        return self

    def __exit__(self, *_):
        self.discard()

    def login(self):
        if self.process.poll() is not None:
            last = (self.home / "daemon.log").read_text().splitlines()[-1:]
            raise NotMeasured(f"the daemon has ended: {' '.join(last)}")
        try:
            self.token = self.call("/auth/token", {"username": "admin", "password": PASSWORD})["access_token"]
        except OSError:
            return False
        return True

    # Its API.

    def ask(self, path, body=None, method=None):
        """The status and the text of an answer, over one connection that stays open."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            method = method or ("GET" if body is None else "POST")
            self.connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = self.connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            self.connection = None
            raise error if isinstance(error, OSError) else OSError(str(error))

    def call(self, path, body=None, method=None):
        status, text = self.ask(path, body, method)
        if status >= 400:
            raise NotMeasured(f"{path} was answered with {status}: {text[:200]}")
        return json.loads(text)

    def client(self):
        """Another client of the same daemon, for another thread."""
        other = object.__new__(Daemon)
        other.__dict__.update(self.__dict__, connection=None)
        return other

    def exists(self, dag):
        return self.ask(f"/api/v2/dags/{dag}")[0] == 200

    def trigger(self, dag, name):
        wait_for(dag, lambda: self.exists(dag))
        self.call(f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "dag_run_id": name})

    def end_of(self, dag, name, seconds=300):
        path = f"/api/v2/dags/{dag}/dagRuns/{name}"
        run = wait_for(f"the end of {dag}/{name}", lambda: (r := self.call(path))["state"] in ENDED and r, seconds, pause=0.1)
        if run["state"] != "success":
            raise NotMeasured(f"the run {dag}/{name} failed")
        return run

    def run(self, dag, name):
        """Triggers a run and waits for its end; the run."""
        self.trigger(dag, name)
        return self.end_of(dag, name)

    def hops(self, dag, name):
        """The task instances of a run that was a chain, and from each end to the next start in milliseconds."""
        path = f"/api/v2/dags/{dag}/dagRuns/{name}/taskInstances?limit=100&order_by=task_id"
        tasks = self.call(path)["task_instances"]
        pairs = zip(tasks, tasks[1:])
        return tasks, [(at(b["start_date"]) - at(a["end_date"])).total_seconds() * 1e3 for a, b in pairs]

    def metrics(self):
        lines = self.ask("/metrics")[1].splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}

    def set_slots(self, slots):
        self.call("/api/v2/pools/default_pool", {"slots": slots}, "PATCH")

    # Its database, where that is SQLite. For what is asked so often that the API would be measured too.

    def sql(self, text, *values):
        """The rows of a query; None as long as the file or its tables are not there."""
        try:
            database = sqlite3.connect(f"file:{self.home / 'updraft.db'}?mode=ro", uri=True)
        except sqlite3.OperationalError:
            return None
        try:
            return database.execute(text, values).fetchall()
        except sqlite3.OperationalError:
            return None
        finally:
            database.close()

    def number(self, text, *values):
        rows = self.sql(text, *values)
        return rows[0][0] if rows else 0

    # Its processes.

    def family(self):
        """(pid, ppid) of itself and of what it has forked: nursery and supervisors keep its command line."""
        mark = os.fsencode(f"--home\0{self.home}\0")
        found = {}
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                try:
                    with open(f"/proc/{entry.name}/cmdline", "rb") as file:
                        is_ours = mark in file.read()
                    if is_ours:
                        found[int(entry.name)] = parent_of(entry.name)
                except OSError:
                    pass
        return found

    def rss(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        """In good order; the home stays."""
        self.connection = None
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self):
        self.connection = None
        self.process.kill()
        self.process.wait()

    def discard(self):
        """Ends it and what it has started."""
        if self.process.poll() is None:
            self.stop()
        family = self.family()
        # Those whose parent is a supervisor are tasks; they would outlive it.
        tasks = [pid for pid, parent in all_parents().items() if parent in family and pid not in family]
        for pid in [*family, *tasks]:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass


def parent_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rsplit(")", 1)[1].split()[1])


def all_parents():
    found = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = parent_of(entry.name)
            except OSError:
                pass
    return found
