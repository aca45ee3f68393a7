//! Names in paths. One of the wrong type is answered as FastAPI does.

use axum::{
    extract::{FromRequestParts, path::ErrorKind, rejection::PathRejection},
    http::request::Parts,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::item;
use crate::error::ApiError;

/// axum's `Path` with FastAPI's errors.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(names)) => Ok(Self(names)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => Err(invalid(error.into_kind())),
            Err(other) => Err(ApiError::Internal(other.to_string())),
        }
    }
}

fn invalid(kind: ErrorKind) -> ApiError {
    // Only numbers can be of the wrong type: everything else is read as text.
    let number = |name: String, value: String| {
        let msg = "Input should be a valid integer, unable to parse string as an integer";
        ApiError::Validation(vec![item("int_parsing", ["path", &name], msg, Value::from(value), None)])
    };
    match kind {
        ErrorKind::ParseErrorAtKey { key, value, .. } => number(key, value),
        ErrorKind::ParseErrorAtIndex { index, value, .. } => number(index.to_string(), value),
        ErrorKind::ParseError { value, .. } => number("0".to_owned(), value),
        ErrorKind::InvalidUtf8InPathParam { key } => ApiError::BadRequest(format!("{key} is not UTF-8")),
        other => ApiError::Internal(other.to_string()),
    }
}
