//! Logs, whole, in pieces and as they grow.

use std::io::Write;

use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use serde_json::json;
use updraft_model::{Batch, TaskState, Timestamp, Update};
use updraft_store::{Page, Reader, TaskInstanceFilter};

use crate::{fixture, world::World};

const DONE: &str = "/api/v2/dags/sales/dagRuns/done/taskInstances/extract/logs";
const LIVE: &str = "/api/v2/dags/sales/dagRuns/live/taskInstances/extract/logs";
const TEMPLATE: &str = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}";

/// What these attempts of node-1 write: `done` has had 78 and 79 (a try each), `live` has 77.
pub fn file(world: &World, run: &str, try_number: u32) -> std::fs::File {
    let attempt = if run == "live" { 77 } else { 77 + u128::from(try_number) };
    segment(world, "logs", run, try_number, attempt)
}

fn segment(world: &World, logs: &str, run: &str, try_number: u32, attempt: u128) -> std::fs::File {
    let log = world.dir.path().join(format!("{logs}/dag_id=sales/run_id={run}/task_id=extract/attempt={try_number}.log"));
    updraft_logs::begin(&log, fixture::attempt_id(attempt), &"any".parse().unwrap(), Timestamp::EPOCH, Default::default()).unwrap()
}

fn accepting(path: &str, accept: &str) -> Request<Body> {
    Request::get(path).header("accept", accept).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_finished_log_in_each_format() {
    let world = World::new().await;
    let text = "2026-01-30T06:00:01Z hello\nno time\n2026-01-30T06:00:02Z last";
    file(&world, "done", 2).write_all(text.as_bytes()).unwrap();
    let log = world.shaped(TEMPLATE, &format!("{DONE}/2")).await;
    let expected = json!([
        { "timestamp": "2026-01-30T06:00:01Z", "event": "hello" },
        { "event": "no time" },
        { "timestamp": "2026-01-30T06:00:02Z", "event": "last" },
    ]);
    assert_eq!(log, json!({ "content": expected, "continuation_token": null }));
    let plain = world.call(accepting(&format!("{DONE}/2"), "text/plain")).await;
    assert_eq!(plain.text, format!("{text}\n"));
    let lines = world.call(accepting(&format!("{DONE}/2"), "application/x-ndjson")).await;
    assert_eq!(lines.text.lines().nth(1), Some("{\"event\":\"no time\"}"));
    for (accept, content_type) in [
        ("application/json, text/plain, */*", "application/json"),
        ("Text/Plain", "text/plain; charset=utf-8"),
        ("text/plain;q=0.1, application/x-ndjson", "application/x-ndjson"),
        ("text/html, */*;q=0.8", "application/json"),
    ] {
        assert_eq!(world.call(accepting(&format!("{DONE}/2"), accept)).await.headers["content-type"], content_type, "{accept}");
    }
    world.call(accepting(&format!("{DONE}/2"), "text/html")).await.expect(406);
}

#[tokio::test]
async fn a_long_log_comes_in_pieces() {
    let world = World::new().await;
    let line = format!("2026-01-30T06:00:01Z {}\n", "x".repeat(1000));
    file(&world, "done", 2).write_all(line.repeat(2_500).as_bytes()).unwrap();
    let (mut lines, mut pieces, mut token) = (0, 0, String::new());
    loop {
        let log = world.shaped(TEMPLATE, &format!("{DONE}/2{token}")).await;
        lines += log["content"].as_array().unwrap().len();
        pieces += 1;
        match log["continuation_token"].as_str() {
            Some(next) => token = format!("?token={next}"),
            None => break,
        }
    }
    assert_eq!((lines, pieces), (2_500, 3));
    world.get(&format!("{DONE}/2?token=forged")).await.expect(400);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let world = World::new().await;
    let log = world.shaped(TEMPLATE, &format!("{DONE}/2")).await;
    assert!(log["content"][0]["event"].as_str().unwrap().starts_with("There is no log"));
    world.get(&format!("{DONE}/3")).await.expect(404);
    world.get(&format!("{DONE}/0")).await.expect(404);
    world.get("/api/v2/dags/..%2F..%2Fetc/dagRuns/done/taskInstances/extract/logs/1").await.expect(404);
    world.get("/api/v2/dags/sales/dagRuns/..%2Fdone/taskInstances/extract/logs/1").await.expect(404);
}

#[tokio::test]
async fn a_run_that_was_deleted_and_made_again_shows_its_own_log_only() {
    let world = World::new().await;
    segment(&world, "logs", "done", 2, 1).write_all(b"of a run that is gone\n").unwrap();
    file(&world, "done", 2).write_all(b"of this one\n").unwrap();
    segment(&world, "logs", "done", 2, 2).write_all(b"of no one\n").unwrap();
    let log = world.shaped(TEMPLATE, &format!("{DONE}/2")).await;
    assert_eq!(log["content"], json!([{ "event": "of this one" }]));
}

#[tokio::test]
async fn a_failed_try_ends_with_why() {
    let world = World::new().await;
    let why = json!({ "timestamp": "2026-01-30T06:00:03.5Z", "event": "[updraft] the try failed: exit code 1" });
    let log = world.shaped(TEMPLATE, &format!("{DONE}/1")).await;
    assert_eq!(log, json!({ "content": [why], "continuation_token": null }), "also where nothing was written");
    file(&world, "done", 1).write_all(b"no newline").unwrap();
    let log = world.shaped(TEMPLATE, &format!("{DONE}/1")).await;
    assert_eq!(log["content"], json!([{ "event": "no newline" }, why]));
    let plain = world.call(accepting(&format!("{DONE}/1"), "text/plain")).await;
    assert_eq!(plain.text, "no newline\n2026-01-30T06:00:03.5Z [updraft] the try failed: exit code 1\n");
    let stream = world.get(&format!("{DONE}/1/stream")).await;
    let events: Vec<&str> = stream.text.split("\n\n").collect();
    assert!(events[0].starts_with("id: 1.1\n") && events[0].contains("exit code 1"), "{stream:?}");
    assert_eq!(events[1..], ["event: end\ndata: {}", ""]);
    let rest = world.call(Request::get(format!("{DONE}/1/stream")).header("last-event-id", "1.1").body(Body::empty()).unwrap()).await;
    assert_eq!(rest.text, "event: end\ndata: {}\n\n", "nothing is told twice");
}

#[tokio::test]
async fn a_live_log_is_followed_to_its_end() {
    let world = World::new().await;
    let mut log = file(&world, "live", 1);
    log.write_all(b"2026-01-31T06:00:01Z one\n2026-01-31T06:00:02Z tw").unwrap();
    let response = world.send(Request::get(format!("{LIVE}/1/stream")).body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let mut told = next(&mut body).await;
    assert_eq!(told, "id: 0.25\ndata: [{\"timestamp\":\"2026-01-31T06:00:01Z\",\"event\":\"one\"}]\n\n");
    log.write_all(b"o\n").unwrap();
    told = next(&mut body).await;
    assert!(told.contains("\"event\":\"two\""), "{told}");
    log.write_all(b"2026-01-31T06:00:03Z the end without a newline").unwrap();
    end(&world).await;
    told = next(&mut body).await;
    assert!(told.contains("the end without a newline"), "{told}");
    assert_eq!(next(&mut body).await, "event: end\ndata: {}\n\n");
    assert!(body.frame().await.is_none());
}

async fn next(body: &mut Body) -> String {
    let frame = body.frame().await.unwrap().unwrap();
    String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
}

/// The running task instance succeeds.
async fn end(world: &World) {
    let filter = TaskInstanceFilter { states: vec![TaskState::Running], ..TaskInstanceFilter::default() };
    let row = world.store.task_instances(filter, Page { limit: 1, ..Page::default() }).await.unwrap().items.pop().unwrap().row;
    let update = Update { from: TaskState::Running, row: updraft_model::TaskInstanceRow { state: TaskState::Success, ..row } };
    world.commit(Batch { task_instances: vec![update], ..Batch::default() }).await;
}
