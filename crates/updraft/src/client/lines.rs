//! An answer that comes line by line: NDJSON, plain text, server-sent events.

use super::{ClientError, transport::Answer};

/// The lines of an answer, as they come.
pub struct Lines {
    answer: Answer,
    buffer: Vec<u8>,
    over: bool,
}

impl Lines {
    pub(super) fn new(answer: Answer) -> Self {
        Self { answer, buffer: Vec::new(), over: false }
    }

    /// The next line without its end; `None` when the answer is over.
    pub async fn next(&mut self) -> Result<Option<String>, ClientError> {
        loop {
            if let Some(line) = take_line(&mut self.buffer, self.over) {
                return Ok(Some(line));
            }
            if self.over {
                return Ok(None);
            }
            match self.answer.chunk().await? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => self.over = true,
            }
        }
    }
}

/// A whole line, or the rest if nothing more comes.
fn take_line(buffer: &mut Vec<u8>, over: bool) -> Option<String> {
    let end = match buffer.iter().position(|byte| *byte == b'\n') {
        Some(at) => at + 1,
        None if over && !buffer.is_empty() => buffer.len(),
        None => return None,
    };
    let line: Vec<u8> = buffer.drain(..end).collect();
    let line = String::from_utf8_lossy(&line);
    Some(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_wait_for_their_end_unless_nothing_more_comes() {
        let mut buffer = b"one\r\ntw".to_vec();
        assert_eq!(take_line(&mut buffer, false).as_deref(), Some("one"));
        assert_eq!(take_line(&mut buffer, false), None);
        buffer.extend_from_slice(b"o\n\nrest");
        assert_eq!(take_line(&mut buffer, false).as_deref(), Some("two"));
        assert_eq!(take_line(&mut buffer, false).as_deref(), Some(""));
        assert_eq!(take_line(&mut buffer, true).as_deref(), Some("rest"));
        assert_eq!(take_line(&mut buffer, true), None);
    }
}
