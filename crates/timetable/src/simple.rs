//! `@once` and `@continuous` (Airflow's `timetables/simple.py`).

use updraft_model::{DataInterval, NextRun, Timestamp};

use crate::{Restriction, timetable};

/// One run at the start date, however long ago and whatever catchup says; now if there is none.
pub fn once(last: Option<DataInterval>, r: &Restriction, now: Timestamp) -> Option<NextRun> {
    let time = r.earliest.unwrap_or(now);
    (last.is_none() && r.latest.is_none_or(|latest| time <= latest)).then(|| timetable::at(time))
}

/// A run over the time since the last one, at once.
pub fn continuous(last: Option<DataInterval>, r: &Restriction, now: Timestamp) -> Option<NextRun> {
    let first_start = r.earliest.unwrap_or(now);
    let interval = match last {
        None => DataInterval { start: first_start, end: first_start.max(now) },
        // The last interval reaches into the future when the start date does.
        Some(last) if last.end > now => DataInterval { start: first_start, end: first_start.saturating_add(last.end.since(last.start)) },
        Some(last) => DataInterval { start: last.end, end: now },
    };
    r.latest.is_none_or(|latest| interval.end <= latest).then(|| timetable::over(interval))
}
