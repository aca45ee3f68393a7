//! Leases, commits, requests, cleaning.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;

use futures::StreamExt;
use jiff::SignedDuration;
use serde_json::json;
use updraft_model::{
    Answer, AnsweredRequest, Batch, ImportErrorRow, NewVersion, Operator, PoolName, PoolRow, Request, RunKey, RunRow, RunState, Task,
    TaskInstanceRow, TaskState, Term, Upsert,
};

use super::{
    Subject,
    samples::{self, attempt, dag, dags, full, run, run_update, task_id, task_instance, time, update, version, version_id, xcom},
};
use crate::{Acquired, CommitError, Reader};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn pause(name: &str) -> Request {
    Request::SetPaused { dag_id: samples::dag_id(name), is_paused: true }
}

pub async fn the_lease_is_held_until_it_ends(subject: Subject) {
    let engine = &subject.engine;
    assert_eq!(engine.acquire_lease("a", Some("http://a"), HOUR).await.unwrap(), Acquired::Yes(Term(1)));
    let Acquired::HeldBy(lease) = engine.acquire_lease("b", None, HOUR).await.unwrap() else { panic!("b got it") };
    assert_eq!((lease.holder.as_str(), lease.term, lease.address.as_deref()), ("a", Term(1), Some("http://a")));
    assert!(lease.remaining > SignedDuration::from_mins(59) && lease.remaining <= HOUR, "{:?}", lease.remaining);
    assert!(engine.renew_lease(Term(1), HOUR).await.unwrap());
    assert!(!engine.renew_lease(Term(0), HOUR).await.unwrap());

    engine.release_lease(Term(1)).await.unwrap();
    assert!(!engine.renew_lease(Term(1), HOUR).await.unwrap(), "a released lease can't be renewed");
    assert_eq!(subject.try_commit(Term(1), dags(&["d"])).await, Err(CommitError::Superseded { term: Term(1) }));
    assert_eq!(engine.acquire_lease("b", None, -HOUR).await.unwrap(), Acquired::Yes(Term(2)));
    // Expired, but nobody took it: its holder may go on.
    assert_eq!(subject.commit(Term(2), dags(&["d"])).await, 1);
    assert_eq!(engine.acquire_lease("c", None, HOUR).await.unwrap(), Acquired::Yes(Term(3)));
    engine.release_lease(Term(2)).await.unwrap();
    assert!(engine.renew_lease(Term(3), HOUR).await.unwrap(), "an old term releases nothing");
}

pub async fn every_taking_is_a_new_term(subject: Subject) {
    assert_eq!(subject.lead("a").await, Term(1));
    assert_eq!(subject.lead("a").await, Term(2));
    assert_eq!(subject.try_commit(Term(1), dags(&["d"])).await, Err(CommitError::Superseded { term: Term(1) }));
    assert!(!subject.engine.renew_lease(Term(1), HOUR).await.unwrap());
}

pub async fn only_the_term_that_leads_commits(subject: Subject) {
    let old = subject.lead("a").await;
    assert_eq!(subject.commit(old, dags(&["one"])).await, 1);
    subject.engine.renew_lease(old, -HOUR).await.unwrap();
    let new = subject.lead("b").await;
    assert_eq!(subject.try_commit(old, dags(&["two"])).await, Err(CommitError::Superseded { term: old }));
    assert_eq!(subject.commit(new, dags(&["three"])).await, 2);
    let names: Vec<_> = subject.engine.load(new).await.unwrap().dags.into_iter().map(|dag| dag.dag_id.to_string()).collect();
    assert_eq!(names, ["one", "three"]);
}

