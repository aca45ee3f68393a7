//! The instants at which a pattern fires: its wall clock times on the time line of a zone.
//!
//! Far from a change of the clock a tick is its wall clock time at the zone's offset. At a change
//! there are two families (Airflow's `CronMixin._get_next`):
//!
//! - **by the wall clock** ([`wall`]): a time in the gap fires later by the gap, a time that occurs
//!   twice fires at its second occurrence;
//! - **by elapsed time** ([`hourly`]), where the hour is `*`: the pattern goes on at its pace, through
//!   both occurrences.
//!
//! In both, [`Ticks::prev`] is the exact inverse of [`Ticks::next`]. Airflow's is not: close to a change
//! its previous tick can lie in the future.

mod hourly;
mod wall;

use jiff::{
    SignedDuration,
    civil::DateTime,
    tz::{Offset, TimeZone, TimeZoneTransition},
};
use updraft_model::Timestamp;

use crate::{error::TimetableError, pattern::Pattern};

/// A pattern on the clock of a zone.
#[derive(Debug, Clone)]
pub struct Ticks {
    pattern: Pattern,
    zone: TimeZone,
    /// The zone's offset if it never changes.
    fixed: Option<Offset>,
}

impl Ticks {
    /// Reads the expression.
    pub fn new(expression: &str, zone: TimeZone) -> Result<Self, TimetableError> {
        let fixed = zone.to_fixed_offset().ok();
        Ok(Self { pattern: Pattern::new(expression)?, zone, fixed })
    }

    /// The pattern.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// The first tick after `at`. `None` if the expression names years and they are over.
    pub fn next(&self, at: Timestamp) -> Option<Timestamp> {
        let at = at.jiff();
        let tick = match self.fixed {
            Some(offset) => instant(offset, self.pattern.next(offset.to_datetime(at))?)?,
            None if self.pattern.every_hour => self.next_hourly(at)?,
            None => self.next_wall(at)?,
        };
        Some(tick.into())
    }

    /// The last tick before `at`. `None` if the expression names years and they have not begun.
    pub fn prev(&self, at: Timestamp) -> Option<Timestamp> {
        let at = at.jiff();
        let tick = match self.fixed {
            Some(offset) => instant(offset, self.pattern.prev(offset.to_datetime(at))?)?,
            None if self.pattern.every_hour => self.prev_hourly(at)?,
            None => self.prev_wall(at)?,
        };
        Some(tick.into())
    }

    /// The first tick at or after `at` (Airflow's `_align_to_next`).
    pub fn at_or_after(&self, at: Timestamp) -> Option<Timestamp> {
        self.next(Timestamp::from_micros(at.micros().saturating_sub(1)))
    }

    /// The last tick at or before `at` (Airflow's `_align_to_prev`).
    pub fn at_or_before(&self, at: Timestamp) -> Option<Timestamp> {
        self.prev(Timestamp::from_micros(at.micros().saturating_add(1)))
    }

    fn offset(&self, at: jiff::Timestamp) -> Offset {
        self.zone.to_offset(at)
    }

    /// The newest change of the clock at or before `at`.
    fn change_before(&self, at: jiff::Timestamp) -> Option<Change> {
        let after_at = at.checked_add(SignedDuration::from_nanos(1)).ok()?;
        self.zone.preceding(after_at).next().and_then(|t| self.change(&t))
    }

    /// The next change of the clock after `at`.
    fn change_after(&self, at: jiff::Timestamp) -> Option<Change> {
        self.zone.following(at).next().and_then(|t| self.change(&t))
    }

    fn change(&self, transition: &TimeZoneTransition<'_>) -> Option<Change> {
        let at = transition.timestamp();
        let eve = at.checked_sub(SignedDuration::from_nanos(1)).ok()?;
        Some(Change { at, before: self.offset(eve), after: transition.offset() })
    }
}

/// A moment when the zone's offset changes.
#[derive(Debug, Clone, Copy)]
struct Change {
    at: jiff::Timestamp,
    before: Offset,
    after: Offset,
}

impl Change {
    /// What the old clock shows at the change: where a gap begins or a fold ends.
    fn old_clock(&self) -> DateTime {
        self.before.to_datetime(self.at)
    }

    /// What the new clock shows at the change: where a gap ends or a fold begins.
    fn new_clock(&self) -> DateTime {
        self.after.to_datetime(self.at)
    }

    fn is_gap(&self) -> bool {
        self.after > self.before
    }

    fn is_fold(&self) -> bool {
        self.after < self.before
    }
}

/// When a clock at `offset` shows `time`; `None` outside the years -9999 to 9999.
fn instant(offset: Offset, time: DateTime) -> Option<jiff::Timestamp> {
    offset.to_timestamp(time).ok()
}

#[cfg(test)]
mod tests;
