//! One document: a DAG.

use std::collections::BTreeMap;

use updraft_model::{Dag, DagId, Task, TaskId};

use super::{
    Cx, date, duration, entries, executor,
    params::params,
    scalar,
    schedule::schedule,
    set, set_optional,
    task::{self, Draft},
};
use crate::yaml::{Document, MAX_NODES, MAX_TEXT, Mapping, Node, Value};

/// Everything a DAG can say, in the order of the documentation.
pub(crate) const DAG_KEYS: &[&str] = &[
    "dag_id",
    "dag_display_name",
    "description",
    "doc_md",
    "tags",
    "schedule",
    "timezone",
    "start_date",
    "end_date",
    "catchup",
    "max_active_runs",
    "max_active_tasks",
    "max_consecutive_failed_dag_runs",
    "dagrun_timeout",
    "fail_fast",
    "is_paused_upon_creation",
    "executor",
    "params",
    "default_args",
    "tasks",
];

/// The DAG of a document, as far as it can be decoded: whether it is whole is known from the errors
/// in the sink. `stem` is the `dag_id` of a document that names none.
pub(crate) fn decode<'s>(cx: &mut Cx<'s>, document: &Document<'s>, stem: &str) -> Option<Dag> {
    let Value::Mapping(mapping) = &document.root.value else {
        let message = format!("a DAG is a mapping, not {}", document.root.describe());
        cx.sink.error_with_help(document.root.span, message, "start with `tasks:`, see `updraft dags schema`");
        return None;
    };
    let dag_id = dag_id(cx, mapping, stem);
    // Where the DAG has no valid name, its other mistakes are still worth knowing.
    let mut dag = Dag::new(dag_id.clone().or_else(|| DagId::new("unnamed").ok())?);
    // Dates are in this zone, so it comes first.
    if let Some(entry) = mapping.get("timezone")
        && let Some((name, zone)) = date::timezone(cx, &entry.value, "timezone")
    {
        dag.timezone = name;
        cx.timezone = zone;
    }
    for entry in entries(mapping) {
        match DAG_KEYS.iter().find(|key| **key == entry.key.text) {
            Some(key) => {
                cx.outline.fields.insert(key, entry.value.span);
                field(cx, &mut dag, key, &entry.value);
            }
            None => cx.unknown_key(mapping, entry, DAG_KEYS, "the DAG"),
        }
    }
    let defaults = mapping.get("default_args").map(|entry| &entry.value);
    if let Some(defaults) = task::default_args(cx, defaults) {
        dag.tasks = tasks(cx, document, mapping, &defaults);
        // Airflow's DAG takes its dates from `default_args` too.
        dag.start_date = dag.start_date.or(defaults.task.start_date);
        dag.end_date = dag.end_date.or(defaults.task.end_date);
    }
    dag_id.map(|_| dag)
}

fn dag_id(cx: &mut Cx<'_>, mapping: &Mapping<'_>, stem: &str) -> Option<DagId> {
    if let Some(entry) = mapping.get("dag_id") {
        return scalar::id(cx, &entry.value, "dag_id");
    }
    match DagId::new(stem) {
        Ok(id) => Some(id),
        Err(error) => {
            let span = mapping.entries.first().map(|entry| entry.key.span)?;
            cx.sink.error_with_help(
                span,
                format!("the file's name cannot be the `dag_id`: {error}"),
                "write a `dag_id`, or rename the file",
            );
            None
        }
    }
}

