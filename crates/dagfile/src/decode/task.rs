//! One task, and `default_args`: the same fields, decoded once and then each task's starting point.

use std::collections::{BTreeMap, BTreeSet};

use updraft_model::{Operator, Task, TaskId, TriggerRule, WeightRule};

use super::{
    Cx, TaskOutline, TemplateKind, date, duration, entries, executor, http, is_plain,
    operator::{operator, runs_a_process},
    scalar, set, set_optional,
};
use crate::yaml::{Entry, Mapping, Node, Span, Value};

/// What a task can do: exactly one of these.
pub(crate) const OPERATOR_KEYS: &[&str] =
    &["bash", "cmd", "python", "empty", "branch", "short_circuit", "http", "trigger_dag_run", "sensor"];

/// Everything else a task can say, in the order of the documentation.
pub(crate) const TASK_KEYS: &[&str] = &[
    "upstream",
    "trigger_rule",
    "when",
    "retries",
    "retry_delay",
    "retry_exponential_backoff",
    "max_retry_delay",
    "execution_timeout",
    "termination_grace",
    "depends_on_past",
    "wait_for_downstream",
    "ignore_first_depends_on_past",
    "pool",
    "pool_slots",
    "priority_weight",
    "weight_rule",
    "max_active_tis_per_dag",
    "max_active_tis_per_dagrun",
    "start_date",
    "end_date",
    "executor",
    "image",
    "resources",
    "env",
    "cwd",
    "run_as_user",
    "do_xcom_push",
    "skip_on_exit_code",
    "relaunch",
    "max_relaunches",
    "owner",
    "doc_md",
    "is_setup",
    "is_teardown",
    "on_failure_fail_dagrun",
    "task_group",
];

/// A task that is not complete yet.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) task: Task,
    /// Whether an operator was named, in which case `task.operator` is it unless `broken`.
    named_operator: Option<&'static str>,
    broken: bool,
    skip_on_exit_code: Option<BTreeSet<i32>>,
    trigger_rule: Option<Span>,
    image: Option<Span>,
    upstream: Vec<(TaskId, Span)>,
}

impl Draft {
    fn new(task_id: TaskId) -> Self {
        Self {
            task: Task::new(task_id, Operator::Empty),
            named_operator: None,
            broken: false,
            skip_on_exit_code: None,
            trigger_rule: None,
            image: None,
            upstream: Vec::new(),
        }
    }
}

/// What `default_args` gives each task.
pub(super) fn default_args<'s>(cx: &mut Cx<'s>, node: Option<&Node<'s>>) -> Option<Draft> {
    let mut draft = Draft::new(TaskId::new("default_args").ok()?);
    if let Some(node) = node.filter(|node| !node.is_null())
        && let Some(mapping) = cx.mapping(node, "default_args")
    {
        fields(cx, mapping, &mut draft, "`default_args`");
        // An image for all is fine beside tasks that start no process.
        draft.image = None;
    }
    Some(draft)
}

/// One entry of `tasks`. Nothing if it has errors, which are said then.
pub(super) fn task<'s>(cx: &mut Cx<'s>, entry: &Entry<'s>, defaults: &Draft) -> Option<Task> {
    let id = match TaskId::new(&entry.key.text) {
        Ok(id) => id,
        Err(error) => {
            cx.sink.error(entry.key.span, error.to_string());
            return None;
        }
    };
    let errors = cx.sink.errors();
    let mut draft = Draft { task: Task { task_id: id.clone(), ..defaults.task.clone() }, ..defaults.clone() };
    if let Some(mapping) = body(cx, entry) {
        let place = format!("task `{id}`");
        draft.broken = false;
        let inherited = draft.named_operator.take();
        fields(cx, mapping, &mut draft, &place);
        if draft.named_operator.or(inherited).is_none() && !mapping.entries.iter().any(|e| is_misspelt_operator(e)) {
            let help = format!("add one of {}", OPERATOR_KEYS.join(", "));
            cx.sink.error_with_help(entry.key.span, format!("{place} does nothing"), help);
        }
    }
    finish(cx, entry.key.span, &mut draft);
    let outline = TaskOutline { id: entry.key.span, trigger_rule: draft.trigger_rule, upstream: draft.upstream };
    cx.outline.tasks.insert(id, outline);
    (cx.sink.errors() == errors && !draft.broken).then_some(draft.task)
}

