//! Whether a trigger's conf fits the DAG's params: defaults filled in, then JSON Schema, as in Airflow.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use updraft_model::Param;

/// What is wrong with `conf`, naming the param; `Ok` if nothing. Keys that are no params are fine.
pub fn check(params: &BTreeMap<String, Param>, conf: &Map<String, Value>) -> Result<(), String> {
    for (name, param) in params {
        let Some(value) = conf.get(name).or(param.default.as_ref()) else {
            return Err(format!("Invalid input for param {name}: No value passed and Param has no default value"));
        };
        let accepts_all = param.schema.as_object().is_none_or(Map::is_empty);
        if accepts_all {
            continue;
        }
        let validator = jsonschema::options().should_validate_formats(true).build(&param.schema);
        let validator = validator.map_err(|e| format!("The JSON Schema of param {name} is not valid: {e}"))?;
        if let Err(error) = validator.validate(value) {
            return Err(format!("Invalid input for param {name}: {error}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(default: Option<Value>, schema: Value, conf: Value) -> Result<(), String> {
        let params = BTreeMap::from([("day".to_owned(), Param { default, description: None, schema })]);
        check(&params, conf.as_object().unwrap())
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
}