pub async fn a_batch_comes_back_as_it_was(subject: Subject) {
    let term = subject.lead("a").await;
    let queued = run("d", 1);
    let bare = RunRow { logical_date: None, data_interval: None, queued_at: None, note: None, triggering_user: None, ..run("d", 2) };
    let ended = RunRow { state: RunState::Success, start_date: Some(time(1)), end_date: Some(time(2)), ..run("d", 3) };
    let (plain, filled) = (task_instance(&queued, "plain"), full(task_instance(&queued, "Full")));
    let open = attempt(1, filled.key());
    let closed = updraft_model::AttemptRow { ended_at: Some(time(7)), ..attempt(2, filled.key()) };
    let batch = Batch {
        versions: vec![version("d", 1), version("d", 2), version("d", 3), version("e", 1)],
        dags: vec![dag("e"), updraft_model::DagRow { last_automated: None, next: None, latest: version_id("d", 2), ..dag("d") }],
        new_runs: vec![queued.clone(), bare.clone(), ended],
        new_task_instances: vec![plain.clone(), filled.clone()],
        attempts: vec![open.clone(), closed],
        ..Batch::default()
    };
    assert_eq!(subject.commit(term, batch.clone()).await, 1);
    let loaded = subject.engine.load(term).await.unwrap();
    assert_eq!(loaded.max_run_key, 3);
    assert_eq!(loaded.dags, [batch.dags[1].clone(), batch.dags[0].clone()]);
    let mut versions = [("d", 1), ("d", 2), ("e", 1)].map(|(dag, number)| version(dag, number).version.as_ref().clone());
    versions.sort_by_key(|version| version.id);
    assert_eq!(loaded.versions, versions);
    assert_eq!(loaded.runs, [queued.clone(), bare]);
    assert_eq!(loaded.task_instances, [filled.clone(), plain.clone()]);
    assert_eq!(loaded.attempts, std::slice::from_ref(&open));
    assert_eq!(subject.engine.source(version_id("d", 3)).await.unwrap().as_deref(), Some("dag_id: d\n# 3\n"));
    assert_eq!(subject.engine.source(version_id("d", 4)).await.unwrap(), None);

    // The whole row is written, but for notes; and a try, an attempt and its end.
    let running = RunRow { state: RunState::Running, start_date: Some(time(8)), version: version_id("d", 2), ..queued };
    let swapped = TaskInstanceRow { id: plain.id, note: filled.note.clone(), ..full(plain.clone()) };
    let emptied = TaskInstanceRow { note: None, ..task_instance(&running, "Full") };
    let next = Batch {
        runs: vec![run_update(RunState::Queued, running.clone())],
        task_instances: vec![
            update(TaskState::NoStatus, TaskInstanceRow { state: TaskState::Running, ..swapped.clone() }),
            update(TaskState::NoStatus, TaskInstanceRow { state: TaskState::UpForRetry, ..emptied.clone() }),
        ],
        archived_tries: vec![filled.clone()],
        attempts: vec![updraft_model::AttemptRow { ended_at: Some(time(8)), outcome: Some("exited 0".into()), ..open }],
        ..Batch::default()
    };
    assert_eq!(subject.commit(term, next).await, 2);
    let loaded = subject.engine.load(term).await.unwrap();
    assert_eq!(loaded.runs[0], running);
    let kept = TaskInstanceRow { state: TaskState::UpForRetry, note: filled.note.clone(), ..emptied };
    assert_eq!(loaded.task_instances, [kept, TaskInstanceRow { state: TaskState::Running, note: None, ..swapped }]);
    assert_eq!(loaded.attempts, []);
}

/// Larger than what is stored as it is.
pub async fn a_large_dag_comes_back(subject: Subject) {
    let term = subject.lead("a").await;
    let mut large = version("d", 1).version.as_ref().clone();
    for number in 0..2_000 {
        let id = task_id(format!("task-{number}"));
        large.dag.tasks.insert(id.clone(), Task::new(id, Operator::Bash { command: format!("echo 'Größe {number}'") }));
    }
    let source = "# Größe\n".repeat(20_000);
    let new = NewVersion::new(large.clone(), source.clone());
    subject.commit(term, Batch { versions: vec![new], dags: vec![dag("d")], ..Batch::default() }).await;
    assert_eq!(subject.engine.load(term).await.unwrap().versions, [large.clone()]);
    assert_eq!(subject.engine.source(large.id).await.unwrap(), Some(source.clone()));
    if let Some(reader) = &subject.reader {
        assert_eq!(reader.version(large.id).await.unwrap(), Some(large.clone()));
        assert_eq!(Reader::source(reader.as_ref(), large.id).await.unwrap(), Some(source));
    }
}

