//! `GET /auth/users`

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::UserResponse;
use crate::{app::App, error::ApiError};

/// All users.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct UserCollection {
    users: Vec<UserResponse>,
    total_entries: usize,
}

/// The users, by name.
#[utoipa::path(get, path = "/auth/users", tag = "Login", operation_id = "get_users", responses((status = 200, body = UserCollection)))]
pub async fn get_users(State(app): State<Arc<App>>) -> Result<Json<UserCollection>, ApiError> {
    let users: Vec<_> = app.reader.users().await?.into_iter().map(UserResponse::from).collect();
    Ok(Json(UserCollection { total_entries: users.len(), users }))
}
