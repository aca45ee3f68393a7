//! How long to wait before the next try: Airflow 3.3's `TaskInstance.next_retry_datetime`.

use jiff::SignedDuration;
use sha1::{Digest, Sha1};
use updraft_model::{RetryPolicy, TaskInstanceRow, Timestamp};

/// Airflow's `MAX_RETRY_DELAY`.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// The wait after the end of try `row.try_number`.
///
/// Without backoff, the delay itself. With base `b`: `m = max(1, ceil(delay * b^(try-1)))` seconds plus
/// a jitter below `m` that is a hash of what is tried, so that the same try always waits the same.
pub(crate) fn delay(policy: &RetryPolicy, row: &TaskInstanceRow, logical_date: Option<Timestamp>) -> SignedDuration {
    if policy.exponential_backoff <= 0.0 {
        return policy.delay;
    }
    let exponent = f64::from(row.try_number.saturating_sub(1));
    let least = (policy.delay.as_secs_f64() * policy.exponential_backoff.powf(exponent)).ceil().max(1.0);
    let least = if least.is_finite() { least.min(LONGEST.as_secs_f64()) as u64 } else { LONGEST.as_secs() as u64 };
    let date = logical_date.map_or_else(|| "None".to_owned(), Timestamp::isoformat);
    let digest = Sha1::digest(format!("{}#{}#{}#{}", row.dag_id, row.task_id, date, row.try_number).as_bytes());
    // The whole 160-bit number modulo `least`, as Python's `int(hexdigest, 16) % least`.
    let jitter = digest.iter().fold(0u64, |rest, byte| ((u128::from(rest) * 256 + u128::from(*byte)) % u128::from(least)) as u64);
    let wait = SignedDuration::from_secs((least + jitter) as i64).min(LONGEST);
    policy.max_delay.map_or(wait, |max| wait.min(max))
}
