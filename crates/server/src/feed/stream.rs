//! What one open page hears: what it missed, from the store; then what happens, from the hub.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures::{Stream, stream};
use tokio::{
    sync::{broadcast, broadcast::error::RecvError, watch},
    time::{Instant, sleep_until},
};
use updraft_model::FeedChange;
use updraft_store::{FeedEntry, Reader, StoreError};

use super::{FeedFilter, Hub};

/// A sign of life, so that dead connections are noticed on both sides.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Entries read at once.
const BATCH: u32 = 500;
/// Who missed more than this is better off asking for everything again.
const MAX_MISSED: i64 = 10_000;

/// What goes to the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// These changes (perhaps none) happened up to this number.
    Changes { seq: i64, changes: Vec<FeedChange> },
    /// What the page knows is too old to be mended: it must ask for everything again.
    Reset { seq: i64 },
    /// Nothing has happened.
    Heartbeat,
}

/// The live updates of one page, from after `last` on, or from now on.
///
/// The subscription begins before this returns: what a page asks for once its stream is open can
/// only be newer than the stream's beginning.
pub async fn follow(
    reader: Arc<dyn Reader>,
    hub: Arc<Hub>,
    filter: FeedFilter,
    last: Option<i64>,
    shutdown: watch::Receiver<bool>,
) -> Result<impl Stream<Item = Message> + Send, StoreError> {
    let live = hub.subscribe();
    let head = reader.feed_head().await?;
    let mut follower = Follower {
        reader,
        live,
        filter,
        shutdown,
        sent: head,
        unsent: head,
        behind: false,
        ready: VecDeque::new(),
        heartbeat: Instant::now() + HEARTBEAT,
    };
    match last {
        Some(last) if last > head || head.saturating_sub(last) > MAX_MISSED => follower.ready.push_back(Message::Reset { seq: head }),
        Some(last) => {
            follower.sent = last;
            follower.unsent = last;
            follower.behind = last < head;
        }
        // Nothing yet, but a number to come back with.
        None => follower.ready.push_back(Message::Changes { seq: head, changes: Vec::new() }),
    }
    Ok(stream::unfold(follower, |mut follower| async { follower.next().await.map(|message| (message, follower)) }))
}

struct Follower {
    reader: Arc<dyn Reader>,
    live: broadcast::Receiver<Arc<FeedEntry>>,
    filter: FeedFilter,
    shutdown: watch::Receiver<bool>,
    /// The number the page has.
    sent: i64,
    /// The number up to which there was nothing for the page.
    unsent: i64,
    /// Whether the store has entries that the hub told before we listened.
    behind: bool,
    ready: VecDeque<Message>,
    heartbeat: Instant,
}

impl Follower {
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Some(self.note(message));
            }
            if self.behind {
                self.catch_up().await;
                continue;
            }
            let entry = tokio::select! {
                biased;
                _ = self.shutdown.wait_for(|down| *down) => return None,
                entry = self.live.recv() => Some(entry),
                () = sleep_until(self.heartbeat) => None,
            };
            match entry {
                Some(Ok(entry)) => self.take(entry.seq, &entry.changes),
                Some(Err(RecvError::Lagged(_))) => self.behind = true,
                Some(Err(RecvError::Closed)) => return None,
                None => {
                    let seq = self.unsent;
                    let quiet = if seq > self.sent { Message::Changes { seq, changes: Vec::new() } } else { Message::Heartbeat };
                    self.ready.push_back(quiet);
                }
            }
        }
    }

    fn note(&mut self, message: Message) -> Message {
        self.heartbeat = Instant::now() + HEARTBEAT;
        if let Message::Changes { seq, .. } | Message::Reset { seq } = &message {
            self.sent = *seq;
            self.unsent = self.unsent.max(*seq);
        }
        message
    }

    fn take(&mut self, seq: i64, changes: &[FeedChange]) {
        if seq <= self.unsent {
            return; // caught up with from the store already
        }
        if seq > self.unsent + 1 {
            self.behind = true;
            return;
        }
        self.unsent = seq;
        let changes: Vec<_> = changes.iter().filter(|change| self.filter.wants(change)).cloned().collect();
        if !changes.is_empty() {
            self.ready.push_back(Message::Changes { seq, changes });
        }
    }

    /// Reads what was missed. The feed has no gaps, so one means that its beginning was cleaned away.
    async fn catch_up(&mut self) {
        match self.reader.feed(self.unsent, BATCH).await {
            Ok(entries) => {
                let gap = entries.first().is_some_and(|first| first.seq != self.unsent + 1);
                self.behind = !gap && entries.len() == BATCH as usize;
                if gap {
                    let seq = entries.last().map_or(self.unsent, |last| last.seq);
                    self.unsent = seq;
                    self.ready.push_back(Message::Reset { seq });
                    return;
                }
                for entry in entries {
                    self.take(entry.seq, &entry.changes);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the feed can't be read for a page; it is told to ask again");
                self.behind = false;
                self.ready.push_back(Message::Reset { seq: self.unsent });
            }
        }
    }
}
