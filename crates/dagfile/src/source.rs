//! The text of a file and where its lines are. Knows nothing of YAML.

use std::{ops::Range, sync::OnceLock};

use crate::{Diagnostic, MAX_FILE};

/// A text with an index of its lines, made when the first place is asked for.
pub(crate) struct Source<'s> {
    text: &'s str,
    line_starts: OnceLock<Vec<usize>>,
}

impl<'s> Source<'s> {
    pub(crate) fn new(text: &'s str) -> Self {
        Self { text, line_starts: OnceLock::new() }
    }

    pub(crate) fn text(&self) -> &'s str {
        self.text
    }

    fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| {
            let breaks = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(breaks).collect()
        })
    }

    /// How many lines there are; at least one.
    pub(crate) fn line_count(&self) -> usize {
        self.line_starts().len()
    }

    /// The line (from 0) that `offset` is in, or nothing beyond the end.
    pub(crate) fn line_index(&self, offset: usize) -> Option<usize> {
        (offset <= self.text.len()).then(|| self.line_starts().partition_point(|start| *start <= offset) - 1)
    }

    /// The bytes of a line (from 0), without its line break.
    pub(crate) fn line_range(&self, line: usize) -> Range<usize> {
        let starts = self.line_starts();
        let start = starts.get(line).copied().unwrap_or(self.text.len());
        let end = starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let end = if end > start && self.text.as_bytes().get(end - 1) == Some(&b'\r') { end - 1 } else { end };
        start..end
    }

    /// The text of the line that `offset` is in.
    pub(crate) fn line_at(&self, offset: usize) -> &'s str {
        self.line_index(offset).and_then(|line| self.text.get(self.line_range(line))).unwrap_or_default()
    }

    /// Line and column of `offset`, both from 1; columns count characters.
    pub(crate) fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let line = self.line_index(offset).unwrap_or_else(|| self.line_count() - 1);
        let start = self.line_range(line).start;
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        (line + 1, column + 1)
    }
}

const SPLIT: &str = "split it into several DAGs, or move data out of it";

/// What is said of a file that is too long to be read, by whoever knows its length in bytes.
pub(crate) fn too_long(length: u64) -> Diagnostic {
    Diagnostic::of_file(format!("the file is {length} bytes long; a DAG file may have at most {MAX_FILE}"), SPLIT)
}

/// The text of a file, or why it has none.
pub(crate) fn text_of(bytes: &[u8]) -> Result<&str, Diagnostic> {
    if bytes.len() > MAX_FILE {
        // Whoever read them may have stopped here, so how long the file is can't be said.
        return Err(Diagnostic::of_file(format!("the file is longer than {MAX_FILE} bytes, the most a DAG file may have"), SPLIT));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Diagnostic::of_file("the file is UTF-16", "save it as UTF-8"));
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        let message = format!("the file is binary: byte {at} is zero");
        return Err(Diagnostic::of_file(message, "a DAG file is YAML in UTF-8; keep other files out of the folder of DAGs"));
    }
    std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error.valid_up_to()))
}

fn not_utf8(bytes: &[u8], at: usize) -> Diagnostic {
    let valid = std::str::from_utf8(&bytes[..at]).unwrap_or_default();
    let (line, column) = Source::new(valid).line_and_column(at);
    let byte = bytes.get(at).copied().unwrap_or_default();
    let message = format!("the file is not UTF-8: byte 0x{byte:02x} on line {line}, column {column}");
    Diagnostic { line, column, ..Diagnostic::of_file(message, "save it as UTF-8") }
}
