//! `POST /auth/token` as in Airflow's simple auth manager, and the page's login by cookie.

use std::sync::Arc;

use argon2::password_hash::rand_core::{OsRng, RngCore};
use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde::Serialize;
use serde_json::{Map, Value};
use updraft_store::UserRow;
use utoipa::ToSchema;

use super::{Auth, Identity, Role, gate::COOKIE, jwt, password};
use crate::{
    app::App,
    error::ApiError,
    extract::{BodyReader, FromBody, body_schema},
};

/// Who logs in.
pub struct LoginBody {
    username: String,
    password: String,
}

body_schema!(LoginBody);

impl FromBody for LoginBody {
    const NAME: &'static str = "LoginBody";
    fn from_body(b: &mut BodyReader) -> Self {
        Self { username: b.required_text("username", 0), password: b.required_text("password", 0) }
    }
}

/// The token.
#[derive(Serialize, ToSchema)]
pub struct LoginResponse {
    /// To be sent as `Authorization: Bearer`.
    access_token: String,
}

/// Who is logged in.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// The name.
    username: String,
    /// The role.
    role: Role,
}

impl Auth {
    /// The key that signs tokens, made at the first start and kept in the store.
    pub async fn key(&self, app: &App) -> Result<&jwt::Key, ApiError> {
        let read = || async {
            let mut random = [0u8; 32];
            OsRng.fill_bytes(&mut random);
            match app.reader.setting("jwt_key", Value::from(BASE64.encode(random))).await? {
                Value::String(secret) => Ok(jwt::Key::new(&secret)),
                _ => Err(ApiError::Internal("the setting jwt_key is not a text".into())),
            }
        };
        self.key.get_or_try_init(read).await
    }

    /// The user, if the password is theirs.
    async fn verify(&self, app: &App, body: LoginBody) -> Result<UserRow, ApiError> {
        let user = self.directory.find_now(app.reader.as_ref(), &body.username).await?;
        let stored = user.as_ref().map(|user| user.password_hash.clone());
        let matches = self.laboriously(move || password::matches(&body.password, stored.as_deref())).await?;
        user.filter(|_| matches).ok_or_else(|| ApiError::Unauthorized("Invalid credentials".into()))
    }

    /// The text to store for a password.
    pub async fn hash(&self, password: String) -> Result<String, ApiError> {
        let hash = self.laboriously(move || password::hash_password(&password)).await?;
        hash.map_err(|e| ApiError::BadRequest(e.to_string()))
    }

    /// What tokens allow is looked up again.
    pub async fn forget_users(&self) {
        self.directory.forget().await;
    }

    /// On a thread of its own, few at a time.
    async fn laboriously<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let failed = |e: &dyn std::fmt::Display| ApiError::Internal(format!("a password can't be checked: {e}"));
        let _permit = self.verifications.acquire().await.map_err(|e| failed(&e))?;
        tokio::task::spawn_blocking(work).await.map_err(|e| failed(&e))
    }

    async fn issue(&self, app: &App, user: &UserRow) -> Result<String, ApiError> {
        let lifetime = i64::try_from(app.config.token_lifetime.as_secs()).unwrap_or(i64::MAX);
        let token = self.key(app).await?.sign(&user.username, jwt::fingerprint(&user.password_hash), app.now(), lifetime);
        token.ok_or_else(|| ApiError::Internal("a token can't be signed".into()))
    }
}

/// Gives a token for a name and a password, sent as JSON or as a form.
#[utoipa::path(
    post, path = "/auth/token", tag = "Login", operation_id = "create_token",
    request_body(content((LoginBody = "application/json"), (LoginBody = "application/x-www-form-urlencoded"))),
    responses((status = 201, body = LoginResponse), (status = 401, body = crate::error::ErrorBody))
)]
pub async fn token(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Result<(StatusCode, Json<LoginResponse>), ApiError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/json");
    let login: LoginBody = match content_type.split(';').next().unwrap_or_default().trim() {
        "application/json" => BodyReader::read(&body)?,
        "application/x-www-form-urlencoded" => {
            let form: Vec<(String, String)> = serde_urlencoded::from_bytes(&body).map_err(|e| ApiError::BadRequest(e.to_string()))?;
            BodyReader::read_object(form.into_iter().map(|(name, value)| (name, value.into())).collect::<Map<_, _>>())?
        }
        other => return Err(ApiError::UnsupportedMediaType(format!("Unsupported Media Type: {other}"))),
    };
    let user = app.auth.verify(&app, login).await?;
    let access_token = app.auth.issue(&app, &user).await?;
    Ok((StatusCode::CREATED, Json(LoginResponse { access_token })))
}

/// The same under the name that Airflow's command line uses.
#[utoipa::path(
    post, path = "/auth/token/cli", tag = "Login", operation_id = "create_token_cli",
    request_body = LoginBody,
    responses((status = 201, body = LoginResponse), (status = 401, body = crate::error::ErrorBody))
)]
pub async fn token_cli(app: State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Result<(StatusCode, Json<LoginResponse>), ApiError> {
    token(app, headers, body).await
}

/// Logs the page in: the token goes into a cookie that scripts can't read.
///
/// An extension of Updraft. JSON only: a form of another site could be sent without asking first.
#[utoipa::path(
    post, path = "/auth/login", tag = "Login", operation_id = "login_by_cookie",
    request_body = LoginBody,
    responses((status = 200, body = Me), (status = 401, body = crate::error::ErrorBody))
)]
pub async fn login(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Result<Response, ApiError> {
    let json = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_some_and(|v| v.starts_with("application/json"));
    if !json {
        return Err(ApiError::UnsupportedMediaType("Unsupported Media Type: send application/json".into()));
    }
    let user = app.auth.verify(&app, BodyReader::read(&body)?).await?;
    let role = user.role.parse().map_err(|e| ApiError::Forbidden(format!("user {}: {e}", user.username)))?;
    let token = app.auth.issue(&app, &user).await?;
    let set = cookie(&app, &token, app.config.token_lifetime.as_secs())?;
    Ok(([(header::SET_COOKIE, set)], Json(Me { username: user.username, role })).into_response())
}

/// Logs the page out.
#[utoipa::path(post, path = "/auth/logout", tag = "Login", operation_id = "logout", responses((status = 204)))]
pub async fn logout(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie(&app, "", 0)?)]).into_response())
}

/// Who is logged in, and as what. An extension of Updraft.
#[utoipa::path(get, path = "/api/v2/me", tag = "Login", operation_id = "get_me", responses((status = 200, body = Me)))]
pub async fn me(Identity { username, role }: Identity) -> Json<Me> {
    Json(Me { username, role })
}

fn cookie(app: &App, token: &str, seconds: u64) -> Result<HeaderValue, ApiError> {
    let secure = if app.config.base_url.as_deref().is_some_and(|url| url.starts_with("https://")) { "; Secure" } else { "" };
    let text = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).map_err(|e| ApiError::Internal(format!("cookie: {e}")))
}
