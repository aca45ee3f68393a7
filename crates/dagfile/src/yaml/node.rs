//! The tree.

use std::{borrow::Cow, ops::Range, rc::Rc};

/// Bytes of the file. Files are far shorter than 4 GiB ([`crate::MAX_FILE`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn new(range: Range<usize>) -> Self {
        let clamp = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: clamp(range.start), end: clamp(range.end.max(range.start)) }
    }

    pub(crate) fn start(self) -> usize {
        self.start as usize
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// From the start of `self` to the end of `other`.
    pub(crate) fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end.max(self.start) }
    }
}

/// A value and where it is. Cheap to clone: an alias shares the collection it stands for.
#[derive(Debug, Clone)]
pub(crate) struct Node<'s> {
    pub(crate) span: Span,
    pub(crate) value: Value<'s>,
}

#[derive(Debug, Clone)]
pub(crate) enum Value<'s> {
    Scalar(Scalar<'s>),
    Sequence(Rc<Vec<Node<'s>>>),
    Mapping(Rc<Mapping<'s>>),
}

/// A scalar: its text after escapes and folding, and how it was written.
#[derive(Debug, Clone)]
pub(crate) struct Scalar<'s> {
    pub(crate) text: Cow<'s, str>,
    pub(crate) style: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Without quotes: may mean null, a boolean or a number.
    Plain,
    /// In single or double quotes, or tagged `!!str`.
    Quoted,
    /// A `|` block.
    Literal,
    /// A `>` block.
    Folded,
}

/// A mapping in the order of the file, merged keys last. No key is there twice.
#[derive(Debug, Default)]
pub(crate) struct Mapping<'s> {
    pub(crate) entries: Vec<Entry<'s>>,
    /// Whether it is written with braces.
    pub(crate) flow: bool,
    /// Whether a key was unusable, which is said already: whatever this is, it is not what was meant.
    pub(crate) broken: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry<'s> {
    pub(crate) key: Key<'s>,
    pub(crate) value: Node<'s>,
}

#[derive(Debug, Clone)]
pub(crate) struct Key<'s> {
    pub(crate) text: Cow<'s, str>,
    pub(crate) span: Span,
}

impl<'s> Mapping<'s> {
    pub(crate) fn get(&self, key: &str) -> Option<&Entry<'s>> {
        self.entries.iter().find(|entry| entry.key.text == key)
    }
}

impl<'s> Node<'s> {
    pub(crate) fn as_scalar(&self) -> Option<&Scalar<'s>> {
        if let Value::Scalar(scalar) = &self.value { Some(scalar) } else { None }
    }

    pub(crate) fn as_mapping(&self) -> Option<&Mapping<'s>> {
        if let Value::Mapping(mapping) = &self.value { Some(mapping) } else { None }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.as_scalar().is_some_and(Scalar::is_null)
    }

    /// What it is, in the words of an error message.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Sequence(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
            Value::Scalar(scalar) if scalar.is_null() => "nothing".to_owned(),
            Value::Scalar(scalar) => match scalar.style {
                Style::Plain => format!("`{}`", shorten(&scalar.text)),
                Style::Quoted => format!("the text \"{}\"", shorten(&scalar.text)),
                Style::Literal | Style::Folded => "a block of text".to_owned(),
            },
        }
    }
}

impl Scalar<'_> {
    /// YAML 1.2's core schema: nothing, `~` or `null`, without quotes.
    pub(crate) fn is_null(&self) -> bool {
        self.style == Style::Plain && matches!(&*self.text, "" | "~" | "null" | "Null" | "NULL")
    }

    /// YAML 1.2's core schema: `true` or `false`, without quotes (`yes` and `on` are texts).
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match (self.style, &*self.text) {
            (Style::Plain, "true" | "True" | "TRUE") => Some(true),
            (Style::Plain, "false" | "False" | "FALSE") => Some(false),
            _ => None,
        }
    }
}

/// The first line of a text, at most 40 characters.
pub(crate) fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(40).collect();
    if short.len() < text.trim_end().len() { format!("{short}...") } else { short }
}
