//! `conn.my_db.host`: connections.

use std::sync::Arc;

use minijinja::{
    Error, State, Value,
    value::{Object, from_args},
};
use serde_json::Value as Json;

use super::{Pending, Session, from_json, unknown_method};
use crate::{FactValue, Need};

/// `conn`.
#[derive(Debug)]
pub(super) struct Connections(pub Arc<Session>);

impl Connections {
    fn find(&self, name: &str) -> Option<Value> {
        match self.0.fact(&Need::Connection(name.to_owned())) {
            None => Some(Pending::value()),
            Some(FactValue::Json(fields)) => Some(Value::from_object(Connection(fields.clone()))),
            Some(_) => None,
        }
    }
}

impl Object for Connections {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.find(key.as_str()?)
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        if method != "get" {
            return Err(unknown_method("conn", method, &["get"]));
        }
        let (name, default): (&str, Option<Value>) = from_args(args)?;
        Ok(self.find(name).or(default).unwrap_or(Value::from(())))
    }
}

/// One connection.
#[derive(Debug)]
struct Connection(Json);

impl Object for Connection {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        if key == "extra_dejson" {
            // Airflow keeps `extra` as text; an object is taken as it is.
            return Some(match self.0.get("extra") {
                Some(Json::String(text)) => serde_json::from_str::<Json>(text).map_or(Value::from(()), |json| from_json(&json)),
                Some(json) => from_json(json),
                None => Value::from(()),
            });
        }
        self.0.get(key).map(from_json)
    }
}
