//! Logs of other nodes.

use std::io::Write;

use axum::{Router, body::Body, http::Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt;
use updraft_model::{AttemptRow, Batch, Timestamp};
use updraft_store::{NodeRow, Reader};

use crate::{fixture, world::World};

const LIVE: &str = "/api/v2/dags/sales/dagRuns/live/taskInstances/extract/logs/1";

/// Serves a node at an address of its own, which is returned and not told to anybody.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    address
}

async fn announce(world: &World, node: &str, address: Option<String>) {
    let row = NodeRow { node: node.parse().unwrap(), address, last_seen: Timestamp::EPOCH, bundle_digest: None, lost_after: None };
    world.store.node_seen(row).await.unwrap();
}

/// What an attempt of run `live` writes into the folder of a node.
fn log(world: &World, logs: &str, attempt: u128) -> std::fs::File {
    let log = world.dir.path().join(logs).join("dag_id=sales/run_id=live/task_id=extract/attempt=1.log");
    updraft_logs::begin(&log, fixture::attempt_id(attempt), &"any".parse().unwrap(), Timestamp::EPOCH, Default::default()).unwrap()
}

/// The try that runs has had another attempt there, after the ones before.
async fn relaunch(world: &World, attempt: u128, node: &str) {
    let mut row = fixture::batch().attempts.remove(0);
    row = AttemptRow { id: fixture::attempt_id(attempt), node: Some(node.parse().unwrap()), ..row };
    row.queued_at = Timestamp::from_micros(row.queued_at.micros() + i64::try_from(attempt).unwrap());
    world.commit(Batch { attempts: vec![row], ..Batch::default() }).await;
}

