//! How logs go, once nobody knows their attempts any more. Whoever calls decides whose those are.

use std::{
    fs::{self, OpenOptions, ReadDir, TryLockError},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use updraft_model::{AttemptId, DagId};

use crate::{
    layout::{LIST, list_of, short_name},
    list::parse,
};

/// A log file, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The log.
    pub log: PathBuf,
    /// The attempts that wrote into it. None if its list says nothing.
    pub attempts: Vec<AttemptId>,
}

/// The folders of runs below `logs`, as they are come across. Others (the nursery's log) are passed over.
pub fn run_folders(logs: &Path) -> io::Result<impl Iterator<Item = io::Result<PathBuf>> + use<>> {
    let dags = Folders::read(logs, "dag_id=")?;
    Ok(dags.flat_map(|dag| match dag.and_then(|dag| Folders::read(&dag, "run_id=")) {
        Ok(runs) => Runs::These(runs),
        Err(error) => Runs::Failed(Some(error)),
    }))
}

/// The folders of the runs of one DAG.
pub fn run_folders_of(logs: &Path, dag_id: &DagId) -> io::Result<impl Iterator<Item = io::Result<PathBuf>> + use<>> {
    Folders::read(&logs.join(short_name(&format!("dag_id={dag_id}"))), "run_id=")
}

enum Runs {
    These(Folders),
    Failed(Option<io::Error>),
}

impl Iterator for Runs {
    type Item = io::Result<PathBuf>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::These(runs) => runs.next(),
            Self::Failed(error) => error.take().map(Err),
        }
    }
}

/// What is in a folder and begins with a prefix. A folder that has gone is empty.
struct Folders {
    entries: Option<ReadDir>,
    prefix: &'static str,
}

impl Folders {
    fn read(folder: &Path, prefix: &'static str) -> io::Result<Self> {
        match fs::read_dir(folder) {
            Ok(entries) => Ok(Self { entries: Some(entries), prefix }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Self { entries: None, prefix }),
            Err(e) => Err(e),
        }
    }
}

