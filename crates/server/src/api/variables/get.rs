//! `GET /api/v2/variables/{variable_key}`

use std::sync::Arc;

use axum::{Json, extract::State};

use super::{VariableResponse, find};
use crate::{app::App, error::ApiError, extract::Path};

/// One variable.
#[utoipa::path(get, path = "/api/v2/variables/{variable_key}", tag = "Variable", operation_id = "get_variable",
    responses((status = 200, body = VariableResponse)))]
pub async fn get_variable(State(app): State<Arc<App>>, Path(key): Path<String>) -> Result<Json<VariableResponse>, ApiError> {
    Ok(Json(find(&app, &key).await?.into()))
}
