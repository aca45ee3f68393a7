//! From bytes to whole lines.

use super::{Line, Position};

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its lines.
    pub lines: Vec<Line>,
    /// Where the next piece begins.
    pub next: Position,
    /// Whether there was nothing behind it when it was read.
    pub at_end: bool,
    /// Whether any attempt has begun a log, or may have where it could not be asked for.
    pub is_begun: bool,
}

/// How many of these bytes are whole lines. A line that fills all the room is cut between
/// characters, and an unfinished last one (`at_end`) is left for later unless the part `is_complete`.
pub fn whole_lines(bytes: &[u8], at_end: bool, is_complete: bool) -> usize {
    match bytes.iter().rposition(|byte| *byte == b'\n') {
        _ if at_end && is_complete => bytes.len(),
        Some(last) => last + 1,
        None if at_end => 0,
        None => on_boundary(bytes),
    }
}

/// The lines in `bytes`, which [`whole_lines`] has measured.
pub fn lines(bytes: &[u8]) -> Vec<Line> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(bytes);
    text.strip_suffix('\n').unwrap_or(&text).split('\n').map(Line::parse).collect()
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

    fn events(bytes: &[u8]) -> Vec<String> {
        lines(bytes).into_iter().map(|line| line.event).collect()
    }

    #[test]
    fn pieces_are_whole_lines() {
        let text = b"one\ntwo\n\nfour";
        assert_eq!(whole_lines(text, true, false), 9);
        assert_eq!(events(&text[..9]), ["one", "two", ""]);
        assert_eq!(whole_lines(&text[9..], true, false), 0);
        assert_eq!(whole_lines(&text[9..], true, true), 4);
        assert_eq!(whole_lines(&text[..5], false, true), 4);
        assert_eq!((whole_lines(b"", true, true), events(b"")), (0, vec![]));
    }

    #[test]
    fn a_line_longer_than_a_piece_comes_in_parts_between_characters() {
        let bytes = "aaaé".repeat(3).into_bytes();
        let (mut from, mut text) = (0, String::new());
        while from < bytes.len() {
            let piece = &bytes[from..bytes.len().min(from + 4)];
            let whole = whole_lines(piece, piece.len() < 4, true);
            text.push_str(&events(&piece[..whole]).concat());
            from += whole;
        }
        assert_eq!(text, "aaaé".repeat(3));
    }

    #[test]
    fn what_is_no_text_is_shown_as_such() {
        assert_eq!(events(b"a\xffb\n"), ["a\u{fffd}b"]);
    }
}
