//! `GET /api/v2/importErrors/{import_error_id}`

use std::sync::Arc;

use axum::{Json, extract::State};

use super::ImportErrorResponse;
use crate::{app::App, error::ApiError, extract::Path};

/// One import error.
#[utoipa::path(get, path = "/api/v2/importErrors/{import_error_id}", tag = "Import Error", operation_id = "get_import_error",
    responses((status = 200, body = ImportErrorResponse)))]
pub async fn get_import_error(State(app): State<Arc<App>>, Path(id): Path<i64>) -> Result<Json<ImportErrorResponse>, ApiError> {
    let found = app.reader.import_error(id).await?;
    let row = found.ok_or_else(|| ApiError::not_found(format!("The ImportError with import_error_id: `{id}` was not found")))?;
    Ok(Json(ImportErrorResponse::new(id, row)))
}
