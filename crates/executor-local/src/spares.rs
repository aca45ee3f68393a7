//! Folders of attempts that are over and forgotten, kept for attempts to come: making files and folders
//! is the dearest part of a short task's launch, and on a file system without a journal (ext4) it gets
//! dearer with each one that was removed within the last minute.
//!
//! A folder is kept only if all that is in it is known: files that are written anew, and an empty `tmp`.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use nix::unistd::Uid;

use crate::{
    home::Home,
    place::{EXIT, OUTPUT, STARTED, TERMINATE, TMP, WORKLOAD, draft_of},
    shared::lock,
};

/// More are never kept: so many may be taken between two looks of the janitor.
const MOST: usize = 256;
/// What a daemon that starts finds of the one before, and removes.
pub(crate) const PREFIX: &str = ".spare-";

/// The folders, by path.
#[derive(Debug, Default)]
pub(crate) struct Spares {
    folders: Mutex<Vec<PathBuf>>,
    named: AtomicU64,
}

impl Spares {
    /// A folder to fill and to rename. Nobody else knows it.
    pub(crate) fn take(&self) -> Option<PathBuf> {
        lock(&self.folders).pop()
    }

    /// Keeps the folder, or says that it can't be: then it is as it was, or holds less.
    pub(crate) fn keep(&self, home: &Home, folder: &Path) -> io::Result<bool> {
        if lock(&self.folders).len() >= MOST || !empty(folder)? {
            return Ok(false);
        }
        let spare = home.attempts().join(format!("{PREFIX}{}", self.named.fetch_add(1, Ordering::Relaxed)));
        fs::rename(folder, &spare)?;
        lock(&self.folders).push(spare);
        Ok(true)
    }
}

/// Takes away what an attempt would find, if the folder has nothing but what is known.
fn empty(folder: &Path) -> io::Result<bool> {
    // Its supervisor may still be busy with the disk.
    if File::open(folder)?.try_lock().is_err() {
        return Ok(false);
    }
    let drafts = [STARTED, EXIT].map(draft_of);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        let is_fit = match name.to_str() {
            Some(WORKLOAD) => kind.is_file(),
            Some(STARTED | EXIT) if kind.is_file() => {
                fs::rename(entry.path(), draft_of(entry.path()))?;
                true
            }
            Some(TERMINATE | OUTPUT) if kind.is_file() => {
                fs::remove_file(entry.path())?;
                true
            }
            Some(TMP) => kind.is_dir() && is_empty_and_ours(&entry.path())?,
            Some(name) => kind.is_file() && drafts.iter().any(|draft| draft.as_path() == Path::new(name)),
            None => false,
        };
        if !is_fit {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_empty_and_ours(tmp: &Path) -> io::Result<bool> {
    let metadata = fs::metadata(tmp)?;
    Ok(metadata.uid() == Uid::effective().as_raw() && metadata.mode() & 0o777 == 0o700 && fs::read_dir(tmp)?.next().is_none())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// An attempt's folder as it is left.
    fn left(home: &Home, name: &str) -> PathBuf {
        let folder = home.attempts().join(name);
        fs::create_dir(&folder).unwrap();
        for file in [WORKLOAD, STARTED, EXIT, TERMINATE, OUTPUT] {
            fs::write(folder.join(file), "old").unwrap();
        }
        std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), 0o700).create(folder.join(TMP)).unwrap();
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_spare_folder_says_nothing_of_the_attempt_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let (home, spares) = (Home::open(dir.path(), &dir.path().join("logs")).unwrap(), Spares::default());
        assert!(spares.keep(&home, &left(&home, "a")).unwrap());
        let spare = spares.take().unwrap();
        assert_eq!(names(&spare), ["exit.json.new", "started.new", "tmp", "workload.json"]);
        assert_eq!(spares.take(), None, "it is had once");
    }

    #[test]
    fn what_is_not_known_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (home, spares) = (Home::open(dir.path(), &dir.path().join("logs")).unwrap(), Spares::default());
        let with = |name: &str, change: &dyn Fn(&Path)| {
            let folder = left(&home, name);
            change(&folder);
            spares.keep(&home, &folder).unwrap()
        };
        assert!(!with("file", &|folder| fs::write(folder.join("mine"), "").unwrap()));
        assert!(!with("temporary", &|folder| fs::write(folder.join(TMP).join("mine"), "").unwrap()));
        assert!(!with("link", &|folder| {
            fs::remove_file(folder.join(STARTED)).unwrap();
            std::os::unix::fs::symlink("/etc/passwd", folder.join(STARTED)).unwrap();
        }));
        let held = left(&home, "held");
        let holder = File::open(&held).unwrap();
        holder.try_lock().unwrap();
        assert!(!spares.keep(&home, &held).unwrap(), "its supervisor is alive");
        assert_eq!(spares.take(), None);
    }
}
