//! From a stream of bytes to log lines: `<RFC 3339, microseconds, Z> <text>\n`, secrets masked.
//!
//! Pure. The memory is bounded whatever comes: a line longer than [`LINE_LIMIT`] is cut into several,
//! never through a secret. Invalid UTF-8 becomes U+FFFD here, so that readers see only text.

use std::borrow::Cow;

use updraft_model::{HIDDEN, Timestamp};

/// The longest line, in bytes of the program's output.
pub(crate) const LINE_LIMIT: usize = 64 * 1024;
/// At the end of a line that goes on in the next.
const GOES_ON: &str = " [line continues]";
/// A secret of several lines is also masked line by line, where a line is at least this long.
const MASKED_LINE: usize = 8;

/// The last line of the output so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Last {
    /// There was none.
    Nothing,
    /// It.
    Line(Vec<u8>),
    /// Longer than [`LINE_LIMIT`].
    TooLong,
}

/// The state between two pieces of output.
pub(crate) struct Lines {
    masks: Vec<String>,
    longest_mask: usize,
    partial: Vec<u8>,
    /// Part of the current line has been written already.
    cut: bool,
    capture: bool,
    last: Last,
    stamp: Stamp,
}

impl Lines {
    pub(crate) fn new(masks: &[String], capture: bool) -> Self {
        let pieces = masks.iter().flat_map(|mask| mask.lines().filter(|line| line.len() >= MASKED_LINE && line.len() < mask.len()));
        let whole = masks.iter().map(String::as_str).filter(|mask| !mask.is_empty());
        let mut masks: Vec<String> = whole.chain(pieces).map(str::to_owned).collect();
        // The longest first: a secret that contains another one disappears whole.
        masks.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        masks.dedup();
        let longest_mask = masks.first().map_or(0, String::len);
        Self { masks, longest_mask, partial: Vec::new(), cut: false, capture, last: Last::Nothing, stamp: Stamp::default() }
    }

    /// A line of ours, not of the program's: not its last line, even while one of its is unfinished.
    pub(crate) fn note(&mut self, text: &str, at: Timestamp, out: &mut Vec<u8>) {
        for line in text.lines() {
            self.write_line(format!("[updraft] {line}").as_bytes(), "", at, out);
        }
    }

    /// Takes a piece of output and appends the lines it completes.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], at: Timestamp, out: &mut Vec<u8>) {
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            bytes = rest;
            if self.partial.is_empty() && !self.cut {
                self.complete(line, at, out);
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                self.complete(&whole, at, out);
                whole.clear();
                self.partial = whole;
            }
        }
        self.partial.extend_from_slice(bytes);
        while self.partial.len() >= LINE_LIMIT + self.longest_mask {
            self.write_piece(at, out);
        }
        self.partial.shrink_to(LINE_LIMIT);
    }

    /// The output is over: what has no newline is a line, too.
    pub(crate) fn end(&mut self, at: Timestamp, out: &mut Vec<u8>) {
        if !self.partial.is_empty() || self.cut {
            let line = std::mem::take(&mut self.partial);
            self.complete(&line, at, out);
        }
    }

    pub(crate) fn take_last(&mut self) -> Last {
        std::mem::replace(&mut self.last, Last::Nothing)
    }

    fn complete(&mut self, line: &[u8], at: Timestamp, out: &mut Vec<u8>) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.capture {
            self.last = match std::mem::replace(&mut self.last, Last::Nothing) {
                _ if self.cut || line.len() > LINE_LIMIT => Last::TooLong,
                Last::Line(mut buffer) => {
                    buffer.clear();
                    buffer.extend_from_slice(line);
                    Last::Line(buffer)
                }
                Last::Nothing | Last::TooLong => Last::Line(line.to_vec()),
            };
        }
        self.cut = false;
        self.write_line(line, "", at, out);
    }

    /// Writes the first part of a line that is too long.
    fn write_piece(&mut self, at: Timestamp, out: &mut Vec<u8>) {
        let end = self.safe_cut();
        let rest = self.partial.split_off(end);
        let piece = std::mem::replace(&mut self.partial, rest);
        self.cut = true;
        self.write_line(&piece, GOES_ON, at, out);
    }

    /// Where to cut: not inside a character, and not inside a secret. There is a whole secret's
    /// length behind the limit, so one that lies across it is all there.
    fn safe_cut(&self) -> usize {
        let mut end = LINE_LIMIT;
        while end > LINE_LIMIT - 4 && self.partial.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
            end -= 1;
        }
        for mask in self.masks.iter().map(|mask| mask.as_bytes()) {
            let from = end.saturating_sub(mask.len() - 1);
            let to = (end + mask.len() - 1).min(self.partial.len());
            if let Some(found) = self.partial[from..to].windows(mask.len()).position(|window| window == mask) {
                let start = from + found;
                end = if start > 0 { start } else { start + mask.len() };
            }
        }
        end
    }

    /// As text, without secrets.
    pub(crate) fn masked<'a>(&self, line: &'a [u8]) -> Cow<'a, str> {
        let mut text = String::from_utf8_lossy(line);
        for mask in &self.masks {
            if text.contains(mask.as_str()) {
                text = text.replace(mask.as_str(), HIDDEN).into();
            }
        }
        text
    }

    fn write_line(&mut self, line: &[u8], end: &str, at: Timestamp, out: &mut Vec<u8>) {
        out.extend_from_slice(self.stamp.of(at));
        out.extend_from_slice(self.masked(line).as_bytes());
        out.extend_from_slice(end.as_bytes());
        out.push(b'\n');
    }
}

