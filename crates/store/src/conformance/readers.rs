//! Lists with filters, single rows, the feed.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::StreamExt;
use serde_json::json;
use updraft_model::{
    AttemptId, AttemptRow, Batch, FeedChange, ImportErrorRow, MapIndex, PoolName, PoolRow, RunKey, RunRow, RunState, RunType,
    TaskInstanceRow, TaskState, TriggeredBy, Upsert,
};

use super::{
    Subject,
    samples::{
        attempt, dag, dag_id, dags, executor, full, node, pool_name, run, run_id, run_update, task_id, task_instance, time, update, uuid,
        version, version_id, xcom,
    },
};
use crate::{
    Between, DagFilter, ImportErrorFilter, NodeRow, Page, Pattern, QUEUE, Reader, RunFilter, StoreError, TaskInstanceFilter, UserRow,
    VariableRow, XComFilter,
};

fn page(order: &[&str]) -> Page {
    Page { limit: 100, order_by: order.iter().map(ToString::to_string).collect(), ..Page::default() }
}

/// One of these is in it.
fn contains(texts: &[&str]) -> Vec<Pattern> {
    vec![Pattern::Contains(texts.iter().map(ToString::to_string).collect())]
}

/// It begins with one of these.
fn begins(texts: &[&str]) -> Vec<Pattern> {
    vec![Pattern::Begins(texts.iter().map(ToString::to_string).collect())]
}

pub async fn dags_by_every_filter(subject: Subject) {
    let term = subject.lead("a").await;
    let mut versions: Vec<_> = ["alpha", "Beta_x", "gamma"].iter().map(|name| version(name, 1)).collect();
    Arc::make_mut(&mut versions[0].version).dag.dag_display_name = Some("Zeta".into());
    let mut task = updraft_model::Task::new(task_id("t"), updraft_model::Operator::Empty);
    task.owner = "data".into();
    Arc::make_mut(&mut versions[2].version).dag.tasks.insert(task_id("t"), task);
    let rows = vec![
        updraft_model::DagRow { is_paused: true, ..dag("alpha") },
        updraft_model::DagRow { is_stale: true, next: None, ..dag("Beta_x") },
        dag("gamma"),
    ];
    let error = ImportErrorRow { file: "gamma.yaml".into(), timestamp: time(1), stack_trace: "t".into(), diagnostics: json!([]) };
    let runs = vec![
        RunRow { state: RunState::Failed, ..run("alpha", 1) },
        RunRow { state: RunState::Success, ..run("alpha", 2) },
        RunRow { state: RunState::Failed, start_date: Some(time(9)), ..run("gamma", 3) },
    ];
    let batch = Batch { versions, dags: rows.clone(), import_errors: vec![Upsert::Set(error)], new_runs: runs, ..Batch::default() };
    subject.commit(term, batch).await;

    let reader = subject.reader();
    let names = async |filter: DagFilter, order: &[&str]| {
        let listed = reader.dags(filter, page(order)).await.unwrap();
        assert_eq!(listed.total, listed.items.len() as i64);
        listed.items.into_iter().map(|view| view.row.dag_id.to_string()).collect::<Vec<_>>()
    };
    let all = DagFilter::default();
    assert_eq!(names(all.clone(), &["dag_id"]).await, ["Beta_x", "alpha", "gamma"]);
    assert_eq!(names(all.clone(), &["dag_display_name"]).await, ["Beta_x", "alpha", "gamma"]);
    assert_eq!(names(all.clone(), &["next_dagrun", "-dag_id"]).await, ["gamma", "alpha", "Beta_x"], "no next run: last");
    assert_eq!(names(all.clone(), &["-last_run_start_date"]).await, ["gamma", "alpha", "Beta_x"]);
    assert_eq!(names(all.clone(), &["last_run_state"]).await, ["gamma", "alpha", "Beta_x"]);
    let like = |dag_id| DagFilter { dag_id, ..all.clone() };
    assert_eq!(names(like(contains(&["BETA_"])), &[]).await, ["Beta_x"]);
    assert_eq!(names(like(contains(&["a%a"])), &[]).await, ["alpha", "gamma"]);
    assert_eq!(names(like(contains(&["a\\"])), &[]).await, [""; 0]);
    assert_eq!(names(like(contains(&["GAM", "none", "_x"])), &[]).await, ["Beta_x", "gamma"]);
    assert_eq!(names(like([contains(&["a"]), contains(&["mm"])].concat()), &[]).await, ["gamma"]);
    assert_eq!(names(like(begins(&["al"])), &[]).await, ["alpha"]);
    assert_eq!(names(like(begins(&["AL"])), &[]).await, [""; 0], "letter by letter");
    assert_eq!(names(like(begins(&["a%"])), &[]).await, [""; 0]);
    assert_eq!(names(like(begins(&["Be", "ga", "%"])), &[]).await, ["Beta_x", "gamma"]);
    assert_eq!(names(like(begins(&["\u{10ffff}"])), &[]).await, [""; 0]);
    assert_eq!(names(like(contains(&vec!["alpha"; 2_000])), &[]).await, ["alpha"], "many alternatives");
    assert_eq!(names(DagFilter { display_name: contains(&["zet"]), ..all.clone() }, &[]).await, ["alpha"]);
    assert_eq!(names(DagFilter { display_name: begins(&["Beta"]), ..all.clone() }, &[]).await, ["Beta_x"]);
    let some = vec![dag_id("gamma"), dag_id("none")];
    assert_eq!(names(DagFilter { dag_ids: Some(some), ..all.clone() }, &[]).await, ["gamma"]);
    assert_eq!(names(DagFilter { dag_ids: Some(vec![]), ..all.clone() }, &[]).await, [""; 0]);
    let tags = |tags: &[&str], tags_all| DagFilter { tags: tags.iter().map(ToString::to_string).collect(), tags_all, ..all.clone() };
    assert_eq!(names(tags(&["alpha", "gamma"], false), &[]).await, ["alpha", "gamma"]);
    assert_eq!(names(tags(&["alpha", "gamma"], true), &[]).await, [""; 0]);
    assert_eq!(names(tags(&["alpha", "all"], true), &[]).await, ["alpha"]);
    assert_eq!(names(DagFilter { owners: vec!["data".into()], ..all.clone() }, &[]).await, ["gamma"]);
    assert_eq!(names(DagFilter { paused: Some(true), ..all.clone() }, &[]).await, ["alpha"]);
    assert_eq!(names(DagFilter { paused: Some(false), exclude_stale: true, ..all.clone() }, &[]).await, ["gamma"]);
    assert_eq!(names(DagFilter { last_run_state: Some(RunState::Success), ..all.clone() }, &[]).await, ["alpha"]);
    assert_eq!(names(DagFilter { has_import_errors: Some(true), ..all.clone() }, &[]).await, ["gamma"]);
    assert_eq!(names(DagFilter { has_import_errors: Some(false), ..all.clone() }, &[]).await, ["Beta_x", "alpha"]);

    let view = reader.dag(&dag_id("alpha")).await.unwrap().unwrap();
    assert_eq!(view.row, rows[0]);
    assert_eq!(view.run_counts, BTreeMap::from([(RunState::Failed, 1), (RunState::Success, 1)]));
    assert_eq!(reader.dag(&dag_id("none")).await.unwrap(), None);
    assert_eq!(reader.tags().await.unwrap(), ["Beta_x", "all", "alpha", "gamma"]);
    versions_of(reader).await;
}

