//! `DELETE /api/v2/variables/{variable_key}`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};

use crate::{app::App, error::ApiError, extract::Path};

/// Deletes a variable.
#[utoipa::path(delete, path = "/api/v2/variables/{variable_key}", tag = "Variable", operation_id = "delete_variable",
    responses((status = 204)))]
pub async fn delete_variable(State(app): State<Arc<App>>, Path(key): Path<String>) -> Result<StatusCode, ApiError> {
    if app.reader.delete_variable(&key).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::not_found(format!("The Variable with key: `{key}` was not found")))
    }
}
