//! XComs, import errors, pools, variables, health, version, metrics.

use serde_json::json;
use updraft_model::{Batch, Upsert};

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
    for (query, expected) in [
        ("xcom_key_pattern=RETURN|x", 1),
        ("xcom_key_prefix_pattern=pa", 1),
        ("xcom_key=", 0),
        ("run_id_pattern=live", 0),
        ("task_id_prefix_pattern=extr", 2),
        ("dag_display_name_pattern=ales", 2),
        ("logical_date_gt=2026-01-30T06:00:00Z", 0),
        ("run_after_gte=2026-01-30&order_by=-dag_id&order_by=-run_id&order_by=map_index&order_by=run_after", 2),
    ] {
        let list = world.get(&format!("/api/v2/dags/~/dagRuns/~/taskInstances/~/xcomEntries?{query}")).await.expect(200);
        assert_eq!(list["total_entries"], expected, "{query}");
    }
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
    let newer = updraft_model::ImportErrorRow {
        file: "also_bad.yaml".into(),
        timestamp: updraft_model::Timestamp::EPOCH,
        stack_trace: "s".into(),
        diagnostics: json!([]),
    };
    world.commit(Batch { import_errors: vec![Upsert::Set(newer)], ..Batch::default() }).await;
    for (query, expected) in [
        ("order_by=-import_error_id", vec!["also_bad.yaml", "bad.yaml"]),
        ("order_by=-id", vec!["also_bad.yaml", "bad.yaml"]),
        ("order_by=id", vec!["bad.yaml", "also_bad.yaml"]),
        ("order_by=stacktrace", vec!["bad.yaml", "also_bad.yaml"]),
        ("filename_pattern=ALSO|x", vec!["also_bad.yaml"]),
        ("filename_prefix_pattern=bad", vec!["bad.yaml"]),
        ("filename=bad.yaml", vec!["bad.yaml"]),
    ] {
        let list = world.shaped("/api/v2/importErrors", &format!("/api/v2/importErrors?{query}")).await;
        let files: Vec<_> = list["import_errors"].as_array().unwrap().iter().map(|error| error["filename"].as_str().unwrap()).collect();
        assert_eq!(files, expected, "{query}");
    }
}

#[tokio::test]
async fn a_nul_is_refused_everywhere() {
    let world = World::new().await;
    for path in [
        "dags?dag_id_pattern=%00",
        "dags?tags=%00",
        "dags?owners=a%00",
        "dags/~/dagRuns?run_id_pattern=%00",
        "dags/~/dagRuns?triggering_user_name_pattern=%00",
        "dags/~/dagRuns/~/taskInstances?executor=%00",
        "dags/~/dagRuns/~/taskInstances/~/xcomEntries?xcom_key=%00",
        "pools?pool_name_pattern=%00",
        "variables?variable_key_pattern=%00",
        "variables/%00",
        "dags/sal%00es",
    ] {
        let reply = world.get(&format!("/api/v2/{path}")).await.expect(422);
        assert_eq!(reply["detail"][0]["type"], "string_nul", "{path}");
    }
    let list = world.post("/api/v2/dags/~/dagRuns/~/taskInstances/list", json!({ "executor": ["\0"] })).await.expect(422);
    assert_eq!(list["detail"][0]["type"], "string_nul");
    world.post("/api/v2/variables", json!({ "key": "k", "value": "\0" })).await.expect(422);
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
    let many = world.post("/api/v2/pools", json!({ "name": "x", "slots": 99_999_999_999_i64 })).await.expect(422);
    assert_eq!(many["detail"][0]["msg"], "Value error, slots must be at most 2147483647");
    world.patch("/api/v2/pools/gpu", json!({ "slots": 2_147_483_648_i64 })).await.expect(422);
    let lax = world.post("/api/v2/pools", json!({ "name": "lax", "slots": 4.0, "include_deferred": 1 })).await.expect(201);
    assert_eq!((&lax["slots"], &lax["include_deferred"]), (&json!(4), &json!(true)));
    for (order, first) in [("-id", "warehouse"), ("id", "default_pool"), ("-pool", "warehouse")] {
        assert_eq!(world.get(&format!("/api/v2/pools?order_by={order}")).await.expect(200)["pools"][0]["name"], first, "{order}");
    }
    assert_eq!(world.get("/api/v2/pools?pool_name_pattern=gp|LA").await.expect(200)["total_entries"], 2);
    assert_eq!(world.delete("/api/v2/pools/lax").await.status, 204);
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
    for (query, first) in [("order_by=-id", "limits"), ("order_by=-_val", "limits"), ("variable_key_pattern=x|DB", "db_password")] {
        assert_eq!(world.get(&format!("/api/v2/variables?{query}")).await.expect(200)["variables"][0]["key"], first, "{query}");
    }
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