pub async fn existing_runs_are_refused(subject: Subject) {
    let term = subject.lead("a").await;
    let first = run("d", 1);
    subject.commit(term, Batch { new_runs: vec![first.clone()], ..dags(&["d", "e"]) }).await;
    let same_id = RunRow { run_id: first.run_id.clone(), ..run("d", 2) };
    let same_date = RunRow { logical_date: first.logical_date, ..run("d", 3) };
    let fine = run("d", 4);
    let twice = RunRow { run_id: fine.run_id.clone(), ..run("d", 5) };
    let other_dag = RunRow { run_id: first.run_id.clone(), logical_date: first.logical_date, ..run("e", 6) };
    let batch = Batch { new_runs: vec![same_id, same_date, fine.clone(), twice, other_dag.clone()], ..Batch::default() };
    let refused = CommitError::Refused { runs: vec![RunKey(2), RunKey(3), RunKey(5)] };
    assert_eq!(subject.try_commit(term, batch).await, Err(refused));
    assert_eq!(subject.engine.load(term).await.unwrap().runs, std::slice::from_ref(&first));
    assert_eq!(subject.commit(term, Batch { new_runs: vec![fine.clone(), other_dag.clone()], ..Batch::default() }).await, 2);
    assert_eq!(subject.engine.load(term).await.unwrap().runs, [first, fine, other_dag]);
}

pub async fn runs_without_a_date_do_not_collide(subject: Subject) {
    let term = subject.lead("a").await;
    let dateless = |key| RunRow { logical_date: None, data_interval: None, ..run("d", key) };
    subject.commit(term, Batch { new_runs: vec![dateless(1), dateless(2)], ..dags(&["d"]) }).await;
    assert_eq!(subject.engine.load(term).await.unwrap().runs.len(), 2);
}

fn is_stale(outcome: &Result<i64, CommitError>) -> bool {
    matches!(outcome, Err(CommitError::Stale(_)))
}

pub async fn unexpected_states_are_stale(subject: Subject) {
    let term = subject.lead("a").await;
    let (first, missing) = (run("d", 1), run("d", 2));
    let known = task_instance(&first, "a");
    subject.commit(term, Batch { new_runs: vec![first.clone()], new_task_instances: vec![known.clone()], ..dags(&["d"]) }).await;
    let before = subject.engine.load(term).await.unwrap();
    let task_instances = |task_instances| Batch { task_instances, ..Batch::default() };
    let scheduled = TaskInstanceRow { state: TaskState::Scheduled, ..known.clone() };
    let good = update(TaskState::NoStatus, scheduled.clone());
    let batches = [
        Batch { runs: vec![run_update(RunState::Running, first.clone())], ..Batch::default() },
        Batch { runs: vec![run_update(RunState::Queued, missing.clone())], ..Batch::default() },
        task_instances(vec![update(TaskState::Queued, scheduled.clone())]),
        task_instances(vec![good.clone(), update(TaskState::NoStatus, task_instance(&first, "b"))]),
        task_instances(vec![good.clone(), good]),
        Batch { new_task_instances: vec![known.clone()], ..Batch::default() },
        Batch { new_task_instances: vec![TaskInstanceRow { id: known.id, ..task_instance(&first, "c") }], ..Batch::default() },
        Batch { new_task_instances: vec![task_instance(&missing, "a")], ..Batch::default() },
        Batch { attempts: vec![attempt(1, task_instance(&missing, "a").key())], ..Batch::default() },
        Batch { archived_tries: vec![task_instance(&missing, "a")], ..Batch::default() },
        Batch { xcoms: vec![xcom(task_instance(&missing, "a").key(), "k", json!(1))], ..Batch::default() },
        Batch { answers: vec![AnsweredRequest { id: updraft_model::RequestId(77), answer: Answer::Done }], ..Batch::default() },
    ];
    for (at, batch) in batches.into_iter().enumerate() {
        let outcome = subject.try_commit(term, batch).await;
        assert!(is_stale(&outcome), "batch {at}: {outcome:?}");
    }
    assert_eq!(subject.engine.load(term).await.unwrap(), before);
}

