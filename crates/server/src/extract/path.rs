//! Names in paths. One of the wrong type is answered as FastAPI does.

use axum::{
    extract::{FromRequestParts, RawPathParams, path::ErrorKind, rejection::PathRejection},
    http::request::Parts,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{item, nul_in};
use crate::error::ApiError;

/// axum's `Path` with FastAPI's errors.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if let Ok(names) = RawPathParams::from_request_parts(parts, state).await
            && let Some((name, value)) = names.iter().find(|(_, value)| value.contains('\0'))
        {
            return Err(ApiError::Validation(vec![nul_in(["path", name], value.into())]));
        }
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(names)) => Ok(Self(names)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => {
                let names = RawPathParams::from_request_parts(parts, state).await;
                let names: Vec<String> = names.iter().flatten().map(|(name, _)| name.to_owned()).collect();
                Err(invalid(error.into_kind(), &names))
            }
            Err(other) => Err(ApiError::Internal(other.to_string())),
        }
    }
}

/// `names`: of the path's parts, in their order.
fn invalid(kind: ErrorKind, names: &[String]) -> ApiError {
    // Only numbers can be of the wrong type: everything else is read as text.
    let number = |name: String, value: String| {
        let msg = "Input should be a valid integer, unable to parse string as an integer";
        ApiError::Validation(vec![item("int_parsing", ["path", &name], msg, Value::from(value), None)])
    };
    let name_of = |index: usize| names.get(index).cloned().unwrap_or_else(|| index.to_string());
    match kind {
        ErrorKind::ParseErrorAtKey { key, value, .. } => number(key, value),
        ErrorKind::ParseErrorAtIndex { index, value, .. } => number(name_of(index), value),
        ErrorKind::ParseError { value, .. } => number(name_of(0), value),
        ErrorKind::InvalidUtf8InPathParam { key } => ApiError::BadRequest(format!("{key} is not UTF-8")),
        other => ApiError::Internal(other.to_string()),
    }
}
