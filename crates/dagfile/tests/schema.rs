//! The JSON Schema accepts what the parser accepts, and the committed copy is the generated one.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use serde_json::{Value, json};
use updraft_dagfile::{json_schema, parse};

fn validator() -> jsonschema::Validator {
    jsonschema::draft7::new(&json_schema()).unwrap()
}

/// A file as an editor's YAML server sees it: aliases and merges resolved.
fn accepts(yaml: &str) {
    assert_eq!(parse("x.yaml", yaml.as_bytes()).diagnostics, []);
    let value: Value = to_json(yaml);
    let errors: Vec<String> = validator().iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(errors, [""; 0], "{yaml}");
}

/// By the YAML parser the crate is built on, with none of the crate's own code in between.
fn to_json(yaml: &str) -> Value {
    use granit_parser::{Event, Parser, ScalarStyle};
    enum Open {
        List(Vec<Value>),
        Map(serde_json::Map<String, Value>, Option<String>),
    }
    let mut stack: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(yaml) {
        let done = match event.unwrap().0 {
            Event::Scalar(text, ScalarStyle::Plain, ..) => match &*text {
                "" | "~" | "null" => Value::Null,
                "true" => json!(true),
                "false" => json!(false),
                _ => text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<f64>().map(Value::from)).unwrap_or_else(|_| json!(text)),
            },
            Event::Scalar(text, ..) => json!(text),
            Event::SequenceStart(..) => {
                stack.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                stack.push(Open::Map(serde_json::Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match stack.pop().unwrap() {
                Open::List(items) => Value::Array(items),
                Open::Map(map, _) => Value::Object(map),
            },
            Event::Alias(_) => panic!("no aliases in these files"),
            _ => continue,
        };
        match stack.last_mut() {
            None => return done,
            Some(Open::List(items)) => items.push(done),
            Some(Open::Map(map, key)) => match key.take() {
                None => *key = Some(done.as_str().map_or_else(|| done.to_string(), str::to_owned)),
                Some(key) => drop(map.insert(key, done)),
            },
        }
    }
    panic!("an empty file")
}

#[test]
fn good_files_are_accepted() {
    accepts(include_str!("files/sales_daily.yaml"));
    accepts(include_str!("files/operators.yaml"));
    accepts(include_str!("files/arguments.yaml"));
    for schedule in [
        "null",
        "0 6 * * *",
        "[\"0 6 * * *\"]",
        "30m",
        "90",
        "PT1H",
        "{every: 5m}",
        "\"@daily\"",
        "{cron: \"@daily\", data_interval: true}",
    ] {
        accepts(&format!("schedule: {schedule}\nx-own: 1\ntasks: {{a: {{bash: ls, x-own: 1}}}}"));
    }
}

#[test]
fn bad_files_are_refused() {
    let validator = validator();
    for yaml in [
        "schedul: 30m\ntasks: {a: {bash: ls}}",
        "tasks: {a: {bsh: ls}}",
        "tasks: {a: {bash: ls, python: \"m:f\"}}",
        "tasks: {a: {bash: ls, retries: three}}",
        "tasks: {a: {bash: ls, trigger_rule: all_sucess}}",
        "tasks: {a: {bash: ls, retry_delay: soon}}",
        "tasks: {\"a b\": {bash: ls}}",
        "tasks: {a: {sensor: {}}}",
        "tasks: {a: {sensor: {file: x, time: 2026-01-01}}}",
        "tasks: {a: {cmd: []}}",
        "tasks: {a: {http: {method: GET}}}",
        "tasks: {}",
        "schedule: 30m",
        "params: {day: {tpye: string}}\ntasks: {a: {bash: ls}}",
        "start_date: 01.02.2026\ntasks: {a: {bash: ls}}",
    ] {
        assert!(!validator.is_valid(&to_json(yaml)), "the schema accepts: {yaml}");
        assert!(parse("x.yaml", yaml.as_bytes()).has_errors(), "the parser accepts: {yaml}");
    }
}

/// Where the schema has a key, the parser knows it; a key it does not know is an unknown one.
#[test]
fn the_parser_knows_every_key_of_the_schema() {
    let schema = json_schema();
    let keys = |schema: &Value| schema["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let unknown = |yaml: String| parse("x.yaml", yaml.as_bytes()).diagnostics.iter().any(|d| d.message.starts_with("unknown key"));
    for key in keys(&schema) {
        assert!(!unknown(format!("{key}: null")), "`{key}` of a DAG");
    }
    for key in keys(&schema["definitions"]["task"]) {
        assert!(!unknown(format!("tasks: {{a: {{{key}: null}}}}")), "`{key}` of a task");
    }
    for (place, operator) in [("http", &schema["definitions"]["http"]), ("python", &schema["definitions"]["python"])] {
        for key in keys(&operator["anyOf"][1]) {
            assert!(!unknown(format!("tasks: {{a: {{{place}: {{{key}: null}}}}}}")), "`{key}` of {place}");
        }
    }
    let task = &schema["definitions"]["task"]["properties"];
    for (place, operator) in
        [("branch", &task["branch"]), ("short_circuit", &task["short_circuit"]), ("trigger_dag_run", &task["trigger_dag_run"])]
    {
        for key in keys(&operator["anyOf"][1]) {
            assert!(!unknown(format!("tasks: {{a: {{{place}: {{{key}: null}}}}}}")), "`{key}` of {place}");
        }
    }
    for key in keys(&task["sensor"]) {
        assert!(!unknown(format!("tasks: {{a: {{sensor: {{{key}: null}}}}}}")), "`{key}` of a sensor");
    }
}

#[test]
fn the_schema_has_every_key_of_the_parser() {
    // A message about an unknown key lists or suggests from the parser's own keys; all are in the schema.
    let schema = json_schema().to_string();
    for place in [
        "tasks: {a: {http: {qqqqqqqqqqqqqqq: 1}}}",
        "tasks: {a: {sensor: {qqqqqqqqqqqqqqqq: 1}}}",
        "tasks: {a: {qqqqqqqqqqqqqqqqqqqq: 1}}",
        "qqqqqqqqqqqqqqqqqqqqqqqq: 1",
    ] {
        let parsed = parse("x.yaml", place.as_bytes());
        let help = parsed.diagnostics.iter().filter_map(|d| d.help.as_deref()).find_map(|help| help.strip_prefix("known here: ")).unwrap();
        for key in help.split(", ") {
            assert!(schema.contains(&format!("\"{key}\":")), "the schema lacks `{key}`");
        }
    }
}

#[test]
fn the_committed_copy_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/dag.schema.json");
    let generated = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "docs/dag.schema.json is out of date: run these tests once with UPDATE_SCHEMA=1");
}
