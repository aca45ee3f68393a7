//! Typed extractors: queries and bodies are read field by field, every error is collected, and the
//! answer is FastAPI's list. The same reading, done on nothing, documents the fields for OpenAPI,
//! so the two can't disagree.

mod body;
mod doc;
mod path;
mod query;

pub(crate) use body::body_schema;
pub use body::{Body, BodyReader, FromBody, schema_of};
pub use doc::{Field, Kind};
pub use path::Path;
pub use query::{FromQuery, Query, QueryReader, clamp_limit, order_names};

use serde_json::Value;

use crate::error::ValidationItem;

/// FastAPI's `'a', 'b' or 'c'`.
fn one_of(allowed: &[&str]) -> String {
    let quoted: Vec<String> = allowed.iter().map(|a| format!("'{a}'")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Seconds as whole microseconds, if they are a number.
fn as_micros(seconds: f64) -> Option<i64> {
    // What is too large for the type becomes its end, which no duration reaches.
    (!seconds.is_nan()).then(|| (seconds * 1e6).round() as i64)
}

/// The error for a text with a NUL in it, which one database refuses and the other cuts off there.
fn nul_in(loc: [&str; 2], input: Value) -> ValidationItem {
    item("string_nul", loc, "String should not contain the character NUL", input, None)
}

/// An error at `loc`.
fn item(kind: &'static str, loc: [&str; 2], msg: impl Into<String>, input: Value, ctx: Option<Value>) -> ValidationItem {
    ValidationItem { kind, loc: loc.iter().map(|part| Value::from(*part)).collect(), msg: msg.into(), input, ctx }
}
