//! The bundle: the folder of DAG files, and how its changes reach the engine.
//!
//! [`look`] walks the folder, [`tracker`] decides what a look means, [`read`] reads and parses what
//! changed, [`watcher`] says when to look again, [`news`] what the log says of it. Looking is level-triggered: a lost notification
//! costs at most [`LOOK_EVERY`]. What a DAG's change means is the scheduler's business, not ours.

pub mod look;
mod news;
pub mod python;
pub mod read;
mod tracker;
mod watcher;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, watch},
    task::spawn_blocking,
};
use updraft_engine::{Rescan, ShellHandle};
use updraft_scheduler::FileChange;

use self::{
    look::Look,
    news::{News, tell_python},
    read::ReadFile,
    tracker::{Todo, Tracker},
    watcher::Watcher,
};

/// A full look is taken at least so often, in case a notification was lost.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// A daemon that leads has asked by then.
const FIRST_QUESTION: Duration = Duration::from_millis(500);
/// Writing a file is several events: so long after the first, all are looked at together.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// The task that keeps the engine informed.
pub struct Bundle {
    /// The folder.
    pub root: PathBuf,
    /// Who hears of changes, once it has asked for everything.
    pub engine: ShellHandle,
    /// A new leader asks for everything, and for deleted DAGs again.
    pub rescan: mpsc::UnboundedReceiver<Rescan>,
    /// Digest of the folder, which nodes compare. `None` until the first look.
    pub digest: watch::Sender<Option<String>>,
}

impl Bundle {
    /// Looks after the folder for ever.
    pub async fn run(mut self) {
        let begin = Instant::now();
        let mut tracker = Tracker::default();
        let mut watcher = Watcher::new(self.root.clone());
        // Nobody is told anything before the engine has asked: a standby only keeps its digest.
        let mut is_asked = false;
        // The usual daemon leads at once: then the first look tells everything, and there is no second.
        if let Ok(Some(which)) = tokio::time::timeout(FIRST_QUESTION, self.rescan.recv()).await {
            is_asked = true;
            tracker.tell_again(which);
        }
        let mut news = News::default();
        let mut last_problem = None;
        loop {
            let (again, looked_for) = self.round(&mut tracker, &mut news, begin.elapsed(), is_asked, &mut last_problem).await;
            let coverage = watcher.cover();
            let nap = again.unwrap_or(LOOK_EVERY).min(coverage.look_at_least_every());
            let woken = async {
                tokio::select! {
                    // Looking at a huge folder must not become all that a core does.
                    () = watcher.changed() => tokio::time::sleep(looked_for.saturating_mul(4).max(DEBOUNCE)).await,
                    () = tokio::time::sleep(nap) => {}
                }
            };
            tokio::select! {
                which = self.rescan.recv() => match which {
                    Some(which) => {
                        is_asked = true;
                        tracker.tell_again(which);
                    }
                    // The engine has stopped.
                    None => return,
                },
                () = woken => {}
            }
            watcher.drain();
        }
    }

    /// One look and what follows from it; when to look again, if sooner than usual, and how long the
    /// look itself took.
    async fn round(
        &self,
        tracker: &mut Tracker,
        news: &mut News,
        now: Duration,
        is_asked: bool,
        last_problem: &mut Option<String>,
    ) -> (Option<Duration>, Duration) {
        let root = self.root.clone();
        let started = Instant::now();
        let look = spawn_blocking(move || Look::at(&root)).await.unwrap_or_else(|e| Look::failed(e.to_string()));
        let looked_for = started.elapsed();
        if look.failure != *last_problem {
            if let Some(problem) = &look.failure {
                tracing::warn!(folder = %self.root.display(), %problem, "the folder of DAG files can't be read; DAGs stay as they are");
            }
            last_problem.clone_from(&look.failure);
        }
        let Todo { mut read, gone, look_again } = tracker.look(now, &look);
        let mut changes: Vec<FileChange> = gone.into_iter().map(|file| FileChange { file, content: None }).collect();
        // Files that share a DAG with what changed are sent again after it, hence the second turn.
        while !read.is_empty() {
            let mut again = Vec::new();
            for ReadFile { file, stamp, hash, content } in read_all(read, &look, tracker, is_asked).await {
                let dags = content.as_ref().map(|content| content.dags.iter().map(|dag| dag.dag_id().clone()).collect());
                let is_broken = content.as_ref().is_some_and(|content| content.error.is_some());
                again.extend(tracker.was_read(&file, stamp, hash, dags, is_broken));
                changes.extend(content.map(|content| FileChange { file, content: Some(content) }));
            }
            read = again;
        }
        self.digest.send_replace(Some(tracker.digest()));
        if is_asked && !changes.is_empty() {
            tracing::debug!(files = changes.len(), "DAG files changed");
            changes.iter().for_each(|change| news.tell(change));
            news.tell_shared(tracker.shared());
            self.engine.files(changes);
        }
        let python = if is_asked { news.unknown(&look.python) } else { Vec::new() };
        if !python.is_empty() {
            let root = self.root.clone();
            // Nothing waits for what it says.
            spawn_blocking(move || tell_python(&root, &python));
        }
        (look_again, looked_for)
    }
}

async fn read_all(files: Vec<String>, look: &Look, tracker: &Tracker, parse: bool) -> Vec<ReadFile> {
    let jobs: Vec<_> = files
        .into_iter()
        .filter_map(|file| Some((look.files.get(&file)?.clone(), tracker.hash_of(&file), file)))
        .map(|(found, known, file)| read::Job { file, found, known, parse })
        .collect();
    spawn_blocking(move || read::all(&jobs)).await.unwrap_or_else(|error| {
        tracing::error!(%error, "reading DAG files was interrupted; they are read again");
        Vec::new()
    })
}
