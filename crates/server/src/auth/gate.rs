//! The gate in front of all routes that are not public.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::Response,
};

use super::{
    Identity, Role, csrf,
    jwt::{self, Claims},
    users::LOOK,
};
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
    /// Whether a user who was known before is let in while the database does not answer.
    pub without_database: bool,
}

/// Lets a call pass if its token is good and its role suffices; handlers find the [`Identity`], and
/// those that go on for long the [`Stay`].
pub async fn require(State(authority): State<Authority>, mut request: Request, next: Next) -> Result<Response, ApiError> {
    let claims = claims(&authority.app, request.method(), request.headers()).await?;
    let who = authority.admit(claims.as_ref()).await?;
    request.extensions_mut().insert(who);
    request.extensions_mut().insert(Stay { authority, claims });
    Ok(next.run(request).await)
}

impl Authority {
    /// Who may come in with these claims; with none everybody, since nobody is asked for a token.
    async fn admit(&self, claims: Option<&Claims>) -> Result<Identity, ApiError> {
        let Self { app, at_least, without_database } = self;
        let Some(claims) = claims else {
            return Ok(Identity { username: "anonymous".to_owned(), role: Role::Admin });
        };
        let (directory, reader) = (&app.auth.directory, app.reader.as_ref());
        let user = match without_database {
            true => directory.find_or_last(reader, &claims.sub).await?,
            false => directory.find(reader, &claims.sub).await?,
        };
        let user = user.filter(|user| jwt::fingerprint(&user.password_hash) == claims.pwd).ok_or_else(invalid)?;
        let role: Role = user.role.parse().map_err(|e| ApiError::Forbidden(format!("user {}: {e}", user.username)))?;
        match role < *at_least {
            true => Err(ApiError::Forbidden("Forbidden".into())),
            false => Ok(Identity { username: user.username, role }),
        }
    }
}

/// What a call was let in with. A stream that stays open asks again and again whether it still holds.
#[derive(Clone)]
pub struct Stay {
    authority: Authority,
    claims: Option<Claims>,
}

impl Stay {
    /// Returns once the call would not be let in any more: its user was deleted, has another password
    /// or too small a role, or the token has expired. While the database does not answer nothing is
    /// known of that, and only the token's end counts.
    pub async fn over(self) {
        let Self { authority, claims: Some(claims) } = self else { return std::future::pending().await };
        let expired = async {
            while claims.is_current(authority.app.now()) {
                tokio::time::sleep(LOOK).await;
            }
        };
        let unwanted = async {
            while !matches!(authority.admit(Some(&claims)).await, Err(ApiError::Unauthorized(_) | ApiError::Forbidden(_))) {
                tokio::time::sleep(LOOK).await;
            }
        };
        // Side by side: a database that hangs must not hide the token's end.
        tokio::select! {
            () = expired => {}
            () = unwanted => {}
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Stay {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let known = parts.extensions.get::<Self>().cloned();
        known.ok_or_else(|| ApiError::Internal("a handler asks how long a call may go on, but its route is public".into()))
    }
}

fn invalid() -> ApiError {
    ApiError::Unauthorized("Invalid or expired token".into())
}

/// What the call's token says; `None` where nobody is asked for one.
async fn claims(app: &App, method: &Method, headers: &HeaderMap) -> Result<Option<Claims>, ApiError> {
    if !app.auth.enabled && csrf::is_foreign(method, headers) {
        return Err(ApiError::Forbidden("A change may not come from another site's page".into()));
    }
    if !app.auth.enabled {
        return Ok(None);
    }
    let (token, by_cookie) = match bearer(headers) {
        Some(token) => (token, false),
        None => (cookie(headers).ok_or_else(|| ApiError::Unauthorized("Not authenticated".into()))?, true),
    };
    if by_cookie && csrf::is_suspect(method, headers) {
        return Err(ApiError::Forbidden("A change by cookie needs the header X-Requested-With or must come from the same origin".into()));
    }
    app.auth.key(app).await?.verify(token, app.now()).ok_or_else(invalid).map(Some)
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
