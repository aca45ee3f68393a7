//! What a task does.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use updraft_model::{Chooser, Operator, TriggerDagRun};

use super::{
    Cx, TemplateKind, entries, http,
    json::{Texts, json},
    python::python,
    scalar, sensor, set,
    suggest::means,
};
use crate::yaml::{Mapping, Node, Scalar, Value};

pub(crate) const CHOOSER_KEYS: &[&str] = &["bash", "python", "expression"];
pub(crate) const SHORT_CIRCUIT_KEYS: &[&str] = &["bash", "python", "expression", "ignore_downstream_trigger_rules"];
pub(crate) const TRIGGER_KEYS: &[&str] =
    &["dag_id", "run_id", "logical_date", "conf", "wait_for_completion", "reset_dag_run", "skip_when_already_exists"];

/// The operator that `key` names; `key` is one of [`super::OPERATOR_KEYS`].
pub(super) fn operator<'s>(cx: &mut Cx<'s>, key: &str, node: &Node<'s>) -> Option<Operator> {
    match key {
        "bash" => scalar::template(cx, node, "bash", TemplateKind::Bash).map(|command| Operator::Bash { command }),
        "cmd" => cmd(cx, node),
        "python" => python(cx, node).map(Operator::Python),
        "empty" => empty(cx, node),
        "branch" => chooser(cx, node, "branch", CHOOSER_KEYS).map(|by| Operator::Branch { by }),
        "short_circuit" => short_circuit(cx, node),
        "http" => http::http(cx, node).map(Operator::Http),
        "trigger_dag_run" => trigger_dag_run(cx, node).map(Operator::TriggerDagRun),
        _ => sensor::sensor(cx, node).map(Operator::Sensor),
    }
}

/// Whether an operator starts a process, which is where an image makes sense.
pub fn runs_a_process(operator: &Operator) -> bool {
    match operator {
        Operator::Bash { .. } | Operator::Cmd { .. } | Operator::Python(_) => true,
        Operator::Branch { by } | Operator::ShortCircuit { by, .. } => !matches!(by, Chooser::Expression(_)),
        Operator::Empty | Operator::Http(_) | Operator::TriggerDagRun(_) | Operator::Sensor(_) => false,
    }
}

fn empty(cx: &mut Cx<'_>, node: &Node<'_>) -> Option<Operator> {
    let is_empty = match &node.value {
        Value::Scalar(scalar) => scalar.is_null() || scalar.as_bool() == Some(true),
        Value::Mapping(mapping) => mapping.entries.is_empty(),
        Value::Sequence(_) => false,
    };
    if !is_empty {
        cx.wrong_type_with_help(node, "empty", "nothing", Some("write `empty: {}`".to_owned()));
    }
    is_empty.then_some(Operator::Empty)
}

fn cmd<'s>(cx: &mut Cx<'s>, node: &Node<'s>) -> Option<Operator> {
    let Value::Sequence(items) = &node.value else {
        let words = node.as_scalar().filter(|s| !s.is_null()).map(|s| s.text.split_whitespace().collect::<Vec<_>>().join(", "));
        let help = words.map(|words| format!("write [{words}], or `bash` for a line of shell"));
        cx.wrong_type_with_help(node, "cmd", "a list of a program and its arguments", help);
        return None;
    };
    let argv: Vec<String> = items
        .iter()
        .filter_map(|item| {
            cx.template(TemplateKind::Text, item);
            scalar::text(cx, item, "cmd")
        })
        .collect();
    if argv.first().is_none_or(|program| program.trim().is_empty()) {
        cx.sink.error(node.span, "`cmd` names no program");
        return None;
    }
    (argv.len() == items.len()).then_some(Operator::Cmd { argv })
}

/// An expression, or a mapping with `bash`, `python` or `expression`.
fn chooser<'s>(cx: &mut Cx<'s>, node: &Node<'s>, what: &str, known: &[&str]) -> Option<Chooser> {
    let Value::Mapping(mapping) = &node.value else {
        return expression(cx, node, what);
    };
    let (mut found, mut named) = (None, None);
    for entry in entries(mapping) {
        let key = &*entry.key.text;
        let value = &entry.value;
        let by = match key {
            "bash" => scalar::template(cx, value, "bash", TemplateKind::Bash).map(Chooser::Bash),
            "python" => python(cx, value).map(Chooser::Python),
            "expression" => expression(cx, value, "expression"),
            _ if known.contains(&key) => continue,
            _ => {
                cx.unknown_key(mapping, entry, known, &format!("`{what}`"));
                named.get_or_insert_default();
                continue;
            }
        };
        if let Some(first) = named.replace(key.to_owned()) {
            cx.sink.error(entry.key.span, format!("`{what}` has both `{first}` and `{key}`"));
        }
        found = found.or(by);
    }
    if named.is_none() {
        cx.sink.error(node.span, format!("`{what}` needs one of `bash`, `python` and `expression`"));
    }
    found
}