impl Iterator for Folders {
    type Item = io::Result<PathBuf>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.entries.as_mut()?.next()? {
                Ok(entry) if entry.file_name().as_encoded_bytes().starts_with(self.prefix.as_bytes()) => return Some(Ok(entry.path())),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The logs below a run's folder, at most `limit` of them.
pub fn written_in(run: &Path, limit: usize) -> io::Result<Vec<Written>> {
    let (mut found, mut open) = (Vec::new(), vec![run.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in Folders::read(&folder, "")? {
            let path = entry?;
            if is_of_a_run(&path) {
                open.push(path);
            } else if path.extension().is_some_and(|extension| *extension == LIST[1..]) {
                let log = path.with_extension("");
                found.push(Written { attempts: attempts(&path)?, log });
                if found.len() == limit {
                    return Ok(found);
                }
            }
        }
    }
    Ok(found)
}

fn attempts(list: &Path) -> io::Result<Vec<AttemptId>> {
    match fs::read_to_string(list) {
        Ok(text) => Ok(parse(&text).into_iter().map(|segment| segment.attempt).collect()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

/// Removes a log and its list, and the folders of its run that are empty then: unless an attempt has
/// begun to write into it since `written` was read, or is about to. Whether it was removed.
pub fn remove(written: &Written) -> io::Result<bool> {
    let path = list_of(&written.log);
    let mut list = match OpenOptions::new().read(true).open(&path) {
        Ok(list) => list,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(e),
    };
    match list.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(e)) => return Err(e),
    }
    // Removed by another since it was opened: what has the name now is another log.
    if list.metadata()?.nlink() == 0 {
        return Ok(false);
    }
    let mut text = String::new();
    list.read_to_string(&mut text)?;
    if parse(&text).iter().map(|segment| segment.attempt).ne(written.attempts.iter().copied()) {
        return Ok(false);
    }
    // The list last: without it nobody would find the log again.
    for file in [&written.log, &path] {
        fs::remove_file(file).or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })?;
    }
    // From `[map_index=..]` or `task_id=..` up to `dag_id=..`. One that is not empty, or has gone, ends it.
    let mut folder = written.log.parent();
    while let Some(empty) = folder.filter(|folder| is_of_a_run(folder)) {
        if fs::remove_dir(empty).is_err() {
            break;
        }
        folder = empty.parent();
    }
    Ok(true)
}

fn is_of_a_run(folder: &Path) -> bool {
    let name = folder.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default();
    ["map_index=", "task_id=", "run_id=", "dag_id="].iter().any(|prefix| name.starts_with(prefix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use updraft_model::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::begin;

    fn write(logs: &Path, log: &str, attempt: u128) -> PathBuf {
        let path = logs.join(log);
        let mut file =
            begin(&path, AttemptId(Uuid::from_u128(attempt)), &"n".parse().unwrap(), Timestamp::EPOCH, Default::default()).unwrap();
        file.write_all(b"a line\n").unwrap();
        path
    }

    fn runs(logs: &Path) -> Vec<PathBuf> {
        let mut runs: Vec<PathBuf> = run_folders(logs).unwrap().collect::<io::Result<_>>().unwrap();
        runs.sort();
        runs
    }

    #[test]
    fn all_logs_are_found_with_their_attempts() {
        let dir = tempfile::tempdir().unwrap();
        let logs = dir.path();
        assert_eq!(runs(&logs.join("none")), Vec::<PathBuf>::new());
        fs::write(logs.join("nursery.log"), "x").unwrap();
        let plain = write(logs, "dag_id=d/run_id=a.b/task_id=t.segments/attempt=1.log", 1);
        let mapped = write(logs, "dag_id=d/run_id=a.b/task_id=m/map_index=0/attempt=1.log", 2);
        write(logs, "dag_id=e/run_id=z/task_id=t/attempt=1.log", 3);
        write(logs, "dag_id=e/run_id=z/task_id=t/attempt=1.log", 4);
        assert_eq!(runs(logs), [logs.join("dag_id=d/run_id=a.b"), logs.join("dag_id=e/run_id=z")]);
        let of_one: Vec<PathBuf> = run_folders_of(logs, &"e".parse().unwrap()).unwrap().collect::<io::Result<_>>().unwrap();
        assert_eq!(of_one, runs(logs)[1..]);
        let mut found = written_in(&runs(logs)[0], 10).unwrap();
        found.sort_by_key(|written| written.attempts.clone());
        let id = |number| AttemptId(Uuid::from_u128(number));
        let expected = [Written { log: plain, attempts: vec![id(1)] }, Written { log: mapped, attempts: vec![id(2)] }];
        assert_eq!(found, expected);
        assert_eq!(written_in(&runs(logs)[1], 10).unwrap()[0].attempts, [id(3), id(4)]);
        assert_eq!(written_in(&runs(logs)[0], 1).unwrap().len(), 1);
    }

    #[test]
    fn a_log_goes_with_its_empty_folders_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let logs = dir.path().join("logs");
        write(&logs, "dag_id=d/run_id=r/task_id=t/attempt=1.log", 1);
        let kept = write(&logs, "dag_id=d/run_id=s/task_id=t/attempt=1.log", 2);
        for written in written_in(&logs.join("dag_id=d/run_id=r"), 10).unwrap() {
            assert!(remove(&written).unwrap());
            assert!(!remove(&written).unwrap(), "twice is once");
        }
        assert!(!logs.join("dag_id=d/run_id=r").exists());
        assert!(kept.exists());
        for written in written_in(&logs.join("dag_id=d/run_id=s"), 10).unwrap() {
            assert!(remove(&written).unwrap());
        }
        assert_eq!(fs::read_dir(&logs).unwrap().count(), 0);
        assert!(logs.exists());
    }

    #[test]
    fn what_a_crash_left_half_removed_is_removed_later() {
        let dir = tempfile::tempdir().unwrap();
        let log = write(dir.path(), "dag_id=d/run_id=r/task_id=t/attempt=1.log", 1);
        fs::remove_file(log).unwrap();
        let found = written_in(&runs(dir.path())[0], 10).unwrap();
        assert!(remove(&found[0]).unwrap());
        assert_eq!(runs(dir.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_log_that_someone_else_has_begun_to_write_stays() {
        let dir = tempfile::tempdir().unwrap();
        let log = write(dir.path(), "dag_id=d/run_id=r/task_id=t/attempt=1.log", 1);
        let before = written_in(&runs(dir.path())[0], 10).unwrap().remove(0);
        write(dir.path(), "dag_id=d/run_id=r/task_id=t/attempt=1.log", 2);
        assert!(!remove(&before).unwrap());
        assert!(log.exists());
    }

    /// Attempts begin while others remove: none may write where nobody reads.
    #[test]
    fn beginning_and_removing_at_once_loses_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let logs = dir.path().to_owned();
        let log = logs.join("dag_id=d/run_id=r/task_id=t/attempt=1.log");
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            // Odd attempts are nobody's; a log with an even one is somebody's.
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    for written in written_in(&logs.join("dag_id=d/run_id=r"), 10).unwrap() {
                        if written.attempts.iter().all(|attempt| attempt.0.as_u128() % 2 == 1) {
                            remove(&written).unwrap();
                        }
                    }
                }
            });
            for number in (1..400_u128).step_by(2) {
                write(&logs, "dag_id=d/run_id=r/task_id=t/attempt=1.log", number);
                write(&logs, "dag_id=d/run_id=r/task_id=t/attempt=1.log", number + 1);
                let segments = crate::read_segments(&log).unwrap();
                assert!(segments.iter().any(|segment| segment.attempt.0.as_u128() == number + 1));
                assert!(!fs::read(&log).unwrap().is_empty());
                fs::remove_dir_all(logs.join("dag_id=d")).unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }
}