async fn versions_of(reader: &dyn Reader) {
    let expected = version("gamma", 1).version.id;
    assert_eq!(reader.version(expected).await.unwrap().map(|found| found.number), Some(1));
    assert_eq!(reader.version_number(&dag_id("gamma"), 1).await.unwrap().map(|found| found.id), Some(expected));
    assert_eq!(reader.version_number(&dag_id("gamma"), 2).await.unwrap(), None);
    assert_eq!(reader.versions(&dag_id("gamma")).await.unwrap().len(), 1);
    assert_eq!(Reader::source(reader, expected).await.unwrap(), Some("dag_id: gamma\n# 1\n".to_owned()));
}

pub async fn runs_by_every_filter(subject: Subject) {
    let term = subject.lead("a").await;
    let runs = vec![
        run("d", 1),
        RunRow { run_type: RunType::Scheduled, state: RunState::Running, start_date: Some(time(5)), ..run("d", 2) },
        RunRow { logical_date: None, data_interval: None, triggering_user: Some("bob_50%".into()), ..run("d", 3) },
        RunRow {
            state: RunState::Success,
            start_date: Some(time(4)),
            end_date: Some(time(7)),
            triggered_by: TriggeredBy::Cli,
            ..run("e", 4)
        },
    ];
    subject.commit(term, Batch { new_runs: runs.clone(), ..dags(&["d", "e"]) }).await;
    let reader = subject.reader();
    let keys = async |filter: RunFilter, order: &[&str]| {
        let listed = reader.runs(filter, page(order)).await.unwrap();
        assert_eq!(listed.total, listed.items.len() as i64);
        listed.items.into_iter().map(|run| run.key.0).collect::<Vec<_>>()
    };
    let all = RunFilter::default();
    assert_eq!(keys(all.clone(), &[]).await, [1, 2, 3, 4]);
    assert_eq!(keys(all.clone(), &["-id"]).await, [4, 3, 2, 1]);
    assert_eq!(keys(all.clone(), &["logical_date"]).await, [1, 2, 4, 3]);
    assert_eq!(keys(all.clone(), &["-logical_date"]).await, [4, 2, 1, 3]);
    assert_eq!(keys(all.clone(), &["state", "-run_id"]).await, [3, 1, 2, 4]);
    for order in ["dag_id", "run_id", "run_after", "start_date", "end_date", "run_type", "queued_at", "duration"] {
        assert_eq!(keys(all.clone(), &[order]).await.len(), 4, "{order}");
    }
    let bad = reader.runs(all.clone(), page(&["nonsense"])).await;
    assert!(matches!(&bad, Err(StoreError::Broken { why, .. }) if why.contains("nonsense")), "{bad:?}");
    assert_eq!(keys(RunFilter { dag_ids: Some(vec![dag_id("d")]), ..all.clone() }, &[]).await, [1, 2, 3]);
    assert_eq!(keys(RunFilter { dag_id: contains(&["E"]), ..all.clone() }, &[]).await, [4]);
    assert_eq!(keys(RunFilter { run_id: contains(&["L__3"]), ..all.clone() }, &[]).await, [3]);
    assert_eq!(keys(RunFilter { run_id: begins(&["manual__1", "manual__4"]), ..all.clone() }, &[]).await, [1, 4]);
    let micros = |range| RunFilter { duration: range, ..all.clone() };
    assert_eq!(keys(micros(Between { gte: Some(3_000_000), lte: Some(3_000_000), ..Between::default() }), &[]).await, [4]);
    assert_eq!(keys(micros(Between { gt: Some(3_000_000), ..Between::default() }), &[]).await, [0; 0]);
    assert_eq!(keys(micros(Between { lt: Some(i64::MAX), ..Between::default() }), &["-duration"]).await, [4]);
    assert_eq!(keys(RunFilter { run_types: vec![RunType::Scheduled, RunType::Backfill], ..all.clone() }, &[]).await, [2]);
    assert_eq!(keys(RunFilter { states: vec![RunState::Queued, RunState::Success], ..all.clone() }, &[]).await, [1, 3, 4]);
    assert_eq!(keys(RunFilter { triggering_user: contains(&["ADA"]), ..all.clone() }, &[]).await, [1, 2, 4]);
    let hours = |hour: i64| Some(time(hour * 3600));
    let dates = |range| RunFilter { logical_date: range, ..all.clone() };
    assert_eq!(keys(dates(Between { gte: hours(2), ..Between::default() }), &[]).await, [2, 4]);
    assert_eq!(keys(dates(Between { gt: hours(2), ..Between::default() }), &[]).await, [4]);
    assert_eq!(keys(dates(Between { gt: hours(0), lte: hours(2), ..Between::default() }), &[]).await, [1, 2]);
    assert_eq!(keys(dates(Between { lt: hours(2), ..Between::default() }), &[]).await, [1]);
    assert_eq!(keys(RunFilter { run_after: Between { gt: hours(2), ..Between::default() }, ..all.clone() }, &[]).await, [3, 4]);
    assert_eq!(keys(RunFilter { start_date: Between { gte: Some(time(5)), ..Between::default() }, ..all.clone() }, &[]).await, [2]);
    assert_eq!(keys(RunFilter { end_date: Between { lte: Some(time(7)), ..Between::default() }, ..all.clone() }, &[]).await, [4]);

    assert_eq!(reader.run(&dag_id("d"), &run_id("manual__2")).await.unwrap().as_ref(), Some(&runs[1]));
    assert_eq!(reader.run(&dag_id("e"), &run_id("manual__2")).await.unwrap(), None);
    assert_eq!(reader.run_by_key(RunKey(4)).await.unwrap().as_ref(), Some(&runs[3]));
    let recent = reader.recent_runs(vec![dag_id("d"), dag_id("e"), dag_id("f")], 2).await.unwrap();
    let recent: Vec<(&str, Vec<i64>)> =
        recent.iter().map(|(dag, runs)| (dag.as_str(), runs.iter().map(|run| run.key.0).collect())).collect();
    assert_eq!(recent, [("d", vec![3, 2]), ("e", vec![4]), ("f", vec![])]);
}

