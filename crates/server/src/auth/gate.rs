//! The gate in front of all routes that are not public.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::Response,
};

use super::{Identity, Role, csrf, jwt};
use crate::{app::App, error::ApiError};

/// The cookie that carries the page's token.
pub const COOKIE: &str = "updraft_token";

/// What a group of routes asks of whoever calls.
#[derive(Clone)]
pub struct Authority {
    /// The server.
    pub app: Arc<App>,
    /// The least role.
    pub at_least: Role,
}

/// Lets a call pass if its token is good and its role suffices; handlers find the [`Identity`].
pub async fn require(State(authority): State<Authority>, mut request: Request, next: Next) -> Result<Response, ApiError> {
    let Authority { app, at_least } = &authority;
    let who = identify(app, request.method(), request.headers()).await?;
    if who.role < *at_least {
        return Err(ApiError::Forbidden("Forbidden".into()));
    }
    request.extensions_mut().insert(who);
    Ok(next.run(request).await)
}

async fn identify(app: &App, method: &Method, headers: &HeaderMap) -> Result<Identity, ApiError> {
    if !app.auth.enabled && csrf::is_foreign(method, headers) {
        return Err(ApiError::Forbidden("A change may not come from another site's page".into()));
    }
    if !app.auth.enabled {
        return Ok(Identity { username: "anonymous".to_owned(), role: Role::Admin });
    }
    let (token, by_cookie) = match bearer(headers) {
        Some(token) => (token, false),
        None => (cookie(headers).ok_or_else(|| ApiError::Unauthorized("Not authenticated".into()))?, true),
    };
    if by_cookie && csrf::is_suspect(method, headers) {
        return Err(ApiError::Forbidden("A change by cookie needs the header X-Requested-With or must come from the same origin".into()));
    }
    let invalid = || ApiError::Unauthorized("Invalid or expired token".into());
    let claims = app.auth.key(app).await?.verify(token, app.now()).ok_or_else(invalid)?;
    let user = app.auth.directory.find(app.reader.as_ref(), &claims.sub).await?.ok_or_else(invalid)?;
    if jwt::fingerprint(&user.password_hash) != claims.pwd {
        return Err(invalid());
    }
    let role = user.role.parse().map_err(|e| ApiError::Forbidden(format!("user {}: {e}", user.username)))?;
    Ok(Identity { username: user.username, role })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).map(|(_, token)| token).next_back()
}
