//! What a task does.

use serde_json::{Value, json};

use super::{flag, object, of, one_or_many, with_default};
use crate::decode::METHODS;

pub(super) fn operators() -> Value {
    json!({
        "bash": of("text", "A script for bash. Each {{ expression }} is data, never code."),
        "cmd": {
            "description": "A program and its arguments; no shell. Each is a template.",
            "type": "array", "minItems": 1, "items": {"$ref": "#/definitions/text"},
            "examples": [["python", "-m", "clean", "{{ ds }}"]],
        },
        "python": {"$ref": "#/definitions/python"},
        "empty": {"description": "Nothing; a place to wait for several tasks.", "anyOf": [{"type": "null"}, {"const": true}, {"type": "object", "maxProperties": 0}]},
        "branch": {
            "description": "Names the tasks to follow: an expression, or a bash script's last line, or a Python function's result.",
            "anyOf": [{"$ref": "#/definitions/text"}, one_of(chooser())],
        },
        "short_circuit": {
            "description": "Skips everything downstream if its value is false, or its script fails.",
            "anyOf": [{"$ref": "#/definitions/text"}, one_of(short_circuit())],
        },
        "http": {"$ref": "#/definitions/http"},
        "trigger_dag_run": trigger_dag_run(),
        "sensor": sensor(),
    })
}

/// Parts that several operators have.
pub(super) fn shared() -> [(&'static str, Value); 2] {
    let methods: Vec<String> = METHODS.iter().flat_map(|(name, _)| [(*name).to_owned(), name.to_lowercase()]).collect();
    let mut http = object(json!({
        "url": of("text", "Where to; a template."),
        "method": {"enum": methods, "default": "GET"},
        "headers": of("texts_by_name", "Header names and values; values are templates."),
        "body": {"description": "A text, sent as it is, or anything else, sent as JSON. Texts inside are templates."},
        "expected_status": one_or_many(&json!({"type": "integer", "minimum": 100, "maximum": 599}), "Statuses that are a success; any below 400 by default."),
        "timeout": with_default(of("duration", "How long to wait for the answer."), json!("30s")),
    }));
    http["required"] = json!(["url"]);
    let python = object(json!({
        "call": {"description": "module:function", "type": "string", "pattern": r"^[^:\s]+:[^:\s]+$"},
        "file": of("text", "A Python file, relative to the folder of the DAG file."),
        "code": of("text", "Python code; not a template."),
        "args": {"description": "Keyword arguments; texts inside are templates.", "type": ["object", "null"]},
        "interpreter": of("text", "The interpreter; the configuration's by default."),
    }));
    [
        (
            "http",
            json!({"description": "One HTTP request: its URL, or everything about it.", "anyOf": [{"$ref": "#/definitions/text"}, http]}),
        ),
        (
            "python",
            json!({
                "description": "Python: `module:function`, `file.py`, code, or a mapping that says which and gives arguments.",
                "anyOf": [{"$ref": "#/definitions/text"}, python],
                "examples": ["checks.audit:main"],
            }),
        ),
    ]
}

fn chooser() -> Value {
    json!({
        "bash": of("text", "A script. For a branch, its last line has the ids; for a short circuit, its exit code decides."),
        "python": {"$ref": "#/definitions/python"},
        "expression": of("text", "An expression, such as \"{{ params.full }}\"."),
    })
}

fn short_circuit() -> Value {
    let mut properties = chooser();
    properties["ignore_downstream_trigger_rules"] =
        flag("true: everything downstream is skipped. false: the next tasks are, and trigger rules decide about the rest.", true);
    properties
}

fn one_of(properties: Value) -> Value {
    let mut schema = object(properties);
    schema["oneOf"] = json!([{"required": ["bash"]}, {"required": ["python"]}, {"required": ["expression"]}]);
    schema
}

fn trigger_dag_run() -> Value {
    let mut detailed = object(json!({
        "dag_id": of("text", "The other DAG; a template."),
        "trigger_dag_id": of("text", "The same as dag_id, as Airflow spells it."),
        "run_id": of("optional_text", "The run's id; made from the time by default. A template."),
        "trigger_run_id": of("optional_text", "The same as run_id, as Airflow spells it."),
        "logical_date": of("optional_text", "The run's logical date; now by default. A template."),
        "conf": {"description": "The run's conf; texts inside are templates.", "type": ["object", "null"]},
        "wait_for_completion": flag("Wait until the run has ended; fail unless it succeeds.", false),
        "reset_dag_run": flag("A run of that id that exists already is run again.", false),
        "skip_when_already_exists": flag("A run of that id that exists already skips this task.", false),
    }));
    detailed["anyOf"] = json!([{"required": ["dag_id"]}, {"required": ["trigger_dag_id"]}]);
    json!({"description": "Triggers another DAG: its id, or everything about it.", "anyOf": [{"$ref": "#/definitions/text"}, detailed]})
}

fn sensor() -> Value {
    let mut external_task = object(json!({
        "dag_id": of("id", "The other DAG."),
        "external_dag_id": of("id", "The same as dag_id, as Airflow spells it."),
        "task_id": of("optional_text", "The task in it; the whole run by default."),
        "external_task_id": of("optional_text", "The same as task_id, as Airflow spells it."),
        "execution_delta": of("duration", "The other run's logical date is so much earlier than this one's."),
    }));
    external_task["description"] = json!("A task, or a whole run, of another DAG has succeeded.");
    external_task["anyOf"] = json!([{"required": ["dag_id"]}, {"required": ["external_dag_id"]}]);
    let by = |key: &str, description: &str| {
        let mut detailed = object(json!({key: {"$ref": "#/definitions/text"}}));
        detailed["required"] = json!([key]);
        json!({"description": description, "anyOf": [{"$ref": "#/definitions/text"}, detailed]})
    };
    let mut sensor = object(json!({
        "file": by("path", "A file, or one that a pattern such as in/*.csv matches, exists. A template."),
        "time": by("target", "A point in time has come. A template."),
        "http": {"$ref": "#/definitions/http"},
        "external_task": external_task,
        "poke_interval": with_default(of("duration", "The time between two looks."), json!("60s")),
        "timeout": with_default(of("duration", "How long to wait in all."), json!("7d")),
        "soft_fail": flag("At the timeout: skipped instead of failed.", false),
    }));
    sensor["description"] = json!("Waits for a condition.");
    sensor["oneOf"] = json!([{"required": ["file"]}, {"required": ["time"]}, {"required": ["http"]}, {"required": ["external_task"]}]);
    sensor
}
