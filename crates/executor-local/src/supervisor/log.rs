//! The log file of an attempt. A full disk costs log lines, never the task: what can't be written is
//! kept for a while, and what is lost nevertheless is said where it is missing.

use std::{
    fs::File,
    io::{self, Read, Write as _},
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
/// How much is kept while it can't be written.
const KEPT: usize = 64 * 1024;

/// An open log.
pub(crate) struct Log {
    file: File,
    lines: Lines,
    chunk: Vec<u8>,
    /// What is to be written.
    out: Vec<u8>,
    capture: bool,
    lost: Option<Lost>,
}

/// Lines that are missing from a log.
struct Lost {
    /// They came after so many bytes of what is to be written.
    after: usize,
    bytes: usize,
    why: String,
}

impl Log {
    /// What is written goes to `file`.
    pub(crate) fn new(file: File, masks: &[String], capture: bool) -> Self {
        let lines = Lines::new(masks, capture);
        Self { file, lines, chunk: Vec::new(), out: Vec::new(), capture, lost: None }
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
        if let Some(Lost { after, bytes, why }) = self.lost.take() {
            // What came since waits behind the word of what is missing.
            let since = self.out.split_off(after);
            if let Err(error) = self.write() {
                self.lost = Some(Lost { after: self.out.len(), bytes: bytes + since.len(), why: error.to_string() });
                return;
            }
            self.note(&format!("{bytes} bytes of output could not be written here: {why}"));
            self.out.extend(since);
        }
        if let Err(error) = self.write()
            && self.out.len() > KEPT
        {
            // Whole lines; one that alone is longer goes.
            let after = self.out[..KEPT].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            self.lost = Some(Lost { after, bytes: self.out.len() - after, why: error.to_string() });
            self.out.truncate(after);
        }
        self.out.shrink_to(BATCH);
    }

    /// Whether something could not be written yet.
    pub(crate) fn is_behind(&self) -> bool {
        !self.out.is_empty() || self.lost.is_some()
    }

    /// Writes as much as can be; an error if something is left.
    fn write(&mut self) -> io::Result<()> {
        let mut done = 0;
        let result = loop {
            if done == self.out.len() {
                break Ok(());
            }
            match self.file.write(&self.out[done..]) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.out.drain(..done);
        result
    }

    /// Writes the rest, as far as it can be written now. The last line, right-stripped and masked like the
    /// log, if it was wanted and is short enough to be an XCom.
    pub(crate) fn finish(&mut self) -> Option<String> {
        self.lines.end(now(), &mut self.out);
        let last = match self.lines.take_last() {
            _ if !self.capture => None,
            Last::Nothing => Some(String::new()),
            Last::Line(bytes) => Some(self.lines.masked(&bytes).trim_end().to_owned()).filter(|text| fits_an_xcom(text)),
            Last::TooLong => None,
        };
        if self.capture && last.is_none() {
            self.note(&format!("its last line is longer than an XCom may be ({XCOM_LIMIT} bytes), so there is no return_value"));
        }
        self.flush();
        last
    }
}

fn fits_an_xcom(text: &str) -> bool {
    serde_json::to_string(text).is_ok_and(|json| json.len() <= XCOM_LIMIT)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A log on a device, whose writes fail or not.
    fn log_on(device: &str) -> Log {
        Log::new(File::options().append(true).open(device).unwrap(), &[], false)
    }

    fn text(log: &Log) -> String {
        let text = String::from_utf8(log.out.clone()).unwrap();
        text.lines().map(|line| format!("{}\n", line.split_once(' ').unwrap().1)).collect()
    }

    #[test]
    fn what_can_not_be_written_is_kept_and_written_later() {
        let mut log = log_on("/dev/full");
        log.read_from(&mut &b"one\ntwo\n"[..]).unwrap();
        log.flush();
        assert!(log.is_behind());
        assert_eq!(text(&log), "one\ntwo\n");
        log.file = File::create("/dev/null").unwrap();
        log.flush();
        assert!(!log.is_behind());
    }

    #[test]
    fn what_is_lost_is_said_where_it_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut log = log_on("/dev/full");
        let mut many: &[u8] = &"a line of the program\n".repeat(20_000).into_bytes();
        while log.read_from(&mut many).unwrap() > 0 {}
        log.flush();
        assert!(log.out.len() <= KEPT && log.out.ends_with(b"\n"));
        log.file = File::create(&path).unwrap();
        log.read_from(&mut &b"and on\n"[..]).unwrap();
        log.finish();
        assert!(!log.is_behind());
        let written = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = written.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        let at = lines.iter().position(|line| line.starts_with("[updraft]")).unwrap();
        assert!(lines[..at].iter().all(|line| *line == "a line of the program"));
        assert_eq!(lines[at + 1..], ["and on"]);
        // Each line has 28 bytes of time in front.
        let lost = (20_000 - at) * ("a line of the program\n".len() + 28);
        assert_eq!(lines[at], format!("[updraft] {lost} bytes of output could not be written here: No space left on device (os error 28)"));
    }
}
