//! `PATCH /api/v2/pools/{pool_name}`

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_model::{PoolName, Request};

use super::{PoolResponse, find, slots};
use crate::{
    api::UpdateMask,
    app::App,
    auth::Identity,
    error::ApiError,
    extract::{Body, BodyReader, FromBody, Path, Query, body_schema},
    submit::submit,
};

/// What may be changed; what is not given stays.
pub struct PoolPatch {
    pool: Option<String>,
    slots: Option<i32>,
    description: Option<Option<String>>,
    include_deferred: Option<bool>,
}

body_schema!(PoolPatch);

impl FromBody for PoolPatch {
    const NAME: &'static str = "PoolPatchBody";
    fn from_body(b: &mut BodyReader) -> Self {
        let description = b.text("description", 0);
        let patch = Self {
            pool: b.text("pool", 0),
            slots: b.integer("slots", -1).map(|given| slots(b, given)),
            description: b.has("description").then_some(description),
            include_deferred: b.flag("include_deferred"),
        };
        b.unsupported(&["team_name"]);
        patch
    }
}

/// Changes a pool.
#[utoipa::path(patch, path = "/api/v2/pools/{pool_name}", tag = "Pool", operation_id = "patch_pool", params(Query<UpdateMask>),
    request_body = PoolPatch, responses((status = 200, body = PoolResponse)))]
pub async fn patch_pool(
    State(app): State<Arc<App>>,
    who: Identity,
    Path(name): Path<String>,
    Query(mask): Query<UpdateMask>,
    Body(patch): Body<PoolPatch>,
) -> Result<Json<PoolResponse>, ApiError> {
    let renamed = patch.pool.as_deref().is_some_and(|given| given != name && mask.allows("pool"));
    let described = patch.description.is_some() && mask.allows("description");
    if name == PoolName::default_pool().as_str() && (renamed || described) {
        return Err(ApiError::BadRequest("Only slots and included_deferred can be modified on Default Pool".into()));
    }
    if renamed {
        return Err(ApiError::BadRequest("A pool can't be renamed: task instances name it. Make a new one and delete this one".into()));
    }
    let mut row = find(&app, &name).await?.row;
    row.slots = patch.slots.filter(|_| mask.allows("slots")).unwrap_or(row.slots);
    row.include_deferred = patch.include_deferred.filter(|_| mask.allows("include_deferred")).unwrap_or(row.include_deferred);
    if let Some(description) = patch.description.filter(|_| described) {
        row.description = description;
    }
    submit(&app, &who, Request::SetPool(row)).await?;
    Ok(Json(find(&app, &name).await?.into()))
}
