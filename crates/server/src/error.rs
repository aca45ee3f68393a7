//! The one error type of the API, and its shapes: `{"detail": "..."}`, and FastAPI's list of
//! validation errors for 422.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};
use updraft_model::{Answer, RejectionKind};
use updraft_store::StoreError;
use utoipa::ToSchema;

/// Why a call is not answered as it hoped.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ApiError {
    /// 400: it makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// 401: nobody known is asking.
    #[error("{0}")]
    Unauthorized(String),
    /// 403: whoever asks may not.
    #[error("{0}")]
    Forbidden(String),
    /// 404: what it names does not exist.
    #[error("{0}")]
    NotFound(String),
    /// 406: none of the accepted content types can be given.
    #[error("{0}")]
    NotAcceptable(String),
    /// 409: it is against what exists.
    #[error("{0}")]
    Conflict(String),
    /// 413: the body is too large.
    #[error("{0}")]
    TooLarge(String),
    /// 415: the body is in no format that is understood here.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// 422 with FastAPI's list.
    #[error("{} validation errors", .0.len())]
    Validation(Vec<ValidationItem>),
    /// 422 with a plain text, as Airflow gives it for states it does not know.
    #[error("{0}")]
    Unprocessable(String),
    /// 503: later, perhaps. Nothing has happened, unless the text says otherwise.
    #[error("{0}")]
    Unavailable(String),
    /// 500: a defect. The text goes to the log, not to the caller.
    #[error("{0}")]
    Internal(String),
}

/// One entry of FastAPI's list of validation errors.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ValidationError)]
pub struct ValidationItem {
    /// A stable name of the sort of error, e.g. `missing`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Where: `["query", "limit"]`, `["body", "note"]`.
    #[schema(value_type = Vec<String>)]
    pub loc: Vec<Value>,
    /// What, in words.
    pub msg: String,
    /// What was given.
    pub input: Value,
    /// The numbers and names in `msg`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctx: Option<Value>,
}

/// Documentation of every error's body.
#[derive(Serialize, ToSchema)]
#[schema(as = HTTPExceptionResponse)]
#[allow(dead_code)]
pub struct ErrorBody {
    detail: String,
}

/// Documentation of the body of 422.
#[derive(Serialize, ToSchema)]
#[schema(as = HTTPValidationError)]
#[allow(dead_code)]
pub struct ValidationBody {
    detail: Vec<ValidationItem>,
}

impl ApiError {
    /// A 404 that says what was looked for.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound(what.into())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Validation(_) | Self::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let detail = match self {
            Self::Validation(items) => serde_json::to_value(items).unwrap_or_default(),
            Self::Internal(why) => {
                tracing::error!(why, "an API call failed");
                Value::from("Internal Server Error")
            }
            other => Value::from(other.to_string()),
        };
        let mut response = (status, Json(json!({ "detail": detail }))).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(error.to_string()),
            StoreError::Broken { .. } => Self::Internal(error.to_string()),
        }
    }
}

/// Turns a rejection into its status; every other answer passes.
pub fn accepted(answer: Answer) -> Result<Answer, ApiError> {
    match answer {
        Answer::Rejected { kind, detail } => Err(match kind {
            RejectionKind::NotFound => ApiError::NotFound(detail),
            RejectionKind::Conflict => ApiError::Conflict(detail),
            RejectionKind::Invalid => ApiError::BadRequest(detail),
        }),
        other => Ok(other),
    }
}
