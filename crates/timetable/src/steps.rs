//! The points in time that a schedule is made of: ticks of a cron, or a fixed distance.

use jiff::SignedDuration;
use updraft_model::Timestamp;

use crate::{error::TimetableError, ticks::Ticks};

/// A fixed distance, above zero.
#[derive(Debug, Clone, Copy)]
pub struct Delta(SignedDuration);

impl Delta {
    /// Checks that time moves forwards: by a microsecond at least, which is what a [`Timestamp`] can tell.
    pub fn new(every: SignedDuration) -> Result<Self, TimetableError> {
        if every.as_micros() > 0 { Ok(Self(every)) } else { Err(TimetableError::NotPositive { every: format!("{every:#}") }) }
    }

    /// The latest multiple of the distance since 1970 that is not after `at`.
    pub fn floor(self, at: Timestamp) -> Timestamp {
        let micros = i64::try_from(self.0.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(at.micros() - at.micros().rem_euclid(micros))
    }

    /// As Python prints a `timedelta`: `1 day, 2:00:00`, `0:00:30`, `0:00:00.500000`.
    pub fn summary(self) -> String {
        let (seconds, micros) = (self.0.as_secs(), self.0.subsec_micros());
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        let clock = format!("{}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60);
        let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
        match days {
            0 => format!("{clock}{fraction}"),
            1 => format!("1 day, {clock}{fraction}"),
            _ => format!("{days} days, {clock}{fraction}"),
        }
    }
}

/// A sequence of points in time: Airflow's `_get_next`, `_get_prev` and their alignments.
pub trait Steps {
    /// The first point after `at`.
    fn next(&self, at: Timestamp) -> Option<Timestamp>;
    /// The last point before `at`.
    fn prev(&self, at: Timestamp) -> Option<Timestamp>;
    /// The first point at or after `at`.
    fn at_or_after(&self, at: Timestamp) -> Option<Timestamp>;
    /// The last point at or before `at`.
    fn at_or_before(&self, at: Timestamp) -> Option<Timestamp>;
    /// Without a start date: the first point, given that it is `now` (Airflow's `_calc_first_run`).
    fn first(&self, now: Timestamp) -> Option<Timestamp>;
    /// The start of the last interval that is complete at `now`.
    fn last_complete(&self, now: Timestamp) -> Option<Timestamp>;
}

impl Steps for Ticks {
    fn next(&self, at: Timestamp) -> Option<Timestamp> {
        self.next(at)
    }

    fn prev(&self, at: Timestamp) -> Option<Timestamp> {
        self.prev(at)
    }

    fn at_or_after(&self, at: Timestamp) -> Option<Timestamp> {
        self.at_or_after(at)
    }

    fn at_or_before(&self, at: Timestamp) -> Option<Timestamp> {
        self.at_or_before(at)
    }

    /// The past tick if it is not long ago, else the coming one. (Airflow documents that it waits for
    /// the next; its default `run_immediately=False` does this.)
    fn first(&self, now: Timestamp) -> Option<Timestamp> {
        let next = self.at_or_after(now)?;
        let Some(past) = self.at_or_before(now) else { return Some(next) };
        let long_ago = (next.since(past) / 10).max(SignedDuration::from_mins(5));
        Some(if now.since(past) <= long_ago { past } else { next })
    }

    fn last_complete(&self, now: Timestamp) -> Option<Timestamp> {
        self.prev(self.at_or_before(now)?)
    }
}

/// A distance has no grid: every point is one, and alignment changes nothing.
impl Steps for Delta {
    fn next(&self, at: Timestamp) -> Option<Timestamp> {
        Some(at.saturating_add(self.0)).filter(|next| *next > at)
    }

    fn prev(&self, at: Timestamp) -> Option<Timestamp> {
        Some(at.saturating_add(-self.0)).filter(|prev| *prev < at)
    }

    fn at_or_after(&self, at: Timestamp) -> Option<Timestamp> {
        Some(at)
    }

    fn at_or_before(&self, at: Timestamp) -> Option<Timestamp> {
        Some(at)
    }

    fn first(&self, now: Timestamp) -> Option<Timestamp> {
        Some(now)
    }

    fn last_complete(&self, now: Timestamp) -> Option<Timestamp> {
        self.prev(self.floor(now))
    }
}
