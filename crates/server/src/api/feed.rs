//! `GET /api/v2/feed`, an extension of Updraft: live updates as server-sent events.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response, Sse, sse::Event},
};
use futures::StreamExt;

use crate::{
    app::App,
    auth::Stay,
    error::ApiError,
    extract::Query,
    feed::{FeedFilter, Message, follow},
};

/// What changes, as server-sent events.
///
/// `id` is the number of the commit, `data` a JSON array of changes (`{"what": "run", "dag_id": ..,
/// "run_id": .., "state": ..}`, `task_instance`, `dag`, `run_deleted`, `import_errors`, `pools`);
/// the first event has an empty array and the number to come back with. A client that comes back
/// with `Last-Event-ID` gets what it missed, or an `event: reset` if that is too much: then it asks
/// for everything again. A comment comes every 15 s if nothing else does. The stream ends with the
/// token, and some seconds after its user may not read any more.
#[utoipa::path(get, path = "/api/v2/feed", tag = "Updraft", operation_id = "get_feed", params(Query<FeedFilter>),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub async fn get_feed(
    State(app): State<Arc<App>>,
    stay: Stay,
    headers: HeaderMap,
    Query(filter): Query<FeedFilter>,
) -> Result<Response, ApiError> {
    // What was never given to anybody is answered as a number that no commit has: with a reset.
    let number = |value: &HeaderValue| value.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(i64::MAX);
    let last = headers.get("last-event-id").map(number);
    let messages = follow(app.reader.clone(), app.hub.clone(), filter, last, app.shutdown.clone()).await?.take_until(stay.over());
    let mut response = Sse::new(messages.map(|message| Ok::<_, Infallible>(event(&message)))).into_response();
    // Proxies that hold back an answer until it is long would hold back everything here.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn event(message: &Message) -> Event {
    match message {
        Message::Changes { seq, changes } => {
            let data = serde_json::to_string(changes).unwrap_or_else(|_| "[]".to_owned());
            Event::default().id(seq.to_string()).data(data)
        }
        Message::Reset { seq } => Event::default().event("reset").id(seq.to_string()).data("[]"),
        Message::Heartbeat => Event::default().comment("still here"),
    }
}
