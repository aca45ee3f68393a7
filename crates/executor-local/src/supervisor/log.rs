//! The log file of an attempt. A full disk costs log lines, never the task.

use std::{
    fs::{self, File},
    io::{self, Read, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use updraft_model::XCOM_LIMIT;

use super::{
    lines::{Last, Lines},
    now,
};

/// How much is read at once.
const CHUNK: usize = 16 * 1024;
/// How much is kept before it is written, while more can be read.
const BATCH: usize = 64 * 1024;

/// An open log.
pub(crate) struct Log {
    file: File,
    lines: Lines,
    chunk: Vec<u8>,
    out: Vec<u8>,
    capture: bool,
    lost: u64,
}

impl Log {
    /// Opens it for appending, and says how long it is already.
    pub(crate) fn open(path: &Path, masks: &[String], capture: bool) -> io::Result<(Self, u64)> {
        let mut options = fs::OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        let file = match options.open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                fs::DirBuilder::new().recursive(true).mode(0o700).create(path.parent().unwrap_or(path))?;
                options.open(path)?
            }
            other => other?,
        };
        let length = file.metadata()?.len();
        let lines = Lines::new(masks, capture);
        Ok((Self { file, lines, chunk: Vec::new(), out: Vec::new(), capture, lost: 0 }, length))
    }

    /// A line of our own.
    pub(crate) fn note(&mut self, text: &str) {
        self.lines.note(text, now(), &mut self.out);
    }

    /// Reads once; 0 at the end.
    pub(crate) fn read_from(&mut self, from: &mut impl Read) -> io::Result<usize> {
        if self.chunk.is_empty() {
            self.chunk = vec![0; CHUNK];
        }
        let n = from.read(&mut self.chunk)?;
        self.lines.feed(&self.chunk[..n], now(), &mut self.out);
        if self.out.len() >= BATCH {
            self.flush();
        }
        Ok(n)
    }

    /// Writes what is there, so that a reader sees every line as soon as the program is quiet.
    pub(crate) fn flush(&mut self) {
        if !self.out.is_empty() {
            if self.file.write_all(&self.out).is_err() {
                self.lost += self.out.len() as u64;
            }
            self.out.clear();
            self.out.shrink_to(BATCH);
        }
    }

    /// Writes the rest. The last line, right-stripped, if it was wanted and is short enough to be an
    /// XCom; and how many bytes could not be written.
    pub(crate) fn finish(mut self) -> (Option<String>, u64) {
        self.lines.end(now(), &mut self.out);
        let last = match self.lines.take_last() {
            _ if !self.capture => None,
            Last::Nothing => Some(String::new()),
            Last::Line(bytes) => Some(String::from_utf8_lossy(&bytes).trim_end().to_owned()).filter(|text| fits_an_xcom(text)),
            Last::TooLong => None,
        };
        if self.capture && last.is_none() {
            self.note(&format!("its last line is longer than an XCom may be ({XCOM_LIMIT} bytes), so there is no return_value"));
        }
        self.flush();
        (last, self.lost)
    }
}

fn fits_an_xcom(text: &str) -> bool {
    serde_json::to_string(text).is_ok_and(|json| json.len() <= XCOM_LIMIT)
}
