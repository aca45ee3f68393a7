use serde_json::json;

use crate::{shapes::assert_shape, world::World};

const RUNS: &str = "/api/v2/dags/{dag_id}/dagRuns";

async fn ids(world: &World, path: &str) -> Vec<String> {
    let list = world.shaped(RUNS, path).await;
    list["dag_runs"].as_array().unwrap().iter().map(|run| run["dag_run_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_list_filters_and_sorts() {
    let world = World::new().await;
    for (path, expected) in [
        ("sales/dagRuns?order_by=run_id", vec!["done", "later", "live"]),
        ("sales/dagRuns?order_by=-run_id&limit=1", vec!["live"]),
        ("~/dagRuns?state=queued&order_by=dag_run_id", vec!["idle", "later"]),
        ("~/dagRuns?run_type=scheduled", vec!["done"]),
        ("~/dagRuns?run_after_gte=2099-01-01", vec!["later"]),
        ("~/dagRuns?logical_date_lte=2026-01-30T06:00:00Z", vec!["done"]),
        ("~/dagRuns?run_id_pattern=L%25E", vec!["live", "later", "idle"]),
        ("~/dagRuns?run_id_pattern=don|idl", vec!["done", "idle"]),
        ("~/dagRuns?run_id_prefix_pattern=la|id", vec!["later", "idle"]),
        ("~/dagRuns?dag_id_pattern=park", vec!["idle"]),
        ("~/dagRuns?dag_id_prefix_pattern=park", vec!["idle"]),
        ("~/dagRuns?triggering_user_name_prefix_pattern=ad&order_by=-id&limit=1", vec!["idle"]),
        ("~/dagRuns?duration_gte=10&duration_lt=10.000001", vec!["done"]),
        ("~/dagRuns?duration_gt=10", vec![]),
        ("~/dagRuns?order_by=duration&limit=1", vec!["done"]),
    ] {
        assert_eq!(ids(&world, &format!("/api/v2/dags/{path}")).await, expected, "{path}");
    }
    world.get("/api/v2/dags/nope/dagRuns").await.expect(404);
    world.get("/api/v2/dags/~/dagRuns?run_after_gte=soon").await.expect(400);
    world.get("/api/v2/dags/~/dagRuns?state=odd").await.expect(422);
    world.get("/api/v2/dags/~/dagRuns?duration_gt=long").await.expect(422);
    world.get("/api/v2/dags/~/dagRuns?duration_gt=nan").await.expect(422);
    let early = world.get("/api/v2/dags/~/dagRuns?logical_date_gte=-009999-01-03T00:00:00Z").await;
    early.expect(400);
    assert!(early.detail().contains("It must be between 0001-01-01"), "{}", early.detail());
}

#[tokio::test]
async fn the_list_takes_its_filters_from_a_body_too() {
    let world = World::new().await;
    let body = json!({ "dag_ids": ["sales"], "states": ["queued", "success"], "order_by": "-run_id", "page_limit": 10 });
    let list = world.post("/api/v2/dags/~/dagRuns/list", body).await.expect(200);
    assert_shape("DAGRunCollectionResponse", &list);
    assert_eq!(list["dag_runs"][0]["dag_run_id"], "later");
    assert_eq!(list["total_entries"], 2);
    let long = world.post("/api/v2/dags/~/dagRuns/list", json!({ "duration_gte": 10, "duration_lte": 10.0 })).await.expect(200);
    assert_eq!((&long["total_entries"], &long["dag_runs"][0]["dag_run_id"]), (&json!(1), &json!("done")));
    world.post("/api/v2/dags/~/dagRuns/list", json!({ "states": ["odd"] })).await.expect(422);
}

#[tokio::test]
async fn a_run_tells_why_it_has_not_started() {
    let world = World::new().await;
    let one = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}";
    let done = world.shaped(one, "/api/v2/dags/sales/dagRuns/done").await;
    insta::assert_json_snapshot!(done);
    let later = world.shaped(one, "/api/v2/dags/sales/dagRuns/later").await;
    assert_eq!(later["waiting_for"]["text"], "the run starts at 2100-01-01T00:00:00Z");
    let idle = world.shaped(one, "/api/v2/dags/parked/dagRuns/idle").await;
    assert_eq!(idle["waiting_for"], json!({ "kind": "dag_paused", "text": "the DAG is paused" }));
    world.get("/api/v2/dags/sales/dagRuns/nope").await.expect(404);
}

#[tokio::test]
async fn a_trigger_makes_a_run() {
    let world = World::new().await;
    let body = json!({ "logical_date": "2026-02-01T00:00:00+01:00", "dag_run_id": "mine", "conf": { "day": "2026-02-01" }, "note": "n" });
    let run = world.post("/api/v2/dags/sales/dagRuns", body.clone()).await.expect(200);
    assert_shape("DAGRunResponse", &run);
    assert_eq!((&run["state"], &run["triggered_by"]), (&json!("queued"), &json!("rest_api")));
    assert_eq!((&run["logical_date"], &run["conf"]["day"]), (&json!("2026-01-31T23:00:00Z"), &json!("2026-02-01")));
    let again = world.post("/api/v2/dags/sales/dagRuns", body).await;
    again.expect(409);
    assert_eq!(again.detail(), "run mine exists already");
}

#[tokio::test]
async fn a_trigger_that_makes_no_sense_is_refused() {
    let world = World::new().await;
    let post = |body| world.post("/api/v2/dags/sales/dagRuns", body);
    let missing = post(json!({})).await.expect(422);
    assert_shape("HTTPValidationError", &missing);
    assert_eq!(missing["detail"][0], json!({ "type": "missing", "loc": ["body", "logical_date"], "msg": "Field required", "input": {} }));
    let bad = post(json!({ "logical_date": null, "conf": { "day": "soon" } })).await;
    bad.expect(400);
    assert!(bad.detail().starts_with("Invalid input for param day:"), "{}", bad.text);
    post(json!({ "logical_date": null, "dag_run_id": "scheduled__x" })).await.expect(400);
    post(json!({ "logical_date": null, "data_interval_start": "2026-01-01T00:00:00Z" })).await.expect(422);
    world.post("/api/v2/dags/nope/dagRuns", json!({ "logical_date": null })).await.expect(404);
}

#[tokio::test]
async fn a_run_is_marked_noted_cleared_and_deleted() {
    let world = World::new().await;
    let path = "/api/v2/dags/sales/dagRuns/live";
    let marked = world.patch(path, json!({ "state": "failed", "note": "stopped" })).await.expect(200);
    assert_shape("DAGRunResponse", &marked);
    assert_eq!((&marked["state"], &marked["note"]), (&json!("failed"), &json!("stopped")));
    let masked = world.patch(&format!("{path}?update_mask=note"), json!({ "state": "queued", "note": null })).await.expect(200);
    assert_eq!((&masked["state"], &masked["note"]), (&json!("failed"), &json!(null)));
    world.patch(path, json!({ "state": "running" })).await.expect(422);
    let would = world.post(&format!("{path}/clear"), json!({})).await.expect(200);
    assert_shape("ClearTaskInstanceCollectionResponse", &would);
    assert_eq!(would["total_entries"], 3);
    let cleared = world.post(&format!("{path}/clear"), json!({ "dry_run": false })).await.expect(200);
    assert_shape("DAGRunResponse", &cleared);
    let deleted = world.delete(path).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    world.get(path).await.expect(404);
}

#[tokio::test]
async fn waiting_ends_with_the_run() {
    let world = World::new().await;
    let reply = world.get("/api/v2/dags/sales/dagRuns/done/wait?interval=1&result=extract").await;
    assert_eq!(reply.text, "{\"state\":\"success\",\"results\":{\"extract\":{\"rows\":3}}}\n");
    world.get("/api/v2/dags/sales/dagRuns/done/wait").await.expect(422);
    let waits = world.get("/api/v2/dags/sales/dagRuns/live/wait?interval=60");
    let ends = world.patch("/api/v2/dags/sales/dagRuns/live", json!({ "state": "success" }));
    let (waited, _) = tokio::join!(waits, ends);
    assert_eq!(waited.text.lines().last(), Some("{\"state\":\"success\"}"));
}

#[tokio::test]
async fn a_trigger_says_rightly_what_is_wrong_with_it() {
    let world = World::new().await;
    let trigger = |body| world.post("/api/v2/dags/sales/dagRuns", body);
    let late = trigger(json!({ "logical_date": "9999-12-31T23:59:59Z" })).await.expect(422);
    let text = "Value error, the date must be between 0001-01-01T00:00:00Z and 9999-12-30T22:00:00Z";
    assert_eq!(late["detail"][0]["msg"], text);
    let run = trigger(json!({ "logical_date": null, "note": "n".repeat(2_000), "conf": { "at": "10:30:00" } })).await.expect(200);
    assert_eq!(run["note"].as_str().unwrap().len(), 2_000);
    trigger(json!({ "logical_date": null, "conf": { "at": "25:30:00" } })).await.expect(400);
}

#[tokio::test]
async fn a_wait_for_the_result_of_nothing_hears_nothing() {
    let world = World::new().await;
    let line = world.get("/api/v2/dags/sales/dagRuns/done/wait?interval=1&result=no%20task&result=extract").await.expect(200);
    assert_eq!(line["results"], json!({ "no task": null, "extract": { "rows": 3 } }));
}
