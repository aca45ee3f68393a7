//! `sensor:`: exactly one condition, and how it is poked.

use jiff::SignedDuration;
use updraft_model::{Condition, ExternalTask, Sensor};

use super::{Cx, TemplateKind, date, duration, entries, http, scalar, set};
use crate::yaml::{Node, Value};

pub(crate) const SENSOR_KEYS: &[&str] = &["file", "time", "http", "external_task", "poke_interval", "timeout", "soft_fail"];
pub(crate) const EXTERNAL_TASK_KEYS: &[&str] = &["dag_id", "task_id", "execution_delta"];

/// Airflow's `BaseSensorOperator`: a poke each minute, for seven days.
const POKE_INTERVAL: SignedDuration = SignedDuration::from_secs(60);
const TIMEOUT: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(super) fn sensor<'s>(cx: &mut Cx<'s>, node: &Node<'s>) -> Option<Sensor> {
    let mapping = cx.mapping(node, "sensor")?;
    let (mut poke_interval, mut timeout, mut soft_fail) = (POKE_INTERVAL, TIMEOUT, false);
    let (mut condition, mut named) = (None, None);
    for entry in entries(mapping) {
        let value = &entry.value;
        match &*entry.key.text {
            "poke_interval" => set(&mut poke_interval, duration::positive(cx, value, "poke_interval")),
            "timeout" => set(&mut timeout, duration::positive(cx, value, "timeout")),
            "soft_fail" => set(&mut soft_fail, scalar::flag(cx, value, "soft_fail")),
            kind @ ("file" | "time" | "http" | "external_task") => {
                if let Some(first) = named.replace(kind.to_owned()) {
                    cx.sink.error(entry.key.span, format!("`sensor` waits for both `{first}` and `{kind}`; write a task for each"));
                }
                condition = match kind {
                    "file" => file(cx, value).map(|path| Condition::File { path }),
                    "time" => time(cx, value).map(|target| Condition::Time { target }),
                    "http" => http::http(cx, value).map(Condition::Http),
                    _ => external_task(cx, value).map(Condition::ExternalTask),
                };
            }
            _ => {
                cx.unknown_key(mapping, entry, SENSOR_KEYS, "`sensor`");
                named.get_or_insert_default();
            }
        }
    }
    if named.is_none() {
        cx.sink.error(node.span, "`sensor` waits for nothing: add `file`, `time`, `http` or `external_task`");
    }
    Some(Sensor { condition: condition?, poke_interval, timeout, soft_fail })
}

/// The path itself, or `{path: ..}`.
fn file<'s>(cx: &mut Cx<'s>, node: &Node<'s>) -> Option<String> {
    let path = one_field(cx, node, "file", "path")?;
    scalar::template(cx, path, "path", TemplateKind::Text)
}

/// RFC 3339 if it is known now, else a template.
fn time<'s>(cx: &mut Cx<'s>, node: &Node<'s>) -> Option<String> {
    let target = one_field(cx, node, "time", "target")?;
    let text = scalar::template(cx, target, "time", TemplateKind::Text)?;
    if text.contains("{{") || text.contains("{%") {
        return Some(text);
    }
    let time = date::parse(&text, &cx.timezone);
    if time.is_none() {
        let help = "write it as 2026-01-31T06:00, or as a template: \"{{ data_interval_end + macros.timedelta(hours=2) }}\"";
        cx.sink.error_with_help(target.span, format!("`time`: \"{}\" is not a time", text.escape_debug()), help);
    }
    time.map(|time| time.to_string())
}

/// The value itself, or a mapping with just `key`.
fn one_field<'n, 's>(cx: &mut Cx<'s>, node: &'n Node<'s>, what: &str, key: &'static str) -> Option<&'n Node<'s>> {
    let Value::Mapping(mapping) = &node.value else { return Some(node) };
    let mut found = None;
    for entry in entries(mapping) {
        if entry.key.text == key {
            found = Some(&entry.value);
        } else {
            cx.unknown_key(mapping, entry, &[key], &format!("`{what}`"));
        }
    }
    if found.is_none() {
        cx.sink.error(node.span, format!("`{what}` needs a `{key}`"));
    }
    found
}

fn external_task<'s>(cx: &mut Cx<'s>, node: &Node<'s>) -> Option<ExternalTask> {
    let mapping = cx.mapping(node, "external_task")?;
    let (mut dag_id, mut task_id, mut execution_delta) = (None, None, SignedDuration::ZERO);
    for entry in entries(mapping) {
        let value = &entry.value;
        match &*entry.key.text {
            // The longer names are those of Airflow's `ExternalTaskSensor`.
            "dag_id" | "external_dag_id" => dag_id = scalar::id(cx, value, "dag_id"),
            "task_id" | "external_task_id" => {
                if !value.is_null() {
                    task_id = Some(scalar::id(cx, value, "task_id")?);
                }
            }
            "execution_delta" => set(&mut execution_delta, duration::signed(cx, value, "execution_delta")),
            _ => cx.unknown_key(mapping, entry, EXTERNAL_TASK_KEYS, "`external_task`"),
        }
    }
    if mapping.get("dag_id").is_none() && mapping.get("external_dag_id").is_none() {
        cx.sink.error(node.span, "`external_task` needs a `dag_id`");
    }
    Some(ExternalTask { dag_id: dag_id?, task_id, execution_delta })
}