/// Two runs with some task instances: `a`, `b` of each, and two copies of `m` of the first.
async fn with_task_instances(subject: &Subject) -> Vec<TaskInstanceRow> {
    let term = subject.lead("a").await;
    let (first, second) = (run("d", 1), run("e", 2));
    let copy = |index| TaskInstanceRow {
        map_index: MapIndex(index),
        id: updraft_model::TaskInstanceId(uuid(9, i64::from(index))),
        ..task_instance(&first, "m")
    };
    let rows = vec![
        TaskInstanceRow { state: TaskState::Success, ..full(task_instance(&first, "a")) },
        TaskInstanceRow { state: TaskState::Running, attempt: Some(AttemptId(uuid(3, 5))), ..task_instance(&first, "b") },
        copy(0),
        copy(1),
        TaskInstanceRow { start_date: Some(time(1)), end_date: Some(time(9)), ..task_instance(&second, "a") },
        TaskInstanceRow { executor: Some(executor("docker")), operator: "Other".into(), ..task_instance(&second, "B") },
    ];
    let batch = Batch {
        new_runs: vec![first, second],
        new_task_instances: rows.clone(),
        archived_tries: vec![TaskInstanceRow { try_number: 2, ..rows[0].clone() }, TaskInstanceRow { try_number: 1, ..rows[0].clone() }],
        attempts: vec![attempt(5, rows[1].key()), attempt(1, rows[0].key()), attempt(2, rows[0].key())],
        ..dags(&["d", "e"])
    };
    subject.commit(term, batch).await;
    rows
}

