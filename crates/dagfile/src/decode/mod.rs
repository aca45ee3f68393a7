//! Trees -> DAGs.
//!
//! A decoder takes a node and the name of what it stands for, and gives a value, or says in the sink
//! what is wrong and gives nothing. The others go on, so that one look at a file finds all of its
//! mistakes. What concerns several tasks at once is in [`crate::checks`].

mod dag;
mod date;
mod duration;
mod http;
mod json;
mod operator;
mod params;
mod python;
mod scalar;
mod schedule;
mod sensor;
mod suggest;
mod task;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use updraft_model::{ExecutorName, TaskId};

pub use self::operator::runs_a_process;
pub(crate) use self::{
    dag::{DAG_KEYS, decode},
    http::METHODS,
    params::SCHEMA_KEYWORDS,
    suggest::closest,
    task::{OPERATOR_KEYS, TASK_KEYS},
};
use crate::{
    sink::Sink,
    yaml::{Entry, Mapping, Node, Scalar, Span, Style},
};

/// What decoders share while they work on one document.
pub(crate) struct Cx<'s> {
    pub(crate) sink: Sink<'s>,
    /// The zone that dates without an offset are in.
    pub(crate) timezone: TimeZone,
    /// All templates, to be checked when the params are known.
    pub(crate) templates: Vec<TemplateSite<'s>>,
    /// What the checks of the whole DAG need to know about places.
    pub(crate) outline: Outline,
}

/// Where the things are that are checked together.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// Every task the file names, also those that could not be decoded.
    pub(crate) tasks: BTreeMap<TaskId, TaskOutline>,
    /// Of `schedule`, `start_date` and so on.
    pub(crate) fields: BTreeMap<&'static str, Span>,
    /// Each cron expression.
    pub(crate) crons: Vec<Span>,
    /// Each executor that is named.
    pub(crate) executors: Vec<(ExecutorName, Span)>,
    /// Each param.
    pub(crate) params: BTreeMap<String, Span>,
}

#[derive(Debug, Clone)]
pub(crate) struct TaskOutline {
    /// Its id, as a key of `tasks`.
    pub(crate) id: Span,
    pub(crate) trigger_rule: Option<Span>,
    pub(crate) upstream: Vec<(TaskId, Span)>,
}

/// A templated text.
pub(crate) struct TemplateSite<'s> {
    pub(crate) kind: TemplateKind,
    pub(crate) span: Span,
    pub(crate) scalar: Scalar<'s>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TemplateKind {
    /// A text with `{{ }}` in it.
    Text,
    /// A script for bash.
    Bash,
    /// One expression.
    Expression,
}

impl<'s> Cx<'s> {
    pub(crate) fn new(sink: Sink<'s>) -> Self {
        Self { sink, timezone: TimeZone::UTC, templates: Vec::new(), outline: Outline::default() }
    }

    /// "`what` must be a duration, not a list".
    fn wrong_type(&mut self, node: &Node<'_>, what: &str, wanted: &str) {
        self.wrong_type_with_help(node, what, wanted, None);
    }

    fn wrong_type_with_help(&mut self, node: &Node<'_>, what: &str, wanted: &str, help: Option<String>) {
        if node.as_mapping().is_some_and(|mapping| mapping.broken) {
            return;
        }
        let message = format!("`{what}` must be {wanted}, not {}", node.describe());
        match help {
            Some(help) => self.sink.error_with_help(node.span, message, help),
            None => self.sink.error(node.span, message),
        }
    }

    /// The mapping that `node` must be.
    fn mapping<'n>(&mut self, node: &'n Node<'s>, what: &str) -> Option<&'n Mapping<'s>> {
        let mapping = node.as_mapping();
        if mapping.is_none() {
            self.wrong_type(node, what, "a mapping");
        }
        mapping
    }

    /// A key that nobody knows: what was meant?
    fn unknown_key(&mut self, mapping: &Mapping<'_>, entry: &Entry<'_>, known: &[&str], place: &str) {
        let key = &*entry.key.text;
        let help = suggest::comma_in_braces(mapping, entry).or_else(|| suggest::for_key(key, known));
        let help = help.unwrap_or_else(|| format!("known here: {}", known.join(", ")));
        self.sink.error_with_help(entry.key.span, format!("unknown key `{}` in {place}", key.escape_debug()), help);
    }

    /// Notes that a scalar is a template. One without any braces can't be wrong.
    fn template(&mut self, kind: TemplateKind, node: &Node<'s>) {
        if let Some(scalar) = node.as_scalar()
            && (kind == TemplateKind::Expression || ["{{", "{%", "{#"].iter().any(|open| scalar.text.contains(open)))
        {
            self.templates.push(TemplateSite { kind, span: node.span, scalar: scalar.clone() });
        }
    }
}

/// The name of an executor; which there are, a file can't know.
fn executor(cx: &mut Cx<'_>, node: &Node<'_>, key: &str) -> Option<ExecutorName> {
    let name: ExecutorName = scalar::id(cx, node, key)?;
    cx.outline.executors.push((name.clone(), node.span));
    Some(name)
}

/// The entries of a mapping that mean something: keys that start with `x-` are the author's own.
fn entries<'n, 's>(mapping: &'n Mapping<'s>) -> impl Iterator<Item = &'n Entry<'s>> {
    mapping.entries.iter().filter(|entry| !entry.key.text.starts_with("x-"))
}

/// Keeps what is there if nothing was decoded.
fn set<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}

/// For optional arguments: a written `null` takes away what `default_args` gave.
fn set_optional<T>(slot: &mut Option<T>, node: &Node<'_>, decode: impl FnOnce() -> Option<T>) {
    if node.is_null() {
        *slot = None;
    } else if let Some(value) = decode() {
        *slot = Some(value);
    }
}

/// Whether a scalar is a number by YAML's rules, that is not in quotes.
fn is_plain(scalar: &Scalar<'_>) -> bool {
    scalar.style == Style::Plain
}
