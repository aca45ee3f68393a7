//! What a task's templates became, for people to read: by Airflow's names of the fields, without
//! secrets, and not too long.

use serde_json::{Map, Value};
use updraft_model::{Secrets, shown};

/// The most characters of one field's text (Airflow's `max_templated_field_length`).
const LONGEST: usize = 4096;

/// Rendered fields, as the task gets them.
#[derive(Debug, Default)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Keeps what a field became.
    pub fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// The fields as they may be shown.
    pub fn for_people(self, secrets: &Secrets) -> Map<String, Value> {
        self.0.into_iter().map(|(name, value)| (name, short(secrets.mask_value(shown(value))))).collect()
    }
}

/// A field that is too long is its beginning, as text, and says so.
fn short(value: Value) -> Value {
    let text = match &value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) => return value,
        Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        None => value,
        Some((end, _)) => {
            let all = text.chars().count();
            Value::String(format!("{}... (the first {LONGEST} of {all} characters)", &text[..end]))
        }
    }
}
