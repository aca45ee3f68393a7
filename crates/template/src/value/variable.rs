//! `var.value.x`, `var.value.get("x", default)` and the same for `var.json`.

use std::sync::Arc;

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Kwargs, Object, from_args},
};

use super::{Pending, Session, from_json, unknown_method};
use crate::{FactValue, Need};

/// `var`.
#[derive(Debug)]
pub(super) struct Variables(pub Arc<Session>);

impl Object for Variables {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let json = match key.as_str()? {
            "value" => false,
            "json" => true,
            _ => return None,
        };
        Some(Value::from_object(ByName { session: Arc::clone(&self.0), json }))
    }
}

/// `var.value` or `var.json`.
#[derive(Debug)]
struct ByName {
    session: Arc<Session>,
    json: bool,
}

impl ByName {
    /// The variable's value; none if it does not exist.
    fn get(&self, name: &str) -> Result<Option<Value>, Error> {
        match self.session.fact(&Need::Variable(name.to_owned())) {
            None => Ok(Some(Pending::value())),
            Some(FactValue::Text(text)) if self.json => serde_json::from_str(text).map(|json| Some(from_json(&json))).map_err(|e| {
                // The value may be a secret: the message doesn't show it.
                Error::new(ErrorKind::InvalidOperation, format!("the variable \"{name}\" is not JSON: {e}"))
            }),
            Some(FactValue::Text(text)) => Ok(Some(Value::from(text))),
            Some(FactValue::Json(json)) => Ok(Some(from_json(json))),
            Some(_) => Ok(None),
        }
    }
}

impl Object for ByName {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get(key.as_str()?).unwrap_or_else(|e| Some(Value::from(e)))
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        if method != "get" {
            return Err(unknown_method(if self.json { "var.json" } else { "var.value" }, method, &["get"]));
        }
        let (name, default, kwargs): (&str, Option<Value>, Kwargs) = from_args(args)?;
        // Airflow calls the argument default_var in its accessor and default in the SDK.
        let default = match default {
            Some(value) => Some(value),
            None => kwargs.get::<Option<Value>>("default_var")?.or(kwargs.get::<Option<Value>>("default")?),
        };
        kwargs.assert_all_used()?;
        Ok(self.get(name)?.or(default).unwrap_or(Value::from(())))
    }
}