/// `2026-01-31T06:00:00.000001Z ` of a time. Lines come in bursts, so the last one is kept.
struct Stamp {
    second: i64,
    text: Vec<u8>,
}

impl Default for Stamp {
    fn default() -> Self {
        Self { second: i64::MIN, text: Vec::new() }
    }
}

impl Stamp {
    fn of(&mut self, at: Timestamp) -> &[u8] {
        let (second, micros) = (at.micros().div_euclid(1_000_000), at.micros().rem_euclid(1_000_000));
        if second != self.second {
            let whole = Timestamp::from_micros(second * 1_000_000).to_string();
            self.text = format!("{}.000000Z ", whole.trim_end_matches('Z')).into_bytes();
            self.second = second;
        }
        let end = self.text.len() - 2;
        let mut rest = micros;
        for digit in self.text[end - 6..end].iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_micros(1_769_839_200_000_042);

    /// The text of every line, without its time, and the last line.
    fn lines_of(pieces: &[&[u8]], masks: &[&str]) -> (Vec<String>, Last) {
        let masks: Vec<String> = masks.iter().map(|m| (*m).to_owned()).collect();
        let (mut lines, mut out) = (Lines::new(&masks, true), Vec::new());
        for piece in pieces {
            lines.feed(piece, AT, &mut out);
            assert!(lines.partial.len() < LINE_LIMIT + lines.longest_mask);
        }
        lines.end(AT, &mut out);
        let text = String::from_utf8(out).unwrap();
        let strip = |line: &str| line.strip_prefix("2026-01-31T06:00:00.000042Z ").unwrap().to_owned();
        (text.lines().map(strip).collect(), lines.take_last())
    }

    #[test]
    fn pieces_become_lines() {
        let (lines, last) = lines_of(&[b"a", b"b\nc\r\n\n", b"d"], &[]);
        assert_eq!(lines, ["ab", "c", "", "d"]);
        assert_eq!(last, Last::Line(b"d".to_vec()));
        assert_eq!(lines_of(&[b"a\n\n"], &[]).1, Last::Line(Vec::new()));
        assert_eq!(lines_of(&[], &[]), (vec![], Last::Nothing));
    }

    #[test]
    fn invalid_utf8_is_marked_and_split_characters_are_not() {
        assert_eq!(lines_of(&[b"\xff\xc3", b"\xbc\n"], &[]).0, ["\u{fffd}ü"]);
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let long = "ü".repeat(LINE_LIMIT);
        let (lines, last) = lines_of(&[long.as_bytes(), b"!\nnext\n"], &[]);
        assert_eq!(lines.len(), 4);
        assert!(lines[0].ends_with(GOES_ON) && lines[1].ends_with(GOES_ON));
        assert_eq!(lines[..3].iter().map(|l| l.trim_end_matches(GOES_ON)).collect::<String>(), format!("{long}!"));
        assert_eq!(last, Last::Line(b"next".to_vec()));
        assert_eq!(lines_of(&[long.as_bytes()], &[]).1, Last::TooLong);
    }

    #[test]
    fn a_secret_disappears_wherever_it_lies() {
        let secret = "correct horse battery staple";
        assert_eq!(lines_of(&[b"x correct horse", b" battery staple y\n"], &[secret, "horse"]).0, ["x *** y"]);
        for before in LINE_LIMIT - secret.len() - 1..=LINE_LIMIT + 1 {
            let text = format!("{}{secret}{}\n", "a".repeat(before), "b".repeat(100));
            let (lines, _) = lines_of(&[text.as_bytes()], &[secret, "horse"]);
            let all: String = lines.iter().map(|l| l.trim_end_matches(GOES_ON)).collect();
            assert_eq!(all, format!("{}***{}", "a".repeat(before), "b".repeat(100)), "{before}");
        }
    }

    #[test]
    fn a_secret_of_several_lines_is_masked_line_by_line() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n}\n-----END KEY-----";
        let (lines, _) = lines_of(&[b"-----BEGIN KEY-----\nMIIEvQIBADANBg\n}\n"], &[key]);
        assert_eq!(lines, ["***", "***", "}"]);
    }

    #[test]
    fn notes_are_ours_and_not_the_last_line() {
        let (mut lines, mut out) = (Lines::new(&["s3cret-word".into()], true), Vec::new());
        lines.feed(b"half", AT, &mut out);
        lines.note("two\nlines with s3cret-word", AT, &mut out);
        lines.end(AT, &mut out);
        let text = String::from_utf8(out).unwrap().replace("2026-01-31T06:00:00.000042Z ", "");
        assert_eq!(text, "[updraft] two\n[updraft] lines with ***\nhalf\n");
        assert_eq!(lines.take_last(), Last::Line(b"half".to_vec()));
    }
}
