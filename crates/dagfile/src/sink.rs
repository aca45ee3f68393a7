//! Where diagnostics are collected while a file is read. It bounds their number, so that a broken
//! file of 50,000 tasks does not give 50,000 errors.

use crate::{Diagnostic, Severity, source::Source, yaml::Span};

/// Longer sentences quote something that nobody reads to its end.
const MAX_CHARS: usize = 1_500;

/// More diagnostics than this are only counted.
const MAX_DIAGNOSTICS: usize = 100;

/// Collects the diagnostics of one file.
pub(crate) struct Sink<'s> {
    source: Source<'s>,
    kept: Vec<Diagnostic>,
    errors: usize,
    dropped: usize,
}

impl<'s> Sink<'s> {
    pub(crate) fn new(text: &'s str) -> Self {
        Self { source: Source::new(text), kept: Vec::new(), errors: 0, dropped: 0 }
    }

    pub(crate) fn source(&self) -> &Source<'s> {
        &self.source
    }

    /// How many errors there were so far.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// Whether so much is wrong that looking further helps nobody.
    pub(crate) fn is_full(&self) -> bool {
        self.kept.len() >= MAX_DIAGNOSTICS
    }

    /// Whether the last thing said was about the line that `span` starts on.
    pub(crate) fn blames_line_of(&self, span: Span) -> bool {
        self.kept.last().is_some_and(|last| last.span.is_some() && last.line == self.source.line_and_column(span.start()).0)
    }

    pub(crate) fn error(&mut self, span: Span, message: impl Into<String>) {
        self.push(span, message.into(), None, Severity::Error);
    }

    pub(crate) fn error_with_help(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.push(span, message.into(), Some(help.into()), Severity::Error);
    }

    pub(crate) fn warning(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.push(span, message.into(), Some(help.into()), Severity::Warning);
    }

    pub(crate) fn push(&mut self, span: Span, message: String, help: Option<String>, severity: Severity) {
        self.errors += usize::from(severity == Severity::Error);
        if self.is_full() {
            self.dropped += 1;
            return;
        }
        let (line, column) = self.source.line_and_column(span.start());
        let (message, help) = (bounded(message), help.map(bounded));
        self.kept.push(Diagnostic { message, help, span: Some(span.range()), line, column, severity });
    }

    /// All that was collected, in the order of the file.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.kept.sort_by_key(|d| d.span.as_ref().map(|span| (span.start, span.end)));
        self.kept.dedup();
        if self.dropped > 0 {
            let message = format!("and {} more", self.dropped);
            self.kept.push(Diagnostic::of_file(message, "repair the first ones and look again"));
        }
        self.kept
    }
}

/// Short, and without control characters, which could play tricks on a terminal.
fn bounded(text: String) -> String {
    let text = if text.contains(char::is_control) { text.replace(char::is_control, "\u{fffd}") } else { text };
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
