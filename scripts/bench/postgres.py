"""A private PostgreSQL."""

import glob
import os
import pathlib
import shutil
import subprocess

import scratch
from daemon import free_port
from figures import NotMeasured, median


class Postgres:
    """Not run as root, which it refuses."""

    def __enter__(self):
        self.bin = max(glob.glob("/usr/lib/postgresql/*/bin"), default=None)
        if not self.bin:
            raise NotMeasured("PostgreSQL's server binaries are not installed")
        self.port = free_port()
        self.dir = scratch.folder("pg")
        if os.geteuid() == 0:
            shutil.chown(self.dir, "postgres")
        self.run("initdb", "-D", self.dir / "data", "-A", "trust", "-U", "postgres", "--no-sync")
        counting = "-c shared_preload_libraries=pg_stat_statements" if self.can_count() else ""
        options = f"-p {self.port} -k {self.dir} -c listen_addresses=127.0.0.1 {counting}"
        self.run("pg_ctl", "-D", self.dir / "data", "-o", options, "-l", self.dir / "log", "-w", "start")
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        return self

    def __exit__(self, *_):
        self.run("pg_ctl", "-D", self.dir / "data", "-m", "immediate", "-w", "stop")

    def can_count(self):
        return bool(glob.glob(f"{pathlib.Path(self.bin).parent}/lib/pg_stat_statements.so"))

    def run(self, program, *arguments):
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        command = as_user + [f"{self.bin}/{program}", *map(str, arguments)]
        # pg_ctl's server keeps what it inherits: with a pipe, waiting for its end would never end.
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL, cwd=self.dir)
        if done.returncode:
            raise NotMeasured(f"{program} failed: {(done.stderr or b'').decode()[-300:]}")

    def sql(self, text):
        """The rows of the last statement, each a list of texts."""
        command = [f"{self.bin}/psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", self.url]
        done = subprocess.run(command, input=text, text=True, capture_output=True)
        if done.returncode:
            raise NotMeasured(f"psql: {done.stderr[-300:]}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    def number(self, text):
        return float(self.sql(text)[0][0])

    def timed(self, text, times=5):
        """The median of so many turns of a statement, in milliseconds, without the connection's start."""
        lines = self.sql("\\timing on\n" + f"{text};\n" * times)
        return median([float(line[0].split()[1]) for line in lines if line[0].startswith("Time: ")])

    def single_row_commit(self, seconds=3):
        """The median of one client that inserts a row a commit, in milliseconds."""
        self.sql("CREATE TABLE IF NOT EXISTS one_row (at timestamptz)")
        script, log = self.dir / "insert.sql", self.dir / "latency"
        script.write_text("INSERT INTO one_row VALUES (now());\n")
        arguments = ["-n", "-c", 1, "-T", seconds, "-M", "prepared", "-f", script, "-l", f"--log-prefix={log}"]
        self.run("pgbench", *arguments, "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "postgres")
        micros = []
        for file in self.dir.glob("latency.*"):
            micros += [int(line.split()[2]) for line in file.read_text().splitlines()]
            file.unlink()
        return median(micros) / 1e3
