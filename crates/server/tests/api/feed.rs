//! Live updates.

use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use updraft_model::{Batch, ImportErrorRow, RunState, Update, Upsert};
use updraft_store::{EngineStore, Reader};

use crate::{fixture::at, world::World};

async fn open(world: &World, query: &str, last: Option<i64>) -> Body {
    let request = Request::get(format!("/api/v2/feed{query}")).header("accept-encoding", "gzip");
    let request = match last {
        Some(last) => request.header("last-event-id", last.to_string()),
        None => request,
    };
    let response = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    // Compressed, events would wait in a buffer.
    assert!(!response.headers().contains_key("content-encoding"));
    response.into_body()
}

async fn next(body: &mut Body) -> String {
    let frame = body.frame().await.unwrap().unwrap();
    String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
}

async fn set_state(world: &World, run_id: &str, state: RunState) -> i64 {
    let row = world.store.run(&"sales".parse().unwrap(), &run_id.parse().unwrap()).await.unwrap().unwrap();
    let update = Update { from: row.state, row: updraft_model::RunRow { state, ..row } };
    world.commit(Batch { runs: vec![update], ..Batch::default() }).await
}

#[tokio::test]
async fn a_page_hears_what_happens_from_now_on() {
    let world = World::with(|_| ()).await;
    let mut body = open(&world, "", None).await;
    let head = world.store.feed_head().await.unwrap();
    assert_eq!(next(&mut body).await, format!("id: {head}\ndata: []\n\n"));
    let seq = set_state(&world, "live", RunState::Failed).await;
    let data = r#"[{"what":"run","dag_id":"sales","run_id":"live","state":"failed"}]"#;
    assert_eq!(next(&mut body).await, format!("id: {seq}\ndata: {data}\n\n"));
    world.shutdown.send(true).unwrap();
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_page_that_comes_back_hears_what_it_missed() {
    let world = World::with(|_| ()).await;
    let head = world.store.feed_head().await.unwrap();
    set_state(&world, "live", RunState::Failed).await;
    set_state(&world, "live", RunState::Success).await;
    let mut body = open(&world, "?dag_id=sales&run_id=live", Some(head)).await;
    assert!(next(&mut body).await.contains("failed"));
    assert!(next(&mut body).await.contains("success"));
    let seq = set_state(&world, "live", RunState::Queued).await;
    assert!(next(&mut body).await.starts_with(&format!("id: {seq}\n")));
}

#[tokio::test]
async fn a_number_from_another_life_is_a_reset() {
    let world = World::with(|_| ()).await;
    let mut body = open(&world, "", Some(1_000_000)).await;
    assert!(next(&mut body).await.starts_with("event: reset\n"));
    for text in ["seven", "", "-9223372036854775808", "99999999999999999999"] {
        let request = Request::get("/api/v2/feed").header("last-event-id", text).body(Body::empty()).unwrap();
        let mut body = world.send(request).await.into_body();
        assert!(next(&mut body).await.starts_with("event: reset\n"), "{text}");
    }
}

#[tokio::test]
async fn what_was_cleaned_away_is_a_reset() {
    let world = World::with(|_| ()).await;
    let first = world.store.feed_head().await.unwrap();
    for state in [RunState::Failed, RunState::Success, RunState::Failed] {
        set_state(&world, "live", state).await;
    }
    world.store.clean(at("2100-01-01T00:00:00Z"), 0).await.unwrap();
    let last = set_state(&world, "live", RunState::Success).await;
    let mut body = open(&world, "", Some(first)).await;
    assert_eq!(next(&mut body).await, format!("event: reset\nid: {last}\ndata: []\n\n"));
    let seq = set_state(&world, "live", RunState::Failed).await;
    assert!(next(&mut body).await.starts_with(&format!("id: {seq}\n")));
}

#[tokio::test]
async fn others_changes_are_not_told() {
    let world = World::with(|_| ()).await;
    let mut body = open(&world, "?dag_id=sales&run_id=live", None).await;
    next(&mut body).await;
    set_state(&world, "later", RunState::Running).await;
    let error = ImportErrorRow {
        file: "x".into(),
        timestamp: at("2026-01-01T00:00:00Z"),
        stack_trace: "s".into(),
        diagnostics: serde_json::json!([]),
    };
    world.commit(Batch { import_errors: vec![Upsert::Set(error)], ..Batch::default() }).await;
    let seq = set_state(&world, "live", RunState::Failed).await;
    assert!(next(&mut body).await.starts_with(&format!("id: {seq}\n")));
}

#[tokio::test]
async fn an_odd_name_is_refused() {
    let world = World::with(|_| ()).await;
    world.get("/api/v2/feed?dag_id=a%20b").await.expect(422);
}
