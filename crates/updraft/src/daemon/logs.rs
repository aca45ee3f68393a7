//! Removes the logs of runs that are no more: soon after one was deleted, and every hour, for what
//! went while no daemon was here.
//!
//! Whose a log is, its attempts say: one that the database does not know (any more) will never be
//! known again, since each is committed before it starts. A run made again under the same name has
//! other attempts, and keeps its logs.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use futures::StreamExt as _;
use serde_json::Value;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout_at},
};
use updraft_logs::{Written, remove, run_folders, run_folders_of, written_in};
use updraft_model::{AttemptId, DagId, FeedChange};
use updraft_store::Reader;
use uuid::Uuid;

/// How often all is looked at, whatever the feed says.
const EVERY: Duration = Duration::from_secs(3_600);
/// So many runs are looked at with one question to the database.
const BATCH: usize = 200;
/// Between two questions, so that others come through.
const PAUSE: Duration = Duration::from_millis(20);
/// After a deletion others often follow: they are waited for. Also between two looks at the feed.
const GATHER: Duration = Duration::from_secs(1);
/// A look may take one part in so many of the time.
const SHARE: u32 = 10;
/// The feed is read so much at a time.
const FEED: u32 = 1_000;
/// Hints of the feed can get lost.
const ASK: Duration = Duration::from_secs(30);
/// In the log folder: of which database's runs the logs are.
const OWNER: &str = ".database";

/// Looks after the logs of one node.
pub struct Sweeper {
    /// The folder of its tasks' logs.
    pub logs: PathBuf,
    /// Knows the attempts.
    pub reader: Arc<dyn Reader>,
    /// Told when this daemon deleted runs of which the feed says nothing.
    pub deleted: Arc<Notify>,
}

impl Sweeper {
    /// Works for ever.
    pub async fn run(self) {
        loop {
            let begin = Instant::now();
            // Where the feed is now is asked before: what is deleted while we look is looked for again.
            let head = self.reader.feed_head().await;
            match self.sweep().await {
                Ok(0) => {}
                Ok(logs) => tracing::info!(logs, "logs of deleted runs were removed"),
                Err(error) => tracing::warn!(error = format!("{error:#}"), "logs of deleted runs could not be removed; tried again later"),
            }
            let end = Instant::now() + EVERY;
            sleep(begin.elapsed() * SHARE).await;
            if let Ok(head) = head {
                tokio::select! {
                    () = self.wait_for_a_deletion(head, end) => {}
                    () = self.deleted.notified() => {}
                }
            } else {
                sleep(ASK).await;
            }
        }
    }

    /// Returns when the feed tells of a deleted run after `seq`, or at `end`.
    async fn wait_for_a_deletion(&self, mut seq: i64, end: Instant) {
        let mut hints = self.reader.feed_hints();
        while Instant::now() < end {
            match self.reader.feed(seq, FEED).await {
                Ok(entries) => {
                    let changes = || entries.iter().flat_map(|entry| &entry.changes);
                    let is_run_gone = changes().any(|change| matches!(change, FeedChange::RunDeleted { .. }));
                    if is_run_gone || self.is_any_gone(changes().filter_map(dag_of).cloned().collect()).await {
                        sleep(GATHER).await;
                        return;
                    }
                    if let Some(last) = entries.last() {
                        seq = last.seq;
                        continue;
                    }
                }
                Err(error) => tracing::debug!(%error, "the feed is read again later"),
            }
            // A hint, or none for long, or no more hints at all: it is read again, but not after each commit.
            sleep(GATHER).await;
            if let Ok(None) = timeout_at(end.min(Instant::now() + ASK), hints.next()).await {
                sleep(ASK).await;
            }
        }
    }

    /// Whether one of these DAGs, which were changed or deleted, has a log that nobody knows.
    async fn is_any_gone(&self, dags: BTreeSet<DagId>) -> bool {
        if dags.is_empty() {
            return false;
        }
        let logs = self.logs.clone();
        let first_runs = move || {
            let first = |dag: &DagId| run_folders_of(&logs, dag).and_then(|mut runs| runs.next().transpose()).transpose();
            let folders = dags.iter().filter_map(first).collect::<io::Result<Vec<PathBuf>>>()?;
            sample(&folders)
        };
        let looked = async { anyhow::Ok(self.unknown(blocking(first_runs).await?, |(_, written)| written).await?.len()) };
        looked.await.unwrap_or_else(|error| {
            tracing::debug!(error = format!("{error:#}"), "logs of deleted DAGs are looked for later");
            0
        }) > 0
    }

