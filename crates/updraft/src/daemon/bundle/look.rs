//! One look at the folder: which DAG files there are, without reading them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ignore::WalkBuilder;

use super::read::{no_file, words_of};

/// The file that says what to leave out, in gitignore's syntax; counts for its folder and below.
pub const IGNORE_FILE: &str = ".updraftignore";

/// What tells an unchanged file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: i128,
    changed: i128,
    /// Changed just before the look: another change could leave the same stamp, so it proves nothing.
    is_fresh: bool,
}

impl Stamp {
    /// Whether a file with this stamp, read after `earlier` was taken, has certainly not changed since.
    pub fn proves_unchanged_since(&self, earlier: &Self) -> bool {
        !earlier.is_fresh && Self { is_fresh: false, ..*self } == *earlier
    }

    /// The file's length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    fn of(metadata: &fs::Metadata, now: SystemTime) -> Self {
        let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        let changed = nanos(metadata.ctime(), metadata.ctime_nsec());
        // File systems count in steps of up to two seconds (FAT); the common ones in milliseconds.
        let fresh = now.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(Duration::from_secs(2)).as_nanos();
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed,
            is_fresh: changed > i128::try_from(fresh).unwrap_or(i128::MAX),
        }
    }

    #[cfg(test)]
    pub fn numbered(number: u64) -> Self {
        Self { device: 0, inode: number, size: 1, modified: 0, changed: 0, is_fresh: false }
    }
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A file to be read.
    File {
        /// Where.
        path: PathBuf,
        /// As it was when it was looked at.
        stamp: Stamp,
    },
    /// Something that can't be read, and why.
    Problem(String),
}

/// A look at the folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// DAG files by their path below the folder.
    pub files: BTreeMap<String, Found>,
    /// Whether all of the folder was seen, but for `hidden`. Only then does a missing file mean something.
    pub is_complete: bool,
    /// Folders, and links to such, that could not be looked into: what is below them is not missing.
    pub hidden: BTreeSet<String>,
    /// Python files, below the folder like `files`: nothing is read of them, but they may have been meant as DAG files.
    pub python: BTreeSet<String>,
    /// Why the folder itself can't be read.
    pub failure: Option<String>,
}

impl Look {
    /// A look that saw nothing.
    pub fn failed(why: String) -> Self {
        Self { failure: Some(why), ..Self::default() }
    }

    /// Whether a file may be there although it was not seen.
    pub fn hides(&self, file: &str) -> bool {
        let is_below = |folder: &String| folder.is_empty() || file.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
        !self.is_complete || self.hidden.iter().any(is_below)
    }

    /// Takes a look.
    pub fn at(root: &Path) -> Self {
        match fs::metadata(root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::failed("there is no such folder".to_owned()),
            Err(error) => return Self::failed(error.to_string()),
            Ok(metadata) if !metadata.is_dir() => return Self::failed("it is not a folder".to_owned()),
            Ok(_) => {}
        }
        let now = SystemTime::now();
        let mut look = Self { is_complete: true, ..Self::default() };
        let walk = WalkBuilder::new(root)
            .standard_filters(false)
            // Also leaves out `..data` of a mounted ConfigMap, whose files are seen by their links.
            .hidden(true)
            .follow_links(true)
            .add_custom_ignore_filename(IGNORE_FILE)
            .build();
        for entry in walk {
            match entry {
                Ok(entry) => look.see(root, &entry, now),
                Err(error) => look.trouble(root, &error),
            }
        }
        look
    }

    fn see(&mut self, root: &Path, entry: &ignore::DirEntry, now: SystemTime) {
        if let Some(error) = entry.error() {
            self.files.insert(name_of(root, &entry.path().join(IGNORE_FILE)), Found::Problem(error.to_string()));
        }
        let Some(kind) = entry.file_type().filter(|kind| !kind.is_dir()) else { return };
        if kind.is_file() && entry.path().extension().is_some_and(|extension| extension == "py") {
            self.python.insert(name_of(root, entry.path()));
        }
        if !is_dag_file(entry.path()) {
            return;
        }
        let found = match (no_file(kind), entry.metadata()) {
            (Some(why), _) => Found::Problem(why),
            (None, Ok(metadata)) => Found::File { path: entry.path().to_owned(), stamp: Stamp::of(&metadata, now) },
            (None, Err(error)) => Found::Problem(error.to_string()),
        };
        self.files.insert(name_of(root, entry.path()), found);
    }

    /// A path that the walk could not go on at.
    fn trouble(&mut self, root: &Path, error: &ignore::Error) {
        let Some(path) = path_of(error) else {
            self.is_complete = false;
            return;
        };
        let is_gone = error.io_error().is_some_and(|e| e.kind() == io::ErrorKind::NotFound);
        match loop_of(error) {
            Some(ancestor) => {
                let text = format!("a link that leads back to the folder {} it is in: remove it", ancestor.display());
                self.files.insert(name_of(root, path), Found::Problem(text));
            }
            // A link to nowhere, or a file that was removed while we looked.
            None if is_gone && is_dag_file(path) => {
                if path.is_symlink() {
                    let text = "a link to a file that does not exist: remove it, or put the file where it points".to_owned();
                    self.files.insert(name_of(root, path), Found::Problem(text));
                }
            }
            None if is_gone => {}
            None => {
                // The walk's own words repeat the path, which is no news where it is told.
                let text = trouble_at(path).unwrap_or_else(|| error.to_string());
                self.hidden.insert(name_of(root, path));
                self.files.insert(name_of(root, path), Found::Problem(text));
            }
        }
    }
}

