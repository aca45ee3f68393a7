//! The logs of a run in this process, line by line as they are written.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use updraft_logs::log_file;
use updraft_model::{AttemptLabels, MapIndex, TaskId, TaskInstanceRow};

/// Which try of what.
type Try = (TaskId, MapIndex, u32);

/// Remembers how far each log was read.
#[derive(Debug, Default)]
pub struct Logs {
    folder: PathBuf,
    tails: BTreeMap<Try, Tail>,
}

/// One log, read up to a place.
#[derive(Debug, Default)]
struct Tail {
    path: PathBuf,
    position: u64,
    /// A line whose end has not been written yet.
    rest: Vec<u8>,
    closed: bool,
}

impl Logs {
    /// The logs below this folder.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, ..Self::default() }
    }

    /// Gives every new line of a task instance's tries to `tell`. What is over is read to its end: a
    /// try that another one followed, and one that has ended and whose attempt is not alive any more.
    /// (A task that a person marked has ended before its program has.)
    pub fn read(&mut self, row: &TaskInstanceRow, is_alive: bool, mut tell: impl FnMut(&str)) -> io::Result<()> {
        for number in 1..=row.try_number {
            let key = (row.task_id.clone(), row.map_index, number);
            let folder = &self.folder;
            let tail = self.tails.entry(key).or_insert_with(|| Tail { path: path(folder, row, number), ..Tail::default() });
            let over = number < row.try_number || (row.state.is_finished() && !is_alive);
            tail.read(over, &mut tell)?;
        }
        Ok(())
    }
}

fn path(folder: &Path, row: &TaskInstanceRow, try_number: u32) -> PathBuf {
    let labels = AttemptLabels {
        dag_id: row.dag_id.clone(),
        run_id: row.run_id.clone(),
        task_id: row.task_id.clone(),
        map_index: row.map_index,
        try_number,
    };
    log_file(folder, &labels)
}

impl Tail {
    fn read(&mut self, over: bool, tell: &mut impl FnMut(&str)) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        self.closed = over;
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(self.position))?;
        self.position += file.read_to_end(&mut self.rest)? as u64;
        let whole = if over { self.rest.len() } else { self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1) };
        let text: Vec<u8> = self.rest.drain(..whole).collect();
        String::from_utf8_lossy(&text).lines().for_each(|line| tell(without_time(line)));
        Ok(())
    }
}

/// A line without the time it begins with.
fn without_time(line: &str) -> &str {
    match line.split_once(' ') {
        Some((first, rest)) if first.parse::<jiff::Timestamp>().is_ok() => rest,
        _ if line.parse::<jiff::Timestamp>().is_ok() => "",
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_line_waits_for_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let mut tail = Tail { path: dir.path().join("log"), ..Tail::default() };
        let mut read = |over, text: &str| {
            std::fs::write(dir.path().join("log"), text).unwrap();
            let mut lines = Vec::new();
            tail.read(over, &mut |line: &str| lines.push(line.to_owned())).unwrap();
            lines
        };
        let none: [&str; 0] = [];
        assert_eq!(read(false, "2026-01-01T00:00:00Z one\n2026-01-01T00:00"), ["one"]);
        assert_eq!(read(false, "2026-01-01T00:00:00Z one\n2026-01-01T00:00:00Z t"), none);
        assert_eq!(read(true, "2026-01-01T00:00:00Z one\n2026-01-01T00:00:00Z two words"), ["two words"]);
        assert_eq!(read(true, "2026-01-01T00:00:00Z one\n2026-01-01T00:00:00Z two words, and more"), none);
    }

    #[test]
    fn only_a_time_is_taken_off() {
        assert_eq!(without_time("2026-01-01T00:00:00.5Z a  b"), "a  b");
        assert_eq!(without_time("2026-01-01T00:00:00Z"), "");
        assert_eq!(without_time("plain text"), "plain text");
    }
}
