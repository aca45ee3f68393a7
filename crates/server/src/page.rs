//! The embedded page: files of `web/dist`, and `index.html` for every path of the single-page app.
//! It builds without them too; then `/` says so.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::error::ApiError;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Assets;

const INDEX: &str = "index.html";
/// Files with a hash in their names live here and never change.
const HASHED: &str = "assets/";
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Only our own scripts, no frames around us, nothing sent elsewhere. Styles inline: charts set them.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Headers of every answer, page or API.
pub const SECURITY_HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
];

/// What is no route: a file of the page, the page itself, or Airflow's 404.
pub async fn serve(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") || path.starts_with("auth/") {
        return ApiError::not_found("Not Found").into_response();
    }
    if let Some(file) = Assets::get(path) {
        return respond(path, file, &headers);
    }
    // A missing file must not be answered with a page: browsers would run it as a script.
    match Assets::get(INDEX) {
        _ if is_file(path) => ApiError::not_found("Not Found").into_response(),
        Some(file) => respond(INDEX, file, &headers),
        None => (
            StatusCode::NOT_FOUND,
            Html("<!doctype html><title>Updraft</title><p>This build has no page. The API is at <code>/api/v2</code>."),
        )
            .into_response(),
    }
}

/// Whether a path asks for a file: one with a hash in its name, or one that is named at the top. Ids
/// have dots too, but they stand behind another part (`/dags/sales.daily`).
fn is_file(path: &str) -> bool {
    path.starts_with(HASHED) || !path.contains('/') && path.contains('.')
}

fn respond(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let etag = file.metadata.sha256_hash().iter().take(16).fold(String::from("\""), |text, byte| text + &format!("{byte:02x}")) + "\"";
    let cache = if path.starts_with(HASHED) { FOR_EVER } else { ASK_AGAIN };
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|given| given.as_bytes() == etag.as_bytes());
    let etag = HeaderValue::from_str(&etag).unwrap_or(HeaderValue::from_static(""));
    let common = [(header::CACHE_CONTROL, cache), (header::ETAG, etag)];
    if known {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let content_type = HeaderValue::from_static(content_type(path));
    (common, [(header::CONTENT_TYPE, content_type)], file.data.into_owned()).into_response()
}

/// The types a bundler writes.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map" | "webmanifest") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
