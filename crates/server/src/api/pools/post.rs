//! `POST /api/v2/pools`

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use updraft_model::{PoolName, PoolRow, Request};

use super::{NAME_LIMIT, PoolResponse, find, slots};
use crate::{
    app::App,
    auth::Identity,
    error::ApiError,
    extract::{Body, BodyReader, FromBody, body_schema},
    submit::submit,
};

/// The new pool.
pub struct NewPool {
    name: String,
    slots: i32,
    description: Option<String>,
    include_deferred: bool,
}

body_schema!(NewPool);

impl FromBody for NewPool {
    const NAME: &'static str = "PoolBody";
    fn from_body(b: &mut BodyReader) -> Self {
        let name = b.required_text("name", NAME_LIMIT);
        let given = b.required_integer("slots", -1);
        let pool = Self {
            name,
            slots: slots(b, given),
            description: b.text("description", 0),
            include_deferred: b.flag_or("include_deferred", false),
        };
        b.unsupported(&["team_name"]);
        pool
    }
}

/// Makes a pool.
#[utoipa::path(post, path = "/api/v2/pools", tag = "Pool", operation_id = "post_pool", request_body = NewPool,
    responses((status = 201, body = PoolResponse)))]
pub async fn post_pool(
    State(app): State<Arc<App>>,
    who: Identity,
    Body(pool): Body<NewPool>,
) -> Result<(StatusCode, Json<PoolResponse>), ApiError> {
    let name = PoolName::new(&pool.name).map_err(|e| ApiError::BadRequest(e.to_string()))?;
    if app.reader.pool(&name).await?.is_some() {
        return Err(ApiError::Conflict(format!("The Pool with name: `{name}` already exists")));
    }
    let row = PoolRow { name, slots: pool.slots, description: pool.description, include_deferred: pool.include_deferred };
    submit(&app, &who, Request::SetPool(row)).await?;
    Ok((StatusCode::CREATED, Json(find(&app, &pool.name).await?.into())))
}
