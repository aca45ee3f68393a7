//! `POST /api/v2/variables`

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use updraft_store::VariableRow;

use super::{VariableBody, VariableResponse};
use crate::{app::App, error::ApiError, extract::Body};

/// Makes a variable.
#[utoipa::path(post, path = "/api/v2/variables", tag = "Variable", operation_id = "post_variable", request_body = VariableBody,
    responses((status = 201, body = VariableResponse)))]
pub async fn post_variable(
    State(app): State<Arc<App>>,
    Body(body): Body<VariableBody>,
) -> Result<(StatusCode, Json<VariableResponse>), ApiError> {
    if app.reader.variable(&body.key).await?.is_some() {
        return Err(ApiError::Conflict(format!("The Variable with key: `{}` already exists", body.key)));
    }
    let row = VariableRow { key: body.key, value: body.value, description: body.description.flatten() };
    app.reader.set_variable(row.clone()).await?;
    Ok((StatusCode::CREATED, Json(row.into())))
}
