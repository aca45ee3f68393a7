//! A log as it grows.

use std::{sync::Arc, time::Duration};

use futures::{Stream, stream};
use tokio::{
    sync::{broadcast, broadcast::error::RecvError},
    time::{Instant, sleep_until},
};
use updraft_model::FeedChange;
use updraft_store::FeedEntry;

use super::{Line, Position, Subject};
use crate::app::App;

/// How long a line waits at most before it is seen.
const POLL: Duration = Duration::from_millis(150);
/// The same where another node is asked.
const POLL_ELSEWHERE: Duration = Duration::from_millis(500);
/// The safety net under lost news of the end.
const RECHECK: Duration = Duration::from_secs(5);
/// Bytes read at once.
const PIECE: usize = 64 * 1024;

/// What a follower is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Lines, and where the next begin.
    Lines { lines: Vec<Line>, next: Position },
    /// The try is over and all of its log was told.
    End,
}

/// The log from `from` on until its end, or until the server stops.
pub fn follow(app: Arc<App>, subject: Subject, from: Position) -> impl Stream<Item = Piece> + Send {
    let live = app.hub.subscribe();
    let shutdown = app.shutdown.clone();
    let follower = Follower { app, subject, live, shutdown, position: from, recheck: Instant::now() + RECHECK, done: false };
    stream::unfold(follower, |mut follower| async { follower.next().await.map(|piece| (piece, follower)) })
}

struct Follower {
    app: Arc<App>,
    subject: Subject,
    live: broadcast::Receiver<Arc<FeedEntry>>,
    shutdown: tokio::sync::watch::Receiver<bool>,
    position: Position,
    recheck: Instant,
    done: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Piece> {
        while !self.done {
            // Asked for before reading: what was written before the end is then read after it.
            let is_over = self.subject.is_over;
            let read = tokio::select! {
                _ = self.shutdown.wait_for(|down| *down) => return None,
                read = self.subject.read(&self.app, self.position, PIECE) => read,
            };
            match read {
                Ok(chunk) => {
                    self.position = chunk.next;
                    if !chunk.lines.is_empty() {
                        return Some(Piece::Lines { lines: chunk.lines, next: chunk.next });
                    }
                    self.done = chunk.at_end && is_over;
                }
                Err(error) => {
                    self.done = true;
                    let lines = vec![Line::bare(format!("[updraft] the log can't be read: {error}"))];
                    return Some(Piece::Lines { lines, next: self.position });
                }
            }
            if self.done {
                return Some(Piece::End);
            }
            self.wait().await?;
        }
        None
    }

    /// How long until the next look: a node that can't be reached is not asked all the time.
    fn pause(&self) -> Duration {
        match (self.position.told, self.subject.is_elsewhere(&self.app, self.position)) {
            (true, _) => RECHECK,
            (false, true) => POLL_ELSEWHERE,
            (false, false) => POLL,
        }
    }

    /// Waits for the next look; `None` if the server stops.
    async fn wait(&mut self) -> Option<()> {
        let look = Instant::now() + self.pause();
        let asks = loop {
            let entry = tokio::select! {
                _ = self.shutdown.wait_for(|down| *down) => return None,
                () = sleep_until(look) => None,
                entry = self.live.recv() => Some(entry),
            };
            match entry {
                None => break Instant::now() >= self.recheck,
                Some(Ok(entry)) if !entry.changes.iter().any(|change| self.concerns(change)) => {}
                Some(Ok(_) | Err(RecvError::Lagged(_))) => break true,
                Some(Err(RecvError::Closed)) => return None,
            }
        };
        if asks {
            self.recheck = Instant::now() + RECHECK;
            // After an error of the store the next look asks again.
            if let Err(error) = self.subject.refresh(&self.app).await {
                tracing::debug!(%error, "whether a try is over is asked again");
            }
        }
        Some(())
    }

    fn concerns(&self, change: &FeedChange) -> bool {
        match change {
            FeedChange::TaskInstance { task_id, map_index, .. } => {
                *task_id == self.subject.key.task_id && *map_index == self.subject.key.map_index
            }
            FeedChange::RunDeleted { run } => *run == self.subject.key.run,
            _ => false,
        }
    }
}
