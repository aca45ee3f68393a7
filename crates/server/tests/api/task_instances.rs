use serde_json::{Value, json};
use updraft_model::{Batch, Dag, NewVersion, Operator, RunRow, RunState, Task, TaskState};
use updraft_store::Reader;

use crate::{fixture, shapes::assert_shape, world::World};

const LIST: &str = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances";
const LIVE: &str = "/api/v2/dags/sales/dagRuns/live/taskInstances";

async fn ids(world: &World, path: &str) -> Vec<String> {
    let list = world.shaped(LIST, path).await;
    let name = |ti: &Value| format!("{}.{}", ti["dag_run_id"].as_str().unwrap(), ti["task_id"].as_str().unwrap());
    list["task_instances"].as_array().unwrap().iter().map(name).collect()
}

#[tokio::test]
async fn the_list_filters_and_sorts() {
    let world = World::new().await;
    for (path, expected) in [
        ("sales/dagRuns/live/taskInstances?order_by=task_id", vec!["live.clean", "live.extract", "live.load"]),
        ("~/dagRuns/~/taskInstances?state=running", vec!["live.extract"]),
        ("~/dagRuns/~/taskInstances?state=none&pool=warehouse", vec!["live.load"]),
        ("sales/dagRuns/~/taskInstances?task_id=load&order_by=run_after&order_by=id", vec!["done.load", "live.load"]),
        ("~/dagRuns/idle/taskInstances", vec!["idle.only"]),
        ("~/dagRuns/~/taskInstances?pool=", vec![]),
        ("~/dagRuns/~/taskInstances?pool=none&pool=", vec![]),
        ("~/dagRuns/~/taskInstances?task_id=no%20id", vec![]),
        ("~/dagRuns/~/taskInstances?task_id=", vec![]),
        ("~/dagRuns/~/taskInstances?map_index=99999999999", vec![]),
        ("~/dagRuns/~/taskInstances?queue=other", vec![]),
        ("~/dagRuns/live/taskInstances?queue=other&queue=default", vec!["live.clean", "live.extract", "live.load"]),
        ("~/dagRuns/live/taskInstances?queue_name_pattern=fast", vec![]),
        ("~/dagRuns/~/taskInstances?try_number=2", vec!["done.extract"]),
        ("~/dagRuns/live/taskInstances?pool_name_pattern=ware|x", vec!["live.load"]),
        ("~/dagRuns/live/taskInstances?task_display_name_pattern=LOA|extr", vec!["live.extract", "live.load"]),
        ("~/dagRuns/~/taskInstances?task_display_name_prefix_pattern=on", vec!["idle.only"]),
        ("~/dagRuns/~/taskInstances?run_id_pattern=ID&dag_id_prefix_pattern=park", vec!["idle.only"]),
        ("~/dagRuns/~/taskInstances?operator_name_pattern=none", vec![]),
        ("~/dagRuns/done/taskInstances?duration_gte=2.5&duration_lte=2.5", vec!["done.clean", "done.extract", "done.load"]),
        ("~/dagRuns/~/taskInstances?order_by=data_interval_start&order_by=operator&limit=1", vec!["done.clean"]),
        ("~/dagRuns/~/taskInstances?executor=local&start_date_gt=2026-01-31", vec!["live.extract"]),
    ] {
        let mut found = ids(&world, &format!("/api/v2/dags/{path}")).await;
        if !path.contains("order_by") {
            found.sort();
        }
        assert_eq!(found, expected, "{path}");
    }
    world.get("/api/v2/dags/sales/dagRuns/nope/taskInstances").await.expect(404);
    let odd = world.get("/api/v2/dags/~/dagRuns/~/taskInstances?state=odd").await;
    odd.expect(422);
    assert!(odd.detail().starts_with("Invalid value for state. Valid values are scheduled, queued"));
}

#[tokio::test]
async fn the_list_takes_its_filters_from_a_body_too() {
    let world = World::new().await;
    let body = json!({ "dag_ids": ["sales"], "state": [null, "running"], "order_by": "task_id" });
    let list = world.post("/api/v2/dags/~/dagRuns/~/taskInstances/list", body).await.expect(200);
    assert_shape("TaskInstanceCollectionResponse", &list);
    assert_eq!(list["total_entries"], 3);
    for (body, expected) in [
        (json!({ "pool": ["x".repeat(300)] }), 0),
        (json!({ "pool": [""] }), 0),
        (json!({ "pool": ["warehouse", ""] }), 2),
        (json!({ "queue": ["other"] }), 0),
        (json!({ "dag_ids": ["no id"] }), 0),
        (json!({ "pool": [] }), 7),
        (json!({ "duration_gt": 2 }), 3),
    ] {
        let list = world.post("/api/v2/dags/~/dagRuns/~/taskInstances/list", body.clone()).await.expect(200);
        assert_eq!(list["total_entries"], expected, "{body}");
    }
}

