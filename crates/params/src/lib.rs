//! Params: what a run's are, and whether they keep what the DAG says of them in JSON Schema.
//!
//! The one place where both is decided: for a DAG file, for whoever triggers a run (a person, a task),
//! and for the task that starts, as Airflow checks at the trigger and again at the start of each task.
//! Pure: what is refused, and in which way, is the caller's business.

use std::collections::BTreeMap;

use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value};
use updraft_model::{HIDDEN, Param, is_secret_name};

/// A schema, made ready. `format` is checked too, as Airflow does.
///
/// # Errors
/// The schema is none.
pub fn validator(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    jsonschema::options().should_validate_formats(true).build(schema)
}

/// Whether the params hold if a run's `conf` is this: a value that `conf` does not give is the
/// default, and keys that are no params are fine.
///
/// # Errors
/// What is wrong, in a sentence that names the param.
pub fn check(params: &BTreeMap<String, Param>, conf: &Map<String, Value>) -> Result<(), String> {
    for (name, param) in params {
        let Some(value) = conf.get(name).or(param.default.as_ref()) else {
            return Err(format!("Invalid input for param {name}: No value passed and Param has no default value"));
        };
        let accepts_all = param.schema.as_object().is_none_or(Map::is_empty);
        if accepts_all {
            continue;
        }
        let validator = validator(&param.schema).map_err(|e| format!("The JSON Schema of param {name} is not valid: {e}"))?;
        if let Err(error) = validator.validate(value) {
            // Others read why a task failed.
            return Err(match is_secret_name(name) {
                true => format!("Invalid input for param {name}: {}", error.masked_with(HIDDEN)),
                false => format!("Invalid input for param {name}: {error}"),
            });
        }
    }
    Ok(())
}

/// [`check`] with a run's conf as it is stored. One that is no object gives no values.
///
/// # Errors
/// As [`check`].
pub fn check_run(params: &BTreeMap<String, Param>, conf: &Value) -> Result<(), String> {
    match conf {
        Value::Object(conf) => check(params, conf),
        _ => check(params, &Map::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(default: Option<Value>, schema: Value, conf: Value) -> Result<(), String> {
        check_run(&BTreeMap::from([("day".to_owned(), Param { default, description: None, schema })]), &conf)
    }

    #[test]
    fn values_and_defaults_must_fit() {
        let date = || json!({"type": "string", "format": "date"});
        assert_eq!(checked(None, date(), json!({"day": "2026-01-31"})), Ok(()));
        assert_eq!(checked(Some(json!("2026-01-31")), date(), json!({"other": 1})), Ok(()));
        assert!(checked(None, date(), json!({})).unwrap_err().contains("No value passed"));
        assert!(checked(None, date(), json!({"day": "soon"})).unwrap_err().starts_with("Invalid input for param day:"));
        assert!(checked(Some(json!("x")), date(), json!({"day": 3})).is_err());
        assert_eq!(checked(Some(json!(null)), json!({}), json!({})), Ok(()));
    }

    #[test]
    fn what_is_wrong_with_a_secret_does_not_show_it() {
        let param = Param { default: None, description: None, schema: json!({"type": "string", "minLength": 12}) };
        let params = BTreeMap::from([("db_password".to_owned(), param)]);
        let error = check_run(&params, &json!({"db_password": "hunter2"})).unwrap_err();
        assert_eq!(error, "Invalid input for param db_password: *** is shorter than 12 characters");
    }

    #[test]
    fn a_conf_that_is_no_object_gives_no_values() {
        assert_eq!(checked(Some(json!(1)), json!({"type": "integer"}), json!(null)), Ok(()));
        assert!(checked(None, json!({}), json!("day")).is_err());
    }
}
