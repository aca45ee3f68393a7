//! The home's lock: one daemon per home, so that no two executors look after the same tasks.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use updraft_executor_local::NurseryHandle;

/// What a daemon that runs tasks has before it has threads.
pub struct Place {
    /// Held until the process ends.
    pub lock: HomeLock,
    /// Forks the supervisors.
    pub nursery: NurseryHandle,
}

/// How long a daemon that is going may still hold the home.
const PATIENCE: Duration = Duration::from_secs(1);

/// The lock. The operating system frees it when the process ends, however it ends.
#[derive(Debug)]
pub struct HomeLock {
    _file: File,
}

impl HomeLock {
    /// Creates the home if need be, and takes its lock.
    pub fn take(home: &Path) -> anyhow::Result<Self> {
        let hint = "\n  hint: choose a folder that this user may write to with --home or UPDRAFT_HOME";
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(home);
        made.with_context(|| format!("the home {} can't be created{hint}", home.display()))?;
        let path = home.join("daemon.lock");
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = opened.with_context(|| format!("the home can't be written to: {}{hint}", path.display()))?;
        match lock_soon(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                file.read_to_string(&mut owner).unwrap_or_default();
                let owner = if owner.trim().is_empty() { "another process" } else { owner.trim() };
                bail!("the home {} is in use by {owner}\n  hint: stop that daemon, or give this one another --home", home.display());
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(|| format!("locking {}", path.display())),
        }
        let say = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "process {}", std::process::id())
        };
        say(&mut file).with_context(|| format!("the home can't be written to: {}{hint}", path.display()))?;
        Ok(Self { _file: file })
    }
}

/// Takes the lock, or says after a moment that another has it: a daemon that was killed just now may
/// not have let go yet, and its successor should not fail for that.
fn lock_soon(file: &File) -> Result<(), TryLockError> {
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if begin.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_has_one_daemon() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let first = HomeLock::take(&home).unwrap();
        let error = HomeLock::take(&home).unwrap_err().to_string();
        assert!(error.contains(&format!("in use by process {}", std::process::id())), "{error}");
        drop(first);
        HomeLock::take(&home).unwrap();
    }

    #[test]
    fn a_home_that_cannot_be_is_said_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let error = format!("{:#}", HomeLock::take(&dir.path().join("file/home")).unwrap_err());
        assert!(error.contains("can't be created") && error.contains("--home"), "{error}");
    }
}
