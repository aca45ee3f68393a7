//! Params: values a run is triggered with.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A DAG's params by name, in the order of its file: people are asked for them in that order. Two
/// are equal in any order.
pub type Params = IndexMap<String, Param>;

/// One param of a DAG.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// The default; absent means that a value must be given at the trigger.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub default: Option<Value>,
    /// Shown in the trigger form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema that a value must satisfy (an empty object allows everything).
    #[serde(default)]
    pub schema: Value,
}

/// A `null` that is written is a default of `null`, not the absence of one.
fn present<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(d).map(Some)
}
