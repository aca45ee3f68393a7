use serde_json::json;

use crate::world::World;

fn ids(list: &serde_json::Value) -> Vec<&str> {
    list["dags"].as_array().unwrap().iter().map(|dag| dag["dag_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_list_filters_and_sorts() {
    let world = World::new().await;
    let all = world.shaped("/api/v2/dags", "/api/v2/dags").await;
    assert_eq!((ids(&all), &all["total_entries"]), (vec!["parked", "sales"], &json!(2)));
    for (query, expected) in [
        ("order_by=-dag_id", vec!["sales", "parked"]),
        ("dag_id_pattern=ALE", vec!["sales"]),
        ("dag_id_pattern=ALE|park", vec!["parked", "sales"]),
        ("dag_id_pattern=nope|ALE", vec!["sales"]),
        ("dag_id_pattern=~", vec!["parked", "sales"]),
        ("dag_id_prefix_pattern=sal_|x", vec!["sales"]),
        ("dag_id_prefix_pattern=SAL", vec![]),
        ("dag_display_name_pattern=ark", vec!["parked"]),
        ("dag_display_name_prefix_pattern=ark", vec![]),
        ("order_by=state", vec!["parked", "sales"]),
        ("order_by=-start_date", vec!["sales", "parked"]),
        ("tags=", vec![]),
        ("paused=true", vec!["parked"]),
        ("tags=daily&tags=other", vec!["sales"]),
        ("tags=daily&tags=other&tags_match_mode=all", vec![]),
        ("limit=1&offset=1", vec!["sales"]),
        ("limit=0", vec![]),
    ] {
        let list = world.shaped("/api/v2/dags", &format!("/api/v2/dags?{query}")).await;
        assert_eq!(ids(&list), expected, "{query}");
    }
}

#[tokio::test]
async fn a_filter_that_is_not_supported_says_so() {
    let world = World::new().await;
    let reply = world.get("/api/v2/dags?bundle_name=x").await;
    reply.expect(400);
    assert_eq!(reply.detail(), "The filter `bundle_name` is not supported by Updraft");
    let reply = world.get("/api/v2/dags?order_by=owner").await;
    reply.expect(400);
    assert!(reply.detail().contains("'owner'"));
}

#[tokio::test]
async fn one_dag_tells_when_it_runs_next() {
    let world = World::new().await;
    let dag = world.shaped("/api/v2/dags/{dag_id}", "/api/v2/dags/sales").await;
    insta::assert_json_snapshot!(dag);
    let details = world.shaped("/api/v2/dags/{dag_id}/details", "/api/v2/dags/sales/details").await;
    assert_eq!(details["dag_run_timeout"], "PT2H");
    assert_eq!(details["params"]["day"]["value"], "2026-01-01");
    let params: Vec<_> = details["params"].as_object().unwrap().keys().collect();
    assert_eq!(params, ["day", "at"], "in the order of the file");
    assert_eq!(details["active_runs_count"], 2);
    assert_eq!(details["latest_dag_version"]["version_number"], 1);
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let world = World::new().await;
    for path in [
        "/api/v2/dags/nope",
        "/api/v2/dags/no%20id",
        "/api/v2/dags/nope/details",
        "/api/v2/dags/nope/tasks",
        "/api/v2/dags/sales/tasks/nope",
    ] {
        let reply = world.get(path).await;
        reply.expect(404);
        assert!(reply.detail().contains("was not found"), "{path}: {}", reply.text);
    }
}

#[tokio::test]
async fn pausing_is_seen_in_the_answer() {
    let world = World::new().await;
    let paused = world.patch("/api/v2/dags/sales", json!({ "is_paused": true })).await.expect(200);
    assert_eq!(paused["is_paused"], true);
    crate::shapes::assert_shape("DAGResponse", &paused);
    let reply = world.patch("/api/v2/dags/sales?update_mask=tags", json!({ "is_paused": false })).await;
    reply.expect(400);
    world.patch("/api/v2/dags/nope", json!({ "is_paused": true })).await.expect(404);
    let many = world.patch("/api/v2/dags?dag_id_pattern=%25", json!({ "is_paused": false })).await.expect(200);
    assert!(many["dags"].as_array().unwrap().iter().all(|dag| dag["is_paused"] == false));
}

#[tokio::test]
async fn a_deleted_dag_is_gone() {
    let world = World::new().await;
    assert_eq!(world.delete("/api/v2/dags/parked").await.expect(200), json!(null));
    world.get("/api/v2/dags/parked").await.expect(404);
}

#[tokio::test]
async fn tasks_know_their_neighbours() {
    let world = World::new().await;
    let list = world.shaped("/api/v2/dags/{dag_id}/tasks", "/api/v2/dags/sales/tasks?order_by=-task_id").await;
    let names: Vec<_> = list["tasks"].as_array().unwrap().iter().map(|task| task["task_id"].as_str().unwrap()).collect();
    assert_eq!(names, ["load", "extract", "clean"]);
    let clean = world.shaped("/api/v2/dags/{dag_id}/tasks/{task_id}", "/api/v2/dags/sales/tasks/clean").await;
    assert_eq!((&clean["downstream_task_ids"], &clean["upstream_task_ids"]), (&json!(["load"]), &json!(["extract"])));
    world.get("/api/v2/dags/sales/tasks?order_by=nope").await.expect(400);
}

#[tokio::test]
async fn versions_and_sources() {
    let world = World::new().await;
    let versions = world.shaped("/api/v2/dags/{dag_id}/dagVersions", "/api/v2/dags/sales/dagVersions").await;
    assert_eq!(versions["total_entries"], 1);
    for name in ["-dag_id", "-id", "-bundle_name", "version_number"] {
        world.get(&format!("/api/v2/dags/sales/dagVersions?order_by={name}")).await.expect(200);
    }
    world.shaped("/api/v2/dags/{dag_id}/dagVersions/{version_number}", "/api/v2/dags/sales/dagVersions/1").await;
    world.get("/api/v2/dags/sales/dagVersions/9").await.expect(404);
    let source = world.shaped("/api/v2/dagSources/{dag_id}", "/api/v2/dagSources/sales").await;
    assert_eq!(source["content"], "dag_id: sales\n");
    world.get("/api/v2/dagSources/sales?version_number=2").await.expect(404);
    let with_accept = |accept: &str| {
        axum::http::Request::get("/api/v2/dagSources/sales").header("accept", accept).body(axum::body::Body::empty()).unwrap()
    };
    assert_eq!(world.call(with_accept("text/plain")).await.text, "dag_id: sales\n");
    assert_eq!(world.call(with_accept("text/plain, application/json;q=0.5")).await.text, "dag_id: sales\n");
    world.call(with_accept("Application/JSON, text/plain, */*")).await.expect(200);
    world.call(with_accept("image/png")).await.expect(406);
}

#[tokio::test]
async fn tags_and_counts() {
    let world = World::new().await;
    let tags = world.shaped("/api/v2/dagTags", "/api/v2/dagTags?tag_name_pattern=a&order_by=-name").await;
    assert_eq!(tags, json!({ "tags": ["sales", "daily"], "total_entries": 2 }));
    let count = async |query: &str| world.get(&format!("/api/v2/dagTags?{query}")).await.expect(200)["total_entries"].clone();
    assert_eq!(count("tag_name_pattern=dai|x").await, 1);
    assert_eq!((count("tag_name_prefix_pattern=al").await, count("tag_name_prefix_pattern=sal").await), (json!(0), json!(1)));
    let stats = world.shaped("/api/v2/dagStats", "/api/v2/dagStats?dag_ids=sales").await;
    assert_eq!(stats["total_entries"], 1);
    assert_eq!(stats["dags"][0]["stats"][1], json!({ "state": "running", "count": 1 }));
    let recent = world.get("/api/v2/recentRuns?dag_ids=sales&dag_ids=parked&limit=2").await.expect(200);
    let runs = recent["dags"]["sales"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[1]["task_instance_counts"], json!({ "no_status": 2, "running": 1 }), "{recent:#}");
}
