//! Every bulk statement with 1 and with 10,000 rows inside a run of 50,000 tasks, timed.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::time::{Duration, Instant};

use serde_json::json;
use updraft_model::{Answer, AnsweredRequest, AttemptRow, Batch, Request, RunRow, RunState, TaskInstanceRow, TaskState, Term, Update};

use super::{
    Subject,
    samples::{attempt, dag_id, dags, executor, node, run, run_update, task_instance, time, update, xcom},
};

const TASKS: usize = 50_000;
const MANY: usize = 10_000;

/// How long each commit took, by name.
pub type Timings = Vec<(String, Duration)>;

struct Timed<'a> {
    subject: &'a Subject,
    term: Term,
    timings: Timings,
}

impl Timed<'_> {
    async fn commit(&mut self, name: impl Into<String>, batch: Batch) {
        let start = Instant::now();
        self.subject.commit(self.term, batch).await;
        let (name, took) = (name.into(), start.elapsed());
        println!("{:>9}  {name:<36} {took:?}", self.subject.name);
        self.timings.push((name, took));
    }
}

fn move_to(rows: &mut [TaskInstanceRow], state: TaskState) -> Vec<Update<TaskState, TaskInstanceRow>> {
    let to = |row: &mut TaskInstanceRow| {
        let from = row.state;
        row.state = state;
        match state {
            TaskState::Scheduled => row.scheduled_at = Some(time(10)),
            TaskState::Queued => {
                row.queued_at = Some(time(11));
                row.try_number = 1;
                row.executor = Some(executor("local"));
                row.attempt = Some(updraft_model::AttemptId(super::samples::uuid(3, row.priority_weight)));
            }
            TaskState::Running => {
                row.start_date = Some(time(12));
                row.node = Some(node("node-1"));
                row.pid = Some(4711);
            }
            _ => row.end_date = Some(time(13)),
        }
        update(from, row.clone())
    };
    rows.iter_mut().map(to).collect()
}

/// Carries all bulk statements out and returns how long they took. 5,000 updates of task instances
/// are measured too: a full commit of the engine.
pub async fn every_statement(subject: &Subject) -> Timings {
    let term = subject.lead("a").await;
    let mut timed = Timed { subject, term, timings: Vec::new() };
    let big = run("big", 1);
    let numbered = |(at, row): (usize, TaskInstanceRow)| TaskInstanceRow { priority_weight: i64::try_from(at).unwrap_or(0), ..row };
    let mut rows: Vec<_> = (0..TASKS).map(|at| task_instance(&big, format!("task_{at:05}"))).enumerate().map(numbered).collect();
    warm_up(&mut timed).await;
    timed.commit("insert run", Batch { new_runs: vec![big.clone()], ..dags(&["big"]) }).await;
    for chunk in rows.chunks(MANY) {
        timed
            .commit(format!("insert task_instance {}", chunk.len()), Batch { new_task_instances: chunk.to_vec(), ..Batch::default() })
            .await;
    }
    task_instances(&mut timed, &mut rows).await;
    attempts_and_xcoms(&mut timed, &rows).await;
    runs_and_requests(&mut timed).await;
    timed.commit("delete run of 50000", Batch { deleted_runs: vec![big.key], ..Batch::default() }).await;
    timed.timings
}

/// Some commits while all tables are all but empty: a database that keeps plans may keep those.
async fn warm_up(timed: &mut Timed<'_>) {
    let small = run("small", 2);
    let mut rows = vec![task_instance(&small, "a")];
    let batch = Batch { new_runs: vec![small.clone()], new_task_instances: rows.clone(), ..dags(&["small"]) };
    timed.commit("first commit", batch).await;
    for state in [TaskState::Scheduled, TaskState::Queued, TaskState::Running, TaskState::Success] {
        let task_instances = move_to(&mut rows, state);
        let (attempts, xcoms) = (vec![attempt(1_000_000, rows[0].key())], vec![xcom(rows[0].key(), "k", json!(1))]);
        timed.commit("warm up", Batch { task_instances, attempts, xcoms, ..Batch::default() }).await;
    }
}

async fn task_instances(timed: &mut Timed<'_>, rows: &mut [TaskInstanceRow]) {
    for state in [TaskState::Scheduled, TaskState::Queued, TaskState::Running, TaskState::Success] {
        for (from, count) in [(20_000, 1), (21_000, 5_000), (30_000, MANY)] {
            let updates = move_to(&mut rows[from..from + count], state);
            timed
                .commit(format!("update task_instance {count} {}", state.as_str()), Batch { task_instances: updates, ..Batch::default() })
                .await;
        }
    }
    for count in [1, MANY] {
        let archived = rows[..count].to_vec();
        timed.commit(format!("upsert task_instance_try {count}"), Batch { archived_tries: archived, ..Batch::default() }).await;
    }
}

async fn attempts_and_xcoms(timed: &mut Timed<'_>, rows: &[TaskInstanceRow]) {
    for count in [1, MANY] {
        let made: Vec<_> = (1..).zip(&rows[..count]).map(|(number, row)| attempt(number, row.key())).collect();
        timed.commit(format!("insert attempt {count}"), Batch { attempts: made.clone(), ..Batch::default() }).await;
        let ended = made.into_iter().map(|row| AttemptRow { ended_at: Some(time(9)), exit_code: Some(0), waiting: None, ..row }).collect();
        timed.commit(format!("update attempt {count}"), Batch { attempts: ended, ..Batch::default() }).await;
        let xcoms = rows[..count].iter().map(|row| xcom(row.key(), "return_value", json!({"rows": 17}))).collect();
        timed.commit(format!("upsert xcom {count}"), Batch { xcoms, ..Batch::default() }).await;
    }
    for count in [1, MANY] {
        let deleted_xcoms = rows[..count].iter().map(TaskInstanceRow::key).collect();
        timed.commit(format!("delete xcom {count}"), Batch { deleted_xcoms, ..Batch::default() }).await;
    }
}

async fn runs_and_requests(timed: &mut Timed<'_>) {
    for (from, count) in [(10, 1), (100, MANY)] {
        let to = from + i64::try_from(count).unwrap_or(0);
        let runs: Vec<_> = (from..to).map(|key| run("big", key)).collect();
        timed.commit(format!("insert dag_run {count}"), Batch { new_runs: runs.clone(), ..Batch::default() }).await;
        let updates = runs.iter().map(|row| run_update(RunState::Queued, RunRow { state: RunState::Running, ..row.clone() })).collect();
        timed.commit(format!("update dag_run {count}"), Batch { runs: updates, ..Batch::default() }).await;
        timed
            .commit(format!("delete dag_run {count}"), Batch { deleted_runs: runs.iter().map(|row| row.key).collect(), ..Batch::default() })
            .await;
    }
    for count in [1, 1_000] {
        let mut answers = Vec::new();
        for _ in 0..count {
            let request = Request::SetPaused { dag_id: dag_id("big"), is_paused: true };
            let id = timed.subject.inbox.submit(request).await.unwrap();
            answers.push(AnsweredRequest { id, answer: Answer::Done });
        }
        timed.commit(format!("answer request {count}"), Batch { answers, ..Batch::default() }).await;
    }
}
