//! The file format as a JSON Schema, for editors: what completes and explains keys while they are
//! typed. The parser is the judge; the schema accepts all that it accepts.
//!
//! Draft 7, because that is what the YAML language servers of editors know.

mod dag;
mod operator;
mod task;

use serde_json::{Map, Value, json};

/// The JSON Schema of a document of a DAG file.
pub fn json_schema() -> Value {
    let mut schema = dag::dag();
    let head = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Updraft DAG",
        "description": "One DAG: when it runs, what it is given, and its tasks.",
    });
    if let (Value::Object(schema), Value::Object(head)) = (&mut schema, head) {
        let body = std::mem::replace(schema, head);
        schema.extend(body);
        schema.insert("definitions".to_owned(), definitions());
    }
    schema
}

fn definitions() -> Value {
    let mut definitions = Map::new();
    for (name, schema) in
        [("task", task::task()), ("default_args", task::default_args())].into_iter().chain(shared()).chain(operator::shared())
    {
        definitions.insert(name.to_owned(), schema);
    }
    Value::Object(definitions)
}

fn shared() -> [(&'static str, Value); 6] {
    let duration = r"^-?([Pp]?\s*([0-9.]+\s*[A-Za-z]+\s*)*([Tt]\s*([0-9.]+\s*[A-Za-z]+\s*)+)?)$";
    [
        ("text", json!({"type": ["string", "number", "boolean"]})),
        ("optional_text", json!({"type": ["string", "number", "boolean", "null"]})),
        ("id", json!({"type": ["string", "number", "boolean"], "pattern": r"^[\p{L}\p{N}_.\-]+$", "maxLength": 250})),
        (
            "duration",
            json!({
                "type": ["string", "number", "null"],
                "pattern": duration,
                "examples": ["90s", "30m", "1h30m", "2h", "1d", "PT1M", 300],
            }),
        ),
        (
            "date",
            json!({"type": ["string", "null"], "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}", "examples": ["2026-01-31", "2026-01-31T06:00:00+01:00"]}),
        ),
        ("texts_by_name", json!({"type": ["object", "null"], "additionalProperties": {"$ref": "#/definitions/optional_text"}})),
    ]
}

/// A mapping with these keys and the author's own (`x-`).
fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties, "patternProperties": {"^x-": {}}, "additionalProperties": false})
}

/// A reference with an explanation of its own.
fn of(definition: &str, description: &str) -> Value {
    json!({"description": description, "allOf": [{"$ref": format!("#/definitions/{definition}")}]})
}

fn with_default(mut schema: Value, default: Value) -> Value {
    schema["default"] = default;
    schema
}

fn flag(description: &str, default: bool) -> Value {
    json!({"description": description, "type": "boolean", "default": default})
}

fn optional(kind: &str, description: &str) -> Value {
    json!({"description": description, "type": [kind, "null"]})
}

fn count(description: &str, least: u32, default: u32) -> Value {
    json!({"description": description, "type": "integer", "minimum": least, "default": default})
}

/// A list, or a single item without brackets.
fn one_or_many(item: &Value, description: &str) -> Value {
    json!({"description": description, "anyOf": [item, {"type": "array", "items": item}, {"type": "null"}]})
}
