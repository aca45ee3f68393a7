//! `GET .../taskInstances/{task_id}/logs/{try_number}`: as JSON in pieces, or whole as text or NDJSON.

use std::{io, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, StreamExt as _, stream};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    accept,
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
    let format = accept::preferred(&headers, &["application/json", "application/x-ndjson", "text/plain"])?;
    let path = TaskInstancePath { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, map_index: which.map_index };
    let subject = Subject::find(&app, path, try_number).await?;
    let (content_type, format): (_, fn(&Line) -> String) = match format {
        0 => return piece(&app, subject, which).await.map(IntoResponse::into_response),
        1 => ("application/x-ndjson", ndjson),
        _ => ("text/plain; charset=utf-8", text),
    };
    let body = Body::from_stream(parts(app, subject, format));
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

async fn piece(app: &App, subject: Subject, which: WhichLog) -> Result<Json<TaskInstancesLogResponse>, ApiError> {
    let bad_token = || ApiError::BadRequest("Bad Signature. Please use only the tokens provided by the API.".into());
    let from = match &which.token {
        Some(token) => Position::from_token(token).ok_or_else(bad_token)?,
        None => Position::START,
    };
    let limit = if which.full_content { LARGE_PIECE } else { PIECE };
    let chunk = subject.read(app, from, limit).await?;
    let is_complete = subject.is_over && chunk.at_end;
    let mut content = chunk.lines;
    if content.is_empty() && !chunk.is_begun {
        content.push(subject.missing());
    }
    let continuation_token = (!is_complete).then(|| chunk.next.token());
    Ok(Json(TaskInstancesLogResponse { content, continuation_token }))
}

/// All that is there now, in parts.
fn parts(app: Arc<App>, subject: Subject, format: fn(&Line) -> String) -> impl Stream<Item = io::Result<String>> + Send {
    let start = (app, subject, Some(Position::START));
    stream::unfold(start, move |(app, subject, from)| async move {
        match subject.read(&app, from?, PART).await {
            Ok(chunk) if chunk.lines.is_empty() && !chunk.is_begun => {
                let missing = subject.missing();
                Some((Ok(format(&missing)), (app, subject, None)))
            }
            Ok(chunk) => {
                let next = (!chunk.at_end).then_some(chunk.next);
                Some((Ok(chunk.lines.iter().map(format).collect()), (app, subject, next)))
            }
            Err(error) => Some((Err(io::Error::other(error)), (app, subject, None))),
        }
    })
    // Compression asks once more after the end.
    .fuse()
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