fn field<'s>(cx: &mut Cx<'s>, dag: &mut Dag, key: &str, node: &Node<'s>) {
    match key {
        "dag_display_name" => set_optional(&mut dag.dag_display_name, node, || scalar::text(cx, node, key)),
        "description" => set_optional(&mut dag.description, node, || scalar::text(cx, node, key)),
        "doc_md" => set_optional(&mut dag.doc_md, node, || scalar::text(cx, node, key)),
        "tags" => dag.tags = scalar::list(cx, node, |cx, item| scalar::text(cx, item, "tags")).into_iter().collect(),
        "schedule" => set(&mut dag.schedule, schedule(cx, node, &dag.timezone)),
        "start_date" => set_optional(&mut dag.start_date, node, || date::date(cx, node, key)),
        "end_date" => set_optional(&mut dag.end_date, node, || date::date(cx, node, key)),
        "catchup" => set(&mut dag.catchup, scalar::flag(cx, node, key)),
        "max_active_runs" => set(&mut dag.max_active_runs, scalar::count(cx, node, key, 1)),
        "max_active_tasks" => set(&mut dag.max_active_tasks, scalar::count(cx, node, key, 1)),
        "max_consecutive_failed_dag_runs" => set(&mut dag.max_consecutive_failed_dag_runs, scalar::count(cx, node, key, 0)),
        "dagrun_timeout" => set_optional(&mut dag.dagrun_timeout, node, || duration::positive(cx, node, key)),
        "fail_fast" => set(&mut dag.fail_fast, scalar::flag(cx, node, key)),
        "is_paused_upon_creation" => set_optional(&mut dag.is_paused_upon_creation, node, || scalar::flag(cx, node, key)),
        "executor" => set_optional(&mut dag.executor, node, || executor(cx, node, key)),
        "params" => set(&mut dag.params, params(cx, node)),
        // Decoded apart: `dag_id` and `timezone` before all fields, the tasks after them.
        _ => {}
    }
}

fn tasks<'s>(cx: &mut Cx<'s>, document: &Document<'s>, mapping: &Mapping<'s>, defaults: &Draft) -> BTreeMap<TaskId, Task> {
    let Some(entry) = mapping.get("tasks") else {
        let misspelt = mapping.entries.iter().any(|e| !e.key.text.starts_with("x-") && !DAG_KEYS.contains(&&*e.key.text));
        if let Some(first) = mapping.entries.first().filter(|_| !misspelt) {
            cx.sink.error_with_help(first.key.span, "the DAG has no `tasks`", "add `tasks:` and, indented below it, a key per task");
        }
        return BTreeMap::new();
    };
    let Value::Mapping(tasks) = &entry.value.value else {
        let help = "write a key per task: `extract: {bash: ./extract.sh}`";
        cx.wrong_type_with_help(&entry.value, "tasks", "a mapping from task id to task", Some(help.to_owned()));
        return BTreeMap::new();
    };
    if tasks.entries.is_empty() {
        cx.sink.error_with_help(entry.key.span, "the DAG has no tasks", "add one: `hello: {bash: echo hello}`");
    }
    if !fits(document, mapping, tasks) {
        let message = format!("`default_args` times {} tasks is too much", tasks.entries.len());
        cx.sink.error_with_help(entry.key.span, message, "say less in `default_args`, or split the DAG");
        return BTreeMap::new();
    }
    let mut decoded = BTreeMap::new();
    for entry in &tasks.entries {
        if cx.sink.is_full() {
            break;
        }
        if let Some(task) = task::task(cx, entry, defaults) {
            decoded.insert(task.task_id.clone(), task);
        }
    }
    decoded
}

/// Each task gets a copy of `default_args`, which must not make a small file large.
fn fits(document: &Document<'_>, mapping: &Mapping<'_>, tasks: &Mapping<'_>) -> bool {
    let Some(defaults) = mapping.get("default_args") else { return true };
    let (nodes, text) = measure(&defaults.value);
    let times = tasks.entries.len();
    document.size.nodes.saturating_add(nodes.saturating_mul(times)) <= MAX_NODES
        && document.size.text.saturating_add(text.saturating_mul(times)) <= MAX_TEXT
}

fn measure(node: &Node<'_>) -> (usize, usize) {
    let add = |a: (usize, usize), b: (usize, usize)| (a.0 + b.0, a.1 + b.1);
    match &node.value {
        Value::Scalar(scalar) => (1, scalar.text.len()),
        Value::Sequence(items) => items.iter().map(measure).fold((1, 0), add),
        Value::Mapping(mapping) => mapping.entries.iter().map(|e| add((1, e.key.text.len()), measure(&e.value))).fold((1, 0), add),
    }
}
