//! Who is asking, and what they may do. Roles are Airflow's by name.
//!
//! Every route is public, readable or writable by the group it is registered in (see `router`);
//! a route can't be forgotten, because there is no group for what is in none.

mod csrf;
mod gate;
mod jwt;
mod login;
pub mod pass;
mod password;
mod role;
mod users;

pub use gate::{Authority, Stay, require};
pub use login::{__path_login, __path_logout, __path_me, __path_token, __path_token_cli};
pub use login::{login, logout, me, token, token_cli};
pub use password::{PasswordError, hash_password};
pub use role::{Role, UnknownRole};

use axum::{extract::FromRequestParts, http::request::Parts};
use tokio::sync::{OnceCell, Semaphore};

use crate::{
    config::{Authentication, ServerConfig},
    error::ApiError,
};
use users::Directory;

/// Two at a time: one verification takes 19 MiB and some 20 ms, and a flood of logins must not take more.
const CONCURRENT_VERIFICATIONS: usize = 2;

/// What authentication keeps between calls.
pub struct Auth {
    enabled: bool,
    key: OnceCell<jwt::Key>,
    directory: Directory,
    verifications: Semaphore,
}

impl Auth {
    pub fn new(config: &ServerConfig) -> Self {
        Self {
            enabled: config.authentication == Authentication::Required,
            key: OnceCell::new(),
            directory: Directory::default(),
            verifications: Semaphore::new(CONCURRENT_VERIFICATIONS),
        }
    }
}

/// Whoever is asking. A handler that takes one is behind [`require`], which puts it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub username: String,
    pub role: Role,
}

impl<S: Send + Sync> FromRequestParts<S> for Identity {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let known = parts.extensions.get::<Self>().cloned();
        known.ok_or_else(|| ApiError::Internal("a handler asks who is calling, but its route is public".into()))
    }
}
