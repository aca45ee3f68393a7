//! `PATCH /api/v2/variables/{variable_key}`

use std::sync::Arc;

use axum::{Json, extract::State};

use super::{VariableBody, VariableResponse, find};
use crate::{
    api::UpdateMask,
    app::App,
    error::ApiError,
    extract::{Body, Path, Query},
};

/// Changes a variable.
#[utoipa::path(patch, path = "/api/v2/variables/{variable_key}", tag = "Variable", operation_id = "patch_variable",
    params(Query<UpdateMask>), request_body = VariableBody, responses((status = 200, body = VariableResponse)))]
pub async fn patch_variable(
    State(app): State<Arc<App>>,
    Path(key): Path<String>,
    Query(mask): Query<UpdateMask>,
    Body(body): Body<VariableBody>,
) -> Result<Json<VariableResponse>, ApiError> {
    if body.key != key {
        return Err(ApiError::BadRequest("Invalid body, key from request body doesn't match uri parameter".into()));
    }
    let mut row = find(&app, &key).await?;
    if mask.allows("value") {
        row.value = body.value;
    }
    if let Some(description) = body.description.filter(|_| mask.allows("description")) {
        row.description = description;
    }
    app.reader.set_variable(row.clone()).await?;
    Ok(Json(row.into()))
}
