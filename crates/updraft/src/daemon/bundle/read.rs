//! Reads and parses DAG files, on all cores.

use std::{
    fs::{FileType, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use nix::{errno::Errno, fcntl::OFlag};
use sha2::{Digest as _, Sha256};
use updraft_dagfile::{Diagnostic, MAX_FILE, ParsedDag, ParsedFile, parse, report};
use updraft_model::{ImportErrorRow, Packed, Timestamp};
use updraft_scheduler::{FileContent, Place, ReadDag};

use super::{
    look::{Found, Stamp},
    tracker::Hash,
};

/// A file to be read.
#[derive(Debug)]
pub struct Job {
    /// Its name.
    pub file: String,
    /// What was found there.
    pub found: Found,
    /// The hash of what is known: the same content is not parsed again.
    pub known: Option<Hash>,
    /// Whether to parse at all.
    pub parse: bool,
}

/// A file that was read.
#[derive(Debug)]
pub struct ReadFile {
    /// Its name.
    pub file: String,
    /// Absent if it could not be read: it is tried again at the next look.
    pub stamp: Option<Stamp>,
    /// Of its bytes, or of why there are none.
    pub hash: Hash,
    /// What it holds, if that is news.
    pub content: Option<FileContent>,
}

/// Reads all, in the order of `jobs`.
pub fn all(jobs: &[Job]) -> Vec<ReadFile> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(jobs.len().div_ceil(8));
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(jobs.len()));
    let work = || {
        let mut mine = Vec::new();
        while let Some((at, job)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            jobs.get(at).map(|job| (at, job))
        } {
            mine.push((at, one(job)));
        }
        done.lock().unwrap_or_else(PoisonError::into_inner).extend(mine);
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, read)| read).collect()
}

fn one(job: &Job) -> ReadFile {
    let Job { file, found, known, parse } = job;
    let (stamp, outcome) = match found {
        Found::Problem(why) => (None, Err(unreadable(why))),
        Found::File { stamp, .. } if stamp.size() > MAX_FILE as u64 => (Some(*stamp), Err(Diagnostic::too_long(stamp.size()))),
        Found::File { path, stamp } => match bytes_of(path) {
            Ok(bytes) => (Some(*stamp), Ok(bytes)),
            Err(diagnostic) => (None, Err(diagnostic)),
        },
    };
    let hash: Hash = match &outcome {
        Ok(bytes) => Sha256::digest(bytes).into(),
        Err(diagnostic) => Sha256::new().chain_update("\0unreadable\0").chain_update(&diagnostic.message).finalize().into(),
    };
    let content = (*parse && *known != Some(hash)).then(|| match outcome {
        Ok(bytes) => content_of(file, &bytes),
        Err(diagnostic) => FileContent { source: Arc::default(), dags: Vec::new(), error: Some(import_error(file, "", &[diagnostic])) },
    });
    ReadFile { file: file.clone(), stamp, hash, content }
}