    /// Looks at all logs once, and removes those of which no attempt is known. Returns how many.
    async fn sweep(&self) -> anyhow::Result<usize> {
        if !self.is_ours().await? {
            return Ok(0);
        }
        let logs = self.logs.clone();
        let mut folders =
            blocking(move || run_folders(&logs).map(|folders| Box::new(folders) as Box<dyn Iterator<Item = _> + Send>)).await?;
        let mut removed = 0;
        loop {
            let next = move || {
                let batch = folders.by_ref().take(BATCH).collect::<io::Result<Vec<PathBuf>>>()?;
                // One log of each run is enough to see which may have gone.
                let samples = sample(&batch)?;
                Ok((folders, batch.len(), samples))
            };
            let (rest, looked_at, samples) = blocking(next).await?;
            folders = rest;
            for (folder, _) in self.unknown(samples, |(_, written)| written).await? {
                let all = blocking(move || written_in(&folder, usize::MAX)).await?;
                for written in self.unknown(all, |written| written).await? {
                    removed += usize::from(blocking(move || remove(&written)).await?);
                }
            }
            if looked_at < BATCH {
                return Ok(removed);
            }
            sleep(PAUSE).await;
        }
    }

    /// Those of which the database knows no attempt.
    async fn unknown<T>(&self, all: Vec<T>, written: impl Fn(&T) -> &Written) -> anyhow::Result<Vec<T>> {
        let mut left = Vec::new();
        let mut all = all.into_iter().peekable();
        while all.peek().is_some() {
            let batch: Vec<T> = all.by_ref().take(BATCH).collect();
            let ids: BTreeSet<AttemptId> = batch.iter().flat_map(|item| written(item).attempts.iter().copied()).collect();
            let known = self.reader.attempts_by_id(ids.into_iter().collect()).await?;
            let known: BTreeSet<AttemptId> = known.into_iter().map(|row| row.id).collect();
            left.extend(batch.into_iter().filter(|item| written(item).attempts.iter().all(|attempt| !known.contains(attempt))));
        }
        Ok(left)
    }

    /// Whether the logs are of this database's runs. Another one knows none of them, and a daemon
    /// that was started with the wrong one must not take them for deleted.
    async fn is_ours(&self) -> anyhow::Result<bool> {
        let fresh = Value::from(Uuid::from_bytes(super::random::bytes()?).to_string());
        let database = self.reader.setting("instance_id", fresh).await?;
        let database = database.as_str().context("the setting instance_id is not a text")?.to_owned();
        let path = self.logs.join(OWNER);
        let read = {
            let path = path.clone();
            blocking(move || claim(&path, &database).map(|owner| owner == database)).await?
        };
        if !read {
            tracing::warn!(
                file = %path.display(),
                "the logs in this folder are of another database's runs, so none is removed; remove this file if they may go"
            );
        }
        Ok(read)
    }
}

fn dag_of(change: &FeedChange) -> Option<&DagId> {
    match change {
        FeedChange::Dag { dag_id } => Some(dag_id),
        _ => None,
    }
}

/// One log of each run, and where the run's are. An empty list of a log counts as nobody's.
fn sample(folders: &[PathBuf]) -> io::Result<Vec<(PathBuf, Written)>> {
    let mut samples = Vec::new();
    for folder in folders {
        samples.extend(written_in(folder, 1)?.into_iter().map(|written| (folder.clone(), written)));
    }
    Ok(samples)
}

/// Of which database the logs are: `database`, if nobody said so before.
fn claim(path: &Path, database: &str) -> io::Result<String> {
    match std::fs::read_to_string(path) {
        Ok(owner) if !owner.trim().is_empty() => Ok(owner.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(_) | Err(_) => {
            std::fs::write(path, format!("{database}\n"))?;
            Ok(database.to_owned())
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
