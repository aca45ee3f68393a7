//! How long commits took, for monitors. No decision looks at it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper ends of the buckets, in milliseconds. A commit above 100 ms is one that somebody may feel.
pub const BUCKETS: [u64; 9] = [2, 5, 10, 25, 50, 100, 250, 1_000, 5_000];

/// Commits by how long they took, since the process started.
#[derive(Debug, Default)]
pub struct CommitTimes {
    buckets: [AtomicU64; BUCKETS.len()],
    count: AtomicU64,
    sum: AtomicU64,
}

impl CommitTimes {
    pub(crate) fn record(&self, took: Duration) {
        if let Some(bucket) = BUCKETS.iter().position(|end| took <= Duration::from_millis(*end)) {
            self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// For each bucket its upper end and how many took no longer, all below included.
    pub fn cumulated(&self) -> Vec<(Duration, u64)> {
        let mut below = 0;
        let add = |(end, bucket): (&u64, &AtomicU64)| {
            below += bucket.load(Ordering::Relaxed);
            (Duration::from_millis(*end), below)
        };
        BUCKETS.iter().zip(&self.buckets).map(add).collect()
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// How long all took together.
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.sum.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_all_that_is_below_their_end() {
        let times = CommitTimes::default();
        [1, 2, 3, 100, 101, 9_000].map(Duration::from_millis).into_iter().for_each(|took| times.record(took));
        let counts: Vec<u64> = times.cumulated().into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts, [2, 3, 3, 3, 3, 4, 5, 5, 5]);
        assert_eq!((times.count(), times.sum()), (6, Duration::from_millis(9_207)));
    }
}