/// Why a path can't be looked at, in the system's words; nothing if it can be now.
fn trouble_at(path: &Path) -> Option<String> {
    let tried = fs::metadata(path).and_then(|metadata| if metadata.is_dir() { fs::read_dir(path).map(drop) } else { Ok(()) });
    tried.err().map(|error| words_of(&error))
}

/// Whether a path is named like a DAG file.
pub fn is_dag_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// A path below the folder, as the store knows it.
fn name_of(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\0', "\u{2400}")
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::Loop { child, .. } => Some(child),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

fn loop_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::Loop { ancestor, .. } => Some(ancestor),
        ignore::Error::WithPath { err, .. } | ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            loop_of(err)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use nix::{sys::stat::Mode, unistd::mkfifo};

    use super::*;

    fn names(look: &Look) -> Vec<String> {
        let say = |(name, found): (&String, &Found)| match found {
            Found::File { .. } => name.clone(),
            Found::Problem(why) => format!("{name}: {why}"),
        };
        look.files.iter().map(say).collect()
    }

    #[test]
    fn only_dag_files_that_are_not_ignored_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for name in ["a.yaml", "b.yml", "c.json", ".hidden.yaml", "team/d.yaml", "drafts/e.yaml", "team/old/f.yaml", ".git/g.yaml"] {
            write(name, "");
        }
        write(IGNORE_FILE, "drafts/\n");
        write("team/.updraftignore", "old\n");
        fs::create_dir(dir.path().join("folder.yaml")).unwrap();
        let look = Look::at(dir.path());
        assert!(look.is_complete);
        assert_eq!(names(&look), ["a.yaml", "b.yml", "team/d.yaml"]);
    }

    #[test]
    fn a_mounted_config_map_shows_each_file_once() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("..2026_01")).unwrap();
        fs::write(dir.path().join("..2026_01/a.yaml"), "").unwrap();
        symlink("..2026_01", dir.path().join("..data")).unwrap();
        symlink("..data/a.yaml", dir.path().join("a.yaml")).unwrap();
        assert_eq!(names(&Look::at(dir.path())), ["a.yaml"]);
    }

    #[test]
    fn links_that_lead_nowhere_or_back_are_problems_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.yaml"), "").unwrap();
        symlink("missing.yaml", dir.path().join("b.yaml")).unwrap();
        symlink(".", dir.path().join("loop")).unwrap();
        let look = Look::at(dir.path());
        assert!(look.is_complete);
        let shown = names(&look).join("\n").replace(&dir.path().display().to_string(), "~");
        insta::assert_snapshot!(shown, @r#"
        a.yaml
        b.yaml: a link to a file that does not exist: remove it, or put the file where it points
        loop: a link that leads back to the folder ~ it is in: remove it
        "#);
    }

    #[test]
    fn links_in_a_circle_hide_only_themselves() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.yaml"), "").unwrap();
        symlink("two.yaml", dir.path().join("one.yaml")).unwrap();
        symlink("one.yaml", dir.path().join("two.yaml")).unwrap();
        let look = Look::at(dir.path());
        let shown = names(&look).join("\n").replace(&dir.path().display().to_string(), "~");
        insta::assert_snapshot!(shown, @r#"
        a.yaml
        one.yaml: a symbolic link that leads to itself
        two.yaml: a symbolic link that leads to itself
        "#);
        assert!(!look.hides("gone.yaml"));
        assert!(look.hides("one.yaml/below.yaml"));
        assert!(Look { hidden: BTreeSet::from([String::new()]), ..look }.hides("gone.yaml"));
    }

    #[test]
    fn what_is_no_file_is_a_problem_and_python_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        mkfifo(&dir.path().join("pipe.yaml"), Mode::S_IRWXU).unwrap();
        mkfifo(&dir.path().join("pipe"), Mode::S_IRWXU).unwrap();
        symlink("/dev/null", dir.path().join("device.yaml")).unwrap();
        fs::write(dir.path().join("helper.py"), "").unwrap();
        let look = Look::at(dir.path());
        assert_eq!(
            names(&look),
            ["device.yaml: it is not a regular file, but a device", "pipe.yaml: it is not a regular file, but a named pipe"]
        );
        assert_eq!(look.python, BTreeSet::from(["helper.py".to_owned()]));
    }

    #[test]
    fn a_missing_folder_is_a_failure_not_an_empty_look() {
        let look = Look::at(Path::new("/nowhere/dags"));
        assert_eq!((look.is_complete, look.failure.as_deref()), (false, Some("there is no such folder")));
    }
}