pub async fn task_instances_by_every_filter(subject: Subject) {
    with_task_instances(&subject).await;
    let reader = subject.reader();
    let names = async |filter: TaskInstanceFilter| {
        let listed = reader.task_instances(filter, page(&[])).await.unwrap();
        assert_eq!(listed.total, listed.items.len() as i64);
        let name = |row: TaskInstanceRow| format!("{}.{}.{}", row.run, row.task_id, row.map_index.0);
        listed.items.into_iter().map(|view| name(view.row)).collect::<Vec<_>>().join(" ")
    };
    let all = TaskInstanceFilter::default();
    assert_eq!(names(all.clone()).await, "1.a.-1 1.b.-1 1.m.0 1.m.1 2.B.-1 2.a.-1");
    assert_eq!(names(TaskInstanceFilter { dag_ids: Some(vec![dag_id("e")]), ..all.clone() }).await, "2.B.-1 2.a.-1");
    assert_eq!(names(TaskInstanceFilter { run_ids: Some(vec![run_id("manual__2")]), ..all.clone() }).await, "2.B.-1 2.a.-1");
    assert_eq!(names(TaskInstanceFilter { task_ids: Some(vec![task_id("a")]), ..all.clone() }).await, "1.a.-1 2.a.-1");
    assert_eq!(names(TaskInstanceFilter { task_id: contains(&["b"]), ..all.clone() }).await, "1.b.-1 2.B.-1");
    assert_eq!(names(TaskInstanceFilter { map_indexes: Some(vec![MapIndex(1)]), ..all.clone() }).await, "1.m.1");
    let states = vec![TaskState::Success, TaskState::Running];
    assert_eq!(names(TaskInstanceFilter { states, ..all.clone() }).await, "1.a.-1 1.b.-1");
    let of_run = TaskInstanceFilter { dag_id: contains(&["E"]), run_id: begins(&["manual__2"]), ..all.clone() };
    assert_eq!(names(of_run).await, "2.B.-1 2.a.-1");
    assert_eq!(names(TaskInstanceFilter { try_numbers: Some(vec![2, 99]), ..all.clone() }).await, "1.a.-1");
    assert_eq!(names(TaskInstanceFilter { try_numbers: Some(vec![]), ..all.clone() }).await, "");
    assert_eq!(names(TaskInstanceFilter { pools: vec!["x".repeat(300), String::new()], ..all.clone() }).await, "");
    assert_eq!(names(TaskInstanceFilter { pool: contains(&["QUOTES"]), ..all.clone() }).await, "1.a.-1");
    assert_eq!(names(TaskInstanceFilter { queues: vec!["other".into()], ..all.clone() }).await, "");
    assert_eq!(names(TaskInstanceFilter { queues: vec!["other".into(), QUEUE.into()], ..all.clone() }).await.len(), 39);
    assert_eq!(names(TaskInstanceFilter { queue: begins(&["gpu"]), ..all.clone() }).await, "");
    assert_eq!(names(TaskInstanceFilter { operator: contains(&["oth", "none"]), ..all.clone() }).await, "2.B.-1");
    let eight = Between { gte: Some(8_000_000), lt: Some(8_000_001), ..Between::default() };
    assert_eq!(names(TaskInstanceFilter { duration: eight, ..all.clone() }).await, "2.a.-1");
    let pools = vec!["Pool of \"quotes\" and ü".to_owned()];
    assert_eq!(names(TaskInstanceFilter { pools, ..all.clone() }).await, "1.a.-1");
    assert_eq!(names(TaskInstanceFilter { executors: vec!["docker".into()], ..all.clone() }).await, "2.B.-1");
    assert_eq!(names(TaskInstanceFilter { operators: vec!["Other".into()], ..all.clone() }).await, "2.B.-1");
    let late = Between { gt: Some(time(3600)), ..Between::default() };
    assert_eq!(names(TaskInstanceFilter { run_after: late.clone(), ..all.clone() }).await, "2.B.-1 2.a.-1");
    assert_eq!(names(TaskInstanceFilter { logical_date: late, ..all.clone() }).await, "2.B.-1 2.a.-1");
    let early = Between { lte: Some(time(3)), ..Between::default() };
    assert_eq!(names(TaskInstanceFilter { start_date: early, ..all.clone() }).await, "1.a.-1 2.a.-1");
    let end = Between { gte: Some(time(9)), ..Between::default() };
    assert_eq!(names(TaskInstanceFilter { end_date: end, ..all }).await, "2.a.-1");
}