#[tokio::test]
async fn every_one_that_does_not_run_says_why() {
    let world = World::new().await;
    let one = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}";
    let clean = world.shaped(one, &format!("{LIVE}/clean")).await;
    insta::assert_json_snapshot!(clean);
    let load = world.shaped(one, &format!("{LIVE}/load")).await;
    assert_eq!(load["waiting_for"]["text"], "waits for upstream clean (no_status) [all_success]");
    assert_eq!(world.shaped(one, &format!("{LIVE}/extract")).await["waiting_for"], json!(null));
    let only = world.shaped(one, "/api/v2/dags/parked/dagRuns/idle/taskInstances/only").await;
    assert_eq!(only["waiting_for"]["kind"], "dag_paused");
    let why = world.shaped(&format!("{one}/dependencies"), &format!("{LIVE}/clean/dependencies")).await;
    assert_eq!(why["dependencies"][0]["name"], "upstream");
}

#[tokio::test]
async fn one_that_is_not_there_is_404() {
    let world = World::new().await;
    let reply = world.get(&format!("{LIVE}/nope")).await;
    reply.expect(404);
    assert_eq!(reply.detail(), "The Task Instance with dag_id: `sales`, run_id: `live` and task_id: `nope` was not found");
    world.get(&format!("{LIVE}/clean/7")).await.expect(404);
    let odd = world.get(&format!("{LIVE}/clean/odd")).await.expect(422);
    assert_shape("HTTPValidationError", &odd);
    assert_eq!((&odd["detail"][0]["type"], &odd["detail"][0]["loc"]), (&json!("int_parsing"), &json!(["path", "map_index"])));
    let odd = world.get(&format!("{LIVE}/clean/tries/odd")).await.expect(422);
    assert_eq!(odd["detail"][0]["loc"], json!(["path", "task_try_number"]));
    let mapped =
        world.shaped("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}", &format!("{LIVE}/clean/-1")).await;
    assert_eq!(mapped["map_index"], -1);
    world.get(&format!("{LIVE}/nope/listMapped")).await.expect(404);
}

#[tokio::test]
async fn tries_are_kept() {
    let world = World::new().await;
    let path = "/api/v2/dags/sales/dagRuns/done/taskInstances/extract/tries";
    let one = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}";
    let tries = world.shaped(&format!("{one}/tries"), path).await;
    let states: Vec<_> = tries["task_instances"].as_array().unwrap().iter().map(|row| (&row["try_number"], &row["state"])).collect();
    assert_eq!(states, [(&json!(1), &json!("failed")), (&json!(2), &json!("success"))]);
    let first = world.shaped(&format!("{one}/tries/{{task_try_number}}"), &format!("{path}/1")).await;
    assert_eq!((&first["state"], &first["duration"]), (&json!("failed"), &json!(2.5)));
    world.get(&format!("{path}/3")).await.expect(404);
    world.shaped(&format!("{one}/{{map_index}}/tries"), "/api/v2/dags/sales/dagRuns/done/taskInstances/extract/-1/tries").await;
}

#[tokio::test]
async fn a_task_instance_is_marked_and_noted() {
    let world = World::new().await;
    let path = format!("{LIVE}/clean");
    let would = world.patch(&format!("{path}/dry_run"), json!({ "new_state": "success" })).await.expect(200);
    assert_shape("TaskInstanceCollectionResponse", &would);
    assert_eq!(world.get(&path).await.json()["state"], json!(null));
    let marked = world.patch(&path, json!({ "new_state": "success", "note": "by hand" })).await.expect(200);
    assert_shape("TaskInstanceCollectionResponse", &marked);
    assert_eq!((&marked["task_instances"][0]["state"], &marked["task_instances"][0]["note"]), (&json!("success"), &json!("by hand")));
    world.patch(&path, json!({ "new_state": "running" })).await.expect(422);
    world.patch(&format!("{LIVE}/nope"), json!({ "new_state": "failed" })).await.expect(404);
    let copy = world.patch(&format!("{path}/-1?update_mask=note"), json!({ "new_state": "failed", "note": null })).await.expect(200);
    assert_eq!((&copy["task_instances"][0]["state"], &copy["task_instances"][0]["note"]), (&json!("success"), &json!(null)));
}

#[tokio::test]
async fn clearing_only_tells_unless_asked_to_do_it() {
    let world = World::new().await;
    let path = "/api/v2/dags/sales/clearTaskInstances";
    let body =
        |dry_run: bool| json!({ "dry_run": dry_run, "dag_run_id": "done", "task_ids": ["load", ["clean", -1]], "only_failed": false });
    let would = world.post(path, body(true)).await.expect(200);
    assert_shape("TaskInstanceCollectionResponse", &would);
    assert_eq!((&would["total_entries"], &would["task_instances"][0]["state"]), (&json!(2), &json!("success")));
    let cleared = world.post(path, body(false)).await.expect(200);
    assert_eq!(cleared["task_instances"][0]["state"], json!(null));
    world.post(path, json!({ "dag_run_id": "nope" })).await.expect(404);
    world.post(path, json!({ "dag_run_id": "live", "include_past": true })).await.expect(400);
    let running = json!({ "dry_run": false, "dag_run_id": "live", "only_failed": false, "prevent_running_task": true });
    world.post(path, running).await.expect(409);
    let both = world.post(path, json!({ "only_failed": true, "only_running": true })).await.expect(422);
    assert_shape("HTTPValidationError", &both);
    for date in ["start_date", "end_date"] {
        let both = world.post(path, json!({ "dag_run_id": "done", date: "2026-01-30T00:00:00Z" })).await.expect(422);
        let message = format!("Value error, Exactly one of dag_run_id or {date} must be provided");
        assert_eq!(both["detail"][0]["msg"], json!(message));
    }
    let dates = json!({ "start_date": "2026-01-30T00:00:00Z", "end_date": "2026-01-31T00:00:00Z", "only_failed": false });
    assert_eq!(world.post(path, dates).await.expect(200)["total_entries"], 3);
}

