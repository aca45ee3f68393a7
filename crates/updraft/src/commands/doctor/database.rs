//! The database, without opening it: a check must not migrate what it looks at.

use std::{fs::File, io::Read as _, path::Path};

use super::Check;
use crate::config::{Config, DatabaseUrl};

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
    let owner = holder(path);
    let found = match header(path) {
        Ok(Header::Updraft { schema }) => format!("{shown}, schema version {schema}"),
        // What was written last may still be in the log beside the file, and so may all of it.
        Ok(Header::Unknown) if owner.is_some() || has_log(path) => shown.to_string(),
        Ok(Header::Unknown) => {
            return Check::error("database", format!("{shown} is not a database of Updraft's"), "name another with --database-url");
        }
        Err(error) => {
            let hint = "give it to the user who runs Updraft, or name another with --database-url";
            return Check::error("database", format!("{shown} can't be read: {error}"), hint);
        }
    };
    match owner {
        Some(owner) if !has_daemon => {
            let hint = "that process holds it, but no API answers: if it is a daemon with another --port, say so; else end it";
            Check::warning("database", format!("{found}; in use by {owner}"), hint)
        }
        Some(owner) => Check::ok("database", format!("{found}; in use by {owner}")),
        None => Check::ok("database", found),
    }
}

/// Whether there is a write-ahead log with something in it.
fn has_log(path: &Path) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    std::fs::metadata(name).is_ok_and(|metadata| metadata.len() > 0)
}

/// What a file's first bytes say (<https://www.sqlite.org/fileformat.html>, section 1.3).
#[derive(Debug, PartialEq, Eq)]
enum Header {
    /// It is ours; the number of its last migration.
    Updraft { schema: u32 },
    /// They say nothing of Updraft.
    Unknown,
}

fn header(path: &Path) -> std::io::Result<Header> {
    let mut bytes = [0; 100];
    let mut file = File::open(path)?;
    if let Err(error) = file.read_exact(&mut bytes) {
        return if error.kind() == std::io::ErrorKind::UnexpectedEof { Ok(Header::Unknown) } else { Err(error) };
    }
    let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let ours = bytes.starts_with(b"SQLite format 3\0") && number(68) == APPLICATION_ID;
    Ok(if ours { Header::Updraft { schema: number(60) } } else { Header::Unknown })
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
    }
}
