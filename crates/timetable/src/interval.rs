//! Data interval timetables: a run after the end of each interval between two points (Airflow's
//! `timetables/interval.py`, the default of Airflow 2).

use updraft_model::{DataInterval, NextRun, Timestamp};

use crate::{Restriction, steps::Steps, timetable};

/// The run after `last`.
pub fn next(steps: &impl Steps, last: Option<DataInterval>, r: &Restriction, now: Timestamp) -> Option<NextRun> {
    let earliest = earliest_start(steps, r, now)?;
    let start = match last {
        None => earliest?,
        Some(last) => {
            // Aligned, because the schedule can have changed since.
            let start = Some(steps.at_or_before(last.end).unwrap_or(last.end)).max(earliest)?;
            // After a change to a coarser schedule the aligned start can be an old one.
            if start > last.start { start } else { steps.next(last.start)? }
        }
    };
    if r.latest.is_some_and(|latest| start > latest) {
        return None;
    }
    Some(timetable::over(DataInterval { start, end: steps.next(start)? }))
}

/// The earliest start that the restriction allows: `Some(None)` is no bound, `None` no run ever.
fn earliest_start(steps: &impl Steps, r: &Restriction, now: Timestamp) -> Option<Option<Timestamp>> {
    let bound = match r.earliest {
        Some(earliest) => Some(steps.at_or_after(earliest)?),
        None => None,
    };
    Some(if r.catchup { bound } else { bound.max(steps.last_complete(now)) })
}

/// The data interval of a manual run: the last that is complete at `date`. Before the first point of
/// an expression that names years it has no length.
pub fn manual(steps: &impl Steps, date: Timestamp) -> DataInterval {
    let end = steps.at_or_before(date).unwrap_or(date);
    DataInterval { start: steps.prev(end).unwrap_or(end), end }
}
