//! A task's keys.

use serde_json::{Value, json};
use updraft_model::TriggerRule;

use super::{count, flag, object, of, one_or_many, operator, optional, with_default};
use crate::decode::OPERATOR_KEYS;

pub(super) fn task() -> Value {
    let mut task = object(fields());
    task["description"] = json!("One task: an operator (bash, cmd, python, ...) and how it runs.");
    let operators: Vec<Value> = OPERATOR_KEYS.iter().map(|key| json!({"required": [key]})).collect();
    // At most one; `default_args` may have given it.
    task["not"] = json!({"anyOf": pairs(&operators)});
    task
}

pub(super) fn default_args() -> Value {
    let mut defaults = object(fields());
    defaults["type"] = json!(["object", "null"]);
    defaults["description"] = json!("What every task has that does not say otherwise.");
    defaults
}

fn pairs(operators: &[Value]) -> Vec<Value> {
    let both = |(at, first): (usize, &Value)| -> Vec<Value> {
        operators.iter().skip(at + 1).map(|second| json!({"allOf": [first, second]})).collect()
    };
    operators.iter().enumerate().flat_map(both).collect()
}

fn fields() -> Value {
    let mut fields = operator::operators();
    if let (Value::Object(all), Value::Object(work), Value::Object(process)) = (&mut fields, work(), process()) {
        all.extend(work);
        all.extend(process);
    }
    fields
}

fn work() -> Value {
    let rules: Vec<&str> = TriggerRule::ALL.iter().map(|rule| rule.as_str()).collect();
    json!({
        "upstream": one_or_many(&json!({"$ref": "#/definitions/id"}), "The tasks this one waits for."),
        "trigger_rule": {
            "description": "What the upstream tasks must have come to.",
            "enum": rules, "default": "all_success",
        },
        "when": of("optional_text", "A template such as \"{{ params.full }}\"; where it is false, the task is skipped."),
        "retries": count("How often a failed task is tried again.", 0, 0),
        "retry_delay": with_default(of("duration", "The wait before a retry."), json!("5m")),
        "retry_exponential_backoff": {
            "description": "Whether each wait is longer than the last: true doubles it, a number is the factor.",
            "anyOf": [{"type": "boolean"}, {"type": "number", "minimum": 0}], "default": false,
        },
        "max_retry_delay": of("duration", "The longest wait under backoff; a day by default."),
        "execution_timeout": of("duration", "How long one attempt may run."),
        "termination_grace": with_default(of("duration", "The time between SIGTERM and SIGKILL."), json!("5s")),
        "depends_on_past": flag("Wait for this task in the previous run.", false),
        "wait_for_downstream": flag("Wait for the direct downstreams of this task in the previous run too.", false),
        "ignore_first_depends_on_past": flag("depends_on_past holds where the task never ran before.", false),
        "pool": with_default(of("text", "The pool it takes slots from."), json!("default_pool")),
        "pool_slots": count("How many slots of the pool it takes.", 1, 1),
        "priority_weight": {"description": "Among tasks that could start, those with more weight go first.", "type": "integer", "default": 1},
        "weight_rule": {
            "description": "Whose weights are added: those of all tasks downstream, all upstream, or none.",
            "enum": ["downstream", "upstream", "absolute"], "default": "downstream",
        },
        "max_active_tis_per_dag": optional("integer", "At most so many of this task at once, over all runs."),
        "max_active_tis_per_dagrun": optional("integer", "At most so many of this task at once, in one run."),
        "start_date": of("date", "Not in runs before this logical date."),
        "end_date": of("date", "Not in runs after this logical date."),
        "is_setup": flag("A setup task: it prepares what others use.", false),
        "is_teardown": flag("A teardown task: it cleans up, whatever became of the others.", false),
        "on_failure_fail_dagrun": flag("A failure of this teardown fails the run.", false),
        "task_group": one_or_many(&json!({"$ref": "#/definitions/id"}), "The group it is in, or the groups, outermost first."),
    })
}

fn process() -> Value {
    let code = json!({"type": "integer", "minimum": 1, "maximum": 255});
    json!({
        "executor": of("optional_text", "The executor that runs it; the DAG's by default."),
        "image": of("optional_text", "The container image it runs in."),
        "resources": {
            "description": "What its container asks for.",
            "type": ["object", "null"],
            "properties": {
                "cpu": of("text", "CPUs: 2, 0.5 or 500m."),
                "memory": of("text", "Memory: 512Mi, 2Gi."),
                "gpu": of("text", "GPUs."),
                "ephemeral_storage": of("text", "Disk space: 10Gi."),
            },
            "additionalProperties": {"$ref": "#/definitions/text"},
        },
        "env": of("texts_by_name", "Environment variables; values are templates. Replaces the env of default_args."),
        "cwd": of("optional_text", "The working directory, relative to the folder of the DAG file. A template."),
        "run_as_user": of("optional_text", "The system user it runs as."),
        "do_xcom_push": flag("Whether the last line of its output is its return_value.", true),
        "skip_on_exit_code": with_default(
            one_or_many(&code, "Exit codes that mean skipped; null or [] for none. 99 by default, none in a container."),
            json!(99),
        ),
        "relaunch": flag("May be started again after its machine was lost, even without retries.", false),
        "max_relaunches": count("How often it may be started again for that reason, in one try.", 0, 3),
        "owner": with_default(of("text", "Who to ask about it."), json!("airflow")),
        "doc_md": of("optional_text", "Markdown for the page."),
    })
}