/// All of a file, or one byte more than is allowed, should it grow while it is read. What is there
/// instead of a file is never read: a pipe would be waited for without end.
pub fn bytes_of(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    let failed = |error: io::Error| unreadable(&words_of(&error));
    // Opening a pipe waits for who writes into it, unless told not to.
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if let Some(why) = no_file(metadata.file_type()) {
        return Err(unreadable(&why));
    }
    if metadata.len() > MAX_FILE as u64 {
        return Err(Diagnostic::too_long(metadata.len()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Why something is not a file that can be read.
pub fn no_file(kind: FileType) -> Option<String> {
    let what = match () {
        () if kind.is_file() => return None,
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    Some(format!("it is not a regular file, but {what}"))
}

/// The system's words, where they are for people.
pub fn words_of(error: &io::Error) -> String {
    if error.raw_os_error() == Some(Errno::ELOOP as i32) { "a symbolic link that leads to itself".to_owned() } else { error.to_string() }
}

fn content_of(file: &str, bytes: &[u8]) -> FileContent {
    let parsed = parse(file, bytes);
    let source = String::from_utf8_lossy(bytes);
    let has_errors = parsed.has_errors();
    let ParsedFile { dags, diagnostics } = parsed;
    if !has_errors && !diagnostics.is_empty() {
        tracing::warn!(file, "{}", report(file, &source, &diagnostics, false).trim_end());
    }
    let error = has_errors.then(|| import_error(file, &source, &diagnostics));
    let read = |parsed: ParsedDag| {
        let (before, rest) = source.split_at_checked(parsed.id.start).unwrap_or_default();
        let line = before.matches('\n').count();
        let text = before.rsplit('\n').next().unwrap_or_default().to_owned() + rest.lines().next().unwrap_or_default();
        ReadDag::new(parsed.dag).at(Place { line: line + 1, text })
    };
    FileContent { dags: dags.into_iter().map(read).collect(), error, source: Arc::new(Packed::new(&*source)) }
}

fn import_error(file: &str, source: &str, diagnostics: &[Diagnostic]) -> ImportErrorRow {
    ImportErrorRow {
        file: file.to_owned(),
        timestamp: Timestamp::from(jiff::Timestamp::now()),
        // No database keeps NUL in a text.
        stack_trace: report(file, source, diagnostics, false).replace('\0', "\u{2400}"),
        diagnostics: serde_json::to_value(diagnostics).unwrap_or_default(),
    }
}

/// What is said of a file that can't be read.
pub fn unreadable(why: &str) -> Diagnostic {
    let help = "remove it, make it readable for the user that runs updraft, or name it in .updraftignore";
    Diagnostic::of_file(format!("it can't be read: {why}"), help)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::daemon::bundle::look::Look;

    fn read(dir: &Path) -> Vec<ReadFile> {
        let look = Look::at(dir);
        let jobs = look.files.into_iter().map(|(file, found)| Job { file, found, known: None, parse: true });
        all(&jobs.collect::<Vec<_>>())
    }

    #[test]
    fn bad_files_are_one_import_error_each_and_the_others_still_load() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
        write("binary.yaml", b"\x7fELF\0\0");
        write("good.yaml", b"tasks: {a: {bash: 'true'}}\n");
        write("latin1.yaml", b"dag_id: caf\xe9\n");
        write("typo.yaml", b"tasks:\n  a: {bsh: 'true'}\n");
        fs::File::create(dir.path().join("huge.yaml")).unwrap().set_len(100 << 20).unwrap();
        std::os::unix::fs::symlink("nowhere.yaml", dir.path().join("link.yaml")).unwrap();
        let shown: Vec<String> = read(dir.path())
            .into_iter()
            .map(|read| {
                let content = read.content.unwrap();
                let error = content.error.map_or_else(String::new, |error| error.stack_trace);
                format!("== {} with {} DAGs\n{error}", read.file, content.dags.len())
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        == binary.yaml with 0 DAGs
          × the file is binary: byte 4 is zero (binary.yaml, line 1)
          help: a DAG file is YAML in UTF-8; keep other files out of the folder of DAGs

        == good.yaml with 1 DAGs

        == huge.yaml with 0 DAGs
          × the file is 104857600 bytes long; a DAG file may have at most 16777216 (huge.yaml, line 1)
          help: split it into several DAGs, or move data out of it

        == latin1.yaml with 0 DAGs
          × the file is not UTF-8: byte 0xe9 on line 1, column 12 (latin1.yaml, line 1)
          help: save it as UTF-8

        == link.yaml with 0 DAGs
          × it can't be read: a link to a file that does not exist: remove it, or put the file where it points (link.yaml,
          │ line 1)
          help: remove it, make it readable for the user that runs updraft, or name it in .updraftignore

        == typo.yaml with 0 DAGs
          × unknown key `bsh` in task `a`
           ╭─[typo.yaml:2:7]
         1 │ tasks:
         2 │   a: {bsh: 'true'}
           ·       ───
           ╰────
          help: did you mean `bash`?
        "#);
    }

    #[test]
    fn what_is_known_is_not_parsed_again() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.yaml"), "tasks: {a: {bash: 'true'}}\n").unwrap();
        let first = read(dir.path()).remove(0);
        let found = Look::at(dir.path()).files.remove("a.yaml").unwrap();
        let job = |known, parse| Job { file: "a.yaml".to_owned(), found: found.clone(), known, parse };
        assert!(first.content.is_some());
        assert!(one(&job(Some(first.hash), true)).content.is_none());
        assert!(one(&job(None, false)).content.is_none());
        assert_eq!(one(&job(None, false)).hash, first.hash);
    }
}
