//! XComs, import errors, pools, variables, health, version, metrics.

use serde_json::json;

use crate::{shapes::assert_shape, world::World};

#[tokio::test]
async fn xcoms() {
    let world = World::new().await;
    let path = "/api/v2/dags/sales/dagRuns/done/taskInstances/extract/xcomEntries";
    let template = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries";
    let list = world.shaped(template, path).await;
    assert_eq!((&list["total_entries"], &list["xcom_entries"][0]["key"]), (&json!(2), &json!("path")));
    let all = world.shaped(template, "/api/v2/dags/~/dagRuns/~/taskInstances/~/xcomEntries?xcom_key=return_value").await;
    assert_eq!(all["total_entries"], 1);
    let one = world.shaped(&format!("{template}/{{xcom_key}}"), &format!("{path}/return_value")).await;
    assert_eq!(one["value"], json!({ "rows": 3 }));
    let text = world.shaped(&format!("{template}/{{xcom_key}}"), &format!("{path}/return_value?stringify=true")).await;
    assert_eq!(text["value"], "{\"rows\":3}");
    world.get(&format!("{path}/nope")).await.expect(404);
}

#[tokio::test]
async fn import_errors() {
    let world = World::new().await;
    let list = world.shaped("/api/v2/importErrors", "/api/v2/importErrors?order_by=-timestamp").await;
    let id = list["import_errors"][0]["import_error_id"].as_i64().unwrap();
    let one = world.shaped("/api/v2/importErrors/{import_error_id}", &format!("/api/v2/importErrors/{id}")).await;
    assert_eq!(one, list["import_errors"][0]);
    assert!(one["stack_trace"].as_str().unwrap().contains("did you mean"));
    world.get("/api/v2/importErrors/99999").await.expect(404);
    world.get("/api/v2/importErrors/x").await.expect(422);
}

#[tokio::test]
async fn pools() {
    let world = World::new().await;
    let list = world.shaped("/api/v2/pools", "/api/v2/pools?order_by=-slots").await;
    assert_eq!((&list["total_entries"], &list["pools"][0]["name"]), (&json!(2), &json!("default_pool")));
    assert_eq!((&list["pools"][0]["running_slots"], &list["pools"][0]["open_slots"]), (&json!(1), &json!(127)));
    let made = world.post("/api/v2/pools", json!({ "name": "gpu", "slots": 4 })).await.expect(201);
    assert_shape("PoolResponse", &made);
    world.post("/api/v2/pools", json!({ "name": "gpu", "slots": 4 })).await.expect(409);
    let bad = world.post("/api/v2/pools", json!({ "name": "x", "slots": -2, "odd": 1 })).await.expect(422);
    assert_eq!(bad["detail"].as_array().unwrap().len(), 2);
    let changed = world.patch("/api/v2/pools/gpu", json!({ "slots": 8, "description": "cards" })).await.expect(200);
    assert_eq!((&changed["slots"], &changed["description"]), (&json!(8), &json!("cards")));
    world.patch("/api/v2/pools/default_pool", json!({ "description": "x" })).await.expect(400);
    world.shaped("/api/v2/pools/{pool_name}", "/api/v2/pools/gpu").await;
    assert_eq!(world.delete("/api/v2/pools/gpu").await.status, 204);
    world.get("/api/v2/pools/gpu").await.expect(404);
    world.delete("/api/v2/pools/default_pool").await.expect(400);
}

#[tokio::test]
async fn variables() {
    let world = World::new().await;
    let made = world.post("/api/v2/variables", json!({ "key": "limits", "value": { "rows": 3 } })).await.expect(201);
    assert_shape("VariableResponse", &made);
    assert_eq!(made["value"], "{\"rows\":3}");
    world.post("/api/v2/variables", json!({ "key": "limits", "value": "x" })).await.expect(409);
    let secret = world.post("/api/v2/variables", json!({ "key": "db_password", "value": "hunter2" })).await.expect(201);
    assert_eq!(secret["value"], "***");
    let list = world.shaped("/api/v2/variables", "/api/v2/variables?variable_key_pattern=lim").await;
    assert_eq!(list["total_entries"], 1);
    let patch = |body| world.patch("/api/v2/variables/limits", body);
    let changed = patch(json!({ "key": "limits", "value": "7", "description": "d" })).await.expect(200);
    assert_eq!((&changed["value"], &changed["description"]), (&json!("7"), &json!("d")));
    patch(json!({ "key": "other", "value": "7" })).await.expect(400);
    world.shaped("/api/v2/variables/{variable_key}", "/api/v2/variables/limits").await;
    assert_eq!(world.delete("/api/v2/variables/limits").await.status, 204);
    world.delete("/api/v2/variables/limits").await.expect(404);
    world.get("/api/v2/variables/limits").await.expect(404);
}

#[tokio::test]
async fn health_and_version() {
    let world = World::new().await;
    let health = world.shaped("/api/v2/monitor/health", "/api/v2/monitor/health").await;
    assert_eq!((&health["metadatabase"]["status"], &health["scheduler"]["status"]), (&json!("healthy"), &json!("healthy")));
    let version = world.shaped("/api/v2/version", "/api/v2/version").await;
    assert_eq!(version["version"], "1.2.3");
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let world = World::new().await;
    world.get("/api/v2/dags/sales").await.expect(200);
    let page = world.get("/metrics").await;
    assert_eq!(page.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "updraft_up 1",
        "updraft_database_up 1",
        "updraft_scheduler_up 1",
        "updraft_dag_runs{state=\"queued\"} 2",
        "updraft_task_instances{state=\"running\"} 1",
        "updraft_pool_used_slots{pool=\"default_pool\",state=\"running\"} 1",
        "updraft_http_requests_total{method=\"GET\",route=\"/api/v2/dags/{dag_id}\",status=\"200\"} 1",
    ] {
        assert!(page.text.lines().any(|found| found == line), "{line} is not in\n{}", page.text);
    }
    let is_sample = |line: &str| line.starts_with('#') || line.rsplit_once(' ').is_some_and(|(_, value)| value.parse::<f64>().is_ok());
    assert!(page.text.lines().all(is_sample));
}

#[tokio::test]
async fn a_node_that_is_there_is_not_forgotten() {
    let world = World::new().await;
    let row = updraft_store::NodeRow {
        node: "node-1".parse().unwrap(),
        address: Some("http://127.0.0.1:1".into()),
        last_seen: updraft_model::Timestamp::EPOCH,
        bundle_digest: None,
        lost_after: Some(std::time::Duration::from_millis(1_500)),
    };
    updraft_store::Reader::node_seen(&*world.store, row).await.unwrap();
    let list = world.get("/api/v2/nodes").await.expect(200);
    let node = &list["nodes"][0];
    assert_eq!((&node["node_id"], &node["is_alive"], &node["is_leader"]), (&json!("node-1"), &json!(true), &json!(false)));
    assert_eq!(node["lost_after"], 1.5);
    assert!(world.delete("/api/v2/nodes/node-1").await.expect(409)["detail"].as_str().unwrap().contains("end its daemon"));
    world.delete("/api/v2/nodes/node-2").await.expect(404);
}
