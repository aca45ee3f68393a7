//! DAG files: bytes in; DAGs, or diagnostics with their places, out.
//!
//! The stages are modules: [`yaml`] makes a tree that remembers where everything was, [`decode`]
//! makes a DAG of it, [`checks`] looks at the DAG as a whole (graph, timetable, templates),
//! [`schema`] says the same to editors. Nothing here opens a file, reads a clock or starts a task;
//! whatever the bytes are, time and memory are bounded and nothing panics.

mod checks;
mod decode;
mod diagnostic;
mod graph;
mod schema;
mod sink;
mod source;
mod yaml;

use std::{collections::BTreeMap, ops::Range};

use updraft_model::{Dag, DagId, ExecutorName, TaskId};

pub use decode::runs_a_process;
pub use diagnostic::{Diagnostic, Severity, SourcedDiagnostic, report};
pub use schema::json_schema;

use decode::Cx;
use sink::Sink;
use yaml::Span;

/// The largest DAG file, in bytes. Whoever reads files need not read more than one byte beyond it.
pub const MAX_FILE: usize = 16 << 20;

/// What a DAG file gives. A document with errors gives diagnostics and no DAG; the others still do.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedFile {
    /// The DAGs of the documents without errors, in the order of the file.
    pub dags: Vec<ParsedDag>,
    /// Everything that is wrong, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

impl ParsedFile {
    /// Whether something is wrong that costs a DAG.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }
}

/// A DAG and where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedDag {
    /// The DAG.
    pub dag: Dag,
    /// The line its document's content starts on, from 1.
    pub line: usize,
    /// Where its `dag_id` is, in bytes of the file; where it has none, the document's first key.
    pub id: Range<usize>,
    /// Where its tasks' ids are, in bytes of the file: for what others have to say of a task.
    pub tasks: BTreeMap<TaskId, Range<usize>>,
    /// Where it names executors, likewise: for the DAG, in `default_args` and for single tasks.
    pub executors: Vec<(ExecutorName, Range<usize>)>,
}

/// Reads a DAG file. `path` is only a name: its stem is the `dag_id` of a document without one.
pub fn parse(path: &str, bytes: &[u8]) -> ParsedFile {
    let text = match source::text_of(bytes) {
        Ok(text) => text,
        Err(diagnostic) => return ParsedFile { dags: Vec::new(), diagnostics: vec![diagnostic] },
    };
    let mut sink = Sink::new(text);
    let documents = yaml::read(text, &mut sink);
    if documents.is_empty() && sink.errors() == 0 {
        let diagnostic = Diagnostic::of_file("the file has no DAG in it", "start with `tasks:`, or remove the file");
        return ParsedFile { dags: Vec::new(), diagnostics: vec![diagnostic] };
    }
    let mut dags = Vec::new();
    let mut named: BTreeMap<DagId, usize> = BTreeMap::new();
    for document in &documents {
        let mut cx = Cx::new(sink);
        let line = cx.sink.source().line_and_column(document.start).0;
        let errors = cx.sink.errors();
        let dag = decode::decode(&mut cx, document, stem(path));
        if let Some(dag) = &dag {
            checks::check(&mut cx, dag, errors);
            unique(&mut cx, &mut named, dag, document.root.span, line);
        }
        let id = cx.outline.fields.get("dag_id").copied().or_else(|| Some(document.root.as_mapping()?.entries.first()?.key.span));
        let id = id.map_or(document.start..document.start, Span::range);
        let tasks = cx.outline.tasks.into_iter().map(|(id, outline)| (id, outline.id.range())).collect();
        let executors = cx.outline.executors.into_iter().map(|(name, span)| (name, span.range())).collect();
        sink = cx.sink;
        let is_whole = sink.errors() == errors && !document.broken;
        dags.extend(dag.filter(|_| is_whole).map(|dag| ParsedDag { dag, line, id, tasks, executors }));
    }
    ParsedFile { dags, diagnostics: sink.finish() }
}

/// Two documents of a file may not be the same DAG.
fn unique(cx: &mut Cx<'_>, named: &mut BTreeMap<DagId, usize>, dag: &Dag, document: Span, line: usize) {
    if let Some(first) = named.get(&dag.dag_id) {
        let span = cx.outline.fields.get("dag_id").copied().unwrap_or(Span::new(document.start()..document.start() + 1));
        let message = format!("the DAG `{}` is in this file twice; first on line {first}", dag.dag_id);
        cx.sink.error_with_help(span, message, "give each document its own `dag_id`");
    } else {
        named.insert(dag.dag_id.clone(), line);
    }
}

fn stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")).unwrap_or(name)
}
