//! `DELETE /auth/users/{username}`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};

use super::{find, keep_an_admin};
use crate::{app::App, error::ApiError, extract::Path};

/// Deletes a user, which ends their tokens.
#[utoipa::path(delete, path = "/auth/users/{username}", tag = "Login", operation_id = "delete_user", responses((status = 204)))]
pub async fn delete_user(State(app): State<Arc<App>>, Path(username): Path<String>) -> Result<StatusCode, ApiError> {
    find(&app, &username).await?;
    keep_an_admin(&app, &username).await?;
    app.reader.delete_user(&username).await?;
    app.auth.forget_users().await;
    Ok(StatusCode::NO_CONTENT)
}
