"""Asks genuine Airflow when DAGs run and writes its answers as test data.

    python -m venv venv && venv/bin/pip install apache-airflow==3.3.2
    venv/bin/python generate.py

The questions are ours, the answers Airflow's. The output is deterministic.
"""

import datetime as dt
import json
import pathlib
import random
from unittest import mock

import pendulum
from airflow.timetables import interval, simple, trigger
from airflow.timetables.base import DataInterval, TimeRestriction

HERE = pathlib.Path(__file__).parent
ZONES = ["UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo"]


def utc(text):
    return None if text is None else pendulum.parse(text).in_timezone("UTC")


def text(time):
    return time.in_timezone("UTC").strftime("%Y-%m-%dT%H:%M:%S") + (f".{time.microsecond:06}" if time.microsecond else "") + "Z"


class Clock:
    """Airflow at a given time."""

    def __init__(self, now):
        self.now = now

    def __enter__(self):
        utcnow = lambda: self.now  # noqa: E731
        self.patches = [
            mock.patch.object(trigger, "utcnow", utcnow),
            mock.patch.object(trigger.time, "time", lambda: self.now.timestamp()),
            mock.patch.object(interval, "utcnow", utcnow),
            mock.patch.object(simple.timezone, "utcnow", utcnow),
        ]
        for patch in self.patches:
            patch.start()

    def __exit__(self, *_):
        for patch in self.patches:
            patch.stop()


def timetable(schedule):
    kind = schedule["kind"]
    if kind == "once":
        return simple.OnceTimetable()
    if kind == "continuous":
        return simple.ContinuousTimetable()
    if kind == "delta":
        every = dt.timedelta(seconds=schedule["seconds"])
        return interval.DeltaDataIntervalTimetable(every) if schedule["data_interval"] else trigger.DeltaTriggerTimetable(every)
    crons, zone = schedule["expressions"], schedule["timezone"]
    if schedule["data_interval"]:
        return interval.CronDataIntervalTimetable(crons[0], zone)
    if len(crons) > 1:
        return trigger.MultipleCronTriggerTimetable(*crons, timezone=zone)
    return trigger.CronTriggerTimetable(crons[0], timezone=zone)


def cron(*expressions, zone="UTC", data_interval=False):
    return {"kind": "cron", "expressions": list(expressions), "timezone": zone, "data_interval": data_interval}


def answer(schedule, case):
    last = case["last"] and DataInterval(*map(utc, case["last"]))
    restriction = TimeRestriction(utc(case["earliest"]), utc(case["latest"]), case["catchup"])
    with Clock(utc(case["now"])):
        info = timetable(schedule).next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
    return info and [text(info.run_after), text(info.data_interval.start), text(info.data_interval.end)]


def sequences():
    """With catchup, from a start date over a change of the clock: the runs in order."""
    changes = {
        "UTC": ["2026-03-28T12:00:00Z"],
        "Europe/Zurich": ["2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z"],
        "America/New_York": ["2026-03-08T02:00:00Z", "2026-11-01T02:00:00Z"],
        "Australia/Lord_Howe": ["2026-04-04T11:00:00Z", "2026-10-03T11:00:00Z"],
        "Asia/Kolkata": ["2026-03-28T12:00:00Z"],
        "Africa/Cairo": ["2026-04-23T18:00:00Z", "2026-10-29T17:00:00Z"],
    }
    everyday = ["0 6 * * *", "30 2 * * *", "0 2 * * *", "0 0 * * *", "30 1 * * *", "0 3 * * *", "30 0 * * *", "30 2,3 * * *", "0 */2 * * *",
                "*/20 1-3 * * *", "0 2 * * 0", "0 2 * * 0 30"]
    hourly = ["0 * * * *", "30 * * * *", "*/30 * * * *", "*/20 * * * *", "7,50 * * * *", "15 * * * * 30", "*/40 0-23 * * *"]
    for zone, starts in changes.items():
        for expression in everyday + hourly:
            for start in starts:
                for data_interval in (False, True):
                    schedule = cron(expression, zone=zone, data_interval=data_interval)
                    if expression == "*/20 1-3 * * *" and (data_interval or (zone == "Australia/Lord_Howe" and start.startswith("2026-10"))):
                        continue  # several times in one gap: Airflow loses the intervals after it, or a time that another overtakes
                    runs, last = [], None
                    for _ in range(36 if expression in hourly else 16):
                        case = {"last": last, "earliest": start, "latest": None, "catchup": True, "now": start}
                        try:
                            run = answer(schedule, case)
                        except ValueError:  # "did not advance past": Airflow's interval cron is stuck at a half-hour change
                            break
                        runs.append(run[0])
                        last = run[1:]
                    yield {"schedule": schedule, "start": start, "runs": runs}


