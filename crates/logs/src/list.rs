//! The list of a log's segments, and how an attempt begins its own.
//!
//! Whoever begins a segment and whoever removes a log hold the list's lock, so that no attempt ever
//! writes into a file that has just been removed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use updraft_model::{AttemptId, NodeId, Timestamp};

use crate::layout::list_of;

/// A removal that comes between making a folder and opening a file in it is met again at most so often.
const TRIES: u32 = 100;

/// One attempt's part of a log file; it ends where the next begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Who wrote it.
    pub attempt: AttemptId,
    /// Where.
    pub node: NodeId,
    /// Its first byte in the log file.
    pub from: u64,
    /// When it began.
    pub at: Timestamp,
    /// What the attempt's templates became (`Workload::rendered_fields`).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub rendered_fields: Map<String, Value>,
}

/// Opens the log at `log` for appending, with all folders that lead there, and lists a new segment
/// at its end.
pub fn begin(log: &Path, attempt: AttemptId, node: &NodeId, at: Timestamp, rendered_fields: Map<String, Value>) -> io::Result<File> {
    let list = lock_list(log)?;
    let mut file = OpenOptions::new().append(true).read(true).create(true).mode(0o600).open(log)?;
    if !ends_a_line(&file)? {
        // The one before died in the middle of a line.
        file.write_all(b"\n")?;
    }
    let segment = Segment { attempt, node: node.clone(), from: file.metadata()?.len(), at, rendered_fields };
    append(list, &segment)?;
    Ok(file)
}

/// Adds it, whole or not at all.
fn append(mut list: File, segment: &Segment) -> io::Result<()> {
    let mut line = if ends_a_line(&list)? { Vec::new() } else { vec![b'\n'] };
    serde_json::to_writer(&mut line, segment)?;
    line.push(b'\n');
    let length = list.metadata()?.len();
    list.write_all(&line).inspect_err(|_| _ = list.set_len(length))
}

fn ends_a_line(file: &File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    // A device that stands in for a log is never in the middle of a line.
    let Some(last) = metadata.len().checked_sub(1).filter(|_| metadata.is_file()) else { return Ok(true) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte == *b"\n")
}

/// Opens the list beside `log`, with its lock held, and makes sure that it is still there.
fn lock_list(log: &Path) -> io::Result<File> {
    let path = list_of(log);
    let mut options = OpenOptions::new();
    options.append(true).read(true).create(true).mode(0o600);
    for _ in 0..TRIES {
        let list = match options.open(&path) {
            Ok(list) => list,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                fs::DirBuilder::new().recursive(true).mode(0o700).create(log.parent().unwrap_or(log))?;
                continue;
            }
            Err(e) => return Err(e),
        };
        list.lock()?;
        if list.metadata()?.nlink() > 0 {
            return Ok(list);
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, format!("{} is removed again and again", path.display())))
}

/// The segments of the log file at `log`, in the order in which they were begun. Empty if there is
/// no log. A line cut short by a crash is left out.
pub fn read_segments(log: &Path) -> io::Result<Vec<Segment>> {
    match fs::read_to_string(list_of(log)) {
        Ok(text) => Ok(parse(&text)),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

pub(crate) fn parse(text: &str) -> Vec<Segment> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn attempt(number: u128) -> AttemptId {
        AttemptId(Uuid::from_u128(number))
    }

    fn begin_at(log: &Path, number: u128) -> File {
        begin(log, attempt(number), &"node-1".parse().unwrap(), Timestamp::EPOCH, Map::new()).unwrap()
    }

    #[test]
    fn attempts_share_a_log_in_segments_of_whole_lines() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("dag_id=d/run_id=r/attempt=1.log");
        assert_eq!(read_segments(&log).unwrap(), []);
        begin_at(&log, 1).write_all(b"one\ncut sho").unwrap();
        begin_at(&log, 2).write_all(b"two\n").unwrap();
        let segments = read_segments(&log).unwrap();
        assert_eq!(segments.iter().map(|s| (s.attempt, s.from)).collect::<Vec<_>>(), [(attempt(1), 0), (attempt(2), 12)]);
        assert_eq!(fs::read_to_string(&log).unwrap(), "one\ncut sho\ntwo\n");
    }

    #[test]
    fn a_line_of_the_list_that_a_crash_cut_short_harms_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("a.log");
        begin_at(&log, 1);
        let list = list_of(&log);
        let whole = fs::read_to_string(&list).unwrap();
        fs::write(&list, format!("{whole}{}", &whole[..20])).unwrap();
        begin_at(&log, 2);
        assert_eq!(read_segments(&log).unwrap().iter().map(|s| s.attempt).collect::<Vec<_>>(), [attempt(1), attempt(2)]);
    }
}
