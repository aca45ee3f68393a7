use serde_json::Value;

use crate::world::World;

const RUNS: &str = "/api/v2/dags/{dag_id}/dagRuns";
const TASK_INSTANCES: &str = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances";

/// Follows `next_cursor` to the end, then `previous_cursor` back: what is named `name` of each row of each page.
async fn pages(world: &World, template: &str, path: &str, list: &str, name: &str) -> Vec<Vec<String>> {
    let names =
        |page: &Value| -> Vec<String> { page[list].as_array().unwrap().iter().map(|row| row[name].as_str().unwrap().to_owned()).collect() };
    let mut found: Vec<(Vec<String>, Value)> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.shaped(template, &format!("{path}&cursor={cursor}")).await;
        assert_eq!(page["total_entries_limit"], 1000, "{page}");
        let next = page["next_cursor"].as_str().map(str::to_owned);
        found.push((names(&page), page["previous_cursor"].clone()));
        match next {
            Some(next) => cursor = next,
            None => break,
        }
    }
    assert_eq!(found[0].1, Value::Null, "the first page has none before it");
    for (before, after) in found.iter().zip(&found[1..]) {
        let back = world.shaped(template, &format!("{path}&cursor={}", after.1.as_str().unwrap())).await;
        assert_eq!(names(&back), before.0);
    }
    found.into_iter().map(|(names, _)| names).collect()
}

#[tokio::test]
async fn runs_are_read_page_by_page() {
    let world = World::new().await;
    let path = "/api/v2/dags/~/dagRuns?limit=3&order_by=-dag_run_id";
    assert_eq!(pages(&world, RUNS, path, "dag_runs", "dag_run_id").await, [vec!["live", "later", "idle"], vec!["done"]]);
    let by_offset = world.shaped(RUNS, path).await;
    assert_eq!((&by_offset["total_entries_limit"], &by_offset["next_cursor"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn task_instances_are_read_page_by_page() {
    let world = World::new().await;
    let whole = world.get("/api/v2/dags/~/dagRuns/~/taskInstances?order_by=-start_date").await.expect(200);
    let whole: Vec<_> = whole["task_instances"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    for limit in [1, 2, 100] {
        let path = format!("/api/v2/dags/~/dagRuns/~/taskInstances?limit={limit}&order_by=-start_date");
        let read = pages(&world, TASK_INSTANCES, &path, "task_instances", "id").await;
        assert_eq!(read.len(), whole.len().div_ceil(limit));
        assert_eq!(read.concat(), whole);
    }
    let path = "/api/v2/dags/sales/dagRuns/live/taskInstances?limit=2";
    let read = pages(&world, TASK_INSTANCES, path, "task_instances", "task_id").await.concat();
    assert!(read.len() > 2 && read.is_sorted(), "without an order they come by run and task: {read:?}");
}

#[tokio::test]
async fn a_bad_cursor_is_400_and_says_why() {
    let world = World::new().await;
    let runs = "/api/v2/dags/~/dagRuns?limit=1";
    let refused = async |query: &str| {
        let reply = world.get(&format!("{runs}{query}")).await;
        reply.expect(400);
        reply.detail()
    };
    assert!(refused("&cursor=nonsense!").await.starts_with("Invalid cursor: 'nonsense!'. Take `next_cursor`"));
    let next = world.get(&format!("{runs}&order_by=-run_id&cursor=")).await.expect(200)["next_cursor"].as_str().unwrap().to_owned();
    let other = refused(&format!("&order_by=run_id&cursor={next}")).await;
    assert!(other.starts_with("Invalid cursor: it belongs to a list in order_by=-run_id."), "{other}");
    assert!(refused("&limit=0&cursor=").await.contains("`limit` above 0"));
    // Of another list, but in an order that both have.
    let instances = "/api/v2/dags/~/dagRuns/~/taskInstances?limit=1&order_by=state";
    let next = world.get(&format!("{runs}&order_by=state&cursor=")).await.expect(200)["next_cursor"].as_str().unwrap().to_owned();
    let reply = world.get(&format!("{instances}&cursor={next}")).await;
    reply.expect(400);
    assert_eq!(reply.detail(), "Invalid cursor: it has 2 values where 4 belong");
}
