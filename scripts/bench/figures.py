"""Rows of the table, and the arithmetic on what was measured."""

import dataclasses
import datetime
import os
import time


@dataclasses.dataclass
class Row:
    """One figure beside what is to be reached. `met` is None where there is nothing to compare it with."""

    what: str
    measured: str
    beside: str = ""
    goal: str = ""
    met: object = None

    def cells(self):
        verdict = {None: "", True: "yes", False: "**no**"}[self.met if self.met is None else bool(self.met)]
        return [self.what, self.measured, self.beside, self.goal, verdict]


class NotMeasured(Exception):
    """Something that the measurement needs is not there, or did not happen."""


def size(name, default):
    """How large a measurement is: `BENCH_<NAME>` makes it smaller for a quick look."""
    return int(os.environ.get(f"BENCH_{name}", default))


def wait_for(what, ask, seconds=120, pause=0.02):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = ask()
        if answer:
            return answer
        time.sleep(pause)
    raise NotMeasured(f"waited {seconds} s in vain for {what}")


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def took(run):
    return (at(run["end_date"]) - at(run["start_date"])).total_seconds()


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def median(values):
    return percentile(values, 0.5)


def stopwatch(action):
    """What `action` returns, and the seconds it took."""
    begin = time.monotonic()
    result = action()
    return result, time.monotonic() - begin


def table(rows):
    head = ["what", "measured", "beside it", "to reach", "reached"]
    lines = [head, ["---"] * len(head), *(row.cells() for row in rows)]
    return ["| " + " | ".join(cells) + " |" for cells in lines]
