//! A DAG's own keys.

use serde_json::{Value, json};

use super::{count, flag, object, of, one_or_many, optional};
use crate::decode::SCHEMA_KEYWORDS;

pub(super) fn dag() -> Value {
    let mut dag = object(json!({
        "dag_id": of("id", "The DAG's name: letters, digits, dashes, dots and underscores. The file's name without its ending by default."),
        "dag_display_name": of("optional_text", "What the page shows instead of the name."),
        "description": of("optional_text", "One line about the DAG."),
        "doc_md": of("optional_text", "Markdown for the page."),
        "tags": one_or_many(&json!({"$ref": "#/definitions/text"}), "Labels to find the DAG by."),
        "schedule": schedule(),
        "timezone": {
            "description": "The IANA name of the zone for the schedule, and for dates without an offset.",
            "type": "string", "default": "UTC", "examples": ["Europe/London", "America/New_York"],
        },
        "start_date": of("date", "No runs before."),
        "end_date": of("date", "No runs after."),
        "catchup": flag("Whether times of the schedule that have passed since start_date are made up for.", false),
        "max_active_runs": count("At most so many runs at once.", 1, 16),
        "max_active_tasks": count("At most so many queued or running tasks in one run.", 1, 16),
        "max_consecutive_failed_dag_runs": count("Pause the DAG after so many failed runs in a row; 0 for never.", 0, 0),
        "dagrun_timeout": of("duration", "How long a run may take from its start."),
        "fail_fast": flag("The first final failure of a task ends the run. Only with the trigger rule all_success.", false),
        "is_paused_upon_creation": optional("boolean", "Whether the DAG is paused when it is first seen. The configuration decides by default."),
        "executor": of("optional_text", "The executor for tasks that name none."),
        "params": params(),
        "default_args": {"$ref": "#/definitions/default_args"},
        "tasks": {
            "description": "The tasks, by id.",
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": r"^[\p{L}\p{N}_.\-]+$", "maxLength": 250},
            "additionalProperties": {"$ref": "#/definitions/task"},
        },
    }));
    dag["required"] = json!(["tasks"]);
    dag
}

fn schedule() -> Value {
    let cron = json!({"type": "string", "examples": ["0 6 * * *", "*/15 * * * *"]});
    let zone = json!({"description": "The IANA name of the zone; the DAG's by default.", "type": "string"});
    let interval = flag("Each run is for the span between two times of the schedule and starts after its end (Airflow 2).", false);
    let by_cron = object(json!({
        "cron": {"description": "A cron expression, or several.", "anyOf": [cron, {"type": "array", "minItems": 1, "items": cron}]},
        "timezone": zone,
        "data_interval": interval,
    }));
    let by_distance = object(json!({"every": of("duration", "The time from one run to the next."), "data_interval": interval}));
    let required = |mut schema: Value, key: &str| {
        schema["required"] = json!([key]);
        schema
    };
    json!({
        "description": "When the DAG runs: a cron expression (in quotes), a list of them, a preset, a time from run to run, or null if it is only triggered.",
        "default": null,
        "anyOf": [
            {"type": "null"},
            {"enum": ["@once", "@continuous", "@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@quarterly", "@yearly", "@annually"]},
            {"type": "string", "examples": ["0 6 * * *", "@daily", "30m"]},
            {"type": "number", "exclusiveMinimum": 0, "description": "Seconds from one run to the next."},
            {"type": "array", "minItems": 1, "items": {"type": "string"}},
            required(by_cron, "cron"),
            required(by_distance, "every"),
        ],
    })
}

fn params() -> Value {
    let keywords = SCHEMA_KEYWORDS.iter().map(|keyword| ((*keyword).to_owned(), keyword_schema(keyword)));
    let detailed = object(Value::Object(keywords.collect()));
    json!({
        "description": "Values a run is triggered with: a default by itself, or a JSON Schema with `default` and `description`. One without a default must be given at each trigger.",
        "type": ["object", "null"],
        "additionalProperties": {"anyOf": [{"not": {"type": "object"}}, detailed]},
    })
}

fn keyword_schema(keyword: &str) -> Value {
    let types = ["string", "number", "integer", "boolean", "array", "object", "null"];
    match keyword {
        "type" => json!({"description": "The type of the value.", "anyOf": [{"enum": types}, {"type": "array", "items": {"enum": types}}]}),
        "default" => json!({"description": "The value if none is given."}),
        "description" => of("text", "Shown in the trigger form."),
        "title" => of("text", "The label in the trigger form."),
        "format" => json!({"type": "string", "examples": ["date", "date-time", "time", "email", "uri", "multiline"]}),
        "enum" => json!({"description": "The values to choose from.", "type": "array", "minItems": 1}),
        "examples" => json!({"description": "Values the trigger form proposes.", "type": "array"}),
        "pattern" => json!({"description": "A regular expression that the text must match.", "type": "string"}),
        "minLength" | "maxLength" | "minItems" | "maxItems" => json!({"type": "integer", "minimum": 0}),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => json!({"type": "number"}),
        _ => json!({}),
    }
}