def questions():
    """Single questions: every kind of schedule, with and without catchup, bounds and a newest run."""
    rng = random.Random(3)
    now = utc("2026-05-13T10:20:30.5Z")
    schedules = [
        {"kind": "once"}, {"kind": "continuous"},
        *({"kind": "delta", "seconds": s, "data_interval": i} for s in (1800, 86400, 100000, 0.5) for i in (False, True)),
        *(cron(e, zone=z, data_interval=i)
          for e in ("0 6 * * *", "0 * * * *", "*/5 * * * *", "0 0 * * 1", "0 0 29 2 *", "0 0 1 */3 *", "0 9 1 * MON", "* * * * * */10")
          for z in ("UTC", "Europe/Zurich", "Asia/Kolkata") for i in (False, True)),
        cron("0 6 * * *", "30 18 * * *"), cron("0 * * * *", "*/45 * * * *", "0 0 * * 0"), cron("0 6 * * *", "0 */6 * * *", zone="America/New_York"),
    ]
    near = [0, 1, 60, 299.5, 1230.5, 3600, 86400, 7 * 86400, 400 * 86400]
    for schedule in schedules:
        for _ in range(16):
            at = lambda: now + dt.timedelta(seconds=rng.choice(near) * rng.choice([-1, -1, 1]))  # noqa: E731
            round_minute = lambda time: time.replace(second=0, microsecond=0)  # noqa: E731
            moment = rng.choice([now, round_minute(now), utc("2026-05-13T06:00:00Z"), utc("2026-05-13T06:03:00Z"), utc("2026-05-13T00:00:00Z")])
            last = None
            if rng.random() < 0.5:
                end = round_minute(at())
                length = rng.choice([0, 0, 300, 3600, 86400])
                last = [text(end - dt.timedelta(seconds=length)), text(end)]
            case = {
                "last": last,
                "earliest": text(round_minute(at())) if rng.random() < 0.6 else None,
                "latest": text(round_minute(at())) if rng.random() < 0.2 else None,
                "catchup": rng.random() < 0.4,
                "now": text(moment),
            }
            yield {"schedule": schedule, **case, "run": answer(schedule, case)}


def dialect():
    """Expressions in croniter's dialect: the ticks after and before a few dates."""
    expressions = """5/15 * * * *|59/15 * * * *|7/7 22-2 * * *|0 21-3/2 * * *|0 22-4/2 * * *|0 20-5/3 * * *|0 5-5 * * *|0 0 * * fri-mon|0 0 * * fri-mon/2
        0 0 * * 0-7|0 0 * * 5-7|0 0 * * 7|0 0 * * L5|0 0 * * l7|0 0 * * L1,L3|0 0 * * fri#2|0 0 * * 5#2,3#1|0 0 * * mon-wed#1|0 0 * * 1#5
        0 0 L * *|0 0 L * ?|0 0 1,L * *|0 0 15-L * *|0 0 15W * *|0 0 1W * *|0 0 W29 * *|0 0 30W 1,2,11 *|0 0 31W * *|0 0 30W 2 *|0 0 ? * mon
        0 0 1 * MON|0 0 */1 * mon|0 0 */2 * */1|0 0 */1 * */2|0 0 1-31 * 1-5|0 0 */7 * *|0 0 * * */3|0 0 * nov-feb *|0 0 1 */5 *|0 0 1 nov-apr/2 *
        * * * * * 30|*/7 * * * * */25|0 0 1 1 * 0|0 12 * * * 5-55/10|0 0 29 2 *|0 0 31 * *|0 0 31 1,4 *|0 0 29 2 1|0 0 30 2 5|0 0 1 1 * 0 2020-2040/3
        @hourly|@daily|@midnight|@weekly|@monthly|@quarterly|@yearly|@annually|*/100 * * * *|0-59 0-23 1-31 1-12 0-6""".replace("\n", "|").split("|")
    for expression in map(str.strip, expressions):
        table = trigger.CronTriggerTimetable(expression, timezone="UTC")
        for start in ("2026-01-15T12:00:00Z", "2027-12-31T23:59:30.5Z", "2028-02-28T00:00:00Z"):
            after, before, time = [], [], utc(start)
            for _ in range(8 if "2020" not in expression else 3):  # the years end
                time = table._get_next(time)
                after.append(text(time))
            time = utc(start)
            for _ in range(8 if "2020" not in expression else 2):
                time = table._get_prev(time)
                before.append(text(time))
            yield {"expression": expression, "start": start, "after": after, "before": before}


def manual():
    for schedule in [{"kind": "once"}, {"kind": "delta", "seconds": 5400, "data_interval": False}, {"kind": "delta", "seconds": 5400, "data_interval": True},
                     cron("0 6 * * *"), cron("0 6 * * *", "0 7 * * *"), cron("0 6 * * *", zone="Europe/Zurich", data_interval=True),
                     cron("0 * * * *", zone="Asia/Kolkata", data_interval=True)]:
        for date in ("2026-05-13T10:20:30.5Z", "2026-05-13T04:00:00Z", "2026-10-25T00:30:00Z"):
            found = timetable(schedule).infer_manual_data_interval(run_after=utc(date))
            yield {"schedule": schedule, "date": date, "interval": [text(found.start), text(found.end)], "summary": timetable(schedule).summary}


for name, rows in [("sequences", sequences()), ("questions", questions()), ("dialect", dialect()), ("manual", manual())]:
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    (HERE / f"{name}.json").write_text(f"[\n{lines}\n]\n")
