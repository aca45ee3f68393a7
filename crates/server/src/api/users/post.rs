//! `POST /auth/users`

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use updraft_store::UserRow;

use super::{NAME_LIMIT, ROLES, UserResponse};
use crate::{
    app::App,
    error::ApiError,
    extract::{Body, BodyReader, FromBody, body_schema},
};

/// The new user.
pub struct NewUser {
    username: String,
    password: String,
    role: Option<String>,
}

body_schema!(NewUser);

impl FromBody for NewUser {
    const NAME: &'static str = "UserBody";
    fn from_body(b: &mut BodyReader) -> Self {
        let user = Self {
            username: b.required_text("username", NAME_LIMIT),
            password: b.required_text("password", 0),
            role: b.choice("role", &ROLES),
        };
        if user.username.is_empty() && b.has("username") {
            b.value_error("username", "the name is empty");
        }
        user
    }
}

/// Makes a user; a viewer, unless a role is given.
#[utoipa::path(post, path = "/auth/users", tag = "Login", operation_id = "post_user", request_body = NewUser,
    responses((status = 201, body = UserResponse)))]
pub async fn post_user(State(app): State<Arc<App>>, Body(user): Body<NewUser>) -> Result<(StatusCode, Json<UserResponse>), ApiError> {
    if app.reader.users().await?.iter().any(|known| known.username == user.username) {
        return Err(ApiError::Conflict(format!("The User with username `{}` already exists", user.username)));
    }
    let row = UserRow {
        username: user.username,
        password_hash: app.auth.hash(user.password).await?,
        role: user.role.unwrap_or_else(|| "viewer".to_owned()),
        created_at: app.now(),
    };
    app.reader.set_user(row.clone()).await?;
    Ok((StatusCode::CREATED, Json(row.into())))
}
