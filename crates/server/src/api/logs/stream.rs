//! `GET .../logs/{try_number}/stream`, an extension of Updraft: a log as it grows, as server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::StreamExt;

use super::get::WhichLog;
use crate::{
    app::App,
    auth::Stay,
    error::ApiError,
    extract::{Path, Query},
    logs::{Piece, Position, Subject, follow},
    lookup::TaskInstancePath,
};

/// A log as it grows, as server-sent events.
///
/// `data` is a JSON array of lines (`{"timestamp": .., "event": ..}`), `id` where the next begin:
/// a client that comes back with `Last-Event-ID` goes on there. `event: end` says that the try is
/// over and all was sent; clients close then. Without it the stream ends with the token, and some
/// seconds after its user may not read any more.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}/stream",
    tag = "Updraft", operation_id = "stream_log", params(Query<WhichLog>),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub async fn stream_log(
    State(app): State<Arc<App>>,
    stay: Stay,
    Path((dag_id, run_id, task_id, try_number)): Path<(String, String, String, u32)>,
    Query(which): Query<WhichLog>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let path = TaskInstancePath { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, map_index: which.map_index };
    let subject = Subject::find(&app, path, try_number).await?;
    let from = headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(Position::from_id);
    let pieces = follow(app, subject, from.unwrap_or(Position::START)).take_until(stay.over());
    let pieces = pieces.map(|piece| Ok::<_, Infallible>(event(&piece)));
    let mut response = Sse::new(pieces).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response();
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn event(piece: &Piece) -> Event {
    match piece {
        Piece::Lines { lines, next } => {
            let data = serde_json::to_string(lines).unwrap_or_else(|_| "[]".to_owned());
            Event::default().id(next.id()).data(data)
        }
        Piece::End => Event::default().event("end").data("{}"),
    }
}
