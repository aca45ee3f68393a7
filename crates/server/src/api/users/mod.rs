//! Users, an extension of Updraft: Airflow leaves them to its auth managers. For administrators only.

pub mod delete;
pub mod list;
pub mod patch;
pub mod post;

use serde::Serialize;
use updraft_model::Timestamp;
use updraft_store::UserRow;
use utoipa::ToSchema;

use crate::{app::App, auth::Role, error::ApiError};

/// Airflow's limit for names.
const NAME_LIMIT: usize = 250;
const ROLES: [&str; 4] = ["viewer", "user", "op", "admin"];

/// Someone who may log in. Nothing of the password is told.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct UserResponse {
    username: String,
    role: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<UserRow> for UserResponse {
    fn from(row: UserRow) -> Self {
        let UserRow { username, role, created_at, password_hash: _ } = row;
        Self { username, role, created_at }
    }
}

async fn find(app: &App, username: &str) -> Result<UserRow, ApiError> {
    let found = app.reader.users().await?.into_iter().find(|user| user.username == username);
    found.ok_or_else(|| ApiError::not_found(format!("The User with username `{username}` was not found")))
}

/// Refuses to take away the last administrator: nobody could make another one.
async fn keep_an_admin(app: &App, without: &str) -> Result<(), ApiError> {
    let is_admin = |user: &UserRow| user.role.parse() == Ok(Role::Admin);
    let users = app.reader.users().await?;
    let is_the_last = users.iter().filter(|user| is_admin(user)).all(|user| user.username == without);
    if is_the_last && users.iter().any(|user| user.username == without && is_admin(user)) {
        return Err(ApiError::Conflict(format!("`{without}` is the last administrator; make another one first")));
    }
    Ok(())
}