pub async fn lists_are_ordered_and_paged(subject: Subject) {
    with_task_instances(&subject).await;
    let reader = subject.reader();
    let list = async |limit, offset, order: &[&str]| {
        let page = Page { limit, offset, ..page(order) };
        let listed = reader.task_instances(TaskInstanceFilter::default(), page).await.unwrap();
        assert_eq!(listed.total, 6);
        listed.items.into_iter().map(|view| format!("{}.{}", view.row.run, view.row.task_id)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(list(2, 1, &[]).await, "1.b 1.m");
    assert_eq!(list(9, 5, &[]).await, "2.a");
    assert_eq!(list(9, 6, &[]).await, "");
    assert_eq!(list(3, 0, &["start_date"]).await, "2.a 1.a 1.b");
    assert_eq!(list(3, 0, &["-start_date"]).await, "1.a 2.a 1.b");
    assert_eq!(list(2, 0, &["-duration"]).await, "2.a 1.a");
    assert_eq!(list(2, 0, &["-run_after", "task_id"]).await, "2.B 2.a");
    for order in
        ["id", "task_id", "map_index", "state", "end_date", "try_number", "logical_date", "queued_at", "operator", "data_interval_start"]
    {
        list(9, 0, &[order]).await;
    }
}

pub async fn a_runs_details(subject: Subject) {
    let rows = with_task_instances(&subject).await;
    let reader = subject.reader();
    let counts = reader.state_counts(vec![RunKey(1), RunKey(2), RunKey(3)]).await.unwrap();
    let first = BTreeMap::from([(TaskState::NoStatus, 2), (TaskState::Running, 1), (TaskState::Success, 1)]);
    let expected = [(RunKey(1), first), (RunKey(2), BTreeMap::from([(TaskState::NoStatus, 2)])), (RunKey(3), BTreeMap::new())];
    assert_eq!(counts, BTreeMap::from(expected));

    let view = reader.task_instance(&rows[1].key()).await.unwrap().unwrap();
    assert_eq!((view.row, view.waiting.as_deref(), view.has_open_attempt), (rows[1].clone(), Some("no place"), true));
    assert_eq!((view.logical_date, view.run_after), (Some(time(3600)), time(3600)));
    let mut missing = rows[1].key();
    missing.map_index = MapIndex(7);
    assert_eq!(reader.task_instance(&missing).await.unwrap(), None);
    let tries = reader.archived_tries(&rows[0].key()).await.unwrap();
    assert_eq!(tries, [TaskInstanceRow { try_number: 1, ..rows[0].clone() }, TaskInstanceRow { try_number: 2, ..rows[0].clone() }]);
    assert_eq!(reader.attempts(&rows[0].key()).await.unwrap(), [attempt(1, rows[0].key()), attempt(2, rows[0].key())]);

    let mut by_id = reader
        .attempts_by_id(vec![attempt(2, rows[0].key()).id, attempt(99, rows[0].key()).id, attempt(5, rows[1].key()).id])
        .await
        .unwrap();
    by_id.sort_by_key(|row| row.queued_at);
    assert_eq!(by_id, [attempt(2, rows[0].key()), attempt(5, rows[1].key())]);
    assert_eq!(reader.attempts_by_id(Vec::new()).await.unwrap(), []);

    let open = reader.open_attempts(&node("node-1")).await.unwrap();
    let expected = [(1, 0), (2, 0), (5, 1)].map(|(number, row)| (attempt(number, rows[row].key()), rows[row].clone()));
    assert_eq!(open, expected);
    assert_eq!(reader.open_attempts(&node("node-2")).await.unwrap(), []);
    let over = AttemptRow { ended_at: Some(time(9)), ..attempt(1, rows[0].key()) };
    let term = subject.lead("a").await;
    subject.commit(term, Batch { attempts: vec![over], ..Batch::default() }).await;
    assert_eq!(reader.open_attempts(&node("node-1")).await.unwrap(), expected[1..]);

    reader.set_run_note(RunKey(1), Some("r".into()), Some("ada".into())).await.unwrap();
    assert_eq!(reader.run_by_key(RunKey(1)).await.unwrap().unwrap().note.as_deref(), Some("r"));
    reader.set_task_instance_note(&rows[2].key(), Some("t".into())).await.unwrap();
    assert_eq!(reader.task_instance(&rows[2].key()).await.unwrap().unwrap().row.note.as_deref(), Some("t"));
    reader.set_task_instance_note(&rows[2].key(), None).await.unwrap();
    assert_eq!(reader.task_instance(&rows[2].key()).await.unwrap().unwrap().row.note, None);
}

pub async fn xcoms_by_every_filter(subject: Subject) {
    let rows = with_task_instances(&subject).await;
    let term = subject.lead("a").await;
    let value = json!({"z": 1, "a": [1.0, 1e300, "\u{0}"], "n": 12345678901234567890_u64});
    let xcoms = vec![
        xcom(rows[0].key(), "k", value.clone()),
        xcom(rows[0].key(), "other", json!(null)),
        xcom(rows[3].key(), "k", json!("")),
        xcom(rows[4].key(), "K", json!(false)),
    ];
    subject.commit(term, Batch { xcoms: xcoms.clone(), ..Batch::default() }).await;
    let reader = subject.reader();
    let found = async |filter: XComFilter, order: &[&str]| {
        let listed = reader.xcoms(filter, page(order)).await.unwrap();
        assert_eq!(listed.total, listed.items.len() as i64);
        listed.items.into_iter().map(|view| view.row).collect::<Vec<_>>()
    };
    let all = XComFilter::default();
    assert_eq!(found(all.clone(), &[]).await, xcoms);
    assert_eq!(found(all.clone(), &[]).await[0].value.to_string(), value.to_string(), "the order of its keys too");
    assert_eq!(found(all.clone(), &["key"]).await[0].key, "K");
    let pick = |some: &[usize]| some.iter().map(|at| xcoms[*at].clone()).collect::<Vec<_>>();
    assert_eq!(found(XComFilter { dag_id: Some(dag_id("d")), ..all.clone() }, &[]).await, pick(&[0, 1, 2]));
    assert_eq!(found(XComFilter { run_id: Some(run_id("manual__2")), ..all.clone() }, &[]).await, pick(&[3]));
    assert_eq!(found(XComFilter { task_id: Some(task_id("a")), ..all.clone() }, &["-key"]).await, pick(&[1, 0, 3]));
    assert_eq!(found(XComFilter { map_index: Some(MapIndex(1)), ..all.clone() }, &[]).await, pick(&[2]));
    assert_eq!(found(XComFilter { key: Some("k".into()), ..all.clone() }, &[]).await, pick(&[0, 2]));
    assert_eq!(found(all.clone(), &["-dag_id", "-map_index", "-key"]).await, pick(&[3, 2, 1, 0]));
    assert_eq!(found(all.clone(), &["-run_id", "-run_after"]).await[0], xcoms[3]);
    assert_eq!(found(XComFilter { keys: contains(&["K"]), ..all.clone() }, &[]).await, pick(&[0, 2, 3]));
    assert_eq!(found(XComFilter { runs: begins(&["manual__2"]), ..all.clone() }, &[]).await, pick(&[3]));
    assert_eq!(found(XComFilter { tasks: contains(&["M"]), ..all.clone() }, &[]).await, pick(&[2]));
    assert_eq!(found(XComFilter { dag_display_name: contains(&["E", "none"]), ..all.clone() }, &[]).await, pick(&[3]));
    let late = Between { gt: Some(time(3600)), ..Between::default() };
    assert_eq!(found(XComFilter { logical_date: late.clone(), ..all.clone() }, &[]).await, pick(&[3]));
    assert_eq!(found(XComFilter { run_after: late, ..all }, &[]).await, pick(&[3]));
}

pub async fn import_errors_have_numbers(subject: Subject) {
    let term = subject.lead("a").await;
    let error = |file: &str, at| {
        Upsert::Set(ImportErrorRow {
            file: file.into(),
            timestamp: time(at),
            stack_trace: "t".into(),
            diagnostics: json!([{"b": 1, "a": 2}]),
        })
    };
    subject.commit(term, Batch { import_errors: vec![error("b", 1), error("a", 2)], ..Batch::default() }).await;
    let reader = subject.reader();
    let any = ImportErrorFilter::default();
    let files = async |filter: ImportErrorFilter, order: &str| {
        let listed = reader.import_errors(filter, page(&[order])).await.unwrap();
        listed.items.into_iter().map(|(_, error)| error.file).collect::<Vec<_>>()
    };
    assert_eq!(files(any.clone(), "id").await, ["a", "b"]);
    assert_eq!(files(any.clone(), "-id").await, ["b", "a"], "newest first");
    assert_eq!(files(any.clone(), "-stack_trace").await.len(), 2);
    assert_eq!(files(ImportErrorFilter { file: Some("b".into()), ..any.clone() }, "id").await, ["b"]);
    assert_eq!(files(ImportErrorFilter { files: contains(&["A"]), ..any.clone() }, "id").await, ["a"]);
    let listed = reader.import_errors(any.clone(), page(&["filename"])).await.unwrap();
    assert_eq!(listed.items.iter().map(|(_, error)| error.file.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let (id, first) = &listed.items[0];
    subject.commit(term, Batch { import_errors: vec![error("a", 3), Upsert::Delete("b".into())], ..Batch::default() }).await;
    let again = reader.import_error(*id).await.unwrap().unwrap();
    assert_eq!(again, ImportErrorRow { timestamp: time(3), ..first.clone() }, "the number of a file's error stays");
    assert_eq!(reader.import_errors(any, page(&["-timestamp"])).await.unwrap().total, 1);
    assert_eq!(reader.import_error(id + 1000).await.unwrap(), None);
}

pub async fn pools_count_slots(subject: Subject) {
    let term = subject.lead("a").await;
    let first = run("d", 1);
    let pool = PoolRow { name: pool_name("gpu"), slots: 4, description: Some("cards".into()), include_deferred: true };
    let states = [
        TaskState::Running,
        TaskState::Restarting,
        TaskState::Queued,
        TaskState::Scheduled,
        TaskState::Deferred,
        TaskState::Success,
        TaskState::NoStatus,
    ];
    let rows = states.iter().map(|state| {
        let row = task_instance(&first, state.as_str());
        TaskInstanceRow { state: *state, pool: pool_name("gpu"), pool_slots: 2, ..row }
    });
    let batch =
        Batch { pools: vec![Upsert::Set(pool.clone())], new_runs: vec![first.clone()], new_task_instances: rows.collect(), ..dags(&["d"]) };
    subject.commit(term, batch).await;
    let reader = subject.reader();
    let view = reader.pool(&pool_name("gpu")).await.unwrap().unwrap();
    assert_eq!(view.row, pool);
    assert_eq!((view.running, view.queued, view.scheduled, view.deferred), (4, 2, 2, 2));
    let view = reader.pool(&PoolName::default_pool()).await.unwrap().unwrap();
    assert_eq!((view.running, view.queued, view.scheduled, view.deferred), (0, 0, 0, 0));
    let names = async |like: Vec<Pattern>, order: &str| {
        let listed = reader.pools(like, page(&[order])).await.unwrap();
        listed.items.into_iter().map(|view| view.row.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(vec![], "slots").await, ["gpu", "default_pool"]);
    assert_eq!(names(contains(&["GP"]), "name").await, ["gpu"]);
    assert_eq!(names(contains(&["GP", "default"]), "-name").await, ["gpu", "default_pool"]);
    assert_eq!(names(begins(&["gp"]), "name").await, ["gpu"]);
    assert_eq!(reader.pool(&pool_name("none")).await.unwrap(), None);
}

pub async fn variables_users_and_settings(subject: Subject) {
    let reader = subject.reader();
    let variable = |key: &str, value: &str| VariableRow { key: key.into(), value: value.into(), description: Some("d".into()) };
    reader.set_variable(variable("b", "1")).await.unwrap();
    reader.set_variable(variable("a", "2")).await.unwrap();
    reader.set_variable(variable("a", "3")).await.unwrap();
    assert_eq!(reader.variable("a").await.unwrap(), Some(variable("a", "3")));
    assert_eq!(reader.variables(vec![], page(&["-key"])).await.unwrap().items, [variable("b", "1"), variable("a", "3")]);
    assert_eq!(reader.variables(vec![], page(&["-description"])).await.unwrap().total, 2);
    assert_eq!(reader.variables(contains(&["A", "none"]), page(&[])).await.unwrap().total, 1);
    assert_eq!(reader.variables(begins(&["a"]), page(&[])).await.unwrap().total, 1);
    let asked = subject.engine.ask(crate::Question::Variable { key: "a".into() }).await.unwrap();
    assert_eq!(asked, crate::Verdict::Variable(Some("3".into())));
    assert!(reader.delete_variable("a").await.unwrap());
    assert!(!reader.delete_variable("a").await.unwrap());
    assert_eq!(reader.variable("a").await.unwrap(), None);

    let user = |role: &str, at| UserRow { username: "ada".into(), password_hash: "h".into(), role: role.into(), created_at: time(at) };
    reader.set_user(user("viewer", 1)).await.unwrap();
    reader.set_user(user("admin", 2)).await.unwrap();
    assert_eq!(reader.users().await.unwrap(), [user("admin", 1)]);
    assert!(reader.delete_user("ada").await.unwrap());
    assert!(!reader.delete_user("ada").await.unwrap());

    assert_eq!(reader.setting("key", json!({"b": 1, "a": 2})).await.unwrap(), json!({"b": 1, "a": 2}));
    assert_eq!(reader.setting("key", json!(0)).await.unwrap(), json!({"b": 1, "a": 2}), "the first value stays");
    reader.ping().await.unwrap();
}

pub async fn nodes_and_the_lease(subject: Subject) {
    let reader = subject.reader();
    assert_eq!(reader.lease().await.unwrap(), None);
    let term = subject.lead("a").await;
    let lease = reader.lease().await.unwrap().unwrap();
    assert_eq!((lease.holder.as_str(), lease.term, lease.address), ("a", term, None));
    subject.engine.release_lease(term).await.unwrap();
    assert_eq!(reader.lease().await.unwrap(), None);

    let seen = |address: Option<&str>| NodeRow {
        node: node("n1"),
        address: address.map(str::to_owned),
        last_seen: time(0),
        bundle_digest: Some("x".into()),
        lost_after: address.map(|_| Duration::from_secs(90)),
    };
    reader.node_seen(seen(None)).await.unwrap();
    let first = reader.nodes().await.unwrap();
    reader.node_seen(seen(Some("http://n1"))).await.unwrap();
    let second = reader.nodes().await.unwrap();
    assert_eq!(second.len(), 1);
    assert_eq!((second[0].address.as_deref(), second[0].bundle_digest.as_deref()), (Some("http://n1"), Some("x")));
    assert_eq!((first[0].lost_after, second[0].lost_after), (None, Some(Duration::from_secs(90))));
    assert!(first[0].last_seen > time(0) && second[0].last_seen >= first[0].last_seen, "the database's clock: {first:?} {second:?}");
}

pub async fn the_feed_goes_on_without_gaps(subject: Subject) {
    let term = subject.lead("a").await;
    let reader = subject.reader();
    assert_eq!(reader.feed_head().await.unwrap(), 0);
    let mut hints = reader.feed_hints();
    let first = run("d", 1);
    let row = task_instance(&first, "a");
    subject.commit(term, Batch { new_runs: vec![first.clone()], new_task_instances: vec![row.clone()], ..dags(&["d"]) }).await;
    assert_eq!(hints.next().await, Some(()));
    let next = Batch {
        runs: vec![run_update(RunState::Queued, RunRow { state: RunState::Running, version: version_id("d", 1), ..first })],
        task_instances: vec![update(TaskState::NoStatus, TaskInstanceRow { state: TaskState::Scheduled, ..row })],
        ..Batch::default()
    };
    subject.commit(term, next.clone()).await;
    let entries = reader.feed(0, 10).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(entries[0].changes[0], FeedChange::Dag { dag_id: dag_id("d") });
    assert_eq!(entries[1].changes, next.feed());
    assert_eq!(reader.feed(1, 10).await.unwrap(), entries[1..]);
    assert_eq!(reader.feed(0, 1).await.unwrap(), entries[..1]);
    assert_eq!(reader.feed_head().await.unwrap(), 2);
}
