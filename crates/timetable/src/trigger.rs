//! Trigger timetables: a run at each point, its data interval of zero length (Airflow's
//! `timetables/trigger.py`).

use updraft_model::{DataInterval, NextRun, Timestamp};

use crate::{Restriction, steps::Steps, ticks::Ticks, timetable};

/// The run after `last`.
pub fn next(steps: &impl Steps, last: Option<DataInterval>, r: &Restriction, now: Timestamp) -> Option<NextRun> {
    let time = if r.catchup { with_catchup(steps, last, r, now)? } else { without_catchup(steps, last, r, now)? };
    within(time, r)
}

/// Every point, from the start date on.
fn with_catchup(steps: &impl Steps, last: Option<DataInterval>, r: &Restriction, now: Timestamp) -> Option<Timestamp> {
    match (last, r.earliest) {
        (Some(last), _) => steps.next(last.end),
        (None, Some(earliest)) => steps.at_or_after(earliest),
        (None, None) => steps.first(now),
    }
}

/// The newest point that is due, or else the next one.
fn without_catchup(steps: &impl Steps, last: Option<DataInterval>, r: &Restriction, now: Timestamp) -> Option<Timestamp> {
    // A past point may be missing, if the years of an expression have not begun. A next point that
    // is missing means that they are over: then the newest point had its run.
    let newest = steps.at_or_before(now);
    let following = match (last, r.earliest) {
        (Some(last), _) => Some(steps.next(last.end)?),
        (None, Some(_)) => None,
        (None, None) => Some(steps.first(now)?),
    };
    let allowed = match r.earliest {
        Some(earliest) => Some(steps.at_or_after(earliest)?),
        None => None,
    };
    newest.max(following).max(allowed)
}

fn within(time: Timestamp, r: &Restriction) -> Option<NextRun> {
    r.latest.is_none_or(|latest| time <= latest).then(|| timetable::at(time))
}

/// The run after `last`, whichever expression gives it (Airflow's `MultipleCronTriggerTimetable`).
/// Two that fire at once give one run.
pub fn next_of_several(crons: &[Ticks], last: Option<DataInterval>, r: &Restriction, now: Timestamp) -> Option<NextRun> {
    let runs = crons.iter().filter_map(|ticks| next(ticks, last, r, now));
    if r.catchup {
        return runs.min_by_key(|run| run.logical_date);
    }
    // Of the runs that are due only the newest counts; of those to come, the first.
    let (due, coming): (Vec<_>, Vec<_>) = runs.partition(|run| run.logical_date <= now);
    due.into_iter().max_by_key(|run| run.logical_date).or_else(|| coming.into_iter().min_by_key(|run| run.logical_date))
}
