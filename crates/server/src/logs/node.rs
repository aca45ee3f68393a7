//! `GET /internal/attempts/{attempt}/log`: one node asks another. Not a part of the API.
//!
//! Answers the bytes of the part of a log that begins with this attempt, from this node's own folder
//! only: whoever asks goes on from node to node, nobody is sent further.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use updraft_logs::log_file;
use updraft_model::{AttemptId, AttemptLabels};

use super::{part::parts, peers::NODE_HEADER};
use crate::{
    app::App,
    auth::pass,
    error::ApiError,
    extract::{FromQuery, Path, Query, QueryReader},
};

/// No answer is longer, whatever is asked for.
const LONGEST: usize = 16 * 1024 * 1024;

/// Which bytes.
pub struct Bytes {
    from: u64,
    limit: usize,
}

impl FromQuery for Bytes {
    fn from_query(q: &mut QueryReader) -> Self {
        // Negative ones are refused, and then this is not used.
        let from = u64::try_from(q.integer_or("from", Some(0), 0)).unwrap_or_default();
        let limit = q.integer("limit", Some(0)).map_or(LONGEST, |limit| usize::try_from(limit).unwrap_or(LONGEST));
        Self { from, limit: limit.min(LONGEST) }
    }
}

/// The bytes of a part of a log that lies on this node.
pub async fn read_part(
    State(app): State<Arc<App>>,
    Path(attempt): Path<String>,
    Query(bytes): Query<Bytes>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut response = answer(&app, &attempt, bytes, &headers).await.into_response();
    if let Some(node) = app.config.node.as_ref().and_then(|node| HeaderValue::from_str(node.as_str()).ok()) {
        response.headers_mut().insert(HeaderName::from_static(NODE_HEADER), node);
    }
    Ok(response)
}

async fn answer(app: &App, attempt: &str, bytes: Bytes, headers: &HeaderMap) -> Result<Response, ApiError> {
    let nothing = || ApiError::not_found("There is no such log on this node");
    let attempt: AttemptId = attempt.parse().map_err(|_| nothing())?;
    let pass = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !pass::is_good(app.auth.key(app).await?, pass, attempt, app.now()) {
        let why = "the request is not signed with this database's key, or the two nodes' clocks differ by minutes";
        return Err(ApiError::Forbidden(why.to_owned()));
    }
    let row = app.reader.attempts_by_id(vec![attempt]).await?.pop().ok_or_else(nothing)?;
    let run = app.reader.run_by_key(row.key.run).await?.ok_or_else(nothing)?;
    let labels = AttemptLabels {
        dag_id: run.dag_id,
        run_id: run.run_id,
        task_id: row.key.task_id.clone(),
        map_index: row.key.map_index,
        try_number: row.try_number,
    };
    let parts = parts(&app.reader.attempts(&row.key).await?, row.try_number);
    let part = parts.into_iter().find(|part| part.first == attempt).ok_or_else(nothing)?;
    let log = log_file(&app.config.logs_dir, &labels);
    let read = part.read_here(log, bytes.from, bytes.limit).await;
    let found = read.map_err(|error| ApiError::Internal(format!("the log can't be read: {error}")))?.ok_or_else(nothing)?;
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "application/octet-stream")], found).into_response())
}
