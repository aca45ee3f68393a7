"""The scheduler alone: crates/scheduler/examples/transitions.rs says what it does."""

import json
import os
import subprocess

from daemon import ROOT
from figures import NotMeasured, Row


def core():
    command = [os.environ.get("CARGO", "cargo"), "run", "--release", "--locked", "--quiet", "-p", "updraft-scheduler", "--example", "transitions"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise NotMeasured(done.stderr[-300:])
    told = json.loads(done.stdout)
    rate = told["transitions_per_second"]
    what = f"core alone: {told['active_runs']:,} active runs, {told['parked']:,} tasks parked at a full pool"
    beside = f"{told['transitions']:,} transitions in {told['plans']:,} plans; {told['seconds_to_park']:.2f} s to park them"
    return [Row(what, f"{rate:,.0f} transitions/s", beside, "500,000/s", rate >= 500_000)]
