//! Params: what a run's are, and whether they keep what the DAG says of them in JSON Schema.
//!
//! The one place where both is decided: for a DAG file, for whoever triggers a run (a person, a task),
//! and for the task that starts, as Airflow checks at the trigger and again at the start of each task.
//! Pure: what is refused, and in which way, is the caller's business.

use std::sync::LazyLock;

use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};
use updraft_model::{HIDDEN, Params, is_secret_name};

/// A schema, made ready. `format` is checked too, as Airflow does.
///
/// # Errors
/// The schema is none.
pub fn validator(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    jsonschema::options().should_validate_formats(true).with_format("time", is_time).build(schema)
}

/// RFC 3339's times, which name an offset.
static FULL_TIME: LazyLock<Option<Validator>> =
    LazyLock::new(|| jsonschema::options().should_validate_formats(true).build(&json!({ "format": "time" })).ok());

/// `10:30:00`, as Airflow's form gives it and Airflow checks it (`%H:%M:%S`); and what JSON Schema means by it.
fn is_time(text: &str) -> bool {
    let parts: Vec<Option<u8>> = text.split(':').map(number).collect();
    match parts.as_slice() {
        [Some(hour), Some(minute), Some(second)] => *hour < 24 && *minute < 60 && *second < 60,
        _ => FULL_TIME.as_ref().is_some_and(|full| full.is_valid(&Value::from(text))),
    }
}

/// One digit or two.
fn number(text: &str) -> Option<u8> {
    (matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Whether the params hold if a run's `conf` is this: a value that `conf` does not give is the
/// default, and keys that are no params are fine.
///
/// # Errors
/// What is wrong, in a sentence that names the param.
pub fn check(params: &Params, conf: &Map<String, Value>) -> Result<(), String> {
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
pub fn check_run(params: &Params, conf: &Value) -> Result<(), String> {
    match conf {
        Value::Object(conf) => check(params, conf),
        _ => check(params, &Map::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use updraft_model::Param;

    fn checked(default: Option<Value>, schema: Value, conf: Value) -> Result<(), String> {
        check_run(&Params::from([("day".to_owned(), Param { default, description: None, schema })]), &conf)
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
    fn a_time_is_airflows_or_json_schemas() {
        let time = |text: &str| checked(None, json!({"type": "string", "format": "time"}), json!({ "day": text })).is_ok();
        for good in ["10:30:00", "23:59:59", "7:5:0", "10:30:00Z", "10:30:00.25+01:00"] {
            assert!(time(good), "{good}");
        }
        for bad in ["", "10:30", "24:00:00", "10:60:00", "10:30:60", "10:30:00 ", "+1:30:00", "010:30:00", "10:30:00:00", "soon"] {
            assert!(!time(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_secret_does_not_show_it() {
        let param = Param { default: None, description: None, schema: json!({"type": "string", "minLength": 12}) };
        let params = Params::from([("db_password".to_owned(), param)]);
        let error = check_run(&params, &json!({"db_password": "hunter2"})).unwrap_err();
        assert_eq!(error, "Invalid input for param db_password: *** is shorter than 12 characters");
    }

    #[test]
    fn a_conf_that_is_no_object_gives_no_values() {
        assert_eq!(checked(Some(json!(1)), json!({"type": "integer"}), json!(null)), Ok(()));
        assert!(checked(None, json!({}), json!("day")).is_err());
    }
}
