//! Deletes old runs, a few at a time, while this daemon leads.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::sync::{Notify, watch};
use updraft_engine::{Role, Status};
use updraft_model::Timestamp;
use updraft_store::EngineStore;

/// How often old runs are looked for; more often if they are kept for less.
const EVERY: Duration = Duration::from_secs(3_600);
/// The first time soon after the start, but not while everything else starts.
const FIRST_AFTER: Duration = Duration::from_secs(60);
/// A commit must not wait for long behind a deletion.
const BATCH: u32 = 100;
/// Between two deletions, so that commits come through.
const PAUSE: Duration = Duration::from_millis(50);

/// Keeps the history hardly older than `age`, for ever. `deleted` is told when runs went: no feed does.
pub async fn run(store: Arc<dyn EngineStore>, status: watch::Receiver<Status>, age: SignedDuration, deleted: Arc<Notify>) {
    // At least a second, whatever is asked for.
    let limit = age.unsigned_abs().max(Duration::from_secs(1));
    tokio::time::sleep(FIRST_AFTER.min(limit)).await;
    loop {
        let is_leading = matches!(status.borrow().role, Role::Leading(_));
        if is_leading {
            let before = Timestamp::from(jiff::Timestamp::now()).saturating_add(-age);
            match clean(&*store, before).await {
                Ok(0) => {}
                Ok(runs) => {
                    tracing::info!(runs, %before, "old runs were deleted");
                    deleted.notify_one();
                }
                Err(error) => tracing::warn!(%error, "old runs could not be deleted; tried again in an hour"),
            }
        }
        tokio::time::sleep(EVERY.min(limit)).await;
    }
}

/// Deletes all finished runs that ended before `before`. Returns how many.
pub async fn clean(store: &dyn EngineStore, before: Timestamp) -> Result<usize, updraft_store::StoreError> {
    let mut total = 0;
    loop {
        let deleted = match store.clean(before, BATCH).await {
            Ok(runs) => runs.len(),
            // What went is told; the rest is tried again with the next look.
            Err(error) if total > 0 => {
                tracing::warn!(%error, "some old runs could not be deleted");
                0
            }
            Err(error) => return Err(error),
        };
        total += deleted;
        if deleted == 0 {
            return Ok(total);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
