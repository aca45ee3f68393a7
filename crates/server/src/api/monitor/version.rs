//! `GET /api/v2/version`

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// Updraft's version.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct VersionInfo {
    version: &'static str,
    git_version: Option<&'static str>,
}

/// Which version answers.
#[utoipa::path(get, path = "/api/v2/version", tag = "Version", operation_id = "get_version",
    responses((status = 200, body = VersionInfo)))]
pub async fn get_version(State(app): State<Arc<App>>) -> Json<VersionInfo> {
    Json(VersionInfo { version: app.config.version, git_version: app.config.git_version })
}
