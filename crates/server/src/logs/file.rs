//! Reads a log file piece by piece.

use std::{
    io::{self, SeekFrom},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};
use updraft_model::{AttemptId, AttemptLabels, Segment};

use super::Line;

/// The log of one try.
#[derive(Debug, Clone)]
pub struct LogFile {
    path: PathBuf,
}

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its lines.
    pub lines: Vec<Line>,
    /// Where the next piece begins.
    pub next: u64,
    /// Whether there was nothing behind it when it was read.
    pub at_end: bool,
}

impl LogFile {
    /// The file for `labels`. Ids are validated and each is one part of the path with a prefix of
    /// its own (`dag_id=..`), so none of them can lead elsewhere.
    pub fn new(logs_dir: &Path, labels: &AttemptLabels) -> Self {
        Self { path: logs_dir.join(labels.log_path()) }
    }

    /// What the templates of an attempt became, if its log is here.
    ///
    /// # Errors
    /// The list of the log's segments is there, but can't be read.
    pub async fn rendered_fields(&self, attempt: AttemptId) -> io::Result<Map<String, Value>> {
        let text = match tokio::fs::read_to_string(Segment::list_of(&self.path)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Map::new()),
            read => read?,
        };
        // The last one is the newest; an attempt may have been started again.
        let segment = Segment::parse_list(&text).into_iter().rev().find(|segment| segment.attempt == attempt);
        Ok(segment.map(|segment| segment.rendered_fields).unwrap_or_default())
    }

    /// Whether there is such a file.
    pub async fn exists(&self) -> bool {
        tokio::fs::try_exists(&self.path).await.unwrap_or(false)
    }

    /// The whole lines in at most `limit` bytes from `from` on, a line longer than that in parts. An
    /// unfinished last line is left for later unless the log `is_complete`. A file that is not there
    /// (yet) is empty.
    pub async fn read(&self, from: u64, limit: usize, is_complete: bool) -> io::Result<Chunk> {
        let Some(bytes) = self.bytes(from, limit).await? else { return Ok(Chunk { lines: Vec::new(), next: from, at_end: true }) };
        let at_end = bytes.len() < limit;
        let whole = match bytes.iter().rposition(|byte| *byte == b'\n') {
            _ if at_end && is_complete => bytes.len(),
            Some(last) => last + 1,
            None if at_end => 0,
            None => on_boundary(&bytes),
        };
        let text = String::from_utf8_lossy(&bytes[..whole]);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let lines = if whole == 0 { Vec::new() } else { text.split('\n').map(Line::parse).collect() };
        let next = from.saturating_add(whole as u64);
        Ok(Chunk { lines, next, at_end })
    }

    async fn bytes(&self, from: u64, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let mut file = match File::open(&self.path).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(from)).await?;
        let mut bytes = Vec::new();
        file.take(limit as u64).read_to_end(&mut bytes).await?;
        Ok(Some(bytes))
    }
}

/// The length without a character that is cut off at the end.
fn on_boundary(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    let lead = bytes[tail..].iter().rposition(|byte| *byte >= 0xC0).map(|at| tail + at);
    match lead {
        Some(lead) if std::str::from_utf8(&bytes[lead..]).is_err() && lead > 0 => lead,
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use updraft_model::MapIndex;

    fn log(content: &[u8]) -> (tempfile::TempDir, LogFile) {
        let dir = tempfile::tempdir().unwrap();
        let labels = AttemptLabels {
            dag_id: "..".parse().unwrap(),
            run_id: "r".parse().unwrap(),
            task_id: "t".parse().unwrap(),
            map_index: MapIndex::UNMAPPED,
            try_number: 1,
        };
        let file = LogFile::new(dir.path(), &labels);
        assert!(file.path.starts_with(dir.path()) && !file.path.components().any(|part| part == std::path::Component::ParentDir));
        std::fs::create_dir_all(file.path.parent().unwrap()).unwrap();
        std::fs::write(&file.path, content).unwrap();
        (dir, file)
    }

    async fn events(file: &LogFile, from: u64, limit: usize, is_complete: bool) -> (Vec<String>, u64, bool) {
        let chunk = file.read(from, limit, is_complete).await.unwrap();
        (chunk.lines.into_iter().map(|line| line.event).collect(), chunk.next, chunk.at_end)
    }

    #[tokio::test]
    async fn pieces_are_whole_lines() {
        let (_dir, file) = log(b"one\ntwo\n\nfour");
        assert_eq!(events(&file, 0, 100, false).await, (vec!["one".into(), "two".into(), String::new()], 9, true));
        assert_eq!(events(&file, 9, 100, false).await, (vec![], 9, true));
        assert_eq!(events(&file, 9, 100, true).await, (vec!["four".into()], 13, true));
        assert_eq!(events(&file, 0, 5, false).await, (vec!["one".into()], 4, false));
        assert_eq!(events(&file, 99, 5, true).await, (vec![], 99, true));
    }

    #[tokio::test]
    async fn a_line_longer_than_a_piece_comes_in_parts_between_characters() {
        let (_dir, file) = log("aaaé".repeat(3).as_bytes());
        let (mut from, mut text) = (0, String::new());
        for _ in 0..10 {
            let (part, next, _) = events(&file, from, 4, true).await;
            text.push_str(&part.concat());
            from = next;
        }
        assert_eq!(text, "aaaé".repeat(3));
    }

    #[tokio::test]
    async fn what_is_no_text_is_shown_as_such() {
        let (_dir, file) = log(b"a\xffb\n");
        assert_eq!(events(&file, 0, 100, true).await.0, ["a\u{fffd}b"]);
    }

    #[tokio::test]
    async fn a_missing_file_is_empty() {
        let (dir, file) = log(b"x");
        drop(dir);
        assert!(!file.exists().await);
        assert_eq!(events(&file, 5, 100, true).await, (vec![], 5, true));
    }
}
