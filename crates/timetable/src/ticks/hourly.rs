//! Patterns whose hour is `*`: within a day that matches, a tick follows the last after the time
//! that the pattern says, whatever the clock is doing.
//!
//! Airflow adds the elapsed time even from one matching day to the next, so that in Zurich
//! `0 * * * 1` (Mondays) fires on a Sunday at 23:00 in the week of the autumn change. Here the step to
//! another day is taken on the wall clock.

use jiff::{SignedDuration, Timestamp};

use super::{Ticks, instant};

/// Within a matching day, an hour-`*` pattern fires at least so often.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// So long after a change of the clock, an hour-`*` pattern is back on the wall clock.
const SETTLED: SignedDuration = SignedDuration::from_hours(2);

impl Ticks {
    /// The first tick after `at`.
    pub(super) fn next_hourly(&self, at: Timestamp) -> Option<Timestamp> {
        let offset = self.offset(at);
        let clock = offset.to_datetime(at);
        let found = self.pattern.next(clock)?;
        let elapsed = instant(offset, found)?;
        if clock.duration_until(found) <= HOUR {
            return Some(elapsed);
        }
        let Some(change) = self.change_after(at).filter(|change| change.at <= elapsed) else { return Some(elapsed) };
        if change.is_fold() {
            // The clock goes back into a day that matches: it fires there again.
            let again = self.pattern.at_or_after(change.new_clock())?;
            if again < change.old_clock() {
                return instant(change.after, again);
            }
        }
        self.zone.to_ambiguous_timestamp(found).compatible().ok()
    }

    /// The last tick before `at`.
    pub(super) fn prev_hourly(&self, at: Timestamp) -> Option<Timestamp> {
        let offset = self.offset(at);
        let found = instant(offset, self.pattern.prev(offset.to_datetime(at))?)?;
        let Some(change) = self.change_before(at) else { return Some(found) };
        if found.duration_since(change.at) >= SETTLED {
            return Some(found);
        }
        // Close behind a change the clock alone does not tell: follow the ticks across it.
        let eve = change.at.checked_sub(SignedDuration::from_micros(1)).ok()?;
        let Some(mut tick) = self.prev_hourly(eve) else { return (found >= change.at).then_some(found) };
        loop {
            match self.next_hourly(tick) {
                Some(next) if next < at => tick = next,
                _ => return Some(tick),
            }
        }
    }
}
