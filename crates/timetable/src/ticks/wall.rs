//! Patterns that name their hours: ticks follow the wall clock.

use jiff::{SignedDuration, Timestamp, civil::DateTime};

use super::{Change, Ticks, instant};

/// Longer than any shift in the zone database (Samoa skipped a whole day in 2011).
const LONGEST_SHIFT: SignedDuration = SignedDuration::from_hours(25);

impl Ticks {
    /// The first tick after `at`.
    pub(super) fn next_wall(&self, at: Timestamp) -> Option<Timestamp> {
        let offset = self.offset(at);
        let clock = offset.to_datetime(at);
        let ambiguous = self.zone.to_ambiguous_timestamp(clock).offset();
        let start = match ambiguous {
            // The first occurrence: what the clock has shown of the fold fires at the second.
            jiff::tz::AmbiguousOffset::Fold { before, .. } if before == offset => self.change_after(at)?.new_clock().min(clock),
            _ => clock,
        };
        let found = if start < clock { self.pattern.at_or_after(start)? } else { self.pattern.next(clock)? };
        let tick = self.later(found)?;
        let past_the_gap = self.first_past_gap(found);
        let moved = self.shadow(at).and_then(|gap| self.next_moved(&gap, at));
        [Some(tick), past_the_gap, moved].into_iter().flatten().min()
    }

    /// The last tick before `at`.
    pub(super) fn prev_wall(&self, at: Timestamp) -> Option<Timestamp> {
        let mut found = self.pattern.prev(self.offset(at).to_datetime(at))?;
        let mut tick = self.later(found)?;
        // In the first pass of a fold, what the clock has shown of it is still to fire.
        while tick >= at {
            found = self.pattern.prev(found)?;
            tick = self.later(found)?;
        }
        let moved = self.shadow(at).and_then(|gap| self.prev_moved(&gap, at));
        Some(moved.map_or(tick, |moved| moved.max(tick)))
    }

    /// When the wall clock shows `time`: in a gap later by the gap, in a fold the second occurrence.
    fn later(&self, time: DateTime) -> Option<Timestamp> {
        self.zone.to_ambiguous_timestamp(time).later().ok()
    }

    /// If `found` is in a gap, the first tick that the new clock really shows. It can be earlier
    /// than `found` moved, if the gap is not a whole number of hours (Lord Howe Island).
    fn first_past_gap(&self, found: DateTime) -> Option<Timestamp> {
        let gap = self.zone.to_ambiguous_timestamp(found);
        if !matches!(gap.offset(), jiff::tz::AmbiguousOffset::Gap { .. }) {
            return None;
        }
        let gap = self.change_before(gap.later().ok()?)?;
        self.later(self.pattern.at_or_after(gap.new_clock())?)
    }

    /// The gap whose moved times can be close to `at`.
    fn shadow(&self, at: Timestamp) -> Option<Change> {
        let earlier = at.checked_sub(LONGEST_SHIFT).ok()?;
        if self.offset(earlier) == self.offset(at) {
            return None;
        }
        self.change_before(at).filter(Change::is_gap)
    }

    /// The first tick after `at` that `gap` has moved.
    fn next_moved(&self, gap: &Change, at: Timestamp) -> Option<Timestamp> {
        let found = self.pattern.next(gap.before.to_datetime(at))?;
        if found < gap.new_clock() { instant(gap.before, found) } else { None }
    }

    /// The last tick before `at` that `gap` has moved.
    fn prev_moved(&self, gap: &Change, at: Timestamp) -> Option<Timestamp> {
        let found = self.pattern.prev(gap.before.to_datetime(at).min(gap.new_clock()))?;
        if found >= gap.old_clock() { instant(gap.before, found) } else { None }
    }
}
