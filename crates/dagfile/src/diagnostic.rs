//! What is wrong with a file, where, and what to do about it.
//!
//! A [`Diagnostic`] is plain data (it goes into the store and the API as it is); only [`report`]
//! knows how a person reads it. Positions are bytes of the file; lines and columns count from 1.

use std::{fmt, fmt::Write as _, ops::Range, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::source::Source;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The document gives no DAG.
    Error,
    /// The document gives a DAG, though perhaps not the one that was meant.
    Warning,
}

/// One thing that is wrong with a DAG file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The bytes of the file that it is about; absent if it is about the file as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Range<usize>>,
    /// The line where the span starts, from 1.
    pub line: usize,
    /// The character in that line, from 1.
    pub column: usize,
    /// How bad it is.
    pub severity: Severity,
}

impl Diagnostic {
    /// A file that is longer than [`crate::MAX_FILE`] and was not read for that.
    pub fn too_long(length: u64) -> Self {
        crate::source::too_long(length)
    }

    /// An error about the file as a whole.
    pub fn of_file(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: Some(help.into()), span: None, line: 1, column: 1, severity: Severity::Error }
    }

    /// A warning about these bytes of `source`: for those who know more than a file can say, such as which
    /// executors there are.
    pub fn warning(source: &str, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(source, span, message, help) }
    }

    /// An error about these bytes of `source`, likewise: such as a DAG that another file has too.
    pub fn error(source: &str, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        let (line, column) = Source::new(source).line_and_column(span.start);
        let (message, help) = (message.into(), Some(help.into()));
        Self { message, help, span: Some(span), line, column, severity: Severity::Error }
    }

    /// Joined with the file it is about: a [`miette::Diagnostic`].
    pub fn with_source<'a>(&'a self, path: &'a str, source: &'a str) -> SourcedDiagnostic<'a> {
        SourcedDiagnostic { diagnostic: self, file: Arc::new(NamedFile { path, source: Source::new(source) }) }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

/// A [`Diagnostic`] and the file it is about, as miette wants it.
pub struct SourcedDiagnostic<'a> {
    diagnostic: &'a Diagnostic,
    file: Arc<NamedFile<'a>>,
}

impl fmt::Debug for SourcedDiagnostic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.diagnostic, f)
    }
}

impl fmt::Display for SourcedDiagnostic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)?;
        // Without an excerpt the place has to be said in words.
        if self.span().is_none() { write!(f, " ({}, line {})", self.file.path, self.diagnostic.line) } else { Ok(()) }
    }
}

impl std::error::Error for SourcedDiagnostic<'_> {}

impl SourcedDiagnostic<'_> {
    /// What the excerpt marks, or nothing where an excerpt would not help.
    fn span(&self) -> Option<miette::SourceSpan> {
        let span = self.diagnostic.span.clone()?;
        let line = self.file.source.line_range(self.file.source.line_index(span.start)?);
        if line.len() > LONGEST_EXCERPT_LINE {
            return None;
        }
        // Only the first line is marked: a whole task under the marks would hide what is meant.
        let end = span.end.min(line.end).max(span.start);
        Some((span.start, end - span.start).into())
    }
}

impl miette::Diagnostic for SourcedDiagnostic<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.span().map(|_| &*self.file as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let span = self.span()?;
        Some(Box::new(std::iter::once(miette::LabeledSpan::underline(span))))
    }
}

/// Lines longer than this many bytes are not quoted.
const LONGEST_EXCERPT_LINE: usize = 400;

/// The file, with its line index: miette's own source type searches the file from its start for
/// every excerpt.
struct NamedFile<'a> {
    path: &'a str,
    source: Source<'a>,
}

impl miette::SourceCode for NamedFile<'_> {
    fn read_span<'a>(
        &'a self,
        span: &miette::SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn miette::SpanContents<'a> + 'a>, miette::MietteError> {
        let at = |offset| self.source.line_index(offset).ok_or(miette::MietteError::OutOfBounds);
        let first = at(span.offset())?.saturating_sub(before);
        let last = (at(span.offset() + span.len())? + after).min(self.source.line_count() - 1);
        let quotable = |line: usize| self.source.line_range(line).len() <= LONGEST_EXCERPT_LINE;
        let first = (first..=at(span.offset())?).rev().take_while(|line| quotable(*line)).last().unwrap_or(first);
        let last = (at(span.offset())?..=last).take_while(|line| quotable(*line)).last().unwrap_or(last);
        let range = self.source.line_range(first).start..self.source.line_range(last).end;
        let bytes = self.source.text().as_bytes().get(range.clone()).ok_or(miette::MietteError::OutOfBounds)?;
        let excerpt = (range.start, range.len()).into();
        // Without lines before it, miette asks for the place it puts into the heading.
        let column = if before == 0 { self.source.line_and_column(span.offset()).1 - 1 } else { 0 };
        Ok(Box::new(miette::MietteSpanContents::new_named(self.path.to_owned(), bytes, excerpt, first, column, last - first + 1)))
    }
}

/// What a person reads: for each diagnostic the message, the place, the line itself and the hint.
pub fn report(path: &str, source: &str, diagnostics: &[Diagnostic], colour: bool) -> String {
    let theme = if colour { miette::GraphicalTheme::unicode() } else { miette::GraphicalTheme::unicode_nocolor() };
    let handler = miette::GraphicalReportHandler::new_themed(theme).with_width(120).with_context_lines(1).with_links(false);
    let file = Arc::new(NamedFile { path, source: Source::new(source) });
    let mut out = String::new();
    for diagnostic in diagnostics {
        // Writing to a `String` cannot fail; should the excerpt fail, the plain line still says all.
        if handler.render_report(&mut out, &SourcedDiagnostic { diagnostic, file: Arc::clone(&file) }).is_err() {
            let _ = write!(out, "{path}: {diagnostic}");
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}
