//! `GET .../taskInstances/{task_id}/logs/{try_number}`: as JSON in pieces, or whole as text or NDJSON.

use std::{io, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, stream};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    error::ApiError,
    extract::{FromQuery, Path, Query, QueryReader},
    logs::{Line, Position, Subject},
    lookup::TaskInstancePath,
};

/// The JSON of one piece is made in memory; this bounds it.
const PIECE: usize = 1024 * 1024;
/// With `full_content` a piece may be this long.
const LARGE_PIECE: usize = 16 * 1024 * 1024;
/// Streams are read in parts of this length.
const PART: usize = 64 * 1024;

/// Which part of the log.
pub struct WhichLog {
    pub map_index: Option<i32>,
    full_content: bool,
    token: Option<String>,
}

impl FromQuery for WhichLog {
    fn from_query(q: &mut QueryReader) -> Self {
        let full_content = q.flag_or("full_content", false);
        let map_index = i32::try_from(q.integer_or("map_index", None, -1)).unwrap_or(i32::MAX);
        Self { full_content, map_index: Some(map_index), token: q.text("token") }
    }
}

/// A piece of a log.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct TaskInstancesLogResponse {
    content: Vec<Line>,
    /// For the next piece; `null` once the log is complete and was read to its end.
    continuation_token: Option<String>,
}

/// The log of a try.
///
/// As `application/json` in pieces: while there is a `continuation_token`, pass it as `token` for
/// the next one (of a try that still runs it may be empty). As `text/plain` (an extension of
/// Updraft) or `application/x-ndjson` all that is there now.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}",
    tag = "Task Instance", operation_id = "get_log", params(Query<WhichLog>),
    responses((status = 200, content((TaskInstancesLogResponse = "application/json"), (String = "application/x-ndjson"),
        (String = "text/plain")))))]
pub async fn get_log(
    State(app): State<Arc<App>>,
    Path((dag_id, run_id, task_id, try_number)): Path<(String, String, String, u32)>,
    Query(which): Query<WhichLog>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let path = TaskInstancePath { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, map_index: which.map_index };
    let subject = Subject::find(&app, path, try_number).await?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    let (content_type, format): (_, fn(&Line) -> String) = if accept.contains("application/x-ndjson") {
        ("application/x-ndjson", ndjson)
    } else if accept.contains("text/plain") {
        ("text/plain; charset=utf-8", text)
    } else {
        return piece(subject, which).await.map(IntoResponse::into_response);
    };
    let head = if subject.file.exists().await { None } else { Some(subject.missing()) };
    let body = Body::from_stream(parts(subject, head, format));
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

async fn piece(subject: Subject, which: WhichLog) -> Result<Json<TaskInstancesLogResponse>, ApiError> {
    let bad_token = || ApiError::BadRequest("Bad Signature. Please use only the tokens provided by the API.".into());
    let from = match &which.token {
        Some(token) => Position::from_token(token).ok_or_else(bad_token)?.log_pos,
        None => 0,
    };
    let limit = if which.full_content { LARGE_PIECE } else { PIECE };
    let chunk = subject.file.read(from, limit, subject.is_over).await.map_err(|e| ApiError::Internal(format!("log: {e}")))?;
    let is_complete = subject.is_over && chunk.at_end;
    let mut content = chunk.lines;
    if content.is_empty() && from == 0 && !subject.file.exists().await {
        content.push(subject.missing());
    }
    let continuation_token = (!is_complete).then(|| Position { log_pos: chunk.next }.token());
    Ok(Json(TaskInstancesLogResponse { content, continuation_token }))
}

/// All that is there now, in parts.
fn parts(subject: Subject, head: Option<Line>, format: fn(&Line) -> String) -> impl Stream<Item = io::Result<String>> + Send {
    let start = (subject, head, 0u64, false);
    stream::unfold(start, move |(subject, head, from, done)| async move {
        if let Some(line) = head {
            return Some((Ok(format(&line)), (subject, None, from, true)));
        }
        if done {
            return None;
        }
        match subject.file.read(from, PART, true).await {
            Ok(chunk) if chunk.lines.is_empty() => None,
            Ok(chunk) => Some((Ok(chunk.lines.iter().map(format).collect()), (subject, None, chunk.next, chunk.at_end))),
            Err(error) => Some((Err(error), (subject, None, from, true))),
        }
    })
}

fn text(line: &Line) -> String {
    match &line.timestamp {
        Some(time) => format!("{time} {}\n", line.event),
        None => format!("{}\n", line.event),
    }
}

fn ndjson(line: &Line) -> String {
    serde_json::to_string(line).unwrap_or_default() + "\n"
}
