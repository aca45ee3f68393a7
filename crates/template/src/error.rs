//! What can go wrong when a template is rendered, with its place in the template.

use std::{collections::BTreeSet, fmt};

use crate::Need;

/// Why a template was not rendered.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RenderError {
    /// Facts of the store are missing: fetch them, add them, render again.
    #[error("the template needs {} facts from the store first", .0.len())]
    Needs(BTreeSet<Need>),
    /// The template is wrong, or wrong for this run.
    #[error(transparent)]
    Failed(#[from] TemplateError),
}

/// A fault of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// What is wrong.
    pub message: String,
    /// Line in the template, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What the author can do.
    pub help: Option<String>,
}

impl std::error::Error for TemplateError {}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "template line {}, column {}: {}", self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

impl TemplateError {
    /// An error at a byte offset of `template`.
    pub(crate) fn at(template: &str, offset: usize, message: impl Into<String>, help: Option<String>) -> Self {
        let (line, column) = position(template, offset);
        Self { message: message.into(), line, column, help }
    }
}

/// Line and column, in characters and from 1, of a byte offset.
fn position(text: &str, offset: usize) -> (u32, u32) {
    let before = &text[..floor_boundary(text, offset)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let count = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
    (count(before.matches('\n').count()), count(before[line_start..].chars().count()))
}

/// The start of the character at a byte offset, or the end of the text.
pub(crate) fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