#[tokio::test]
async fn what_will_not_run_says_why() {
    let world = World::with(|_| ()).await;
    let sales = world.store.dag(&"sales".parse().unwrap()).await.unwrap().unwrap().version.id;
    let ends = |key: i64, run_id: &str, end_reason: Option<&str>, states: [TaskState; 3]| {
        let run = RunRow { end_reason: end_reason.map(str::to_owned), ..fixture::run(key, "sales", run_id, sales, RunState::Failed) };
        let id = |nth: u128| u128::try_from(key).unwrap() * 100 + nth;
        let rows = ["extract", "clean", "load"].into_iter().zip(states).zip(0..);
        let rows: Vec<_> = rows.map(|((task, state), nth)| fixture::task_instance(&run, task, id(nth), state)).collect();
        (run, rows)
    };
    use TaskState::{Failed, NoStatus, Skipped, UpstreamFailed};
    let (failed, failed_rows) = ends(11, "failed", None, [Failed, UpstreamFailed, UpstreamFailed]);
    let (skipped, skipped_rows) = ends(12, "skipped", None, [Skipped, Skipped, NoStatus]);
    let (stuck, stuck_rows) = ends(13, "stuck", Some("deadlock"), [NoStatus, NoStatus, NoStatus]);
    let new_task_instances = [failed_rows, skipped_rows, stuck_rows].concat();
    world.commit(Batch { new_runs: vec![failed, skipped, stuck], new_task_instances, ..Batch::default() }).await;
    let mut told = Vec::new();
    for run in ["failed", "skipped", "stuck"] {
        let list = world.get(&format!("/api/v2/dags/sales/dagRuns/{run}/taskInstances")).await.expect(200);
        for row in list["task_instances"].as_array().unwrap() {
            assert_eq!(row["waiting_for"], json!(null), "{row}");
            told.push(format!("{run} {}: {}", row["task_id"].as_str().unwrap(), row["reason"].as_str().unwrap_or("-")));
        }
    }
    insta::assert_snapshot!(told.join("\n"), @r"
    failed clean: trigger rule all_success: upstream extract failed
    failed extract: -
    failed load: trigger rule all_success: upstream clean upstream_failed
    skipped clean: trigger rule all_success: upstream extract skipped
    skipped extract: -
    skipped load: the run ended before it could start (failed)
    stuck clean: the run ended (deadlock) while trigger rule all_success waited for upstream extract no_status
    stuck extract: the run ended before it could start (deadlock)
    stuck load: the run ended (deadlock) while trigger rule all_success waited for upstream clean no_status
    ");
}

#[tokio::test]
async fn a_task_names_the_run_that_it_waits_for() {
    let world = World::with(|_| ()).await;
    let mut dag = Dag::new("past".parse().unwrap());
    let mut task = Task::new("t".parse().unwrap(), Operator::Empty);
    task.depends_on_past = true;
    dag.tasks.insert(task.task_id.clone(), task);
    let version = fixture::version(40, 1, dag);
    let id = version.id;
    let run = |key: i64, run_id: &str, day: &str| RunRow {
        logical_date: Some(fixture::at(day)),
        ..fixture::run(key, "past", run_id, id, RunState::Running)
    };
    let runs = vec![run(21, "first", "2026-01-01T00:00:00Z"), run(22, "second", "2026-01-02T00:00:00Z")];
    let states = [(&runs[0], TaskState::Failed), (&runs[1], TaskState::NoStatus)];
    let rows = states.iter().zip(400..).map(|((run, state), id)| fixture::task_instance(run, "t", id, *state)).collect();
    let batch = Batch {
        versions: vec![NewVersion::new(version, "dag_id: past\n")],
        dags: vec![fixture::dag_row("past", id, false)],
        new_runs: runs,
        new_task_instances: rows,
        ..Batch::default()
    };
    world.commit(batch).await;
    let second = world.get("/api/v2/dags/past/dagRuns/second/taskInstances/t").await.expect(200);
    assert_eq!(
        second["waiting_for"],
        json!({
            "kind": "previous_run", "dag_run_id": "first", "rule": "depends_on_past", "pending": [["t", "failed"]], "more": 0,
            "text": "waits for the previous run first: t (failed) [depends_on_past]",
        })
    );
}
