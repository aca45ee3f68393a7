use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use updraft_engine::{Preparation, Prepared, Runtime, prepare};
use updraft_model::*;
use updraft_scheduler::{AttemptContext, InlineEnd};

/// A task `t` of the DAG `d`, in the run `r`, and a store that knows some answers.
pub struct Case {
    pub task: Task,
    pub dag: Dag,
    pub conf: Value,
    pub store: BTreeMap<Question, Verdict>,
}

fn id<T>(of: fn(uuid::Uuid) -> T, n: u128) -> T {
    of(uuid::Uuid::from_u128(n))
}

impl Case {
    pub fn new(operator: Operator) -> Self {
        let task = Task::new(TaskId::new("t").unwrap(), operator);
        Self { task, dag: Dag::new(DagId::new("d").unwrap()), conf: Value::Null, store: BTreeMap::new() }
    }

    pub fn bash(command: &str) -> Self {
        Self::new(Operator::Bash { command: command.to_owned() })
    }

    pub fn variable(mut self, key: &str, value: &str) -> Self {
        self.store.insert(Question::Variable { key: key.to_owned() }, Verdict::Variable(Some(value.to_owned())));
        self
    }

    pub fn conf(mut self, conf: Value) -> Self {
        self.conf = conf;
        self
    }

    /// Asks the store as often as it takes.
    pub fn prepare(&self) -> Prepared {
        let now: Timestamp = "2026-01-31T06:00:00Z".parse().unwrap();
        let run = RunRow {
            key: RunKey(1),
            dag_id: self.dag.dag_id.clone(),
            run_id: RunId::new("r").unwrap(),
            run_type: RunType::Manual,
            state: RunState::Running,
            version: id(VersionId, 1),
            logical_date: Some(now),
            data_interval: None,
            run_after: now,
            queued_at: Some(now),
            start_date: Some(now),
            end_date: None,
            conf: self.conf.clone(),
            triggered_by: TriggeredBy::Test,
            triggering_user: None,
            note: None,
            end_reason: None,
        };
        let instance = instance(&run, &self.task);
        let hash = ContentHash::of(&self.dag);
        let version = Arc::new(DagVersion { id: run.version, number: 1, hash, created_at: now, dag: self.dag.clone() });
        let task = Arc::new(self.task.clone());
        let cx = AttemptContext { run: &run, instance: &instance, task: &task, dag: Some(&version), file: "d.yaml", downstream: vec![] };
        let runtime = Runtime { dags_folder: "/dags".into(), program: "/updraft".into(), python: "python3".into() };
        let mut preparation = Preparation::default();
        loop {
            match prepare(&cx, &mut preparation, &runtime, now) {
                Prepared::Needs(questions) => {
                    for question in questions {
                        let verdict = self.store.get(&question).unwrap_or_else(|| panic!("nobody expected {question:?}"));
                        preparation.answer(question, verdict.clone());
                    }
                }
                prepared => return prepared,
            }
        }
    }

    pub fn workload(&self) -> Workload {
        match self.prepare() {
            Prepared::Launch(workload) => *workload,
            other => panic!("it is not launched: {other:?}"),
        }
    }

    pub fn failure(&self) -> String {
        match self.prepare() {
            Prepared::Inline(InlineEnd::Failed { error, .. }) => error,
            other => panic!("it does not fail: {other:?}"),
        }
    }
}

fn instance(run: &RunRow, task: &Task) -> TaskInstanceRow {
    TaskInstanceRow {
        state: TaskState::Queued,
        try_number: 1,
        attempt: Some(id(AttemptId, 3)),
        queued_at: run.queued_at,
        ..TaskInstanceRow::new(run, task, id(TaskInstanceId, 2))
    }
}
