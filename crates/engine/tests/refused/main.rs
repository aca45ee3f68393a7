//! What becomes of values that the database does not take: the engine over a store in memory, which
//! refuses a NUL character as PostgreSQL does, and an output of one name.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::sync::Arc;

use updraft_model::*;
use updraft_scheduler::{FileChange, FileContent, ReadDag};

use crate::world::{POISON, World};

const NUL: &str = "# \0\n";

fn dag(id: &str, tasks: &[&str]) -> Dag {
    let mut dag = Dag::new(DagId::new(id).unwrap());
    let task = |id: &&str| Task::new(TaskId::new(*id).unwrap(), Operator::Empty);
    dag.tasks = tasks.iter().map(|id| (TaskId::new(*id).unwrap(), task(id))).collect();
    dag
}

fn file(dag: Dag, source: &str) -> FileChange {
    let name = format!("{}.yaml", dag.dag_id);
    let content = FileContent { source: Arc::new(source.into()), dags: vec![ReadDag::new(dag)], error: None };
    FileChange { file: name, content: Some(content) }
}

fn trigger(dag: &str, run: &str) -> Request {
    Request::TriggerRun(TriggerRun::new(DagId::new(dag).unwrap(), RunId::new(run).unwrap(), TriggeredBy::RestApi))
}

fn dag_ids(world: &World) -> Vec<String> {
    world.store.dags().into_iter().map(|row| row.dag_id.to_string()).collect()
}

#[test]
fn a_new_dag_that_is_refused_is_an_import_error_and_has_no_runs() {
    let mut once = dag("bad", &["a"]);
    once.schedule = Schedule::Once;
    once.start_date = Some("2026-01-01T00:00:00Z".parse().unwrap());
    let mut w = World::new(vec![file(dag("good", &["a"]), "good"), file(once.clone(), NUL)]);
    w.settle();
    assert_eq!(dag_ids(&w), ["good"]);
    let error = w.import_error("bad.yaml").unwrap();
    assert!(error.starts_with("bad.yaml:1:1: DAG \"bad\": the database does not take it: "), "{error}");
    let (good, bad) = (w.store.submit(trigger("good", "r")), w.store.submit(trigger("bad", "r")));
    w.settle();
    assert!(matches!(w.store.answer(good), Some(Answer::Run { .. })));
    let Some(Answer::Rejected { kind: RejectionKind::NotFound, detail }) = w.store.answer(bad) else { panic!() };
    assert!(detail.contains("the database does not take it"), "{detail}");
    assert_eq!(w.store.runs().len(), 1);
    assert_eq!(w.problems, Vec::<String>::new());
    // Nothing turns in circles: as little is read again as with any other leader.
    let terms = w.store.lease().unwrap().term;
    w.pass(60);
    assert_eq!((terms, w.store.lease().unwrap().term), (Term(2), Term(2)));
    // A file that can be taken is.
    w.change(file(once, "good"));
    assert_eq!((dag_ids(&w), w.import_error("bad.yaml")), (vec!["bad".to_owned(), "good".to_owned()], None));
    assert_eq!(w.store.runs().len(), 2, "it is scheduled");
}

#[test]
fn a_dag_goes_on_with_the_version_that_was_taken() {
    let mut w = World::new(vec![file(dag("d", &["a"]), "good")]);
    w.settle();
    w.change(file(dag("d", &["a", "b"]), NUL));
    assert!(w.import_error("d.yaml").is_some());
    let request = w.store.submit(trigger("d", "r"));
    w.settle();
    assert!(matches!(w.store.answer(request), Some(Answer::Run { .. })));
    let tasks: Vec<String> = w.store.task_instances().into_iter().map(|row| row.task_id.to_string()).collect();
    assert_eq!(tasks, ["a"]);
    let rows = w.store.dags();
    assert_eq!((rows.len(), rows[0].is_stale, w.store.versions().len()), (1, false, 1));
    // The same text again is refused without another try.
    let term = w.store.lease().unwrap().term;
    w.change(file(dag("d", &["a", "b"]), NUL));
    assert_eq!(w.store.lease().unwrap().term, term);
    w.change(file(dag("d", &["a", "b"]), "good"));
    assert_eq!((w.import_error("d.yaml"), w.store.versions().len()), (None, 2));
}

#[test]
fn a_task_that_is_run_again_fails_again_for_what_it_writes() {
    let mut bash = dag("d", &["a"]);
    bash.tasks.values_mut().for_each(|task| task.operator = Operator::Bash { command: "true".to_owned() });
    let mut w = World::new(vec![file(bash, "good")]);
    w.settle();
    w.store.submit(trigger("d", "r"));
    w.settle();
    for number in 1..=2 {
        let attempt = w.launched[number - 1];
        w.end(attempt, &[POISON]);
        let row = w.store.task_instances().remove(0);
        assert_eq!((row.state, row.try_number, w.launched.len()), (TaskState::Failed, number as u32, number));
        let reason = row.reason.unwrap();
        assert!(reason.starts_with("the database does not accept what the task wrote"), "{reason}");
        assert_eq!(w.problems, Vec::<String>::new());
        let selection = Selection {
            dag_id: row.dag_id,
            run_id: row.run_id,
            tasks: Vec::new(),
            downstream: false,
            upstream: false,
            future: false,
            past: false,
            dry_run: false,
        };
        let clear = Clear { selection, only_failed: false, only_running: false, reset_dag_runs: true, run_on_latest_version: false };
        w.store.submit(Request::Clear(clear));
        w.settle();
    }
}

#[test]
fn a_stop_does_not_wait_for_a_database_that_takes_nothing() {
    let mut w = World::new(vec![file(dag("d", &["a"]), "text")]);
    w.settle();
    w.is_down = true;
    w.store.submit(trigger("d", "r"));
    w.settle();
    assert!(!w.has_stopped && w.store.runs().is_empty());
    w.stop();
    assert!(w.has_stopped);
    assert_eq!(w.store.lease(), None, "it is given back");
}

#[test]
fn a_deleted_dag_whose_file_is_there_comes_back() {
    let mut w = World::new(vec![file(dag("d", &["a"]), "text")]);
    w.settle();
    let run = w.store.submit(trigger("d", "r"));
    w.settle();
    assert!(matches!(w.store.answer(run), Some(Answer::Run { .. })));
    let deleted = w.store.submit(Request::DeleteDag { dag_id: DagId::new("d").unwrap() });
    w.settle();
    assert_eq!(w.store.answer(deleted), Some(Answer::Done));
    assert_eq!((dag_ids(&w), w.store.runs().len()), (vec!["d".to_owned()], 0));
}
