//! `PATCH /auth/users/{username}`

use std::sync::Arc;

use axum::{Json, extract::State};

use super::{ROLES, UserResponse, find, keep_an_admin};
use crate::{
    app::App,
    error::ApiError,
    extract::{Body, BodyReader, FromBody, Path, body_schema},
};

/// What may be changed; what is not given stays.
pub struct UserPatch {
    password: Option<String>,
    role: Option<String>,
}

body_schema!(UserPatch);

impl FromBody for UserPatch {
    const NAME: &'static str = "UserPatchBody";
    fn from_body(b: &mut BodyReader) -> Self {
        Self { password: b.text("password", 0), role: b.choice("role", &ROLES) }
    }
}

/// Changes a user's password, which ends their tokens, or role.
#[utoipa::path(patch, path = "/auth/users/{username}", tag = "Login", operation_id = "patch_user", request_body = UserPatch,
    responses((status = 200, body = UserResponse)))]
pub async fn patch_user(
    State(app): State<Arc<App>>,
    Path(username): Path<String>,
    Body(patch): Body<UserPatch>,
) -> Result<Json<UserResponse>, ApiError> {
    let mut row = find(&app, &username).await?;
    if let Some(role) = patch.role {
        if role != "admin" {
            keep_an_admin(&app, &username).await?;
        }
        row.role = role;
    }
    if let Some(password) = patch.password {
        row.password_hash = app.auth.hash(password).await?;
    }
    app.reader.set_user(row.clone()).await?;
    app.auth.forget_users().await;
    Ok(Json(row.into()))
}