/// An unknown key that is said already explains why there is no operator.
fn is_misspelt_operator(entry: &Entry<'_>) -> bool {
    let key = &*entry.key.text;
    !key.starts_with("x-") && !TASK_KEYS.contains(&key)
}

fn body<'n, 's>(cx: &mut Cx<'s>, entry: &'n Entry<'s>) -> Option<&'n Mapping<'s>> {
    let what = &entry.key.text;
    match &entry.value.value {
        Value::Mapping(mapping) => return Some(mapping),
        Value::Scalar(scalar) if scalar.is_null() => {
            let help = format!("add one of {}, indented below it", OPERATOR_KEYS.join(", "));
            cx.sink.error_with_help(entry.key.span, format!("task `{what}` does nothing"), help);
        }
        Value::Scalar(_) => {
            cx.wrong_type_with_help(&entry.value, what, "a mapping", Some("write `bash:` in front of a command".to_owned()));
        }
        Value::Sequence(_) => cx.wrong_type(&entry.value, what, "a mapping"),
    }
    None
}

fn fields<'s>(cx: &mut Cx<'s>, mapping: &Mapping<'s>, draft: &mut Draft, place: &str) {
    for entry in entries(mapping) {
        let key = &*entry.key.text;
        if let Some(key) = OPERATOR_KEYS.iter().find(|known| **known == key) {
            operator_field(cx, draft, key, entry);
        } else if !(work_field(cx, draft, key, &entry.value) || process_field(cx, draft, key, &entry.value)) {
            let known: Vec<&str> = OPERATOR_KEYS.iter().chain(TASK_KEYS).copied().collect();
            cx.unknown_key(mapping, entry, &known, place);
        }
    }
}

fn operator_field<'s>(cx: &mut Cx<'s>, draft: &mut Draft, key: &'static str, entry: &Entry<'s>) {
    if let Some(first) = draft.named_operator.replace(key) {
        let message = format!("a task does one thing, and this one has both `{first}` and `{key}`");
        cx.sink.error_with_help(entry.key.span, message, "write two tasks, one `upstream` of the other");
    }
    match operator(cx, key, &entry.value) {
        Some(operator) => draft.task.operator = operator,
        None => draft.broken = true,
    }
}

