//! An attempt's folder: its files, how they are created, and reading what they say.
//!
//! The formats here outlive daemons, so each carries a version. What the facts *mean* is decided in
//! `verdict`.

use std::{
    fs,
    fs::{File, TryLockError},
    io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use updraft_model::{AttemptId, Exit, Timestamp, WORKLOAD_FORMAT, Workload};

use crate::{
    failpoint,
    home::Home,
    spares::{self, Spares},
};

/// What is to be run, as JSON.
pub(crate) const WORKLOAD: &str = "workload.json";
/// Written before the user's program is exec'd: a [`Started`].
pub(crate) const STARTED: &str = "started";
/// Written, whole or not at all, when it is over: an [`ExitFile`].
pub(crate) const EXIT: &str = "exit.json";
/// Asks the supervisor to end its task: a [`Terminate`].
pub(crate) const TERMINATE: &str = "terminate";

/// The task's own temporary folder.
pub(crate) const TMP: &str = "tmp";
/// What `UPDRAFT_OUTPUT` names, unless the task runs as another user.
pub(crate) const OUTPUT: &str = "output";

/// "The user's program may run from now on", and who supervises it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Started {
    pub(crate) at: Timestamp,
    pub(crate) supervisor: i32,
    /// The supervisor's start, in clock ticks since boot: guards against a reused process id.
    pub(crate) supervisor_start: u64,
}

/// The end, with its format's version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExitFile {
    pub(crate) format: u32,
    pub(crate) exit: Exit,
}

/// "End it."
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terminate {
    /// Between SIGTERM and SIGKILL.
    pub(crate) grace_ms: u64,
}

/// What an attempt's folder says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Evidence {
    /// There is no folder.
    NoPlace,
    /// There is one.
    Place {
        /// Someone holds its lock: the launching daemon, the nursery, or its supervisor.
        held: bool,
        /// The program may have started; the details unless a crash cut them short.
        started: Option<Option<Started>>,
        /// It is over; or that its end can't be read, and why.
        exit: Option<Result<Box<Exit>, Unreadable>>,
    },
}

/// Why an end can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// Only a machine that lost power leaves this behind.
    #[error("{EXIT} is damaged: {0}")]
    Damaged(String),
    /// Another release wrote it.
    #[error("{EXIT} has format {0}, this release reads {WORKLOAD_FORMAT}: start the release that wrote it")]
    Format(u32),
}

/// Reads an attempt's folder. The lock is looked at first: who sees it free sees all that its
/// holder wrote.
pub(crate) fn inspect(folder: &Path) -> io::Result<Evidence> {
    let held = match is_held(folder) {
        Ok(held) => held,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Evidence::NoPlace),
        Err(e) => return Err(e),
    };
    let started = match fs::read(folder.join(STARTED)) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).ok()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    Ok(Evidence::Place { held, started, exit: read_exit(folder)? })
}

/// The end, if there is one. Nearly always asked for right after a hint, so it costs one read.
pub(crate) fn read_exit(folder: &Path) -> io::Result<Option<Result<Box<Exit>, Unreadable>>> {
    let bytes = match fs::read(folder.join(EXIT)) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    Ok(Some(parse_exit(&bytes)))
}

fn parse_exit(bytes: &[u8]) -> Result<Box<Exit>, Unreadable> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let damaged = |e: serde_json::Error| Unreadable::Damaged(e.to_string());
    match serde_json::from_slice(bytes).map_err(damaged)? {
        Version { format: WORKLOAD_FORMAT } => Ok(Box::new(serde_json::from_slice::<ExitFile>(bytes).map_err(damaged)?.exit)),
        Version { format } => Err(Unreadable::Format(format)),
    }
}

/// Whether somebody holds the folder's lock.
fn is_held(folder: &Path) -> io::Result<bool> {
    match File::open(folder)?.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

/// A new attempt's folder, locked.
pub(crate) struct Created {
    /// Whoever has a copy of it holds the lock.
    pub(crate) lock: File,
}

/// Creates an attempt's folder, complete and locked from its first instant; `None` if it exists,
/// or was released a moment ago.
pub(crate) fn create(home: &Home, spares: &Spares, workload: &Workload) -> io::Result<Option<Created>> {
    let draft = spares.take().map_or_else(|| new_draft(home), Ok)?;
    let made = fill(&draft, workload).and_then(|lock| {
        failpoint::hit("folder-created");
        match fs::rename(&draft, home.attempt(workload.attempt)) {
            Ok(()) => Ok(Some(Created { lock })),
            Err(e) if matches!(e.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => Ok(None),
            Err(e) => Err(e),
        }
    });
    if !matches!(made, Ok(Some(_))) {
        fs::remove_dir_all(&draft)?;
    }
    // Only now: a release that happens while we create is then seen in any order.
    if matches!(made, Ok(Some(_))) && home.released(workload.attempt).exists() {
        discard(home, workload.attempt)?;
        return Ok(None);
    }
    made
}

fn new_draft(home: &Home) -> io::Result<PathBuf> {
    static DRAFTS: AtomicU64 = AtomicU64::new(0);
    let draft = home.attempts().join(format!(".new-{}-{}", std::process::id(), DRAFTS.fetch_add(1, Ordering::Relaxed)));
    fs::DirBuilder::new().mode(0o700).create(&draft)?;
    Ok(draft)
}

fn fill(draft: &Path, workload: &Workload) -> io::Result<File> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(draft.join(WORKLOAD))?;
    file.write_all(&serde_json::to_vec(workload)?)?;
    let lock = File::open(draft)?;
    lock.try_lock().map_err(io::Error::from)?;
    Ok(lock)
}

/// Removes a folder in which nothing ever ran. Its name is free again at once.
pub(crate) fn discard(home: &Home, attempt: AttemptId) -> io::Result<()> {
    static DISCARDED: AtomicU64 = AtomicU64::new(0);
    let away = home.attempts().join(format!(".old-{}-{}", std::process::id(), DISCARDED.fetch_add(1, Ordering::Relaxed)));
    match fs::rename(home.attempt(attempt), &away) {
        Ok(()) => fs::remove_dir_all(&away),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

/// Removes what a daemon that died left half created or half removed, or kept.
pub(crate) fn remove_drafts(home: &Home) -> io::Result<()> {
    for entry in fs::read_dir(home.attempts())? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| [".new-", ".old-", spares::PREFIX].iter().any(|prefix| name.starts_with(prefix))) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// The attempts that have a folder.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<AttemptId>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Some(attempt) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
            found.push(attempt);
        }
    }
    Ok(found)
}

/// What [`write_whole`] writes before it renames it.
pub(crate) fn draft_of(path: impl Into<PathBuf>) -> PathBuf {
    let mut draft = path.into().into_os_string();
    draft.push(".new");
    draft.into()
}

/// Writes a small JSON file that appears whole or not at all.
pub(crate) fn write_whole(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let draft = draft_of(path);
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    if path == Path::new(EXIT) {
        failpoint::hit_in_supervisor("before-exit-rename");
    }
    fs::rename(&draft, path)
}

/// Reads a JSON file, or `None` if there is none.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}