pub async fn nothing_of_a_refused_batch_stays(subject: Subject) {
    let term = subject.lead("a").await;
    let first = run("d", 1);
    let known = full(task_instance(&first, "a"));
    let start = Batch {
        new_runs: vec![first.clone()],
        new_task_instances: vec![known.clone()],
        attempts: vec![attempt(1, known.key())],
        xcoms: vec![xcom(known.key(), "k", json!(1))],
        ..dags(&["d"])
    };
    subject.commit(term, start).await;
    let id = subject.inbox.submit(pause("d")).await.unwrap();
    let before = subject.engine.load(term).await.unwrap();
    let everything = Batch {
        deleted_dags: vec![samples::dag_id("d")],
        pools: vec![Upsert::Delete(PoolName::default_pool())],
        new_runs: vec![run("e", 5)],
        new_task_instances: vec![task_instance(&run("e", 5), "b")],
        answers: vec![AnsweredRequest { id, answer: Answer::Done }, AnsweredRequest { id, answer: Answer::Done }],
        ..dags(&["e"])
    };
    let outcome = subject.try_commit(term, everything).await;
    assert!(is_stale(&outcome), "{outcome:?}");
    assert_eq!(subject.engine.load(term).await.unwrap(), before);
    assert_eq!(subject.inbox.answer(id).await.unwrap(), None);
    assert_eq!(subject.commit(term, Batch::default()).await, 2, "the feed has no gap");
}

pub async fn notes_stay(subject: Subject) {
    let term = subject.lead("a").await;
    let first = run("d", 1);
    let row = TaskInstanceRow { note: Some("mine".into()), ..task_instance(&first, "a") };
    subject.commit(term, Batch { new_runs: vec![first.clone()], new_task_instances: vec![row.clone()], ..dags(&["d"]) }).await;
    let batch = Batch {
        runs: vec![run_update(RunState::Queued, RunRow { note: Some("other".into()), ..first.clone() })],
        task_instances: vec![update(TaskState::NoStatus, TaskInstanceRow { note: None, ..row.clone() })],
        ..Batch::default()
    };
    subject.commit(term, batch).await;
    let loaded = subject.engine.load(term).await.unwrap();
    assert_eq!((loaded.runs, loaded.task_instances), (vec![first], vec![row]));
}

pub async fn a_deleted_run_takes_all_of_it_along(subject: Subject) {
    let term = subject.lead("a").await;
    let (gone, stays) = (run("d", 1), run("d", 2));
    let rows = [full(task_instance(&gone, "a")), task_instance(&stays, "a")];
    let batch = Batch {
        new_runs: vec![gone.clone(), stays.clone()],
        new_task_instances: rows.to_vec(),
        archived_tries: rows.to_vec(),
        attempts: vec![attempt(1, rows[0].key()), attempt(2, rows[1].key())],
        xcoms: vec![xcom(rows[0].key(), "k", json!(1)), xcom(rows[1].key(), "k", json!(2))],
        ..dags(&["d"])
    };
    subject.commit(term, batch).await;
    subject.commit(term, Batch { deleted_runs: vec![gone.key, RunKey(99)], ..Batch::default() }).await;
    let loaded = subject.engine.load(term).await.unwrap();
    assert_eq!(loaded.runs, std::slice::from_ref(&stays));
    assert_eq!(loaded.task_instances, [rows[1].clone()]);
    assert_eq!(loaded.attempts, [attempt(2, rows[1].key())]);
}

pub async fn a_deleted_dag_takes_its_runs_along(subject: Subject) {
    let term = subject.lead("a").await;
    let (gone, stays) = (run("d", 1), run("e", 2));
    let rows = vec![task_instance(&gone, "a"), task_instance(&stays, "a")];
    subject.commit(term, Batch { new_runs: vec![gone, stays.clone()], new_task_instances: rows.clone(), ..dags(&["d", "e"]) }).await;
    subject.commit(term, Batch { deleted_dags: vec![samples::dag_id("d")], ..Batch::default() }).await;
    let loaded = subject.engine.load(term).await.unwrap();
    assert_eq!((loaded.dags, loaded.runs, loaded.versions), (vec![dag("e")], vec![stays], vec![version("e", 1).version.as_ref().clone()]));
    assert_eq!(loaded.task_instances, [rows[1].clone()]);
    assert_eq!(subject.engine.source(version_id("d", 1)).await.unwrap(), None);
}