/// When and how often a task runs. False if the key is none of these.
fn work_field<'s>(cx: &mut Cx<'s>, draft: &mut Draft, key: &str, node: &Node<'s>) -> bool {
    let task = &mut draft.task;
    match key {
        "upstream" => {
            draft.upstream = scalar::list(cx, node, |cx, item| Some((scalar::id::<TaskId>(cx, item, "task_id")?, item.span)));
            task.upstream = draft.upstream.iter().map(|(id, _)| id.clone()).collect();
        }
        "trigger_rule" => {
            let rules: Vec<_> = TriggerRule::ALL.iter().map(|rule| (rule.as_str(), *rule)).collect();
            draft.trigger_rule = Some(node.span);
            set(&mut task.trigger_rule, scalar::word(cx, node, "trigger rule", &rules));
        }
        "when" => set_optional(&mut task.when, node, || expression(cx, node, "when")),
        "retries" => set(&mut task.retry.retries, scalar::count(cx, node, key, 0)),
        "retry_delay" => set(&mut task.retry.delay, duration::duration(cx, node, key)),
        "retry_exponential_backoff" => set(&mut task.retry.exponential_backoff, backoff(cx, node)),
        "max_retry_delay" => set_optional(&mut task.retry.max_delay, node, || duration::positive(cx, node, key)),
        "execution_timeout" => set_optional(&mut task.execution_timeout, node, || duration::positive(cx, node, key)),
        "termination_grace" => set(&mut task.termination_grace, duration::duration(cx, node, key)),
        "depends_on_past" => set(&mut task.depends_on_past, scalar::flag(cx, node, key)),
        "wait_for_downstream" => set(&mut task.wait_for_downstream, scalar::flag(cx, node, key)),
        "ignore_first_depends_on_past" => set(&mut task.ignore_first_depends_on_past, scalar::flag(cx, node, key)),
        "pool" => set(&mut task.pool, scalar::id(cx, node, key)),
        "pool_slots" => set(&mut task.pool_slots, scalar::count(cx, node, key, 1)),
        "priority_weight" => {
            // Weights of descendants are summed; the bound keeps any sum within 64 bits.
            let range = i64::from(i32::MIN)..=i64::from(i32::MAX);
            set(&mut task.priority_weight, scalar::whole(cx, node, key, range));
        }
        "weight_rule" => {
            const RULES: &[(&str, WeightRule)] =
                &[("downstream", WeightRule::Downstream), ("upstream", WeightRule::Upstream), ("absolute", WeightRule::Absolute)];
            set(&mut task.weight_rule, scalar::word(cx, node, "weight rule", RULES));
        }
        "max_active_tis_per_dag" => set_optional(&mut task.max_active_tis_per_dag, node, || scalar::count(cx, node, key, 1)),
        "max_active_tis_per_dagrun" => set_optional(&mut task.max_active_tis_per_dagrun, node, || scalar::count(cx, node, key, 1)),
        "start_date" => set_optional(&mut task.start_date, node, || date::date(cx, node, key)),
        "end_date" => set_optional(&mut task.end_date, node, || date::date(cx, node, key)),
        "is_setup" => set(&mut task.is_setup, scalar::flag(cx, node, key)),
        "is_teardown" => set(&mut task.is_teardown, scalar::flag(cx, node, key)),
        "on_failure_fail_dagrun" => set(&mut task.on_failure_fail_dagrun, scalar::flag(cx, node, key)),
        _ => return false,
    }
    true
}

/// Where and as what its process runs, and what is told about it. False if the key is none of these.
fn process_field<'s>(cx: &mut Cx<'s>, draft: &mut Draft, key: &str, node: &Node<'s>) -> bool {
    let task = &mut draft.task;
    match key {
        "executor" => set_optional(&mut task.executor, node, || executor(cx, node, key)),
        "image" => {
            draft.image = Some(node.span).filter(|_| !node.is_null());
            set_optional(&mut task.image, node, || scalar::text(cx, node, key));
        }
        "resources" => set(&mut task.resources.by_name, resources(cx, node)),
        "env" => set(&mut task.env, env(cx, node)),
        "cwd" => set_optional(&mut task.cwd, node, || scalar::template(cx, node, key, TemplateKind::Text)),
        "run_as_user" => set_optional(&mut task.run_as_user, node, || scalar::text(cx, node, key)),
        "do_xcom_push" => set(&mut task.do_xcom_push, scalar::flag(cx, node, key)),
        "skip_on_exit_code" => {
            let codes = scalar::list(cx, node, |cx, item| scalar::whole(cx, item, "skip_on_exit_code", 1..=255));
            draft.skip_on_exit_code = Some(codes.into_iter().collect());
        }
        "relaunch" => set(&mut task.relaunch, scalar::flag(cx, node, key)),
        "max_relaunches" => set(&mut task.max_relaunches, scalar::count(cx, node, key, 0)),
        "owner" => set(&mut task.owner, scalar::text(cx, node, key)),
        "doc_md" => set_optional(&mut task.doc_md, node, || scalar::text(cx, node, key)),
        "task_group" => task.group = scalar::list(cx, node, |cx, item| scalar::id::<TaskId>(cx, item, "task_group").map(String::from)),
        _ => return false,
    }
    true
}