fn expression<'s>(cx: &mut Cx<'s>, node: &Node<'s>, what: &str) -> Option<Chooser> {
    super::task::expression(cx, node, what).map(Chooser::Expression)
}

fn short_circuit<'s>(cx: &mut Cx<'s>, node: &Node<'s>) -> Option<Operator> {
    let mut ignore_downstream_trigger_rules = true;
    if let Some(entry) = node.as_mapping().and_then(|mapping| mapping.get("ignore_downstream_trigger_rules")) {
        set(&mut ignore_downstream_trigger_rules, scalar::flag(cx, &entry.value, "ignore_downstream_trigger_rules"));
    }
    let by = chooser(cx, node, "short_circuit", SHORT_CIRCUIT_KEYS)?;
    Some(Operator::ShortCircuit { by, ignore_downstream_trigger_rules })
}

/// A DAG's id, or a mapping with everything.
fn trigger_dag_run<'s>(cx: &mut Cx<'s>, node: &Node<'s>) -> Option<TriggerDagRun> {
    let mut trigger = TriggerDagRun {
        dag_id: String::new(),
        run_id: None,
        logical_date: None,
        conf: BTreeMap::new(),
        wait_for_completion: false,
        reset_dag_run: false,
        skip_when_already_exists: false,
    };
    let Value::Mapping(mapping) = &node.value else {
        trigger.dag_id = dag_id(cx, node)?;
        return Some(trigger);
    };
    // A key that is misspelt is told as such.
    if !mapping.entries.iter().any(|entry| entry.key.text == "trigger_dag_id" || means(&entry.key.text, "dag_id")) {
        cx.sink.error(node.span, "`trigger_dag_run` needs a `dag_id`");
    }
    for entry in entries(mapping) {
        trigger_field(cx, mapping, entry, &mut trigger);
    }
    if trigger.reset_dag_run && trigger.skip_when_already_exists {
        cx.sink.error(
            node.span,
            "`reset_dag_run` and `skip_when_already_exists` contradict each other: a run that exists is either run again or left alone",
        );
    }
    Some(trigger)
}

fn trigger_field<'s>(cx: &mut Cx<'s>, mapping: &Mapping<'s>, entry: &crate::yaml::Entry<'s>, trigger: &mut TriggerDagRun) {
    let value = &entry.value;
    let optional = |cx: &mut Cx<'s>, what| if value.is_null() { None } else { scalar::template(cx, value, what, TemplateKind::Text) };
    match &*entry.key.text {
        // The longer names are those of Airflow's `TriggerDagRunOperator`.
        "dag_id" | "trigger_dag_id" => set(&mut trigger.dag_id, dag_id(cx, value)),
        "run_id" | "trigger_run_id" => trigger.run_id = optional(cx, "run_id"),
        "logical_date" => trigger.logical_date = optional(cx, "logical_date"),
        "conf" => set(&mut trigger.conf, conf(cx, value)),
        "wait_for_completion" => set(&mut trigger.wait_for_completion, scalar::flag(cx, value, "wait_for_completion")),
        "reset_dag_run" => set(&mut trigger.reset_dag_run, scalar::flag(cx, value, "reset_dag_run")),
        "skip_when_already_exists" => set(&mut trigger.skip_when_already_exists, scalar::flag(cx, value, "skip_when_already_exists")),
        _ => cx.unknown_key(mapping, entry, TRIGGER_KEYS, "`trigger_dag_run`"),
    }
}

fn conf<'s>(cx: &mut Cx<'s>, node: &Node<'s>) -> Option<BTreeMap<String, Json>> {
    if node.is_null() {
        return Some(BTreeMap::new());
    }
    let mapping = cx.mapping(node, "conf")?;
    Some(mapping.entries.iter().map(|e| (e.key.text.clone().into_owned(), json(cx, &e.value, Texts::Templated))).collect())
}

/// An id, or a template that gives one.
fn dag_id<'s>(cx: &mut Cx<'s>, node: &Node<'s>) -> Option<String> {
    let text = scalar::template(cx, node, "dag_id", TemplateKind::Text)?;
    if node.as_scalar().is_some_and(|Scalar { text, .. }| text.contains("{{")) {
        return Some(text);
    }
    scalar::id::<updraft_model::DagId>(cx, node, "dag_id").map(String::from)
}
