//! `DELETE /api/v2/pools/{pool_name}`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use updraft_model::{PoolName, Request};

use super::find;
use crate::{app::App, auth::Identity, error::ApiError, extract::Path, submit::submit};

/// Deletes a pool. Task instances that name it wait until there is one of that name again.
#[utoipa::path(delete, path = "/api/v2/pools/{pool_name}", tag = "Pool", operation_id = "delete_pool", responses((status = 204)))]
pub async fn delete_pool(State(app): State<Arc<App>>, who: Identity, Path(name): Path<String>) -> Result<StatusCode, ApiError> {
    if name == PoolName::default_pool().as_str() {
        return Err(ApiError::BadRequest("Default Pool can't be deleted".into()));
    }
    let name = find(&app, &name).await?.row.name;
    submit(&app, &who, Request::DeletePool { name }).await?;
    Ok(StatusCode::NO_CONTENT)
}