async fn ask(router: &Router, request: Request<Body>) -> (u16, String) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    (status, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

async fn json_of(router: &Router, path: &str) -> Value {
    let (status, text) = ask(router, get(path)).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn events(answer: &Value) -> Vec<&str> {
    answer["content"].as_array().unwrap().iter().map(|line| line["event"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_log_is_read_across_nodes_in_order() {
    let world = World::new().await;
    announce(&world, "node-1", Some(serve(world.on_node("node-1")).await)).await;
    announce(&world, "node-2", Some(serve(world.on_node("node-2")).await)).await;
    for (attempt, node) in [(80, "node-1"), (81, "node-2"), (82, "node-1")] {
        relaunch(&world, attempt, node).await;
    }
    for (node, attempt, text) in [
        ("node-1", 77, "one\ncut off"),
        ("node-1", 80, "two\n"),
        ("node-2", 81, "three\n"),
        ("node-1", 1, "of another run\n"),
        ("node-1", 82, "four\nunfinished"),
    ] {
        log(&world, node, attempt).write_all(text.as_bytes()).unwrap();
    }
    let expected = ["one", "cut off", "two", "three", "four"];
    for node in ["node-1", "node-2", "node-3"] {
        let router = world.on_node(node);
        let answer = json_of(&router, LIVE).await;
        assert_eq!(events(&answer), expected, "{node}");
        let token = answer["continuation_token"].as_str().unwrap();
        assert_eq!(json_of(&router, &format!("{LIVE}?token={token}")).await["content"], json!([]));
        let (_, text) = ask(&router, Request::get(LIVE).header("accept", "text/plain").body(Body::empty()).unwrap()).await;
        assert_eq!(text.lines().collect::<Vec<_>>(), expected, "{node}");
    }
}

#[tokio::test]
async fn what_another_node_writes_is_followed() {
    let world = World::new().await;
    announce(&world, "node-1", Some(serve(world.on_node("node-1")).await)).await;
    let mut file = log(&world, "node-1", 77);
    file.write_all(b"one\ntw").unwrap();
    let mut body = world.on_node("node-2").oneshot(get(&format!("{LIVE}/stream"))).await.unwrap().into_body();
    let mut next = async || String::from_utf8(body.frame().await.unwrap().unwrap().into_data().unwrap().to_vec()).unwrap();
    assert_eq!(next().await, "id: 0.4\ndata: [{\"event\":\"one\"}]\n\n");
    file.write_all(b"o\n").unwrap();
    assert_eq!(next().await, "id: 0.8\ndata: [{\"event\":\"two\"}]\n\n");
    relaunch(&world, 83, "node-2").await;
    log(&world, "node-2", 83).write_all(b"here\n").unwrap();
    assert_eq!(next().await, "id: 1.5\ndata: [{\"event\":\"here\"}]\n\n");
}

/// What is said where the part should be, with the address in it cut out.
async fn said_instead(world: &World) -> String {
    let answer = json_of(&world.on_node("node-2"), LIVE).await;
    let lines = events(&answer);
    let [missing, rest @ ..] = &lines[..] else { panic!("{answer}") };
    assert_eq!(rest, ["and on"]);
    let said = missing.strip_prefix("[updraft] a part of this log is missing here: it is on node node-1, ").unwrap();
    said.split("127.0.0.1:").enumerate().map(|(i, t)| if i == 0 { t } else { t.trim_start_matches(|c: char| c.is_ascii_digit()) }).collect()
}

#[tokio::test]
async fn a_node_that_can_not_be_asked_is_said_and_the_rest_is_shown() {
    let world = World::new().await;
    relaunch(&world, 84, "node-2").await;
    log(&world, "node-2", 84).write_all(b"and on\n").unwrap();
    assert_eq!(said_instead(&world).await, "which this database does not know");
    announce(&world, "node-1", None).await;
    assert_eq!(said_instead(&world).await, "which has not said at which address it can be asked");
    // Nobody listens where the listener was.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    announce(&world, "node-1", Some(format!("http://{gone}"))).await;
    let said = said_instead(&world).await;
    assert!(said.starts_with("which does not answer at http:// (Connection refused") && said.contains("; last seen 20"), "{said}");
    announce(&world, "node-1", Some(serve(world.on_node("node-9")).await)).await;
    let said = said_instead(&world).await;
    assert!(said.starts_with("but at its address http:// another answers: set its advertise_address; last seen"), "{said}");
}

#[tokio::test]
async fn of_a_try_that_runs_a_missing_node_is_said_once() {
    let world = World::new().await;
    let router = world.on_node("node-2");
    let first = json_of(&router, LIVE).await;
    assert_eq!(events(&first).len(), 1);
    let token = first["continuation_token"].as_str().unwrap();
    let second = json_of(&router, &format!("{LIVE}?token={token}")).await;
    assert_eq!((&second["content"], &second["continuation_token"]), (&json!([]), &json!(token)));
    announce(&world, "node-1", Some(serve(world.on_node("node-1")).await)).await;
    log(&world, "node-1", 77).write_all(b"back\n").unwrap();
    assert_eq!(events(&json_of(&router, &format!("{LIVE}?token={token}")).await), ["back"]);
}

#[tokio::test]
async fn without_a_signature_a_node_tells_nothing() {
    let world = World::new().await;
    log(&world, "node-1", 77).write_all(b"secret\n").unwrap();
    let path = |attempt| format!("/internal/attempts/{}/log?from=0&limit=100", fixture::attempt_id(attempt));
    let router = world.on_node("node-1");
    for request in [get(&path(77)), Request::get(path(77)).header("authorization", "Updraft-Node 1.x").body(Body::empty()).unwrap()] {
        let (status, text) = ask(&router, request).await;
        assert_eq!(status, 403, "{text}");
        assert!(!text.contains("secret"));
    }
    assert_eq!(ask(&router, get("/internal/attempts/..%2F..%2Fetc/log?from=0&limit=1")).await.0, 404);
    assert_eq!(ask(&router, get("/internal/attempts/x/log")).await, (404, r#"{"detail":"There is no such log on this node"}"#.to_owned()));
    let odd = ask(&router, get("/internal/attempts/x/log?limit=few")).await;
    assert!(odd.0 == 422 && odd.1.starts_with(r#"{"detail":"#), "{odd:?}");
    assert!(!updraft_server::openapi().contains("internal/attempts"));
}
