//! Says when the folder may have changed. A hint only: what is true is looked at.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind},
};
use tokio::sync::mpsc;

use super::look::{IGNORE_FILE, is_dag_file};

/// How well the folder is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// Changes are told.
    Watched,
    /// They are not: the folder is not there, or the system has no watches left.
    Unwatched,
}

impl Coverage {
    /// How often to look in any case.
    pub fn look_at_least_every(self) -> Duration {
        match self {
            Self::Watched => Duration::MAX,
            Self::Unwatched => Duration::from_secs(2),
        }
    }
}

/// Watches a folder, and what its name leads to.
pub struct Watcher {
    root: PathBuf,
    hints: mpsc::Sender<()>,
    heard: mpsc::Receiver<()>,
    /// What is watched: the folder's device and inode, and the watcher.
    watched: Option<((u64, u64), RecommendedWatcher)>,
    has_warned: bool,
}

impl Watcher {
    /// Watches nothing until [`Watcher::cover`].
    pub fn new(root: PathBuf) -> Self {
        let (hints, heard) = mpsc::channel(1);
        Self { root, hints, heard, watched: None, has_warned: false }
    }

    /// Sees to it that the folder is watched that the name leads to now: a link may have been
    /// swapped, or the folder made anew.
    pub fn cover(&mut self) -> Coverage {
        let Ok(metadata) = fs::metadata(&self.root) else {
            self.watched = None;
            return Coverage::Unwatched;
        };
        let identity = (metadata.dev(), metadata.ino());
        if self.watched.as_ref().is_some_and(|(watched, _)| *watched == identity) {
            return Coverage::Watched;
        }
        self.watched = None;
        match watch(&self.root, self.hints.clone()) {
            Ok(watcher) => {
                self.watched = Some((identity, watcher));
                // What changed between the look and the watch is looked at.
                let _ = self.hints.try_send(());
                Coverage::Watched
            }
            Err(error) => {
                if !std::mem::replace(&mut self.has_warned, true) {
                    tracing::warn!(folder = %self.root.display(), %error, "changes of DAG files can't be watched; the folder is looked at every 2 s instead");
                }
                Coverage::Unwatched
            }
        }
    }

    /// Something may have changed.
    pub async fn changed(&mut self) {
        // Never `None`: a sender is in `self`.
        self.heard.recv().await;
    }

    /// Forgets the hints before now.
    pub fn drain(&mut self) {
        while self.heard.try_recv().is_ok() {}
    }
}

fn watch(root: &Path, hints: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let name = root.file_name().map(ToOwned::to_owned);
    let hear = move |event: notify::Result<Event>| {
        // An error (an overflown queue, say) may mean any change.
        if event.map_or(true, |event| is_relevant(&event, name.as_deref())) {
            // Full: a hint is waiting already.
            let _ = hints.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(hear)?;
    watcher.watch(root, RecursiveMode::Recursive)?;
    if let Some(parent) = root.parent() {
        // For the swap of the folder itself. Not all may read their parent folder: then only the
        // regular look sees that.
        let _ = watcher.watch(parent, RecursiveMode::NonRecursive);
    }
    Ok(watcher)
}

/// Tasks work in this folder too: what they write is none of our business, unless it is named like a DAG file.
fn is_relevant(event: &Event, root: Option<&std::ffi::OsStr>) -> bool {
    let concerns_files = || {
        event.need_rescan()
            || event
                .paths
                .iter()
                .any(|path| is_dag_file(path) || path.file_name().is_some_and(|name| name == IGNORE_FILE || Some(name) == root))
    };
    match event.kind {
        EventKind::Create(CreateKind::Folder) | EventKind::Remove(RemoveKind::Folder) | EventKind::Modify(ModifyKind::Name(_)) => true,
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Create(_)
        | EventKind::Remove(_)
        | EventKind::Modify(_)
        | EventKind::Any
        | EventKind::Other => concerns_files(),
        EventKind::Access(_) => false,
    }
}
