//! JSON in and out of templates.

use minijinja::Value;
use serde_json::{Map, Number, Value as Json};

use crate::date::Moment;

/// A JSON value as a template sees it.
pub(crate) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(b) => Value::from(*b),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(n), _) => Value::from(n),
            (None, Some(n)) => Value::from(n),
            // Any JSON number fits an f64 somehow.
            (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::from(text),
        Json::Array(items) => items.iter().map(from_json).collect(),
        Json::Object(map) => Value::from_pairs(map.iter().map(|(key, value)| (key.as_str(), from_json(value)))),
    }
}

/// What a template computed, as JSON. Dates become ISO 8601 text, `undefined` becomes null, and
/// what JSON can't hold (an infinite number) becomes its text.
pub(crate) fn to_json(value: &Value) -> Json {
    if value.is_undefined() || value.is_none() {
        return Json::Null;
    }
    if let Some(moment) = value.downcast_object_ref::<Moment>() {
        return Json::String(moment.isoformat("T"));
    }
    if let Some(text) = value.as_str() {
        return Json::String(text.to_owned());
    }
    if matches!(value.kind(), minijinja::value::ValueKind::Map) {
        let keys = value.try_iter().into_iter().flatten();
        return Json::Object(
            keys.map(|key| (key.to_string(), value.get_item(&key).map_or(Json::Null, |v| to_json(&v)))).collect::<Map<_, _>>(),
        );
    }
    if matches!(value.kind(), minijinja::value::ValueKind::Seq | minijinja::value::ValueKind::Iterable) {
        return Json::Array(value.try_iter().into_iter().flatten().map(|item| to_json(&item)).collect());
    }
    scalar(value).unwrap_or_else(|| Json::String(value.to_string()))
}

fn scalar(value: &Value) -> Option<Json> {
    if value.kind() == minijinja::value::ValueKind::Bool {
        return Some(Json::Bool(value.is_true()));
    }
    if value.is_integer() {
        return i64::try_from(value.clone()).map(Json::from).or_else(|_| u64::try_from(value.clone()).map(Json::from)).ok();
    }
    f64::try_from(value.clone()).ok().and_then(Number::from_f64).map(Json::Number)
}
