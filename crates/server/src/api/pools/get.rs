//! `GET /api/v2/pools/{pool_name}`

use std::sync::Arc;

use axum::{Json, extract::State};

use super::{PoolResponse, find};
use crate::{app::App, error::ApiError, extract::Path};

/// One pool.
#[utoipa::path(get, path = "/api/v2/pools/{pool_name}", tag = "Pool", operation_id = "get_pool",
    responses((status = 200, body = PoolResponse)))]
pub async fn get_pool(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Json<PoolResponse>, ApiError> {
    Ok(Json(find(&app, &name).await?.into()))
}
