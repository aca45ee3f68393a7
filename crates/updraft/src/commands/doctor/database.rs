//! The database, without opening it: a check must not migrate what it looks at.

use std::{
    fs::File,
    io::Read as _,
    path::Path,
    time::{Duration, Instant},
};

use nix::unistd::{AccessFlags, access};

use super::Check;
use crate::config::{Config, DatabaseUrl};

/// How long a daemon that starts may take from making its file to writing to it.
const A_MOMENT: Duration = Duration::from_secs(1);

/// `updr` as a number, in a SQLite file's header: says that it is Updraft's.
const APPLICATION_ID: u32 = 0x7570_6472;

/// What can be told from outside. `has_daemon`: one answers, so the file is in use by right.
pub fn check(config: &Config, has_daemon: bool) -> Check {
    match &config.database {
        DatabaseUrl::Sqlite(path) => sqlite(path, has_daemon),
        DatabaseUrl::Postgres(_) if has_daemon => Check::ok("database", format!("{}; the daemon speaks with it", config.database)),
        DatabaseUrl::Postgres(_) => {
            Check::warning("database", format!("{} was not tried, since no daemon answers", config.database), "`updraft db check` tries it")
        }
    }
}

fn sqlite(path: &Path, has_daemon: bool) -> Check {
    let shown = path.display();
    if !path.exists() {
        return Check::ok("database", format!("{shown} does not exist yet; the first daemon makes it"));
    }
    let (mut owner, mut read) = (holder(path), header(path));
    let begin = Instant::now();
    // A daemon that starts for the first time makes the file before it is anything: a moment later it has
    // the lock, or has written.
    while owner.is_none() && matches!(read, Ok(Header::Unclear)) && !has_log(path) && begin.elapsed() < A_MOMENT {
        std::thread::sleep(Duration::from_millis(20));
        (owner, read) = (holder(path), header(path));
    }
    let found = match read {
        Ok(Header::Updraft { schema }) => format!("{shown}, schema version {schema}"),
        Ok(Header::Empty) => format!("{shown} is empty; the next daemon fills it"),
        // What was written last may still be in the log beside the file, and so may all of it.
        Ok(Header::Unclear) if owner.is_some() || has_log(path) => shown.to_string(),
        Ok(Header::Unclear | Header::Foreign) => {
            return Check::error("database", format!("{shown} is not a database of Updraft's"), "name another with --database-url");
        }
        Err(error) => {
            let hint = "give it to the user who runs Updraft, or name another with --database-url";
            return Check::error("database", format!("{shown} can't be read: {error}"), hint);
        }
    };
    if let Err(error) = access(path, AccessFlags::W_OK) {
        let hint = "a daemon of this user can't work with it: make the file and its disk writable";
        return Check::error("database", format!("{found}, can't be written: {}", error.desc()), hint);
    }
    match owner {
        Some(owner) if !has_daemon => {
            let hint = "that process holds it, but no API answers: if it is a daemon with another --port, say so; else end it";
            Check::warning("database", format!("{found}; in use by {owner}"), hint)
        }
        Some(owner) => Check::ok("database", format!("{found}; in use by {owner}")),
        None => Check::ok("database", found),
    }
}

/// Whether there is a write-ahead log with something in it. It is beside the file itself, also where
/// `path` is a link to that.
fn has_log(path: &Path) -> bool {
    let mut name = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).into_os_string();
    name.push("-wal");
    std::fs::metadata(name).is_ok_and(|metadata| metadata.len() > 0)
}

/// What a file's first bytes say (<https://www.sqlite.org/fileformat.html>, section 1.3).
#[derive(Debug, PartialEq, Eq)]
enum Header {
    /// It is ours; the number of its last migration.
    Updraft { schema: u32 },
    /// There are none.
    Empty,
    /// A SQLite file that says of nobody that it is his: not of Updraft either, so far.
    Unclear,
    /// Something else.
    Foreign,
}

fn header(path: &Path) -> std::io::Result<Header> {
    let mut bytes = [0; 100];
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(Header::Empty);
    }
    if let Err(error) = file.read_exact(&mut bytes) {
        return if error.kind() == std::io::ErrorKind::UnexpectedEof { Ok(Header::Foreign) } else { Err(error) };
    }
    let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    Ok(match (bytes.starts_with(b"SQLite format 3\0"), number(68)) {
        (true, APPLICATION_ID) => Header::Updraft { schema: number(60) },
        (true, 0) => Header::Unclear,
        _ => Header::Foreign,
    })
}

/// Who holds the lock beside the database; `None` if nobody does.
fn holder(path: &Path) -> Option<String> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let mut file = File::open(name).ok()?;
    // A shared lock is only got, and let go at once, while nobody has the daemon's.
    match file.try_lock_shared() {
        Err(std::fs::TryLockError::WouldBlock) => {
            let mut owner = String::new();
            file.read_to_string(&mut owner).ok()?;
            Some(owner.trim().to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::Level;

    #[test]
    fn a_database_is_looked_at_without_opening_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("u.db");
        assert_eq!(sqlite(&path, false).level, Level::Ok);
        let store = updraft_store_sqlite::SqliteStore::open(&path).unwrap();
        let held = sqlite(&path, false);
        assert_eq!(held.level, Level::Warning, "{held:?}");
        assert!(held.found.contains(&format!("in use by process {}", std::process::id())), "{held:?}");
        drop(store);
        assert!(matches!(header(&path).unwrap(), Header::Updraft { schema: 1.. }));
        std::fs::write(&path, "something else").unwrap();
        assert_eq!(sqlite(&path, false).level, Level::Error);
        std::fs::write(&path, "").unwrap();
        assert_eq!(sqlite(&path, false).level, Level::Ok, "what a start that was interrupted leaves, and the next one takes");
    }

    /// All of it may still be in the log: as a daemon that was killed early leaves it, and seen through a link.
    #[test]
    fn what_is_only_in_the_log_is_ours_too() {
        let dir = tempfile::tempdir().unwrap();
        let (path, killed, link) = (dir.path().join("u.db"), dir.path().join("killed.db"), dir.path().join("link.db"));
        let store = updraft_store_sqlite::SqliteStore::open(&path).unwrap();
        std::fs::copy(&path, &killed).unwrap();
        std::fs::copy(dir.path().join("u.db-wal"), dir.path().join("killed.db-wal")).unwrap();
        std::os::unix::fs::symlink(&killed, &link).unwrap();
        drop(store);
        assert_eq!(header(&killed).unwrap(), Header::Unclear);
        for path in [&killed, &link] {
            let check = sqlite(path, false);
            assert_eq!(check.level, Level::Ok, "{check:?}");
        }
        // Without its log the file says of nobody that it is his.
        std::fs::remove_file(dir.path().join("killed.db-wal")).unwrap();
        assert_eq!(sqlite(&killed, false).level, Level::Error);
    }

    /// The daemon makes the file, and a moment later it has the lock.
    #[test]
    fn a_daemon_that_starts_meanwhile_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("u.db");
        let mut bare = [0; 4096];
        bare[..16].copy_from_slice(b"SQLite format 3\0");
        std::fs::write(&path, bare).unwrap();
        let lock = File::create(dir.path().join("u.db.lock")).unwrap();
        let check = std::thread::scope(|scope| {
            let checking = scope.spawn(|| sqlite(&path, true));
            // As a daemon takes it: again, if a check has it just then.
            while lock.try_lock().is_err() {}
            checking.join().unwrap()
        });
        assert_eq!(check.level, Level::Ok, "{check:?}");
    }
}
