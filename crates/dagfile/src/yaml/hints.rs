//! What people type by mistake, and what YAML makes of it.
//!
//! The YAML parser says what it could not read. This module looks at the line in question and says
//! what was probably meant.

use granit_parser::{ErrorKind, ScanError};

use super::node::Span;
use crate::source::Source;

/// Place, message and hint for a text that is no YAML.
pub(super) fn syntax_error(source: &Source<'_>, error: &ScanError) -> (Span, String, Option<String>) {
    let at = error.marker().byte_offset().unwrap_or_default().min(source.text().len());
    let at = last_content(source.text(), at);
    let line = source.line_at(at);
    let value = value_of(line);
    if let Some((message, help)) = mistaken_value(value) {
        return (span_of(source, at, value), message, Some(help));
    }
    let help = hint(error.kind(), line, value);
    let place = at..end_of_token(source.text(), at);
    let token = source.text().get(place.clone()).unwrap_or_default();
    (Span::new(place), message(error.kind(), token), help)
}

/// The same where the error is only that `open`, where the innermost collection starts, is a bracket
/// of an earlier line that nothing closes: the parser stumbles over what comes next.
pub(super) fn unclosed(source: &Source<'_>, open: usize, error: &ScanError) -> Option<(Span, String, Option<String>)> {
    let text = source.text();
    let (bracket, closing) = match text.as_bytes().get(open)? {
        b'[' => ('[', ']'),
        b'{' => ('{', '}'),
        _ => return None,
    };
    let line = source.line_index(error.marker().byte_offset()?)?;
    if source.line_index(open)? >= line {
        return None;
    }
    let mut depth = 0_usize;
    for found in text.get(open..)?.chars() {
        depth = if found == bracket { depth + 1 } else { depth - usize::from(found == closing) };
        if depth == 0 {
            return None;
        }
    }
    let help = format!("close it with `{closing}`; YAML reads on from it, up to line {}", line + 1);
    Some((Span::new(open..open + 1), format!("this `{bracket}` is not closed"), Some(help)))
}

fn message(kind: &ErrorKind, token: &str) -> String {
    match kind {
        ErrorKind::UnknownAnchor => format!("there is no anchor for the alias `{}`", token.trim_end_matches([',', ']', '}'])),
        ErrorKind::RecursionLimitExceeded => "nested too deeply".to_owned(),
        kind => format!("this is not YAML: {kind}"),
    }
}

/// Message and hint for `{{ ds }}` without quotes: a mapping whose key is a mapping.
pub(super) fn braces_as_key(source: &Source<'_>, span: Span) -> (String, String) {
    // The key is the inner pair of braces.
    let outer = span.start().saturating_sub(1);
    let rest = source.text().get(outer..source.text().len()).unwrap_or_default().lines().next().unwrap_or_default();
    let template = rest.find("}}").and_then(|end| rest.get(..end + 2)).unwrap_or_default();
    mistaken_value(value_of(source.line_at(outer)))
        .or_else(|| mistaken_value(template))
        .unwrap_or_else(|| ("a key must be a text, not a mapping".to_owned(), "put a template into quotes: \"{{ ds }}\"".to_owned()))
}

/// An error at the end of a line or file is about what stands before it.
fn last_content(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    let here = text.get(at..).unwrap_or_default();
    if here.trim_start_matches([' ', '\t']).starts_with(['\n', '\r']) || here.trim_start().is_empty() {
        before.trim_end().char_indices().next_back().map_or(0, |(last, _)| last)
    } else {
        at
    }
}

fn end_of_token(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let token = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let longest = rest.char_indices().nth(80).map_or(rest.len(), |(end, _)| end);
    at + token.max(rest.chars().next().map_or(0, char::len_utf8)).min(longest)
}

/// What stands behind `key:` or `-` in a line.
fn value_of(line: &str) -> &str {
    let item = line.trim_start().trim_start_matches("- ").trim();
    let value = item.split_once(": ").map_or(item, |(_, value)| value);
    value.split(" #").next().unwrap_or(value).trim()
}

/// The place of `value` in the line of `at`; `at` itself if it isn't there.
fn span_of(source: &Source<'_>, at: usize, value: &str) -> Span {
    let line = source.line_at(at);
    let start = source.line_index(at).map_or(0, |index| source.line_range(index).start);
    line.find(value).map_or(Span::new(at..at), |found| Span::new(start + found..start + found + value.len()))
}

/// Values that must be quoted because YAML gives their first character a meaning.
fn mistaken_value(value: &str) -> Option<(String, String)> {
    let quoted = format!("\"{value}\"");
    if value.starts_with('*') && is_like_cron(value) {
        return Some(("an unquoted `*` starts a YAML alias".to_owned(), format!("put the cron expression into quotes: {quoted}")));
    }
    if value.starts_with('@') {
        return Some(("a YAML value cannot start with `@`".to_owned(), format!("put it into quotes: {quoted}")));
    }
    if value.starts_with("{{") || value.starts_with("{%") {
        let quoted = if value.contains('"') { format!("'{value}'") } else { quoted };
        return Some(("an unquoted `{` starts a YAML mapping".to_owned(), format!("put the template into quotes: {quoted}")));
    }
    None
}

fn is_like_cron(value: &str) -> bool {
    let fields: Vec<_> = value.split_whitespace().collect();
    (5..=7).contains(&fields.len()) && fields.iter().all(|f| f.chars().all(|c| c.is_ascii_alphanumeric() || "*/,-#?".contains(c)))
}

fn hint(kind: &ErrorKind, line: &str, value: &str) -> Option<String> {
    let help = match kind {
        ErrorKind::UnknownAnchor => {
            "`*name` repeats a value that `&name` marks further up in the same document; a text that starts with `*` needs quotes".to_owned()
        }
        ErrorKind::MissingAnchorOrAliasName => "a text that starts with `*` or `&` needs quotes".to_owned(),
        ErrorKind::UnexpectedCharacter { .. } => format!("put the text into quotes: \"{value}\""),
        ErrorKind::MappingValueNotAllowed if value.contains(": ") || value.ends_with(':') => {
            "a text with `: ` in it needs quotes, or a block: `|` and the text indented on the next lines".to_owned()
        }
        ErrorKind::InvalidTrailingDoubleQuotedScalar | ErrorKind::InvalidTrailingSingleQuotedScalar => {
            "the text goes on behind its closing quote: put all of it into quotes, or into a block: `|` and the text indented on the next lines"
                .to_owned()
        }
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation => {
            "YAML is indented with spaces, not tabs".to_owned()
        }
        _ if line.trim_start_matches(' ').starts_with('\t') => "YAML is indented with spaces, not tabs".to_owned(),
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation | ErrorKind::SimpleKeyExpected => {
            "look at the indentation of this line and the one above; a key is followed by `:` and a space".to_owned()
        }
        ErrorKind::UnclosedQuotedScalar => "close the quote".to_owned(),
        ErrorKind::UnclosedFlowCollection { open } => format!("close the `{open}`"),
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator => {
            "inside `{ }` and `[ ]` a text with a comma, bracket, brace or `: ` in it needs quotes".to_owned()
        }
        _ => return None,
    };
    Some(help)
}
