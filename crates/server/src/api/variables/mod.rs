//! Variables. The scheduler does not hold them, so they are written directly.

pub mod delete;
pub mod get;
pub mod list;
pub mod patch;
pub mod post;

use serde::Serialize;
use serde_json::Value;
use updraft_store::VariableRow;
use utoipa::ToSchema;

use crate::{
    app::App,
    error::ApiError,
    extract::{BodyReader, FromBody, body_schema},
};

/// Airflow's limit for a variable's key.
const KEY_LIMIT: usize = 250;

/// A variable. The value of one whose key looks like a secret's is `***`, as in Airflow.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct VariableResponse {
    key: String,
    value: Option<String>,
    description: Option<String>,
    is_encrypted: bool,
    team_name: Option<String>,
}

impl From<VariableRow> for VariableResponse {
    fn from(row: VariableRow) -> Self {
        let VariableRow { key, value, description } = row;
        Self { value: Some(updraft_model::shown_variable(&key, value)), key, description, is_encrypted: false, team_name: None }
    }
}

/// A variable as it shall be. The description is changed only if it is given, be it as `null`.
pub struct VariableBody {
    key: String,
    value: String,
    description: Option<Option<String>>,
}

body_schema!(VariableBody);

impl FromBody for VariableBody {
    const NAME: &'static str = "VariableBody";
    fn from_body(b: &mut BodyReader) -> Self {
        let description = b.text("description", 0);
        let key = b.required_text("key", KEY_LIMIT);
        let value = match b.required_value("value") {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let body = Self { key, value, description: b.has("description").then_some(description) };
        b.unsupported(&["team_name"]);
        body
    }
}

async fn find(app: &App, key: &str) -> Result<VariableRow, ApiError> {
    let found = app.reader.variable(key).await?;
    found.ok_or_else(|| ApiError::not_found(format!("The Variable with key: `{key}` was not found")))
}
