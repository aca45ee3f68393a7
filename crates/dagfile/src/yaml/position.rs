//! From a place in a scalar's text back to the file.

use std::ops::Range;

use super::node::{Scalar, Span, Style};

/// Where `range` of a scalar's text is in the file: exact where the text stands there as it is (plain
/// and quoted scalars of one line without escapes, `|` blocks), else the whole scalar.
pub(crate) fn position_in_source(source: &str, span: Span, scalar: &Scalar<'_>, range: Range<usize>) -> Span {
    exact(source, span, scalar, &range).filter(|found| source.get(found.clone()).is_some()).map_or(span, Span::new)
}

fn exact(source: &str, span: Span, scalar: &Scalar<'_>, range: &Range<usize>) -> Option<Range<usize>> {
    if range.end > scalar.text.len() || range.start > range.end {
        return None;
    }
    let raw = source.get(span.range())?;
    if scalar.style == Style::Literal {
        return in_literal_block(raw, span.start(), &scalar.text, range);
    }
    // An alias' span covers `*name`, so the text itself has to be compared, not only its length.
    let start = if raw == scalar.text {
        span.start()
    } else if raw.len() == scalar.text.len() + 2 && raw.get(1..raw.len() - 1) == Some(&scalar.text) {
        span.start() + 1
    } else {
        return None;
    };
    Some(start + range.start..start + range.end)
}

/// In a `|` block each line of the text is a line of the file behind its indentation.
fn in_literal_block(raw: &str, raw_start: usize, text: &str, range: &Range<usize>) -> Option<Range<usize>> {
    let body = if raw.starts_with('|') { raw.find('\n')? + 1 } else { 0 };
    let mut raw_lines = raw.get(body..)?.split_inclusive('\n');
    let (mut raw_at, mut text_at, mut start) = (raw_start + body, 0, None);
    for line in text.split_inclusive('\n') {
        let raw_line = raw_lines.next()?;
        let content = raw_line.trim_end_matches(['\n', '\r']);
        let indent = content.len().checked_sub(line.trim_end_matches('\n').len());
        // A line of blanks only may be shorter in the file than its indentation.
        let indent = match indent {
            Some(indent) if content.ends_with(line.trim_end_matches('\n')) => indent,
            _ if line.trim().is_empty() => content.len(),
            _ => return None,
        };
        let inside = |offset: usize| raw_at + indent + (offset - text_at);
        if start.is_none() && range.start < text_at + line.len() {
            start = Some(inside(range.start));
        }
        if range.end <= text_at + line.len() {
            return Some(start?..inside(range.end));
        }
        raw_at += raw_line.len();
        text_at += line.len();
    }
    None
}