/// What follows from several fields together.
fn finish(cx: &mut Cx<'_>, id: Span, draft: &mut Draft) {
    let task = &mut draft.task;
    // Airflow's BashOperator; in a container any code may mean anything.
    let default = || if task.image.is_none() { BTreeSet::from([99]) } else { BTreeSet::new() };
    task.skip_on_exit_code = draft.skip_on_exit_code.take().unwrap_or_else(default);
    // Airflow's BaseOperator does the same.
    task.depends_on_past |= task.wait_for_downstream;
    if task.is_teardown && draft.trigger_rule.is_none() {
        task.trigger_rule = TriggerRule::AllDoneSetupSuccess;
    }
    if task.is_setup && task.is_teardown {
        cx.sink.error(id, format!("task `{}` is both setup and teardown", task.task_id));
    }
    if let Some((start, end)) = task.start_date.zip(task.end_date).filter(|(start, end)| start > end) {
        cx.sink.error(id, format!("task `{}` ends ({end}) before it starts ({start})", task.task_id));
    }
    if let Some(image) = draft.image.filter(|_| !draft.broken && !runs_a_process(&task.operator)) {
        cx.sink.error(image, format!("task `{}` starts no process, so it needs no `image`", task.task_id));
    }
}

/// One expression, in `{{ }}` or bare.
pub(super) fn expression<'s>(cx: &mut Cx<'s>, node: &Node<'s>, what: &str) -> Option<String> {
    scalar::template(cx, node, what, TemplateKind::Expression)
}

/// Airflow: false for none, true for 2.0, or the base itself.
fn backoff(cx: &mut Cx<'_>, node: &Node<'_>) -> Option<f64> {
    let found = node.as_scalar().filter(|s| is_plain(s));
    if let Some(flag) = found.and_then(|s| s.as_bool()) {
        return Some(if flag { 2.0 } else { 0.0 });
    }
    let number = found.and_then(|s| s.text.parse::<f64>().ok()).filter(|base| base.is_finite() && *base >= 0.0);
    if number.is_none() {
        cx.wrong_type(node, "retry_exponential_backoff", "true, false or a number from 0");
    }
    number
}

fn env<'s>(cx: &mut Cx<'s>, node: &Node<'s>) -> Option<BTreeMap<String, String>> {
    let env = http::text_map(cx, node, "env")?;
    let wrong = |name: &str| name.is_empty() || name.contains(['=', '\0']) || name.contains(char::is_whitespace);
    for entry in node.as_mapping().into_iter().flat_map(|mapping| &mapping.entries).filter(|e| wrong(&e.key.text)) {
        cx.sink.error(entry.key.span, format!("\"{}\" cannot be the name of an environment variable", entry.key.text.escape_debug()));
    }
    Some(env)
}

/// Kubernetes quantities, as the file spells them.
fn resources(cx: &mut Cx<'_>, node: &Node<'_>) -> Option<BTreeMap<String, String>> {
    if node.is_null() {
        return Some(BTreeMap::new());
    }
    let mapping = node.as_mapping();
    if mapping.is_none() {
        cx.wrong_type_with_help(node, "resources", "a mapping", Some("write {cpu: 1, memory: 2Gi}".to_owned()));
    }
    let mut resources = BTreeMap::new();
    for entry in entries(mapping?) {
        let Some(text) = scalar::text(cx, &entry.value, &entry.key.text) else { continue };
        if !is_quantity(&text) {
            let message = format!("`{}`: \"{}\" is not a quantity", entry.key.text.escape_debug(), text.escape_debug());
            cx.sink.error_with_help(entry.value.span, message, "write a number, perhaps with a unit: 2, 0.5, 500m, 512Mi, 2Gi");
        }
        resources.insert(entry.key.text.clone().into_owned(), text);
    }
    Some(resources)
}

fn is_quantity(text: &str) -> bool {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let units = ["", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    number.parse::<f64>().is_ok() && units.contains(&unit)
}
