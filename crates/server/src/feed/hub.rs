//! The one reader of the feed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicI64, atomic::Ordering},
    time::Duration,
};

use futures::StreamExt;
use tokio::{
    sync::{broadcast, watch},
    time::{sleep, timeout},
};
use updraft_model::{FeedChange, RunState, TaskState};
use updraft_store::{FeedEntry, Reader, StoreError};

/// Entries kept for those who are slow; who is slower reads the store.
const BACKLOG: usize = 1024;
/// Entries read at once.
const BATCH: u32 = 500;
/// Between two looks, so that a busy scheduler is not read after each of its commits: less than anybody sees.
const PACE: Duration = Duration::from_millis(20);
/// The safety net under lost hints: it costs a fifth of a query a second.
const POLL: Duration = Duration::from_secs(5);
/// After an error of the store.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads the feed and tells everybody.
pub struct Hub {
    entries: broadcast::Sender<Arc<FeedEntry>>,
    head: AtomicI64,
    seen: Mutex<Seen>,
}

/// How often runs and task instances were seen to enter each state since this process started.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub runs: BTreeMap<RunState, u64>,
    pub task_instances: BTreeMap<TaskState, u64>,
}

impl Hub {
    /// Starts the task that reads. It ends with `shutdown`, or when nobody holds the hub any more.
    ///
    /// Must be called inside a tokio runtime.
    pub fn start(reader: Arc<dyn Reader>, mut shutdown: watch::Receiver<bool>) -> Arc<Self> {
        let hub = Arc::new(Self { entries: broadcast::Sender::new(BACKLOG), head: AtomicI64::new(-1), seen: Mutex::default() });
        let weak = Arc::downgrade(&hub);
        tokio::spawn(async move {
            let mut hints = reader.feed_hints();
            loop {
                let Some(hub) = weak.upgrade() else { return };
                let wait = match hub.advance(reader.as_ref()).await {
                    Ok(()) => POLL,
                    Err(error) => {
                        tracing::warn!(%error, "the feed can't be read; trying again");
                        PAUSE
                    }
                };
                drop(hub);
                let hint = async {
                    sleep(PACE).await;
                    if hints.next().await.is_none() {
                        // From here on only the clock tells.
                        futures::future::pending::<()>().await;
                    }
                };
                tokio::select! {
                    _ = shutdown.wait_for(|down| *down) => return,
                    _ = timeout(wait, hint) => {}
                }
            }
        });
        hub
    }

    /// The number of the last entry that was told; `None` before the first look at the store.
    pub fn head(&self) -> Option<i64> {
        let head = self.head.load(Ordering::Acquire);
        (head >= 0).then_some(head)
    }

    /// The entries from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<FeedEntry>> {
        self.entries.subscribe()
    }

    /// What was counted.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn advance(&self, reader: &dyn Reader) -> Result<(), StoreError> {
        let Some(mut after) = self.head() else {
            // A page that was opened before this look read an older head, and would not hear of what came in
            // between: from the last entry it sees that it misses something.
            let head = reader.feed_head().await?;
            let last = reader.feed(head - 1, 1).await?;
            self.head.store(head, Ordering::Release);
            for entry in last {
                // An error means that nobody listens.
                let _ = self.entries.send(Arc::new(entry));
            }
            return Ok(());
        };
        loop {
            let entries = reader.feed(after, BATCH).await?;
            let full = entries.len() == BATCH as usize;
            for entry in entries {
                after = entry.seq;
                self.count(&entry.changes);
                // The head first: who subscribes and then reads the head misses nothing in between.
                self.head.store(after, Ordering::Release);
                // An error means that nobody listens.
                let _ = self.entries.send(Arc::new(entry));
            }
            if !full {
                return Ok(());
            }
        }
    }

    fn count(&self, changes: &[FeedChange]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                FeedChange::Run { state, .. } => *seen.runs.entry(*state).or_default() += 1,
                FeedChange::TaskInstance { state, .. } => *seen.task_instances.entry(*state).or_default() += 1,
                _ => {}
            }
        }
    }
}