pub async fn a_run_can_be_replaced_in_one_batch(subject: Subject) {
    let term = subject.lead("a").await;
    let first = run("d", 1);
    subject.commit(term, Batch { new_runs: vec![first.clone()], ..dags(&["d"]) }).await;
    let again = RunRow { key: RunKey(2), ..first.clone() };
    subject.commit(term, Batch { deleted_runs: vec![first.key], new_runs: vec![again.clone()], ..Batch::default() }).await;
    assert_eq!(subject.engine.load(term).await.unwrap().runs, [again]);
}

pub async fn xcoms_are_replaced(subject: Subject) {
    let term = subject.lead("a").await;
    let first = run("d", 1);
    let (a, b) = (task_instance(&first, "a"), task_instance(&first, "b"));
    let start = vec![xcom(a.key(), "old", json!(1)), xcom(a.key(), "both", json!(2)), xcom(b.key(), "old", json!(3))];
    subject.commit(term, Batch { new_runs: vec![first], xcoms: start, ..dags(&["d"]) }).await;
    let new =
        vec![xcom(a.key(), "both", json!({"z": [4], "a": null})), xcom(b.key(), "old", json!("twice")), xcom(b.key(), "old", json!(5))];
    subject.commit(term, Batch { deleted_xcoms: vec![a.key()], xcoms: new, ..Batch::default() }).await;
    let value = async |row: &TaskInstanceRow, key: &str| {
        let question =
            crate::Question::XCom { run: row.run, task_id: row.task_id.clone(), map_index: Some(row.map_index), key: key.into() };
        let crate::Verdict::XCom(value) = subject.engine.ask(question).await.unwrap() else { panic!("not an XCom") };
        value
    };
    assert_eq!(value(&a, "old").await, None);
    assert_eq!(value(&a, "both").await.map(|value| value.to_string()).as_deref(), Some(r#"{"z":[4],"a":null}"#));
    assert_eq!(value(&b, "old").await, Some(json!(5)));
}

pub async fn requests_wait_until_they_are_answered(subject: Subject) {
    let term = subject.lead("a").await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(subject.inbox.submit(pause(name)).await.unwrap());
    }
    let pending = subject.engine.pending_requests(2).await.unwrap();
    assert_eq!(pending.iter().map(|p| (p.id, p.request.clone())).collect::<Vec<_>>(), [(ids[0], pause("a")), (ids[1], pause("b"))]);
    let answer = Answer::rejected(updraft_model::RejectionKind::NotFound, "no \"b\"");
    let batch = Batch { answers: vec![AnsweredRequest { id: ids[1], answer: answer.clone() }], ..Batch::default() };
    subject.commit(term, batch.clone()).await;
    assert_eq!(subject.inbox.answer(ids[1]).await.unwrap(), Some(answer));
    assert_eq!(subject.inbox.answer(ids[0]).await.unwrap(), None);
    let pending = subject.engine.pending_requests(10).await.unwrap();
    assert_eq!(pending.iter().map(|p| p.id).collect::<Vec<_>>(), [ids[0], ids[2]]);
    assert!(is_stale(&subject.try_commit(term, batch).await), "answered twice");
}

pub async fn a_withdrawn_request_is_not_answered(subject: Subject) {
    let term = subject.lead("a").await;
    let (gone, answered) = (subject.inbox.submit(pause("a")).await.unwrap(), subject.inbox.submit(pause("b")).await.unwrap());
    assert!(subject.inbox.withdraw(gone).await.unwrap());
    assert!(!subject.inbox.withdraw(gone).await.unwrap());
    assert_eq!(subject.engine.pending_requests(9).await.unwrap().len(), 1);
    let answer = |id| Batch { answers: vec![AnsweredRequest { id, answer: Answer::Done }], ..dags(&["d"]) };
    assert!(is_stale(&subject.try_commit(term, answer(gone)).await));
    assert_eq!(subject.engine.load(term).await.unwrap().dags, []);
    subject.commit(term, answer(answered)).await;
    assert!(!subject.inbox.withdraw(answered).await.unwrap(), "too late");
}

pub async fn a_taken_request_is_open_and_not_withdrawn(subject: Subject) {
    let term = subject.lead("a").await;
    let (taken, gone) = (subject.inbox.submit(pause("a")).await.unwrap(), subject.inbox.submit(pause("b")).await.unwrap());
    let take = |id| Batch { taken_requests: vec![id], ..Batch::default() };
    subject.commit(term, take(taken)).await;
    assert!(!subject.inbox.withdraw(taken).await.unwrap(), "a part of it is done");
    // It is not answered, so whoever leads next goes on with it, and may take it again.
    assert_eq!(subject.engine.pending_requests(9).await.unwrap()[0].id, taken);
    assert_eq!(subject.inbox.answer(taken).await.unwrap(), None);
    subject.commit(term, take(taken)).await;
    assert!(subject.inbox.withdraw(gone).await.unwrap());
    let batch = Batch { taken_requests: vec![gone], ..dags(&["d"]) };
    assert!(is_stale(&subject.try_commit(term, batch).await));
    assert_eq!(subject.engine.load(term).await.unwrap().dags, []);
    let answer = Batch { answers: vec![AnsweredRequest { id: taken, answer: Answer::Done }], ..Batch::default() };
    subject.commit(term, answer).await;
    assert_eq!(subject.inbox.answer(taken).await.unwrap(), Some(Answer::Done));
    assert!(is_stale(&subject.try_commit(term, take(taken)).await), "there is nothing more to do");
}

pub async fn a_submit_hints(subject: Subject) {
    let mut hints = subject.engine.hints();
    subject.inbox.submit(pause("a")).await.unwrap();
    assert_eq!(hints.next().await, Some(()));
}

pub async fn old_runs_are_cleaned(subject: Subject) {
    let term = subject.lead("a").await;
    let ended = |key, end| RunRow { state: RunState::Success, end_date: Some(time(end)), ..run("d", key) };
    let (old, older, alive, young, active) = (ended(1, 10), ended(2, 5), ended(3, 1), ended(4, 20), run("d", 5));
    let row = task_instance(&alive, "a");
    // More than go at once together with others.
    let many: Vec<TaskInstanceRow> = (0..2_500).map(|i| task_instance(&older, format!("t{i}"))).collect();
    let batch = Batch {
        new_runs: vec![old, older.clone(), alive.clone(), young, RunRow { end_date: Some(time(1)), ..active }],
        new_task_instances: vec![row.clone()],
        attempts: vec![attempt(1, row.key())],
        ..dags(&["d"])
    };
    subject.commit(term, batch).await;
    let xcoms = many.iter().map(|row| xcom(row.key(), "k", json!(1))).collect();
    subject.commit(term, Batch { new_task_instances: many, xcoms, ..Batch::default() }).await;
    // What ended first goes first.
    assert_eq!(subject.engine.clean(time(20), 1).await.unwrap(), [RunKey(2)]);
    assert_eq!(subject.engine.clean(time(20), 9).await.unwrap(), [RunKey(1)]);
    assert_eq!(subject.engine.clean(time(20), 9).await.unwrap(), []);
    // What has something alive is loaded, finished or not.
    let loaded = subject.engine.load(term).await.unwrap();
    assert_eq!(loaded.runs.iter().map(|run| run.key.0).collect::<Vec<_>>(), [3, 5]);
    assert_eq!((loaded.task_instances, loaded.attempts.len(), loaded.max_run_key), (vec![row], 1, 5));
    // Nor is the key of a run that was deleted.
    let newest = run("d", 6);
    subject.commit(term, Batch { new_runs: vec![newest.clone()], ..Batch::default() }).await;
    subject.commit(term, Batch { deleted_runs: vec![newest.key], last_run: Some(newest.key), ..Batch::default() }).await;
    assert_eq!(subject.engine.load(term).await.unwrap().max_run_key, 6);
    // However old, the last number of the feed is not given again.
    subject.engine.clean(time(1_000_000_000), 9).await.unwrap();
    assert_eq!(subject.commit(term, Batch::default()).await, 5);
}

pub async fn a_nul_is_poison(subject: Subject) {
    let term = subject.lead("a").await;
    let first = run("d", 1);
    let row = task_instance(&first, "a");
    subject.commit(term, Batch { new_runs: vec![first], new_task_instances: vec![row.clone()], ..dags(&["d"]) }).await;
    let poisoned = TaskInstanceRow { state: TaskState::Failed, reason: Some("a\0b".into()), ..row.clone() };
    let bad = Batch { task_instances: vec![update(TaskState::NoStatus, poisoned)], ..Batch::default() };
    let outcome = subject.try_commit(term, bad.clone()).await;
    assert!(matches!(&outcome, Err(CommitError::Poisoned(why)) if why.contains("task instance a")), "{outcome:?}");
    // A probe says the same, and one that finds nothing to blame leaves nothing behind either.
    let ended = TaskInstanceRow { state: TaskState::Failed, ..row.clone() };
    let good = Batch { task_instances: vec![update(TaskState::NoStatus, ended)], ..Batch::default() };
    assert!(matches!(subject.engine.probe(term, Arc::new(bad)).await, Err(CommitError::Poisoned(_))));
    subject.engine.probe(term, Arc::new(good.clone())).await.unwrap();
    subject.commit(term, good).await;
    assert!(matches!(subject.engine.probe(Term(term.0 + 1), Arc::default()).await, Err(CommitError::Superseded { .. })));
    // In JSON it is an escape, and harmless.
    subject.commit(term, Batch { xcoms: vec![xcom(row.key(), "k", json!("a\0b"))], ..Batch::default() }).await;
    let question = crate::Question::XCom { run: row.run, task_id: row.task_id, map_index: Some(row.map_index), key: "k".into() };
    assert_eq!(subject.engine.ask(question).await.unwrap(), crate::Verdict::XCom(Some(json!("a\0b"))));
}

pub async fn import_errors_and_pools_come_and_go(subject: Subject) {
    let term = subject.lead("a").await;
    let error = |file: &str| ImportErrorRow { file: file.into(), timestamp: time(1), stack_trace: "t".into(), diagnostics: json!([1]) };
    let pool = |name: &str, slots| PoolRow { name: samples::pool_name(name), slots, description: None, include_deferred: true };
    let default = subject.engine.load(term).await.unwrap().pools;
    assert_eq!(default.iter().map(|pool| (pool.name.as_str(), pool.slots)).collect::<Vec<_>>(), [("default_pool", 128)]);
    let first = Batch {
        import_errors: vec![Upsert::Set(error("b")), Upsert::Set(error("a")), Upsert::Set(error("c")), Upsert::Delete("c".into())],
        pools: vec![Upsert::Set(pool("x", 1)), Upsert::Set(pool("x", -1)), Upsert::Set(pool("Y", 2))],
        ..Batch::default()
    };
    subject.commit(term, first).await;
    let loaded = subject.engine.load(term).await.unwrap();
    assert_eq!(loaded.files_with_errors, ["a", "b"]);
    assert_eq!(loaded.pools, [pool("Y", 2), default[0].clone(), pool("x", -1)], "in the order of their bytes");
    let second = Batch {
        import_errors: vec![Upsert::Delete("a".into()), Upsert::Set(error("b"))],
        pools: vec![Upsert::Delete(samples::pool_name("Y")), Upsert::Delete(samples::pool_name("Z"))],
        ..Batch::default()
    };
    subject.commit(term, second).await;
    let loaded = subject.engine.load(term).await.unwrap();
    assert_eq!((loaded.files_with_errors, loaded.pools.len()), (vec!["b".to_owned()], 2));
}

pub async fn hostile_text_comes_back(subject: Subject) {
    let term = subject.lead("a").await;
    let texts = ["'; DROP TABLE dag; --", "\"{}[],\\", "NULL", "%_\\", "tab\tnewline\n\u{1}\u{7f}", "\u{10FFFF}\u{feff}ü", ""];
    let first = run("d", 1);
    let rows: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| {
            let text = (*text).to_owned();
            TaskInstanceRow {
                reason: Some(text.clone()),
                note: Some(text.clone()),
                operator: text.into(),
                ..task_instance(&first, format!("t{at}"))
            }
        })
        .collect();
    let run = RunRow { conf: json!({ "texts": texts }), note: Some(texts.concat()), ..first };
    subject.commit(term, Batch { new_runs: vec![run.clone()], new_task_instances: rows.clone(), ..dags(&["d"]) }).await;
    let loaded = subject.engine.load(term).await.unwrap();
    assert_eq!((loaded.runs, loaded.task_instances), (vec![run], rows));
}
