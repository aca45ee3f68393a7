//! Airflow's shapes, and the check that an answer has one.

use std::sync::OnceLock;

use serde_json::{Value, json};

/// The names and types of Airflow's interface.
pub fn airflow() -> &'static Value {
    static AIRFLOW: OnceLock<Value> = OnceLock::new();
    AIRFLOW.get_or_init(|| {
        // Every task instance has all that its `NewTaskResponse` asks for, so no answer, Airflow's own
        // included, is exactly one of the two.
        let text = include_str!("airflow.json").replace("\"oneOf\"", "\"anyOf\"");
        serde_json::from_str(&text).unwrap()
    })
}

/// Panics unless `value` has the shape of that name.
pub fn assert_shape(name: &str, value: &Value) {
    let shape = airflow()["components"]["schemas"][name].clone();
    assert!(shape.is_object(), "Airflow has no shape {name}");
    assert_schema(&shape, name, value);
}

/// Panics unless `value` has the shape that Airflow gives for this operation and status.
pub fn assert_answer(method: &str, template: &str, status: u16, value: &Value) {
    let schema = &airflow()["paths"][template][method.to_lowercase()]["responses"][status.to_string()];
    assert!(schema.is_object(), "Airflow has no {status} for {method} {template}");
    assert_schema(schema, template, value);
}

fn assert_schema(schema: &Value, what: &str, value: &Value) {
    let whole = json!({ "allOf": [schema], "components": airflow()["components"] });
    let validator = jsonschema::options().should_validate_formats(true).build(&whole).unwrap();
    let errors: Vec<String> = validator.iter_errors(value).map(|e| format!("{} at {}", e, e.instance_path())).collect();
    assert!(errors.is_empty(), "not Airflow's {what}: {errors:#?}\n{value:#}");
}
