//! Answers to the engine's questions, from the tables.

use std::collections::BTreeSet;

use serde_json::Value;
use updraft_model::{DagId, MapIndex, RunId, RunKey, RunRow, RunState, RunType, TaskId, Timestamp, VersionId};

use super::tables::{Tables, of_run};
use crate::{PreviousRun, PreviousSuccess, Question, StoredRun, Verdict};

impl Tables {
    pub(super) fn ask(&self, question: Question) -> Verdict {
        match question {
            Question::Run { dag_id, run_id } => Verdict::Run(self.run_named(dag_id, run_id).map(|run| Box::new(self.stored_run(run)))),
            Question::PreviousRun { dag_id, before, include_manual } => {
                let counts = |run: &&RunRow| include_manual || run.run_type != RunType::Manual;
                Verdict::PreviousRun(self.runs_before(&dag_id, before).rev().find(counts).map(|run| self.states(run)))
            }
            Question::Neighbours { dag_id, of, past: true } => {
                Verdict::Neighbours(self.runs_before(&dag_id, of).map(|run| run.run_id.clone()).collect())
            }
            Question::Neighbours { dag_id, of, past: false } => {
                Verdict::Neighbours(self.runs_after(&dag_id, of).map(|run| run.run_id.clone()).collect())
            }
            Question::NewestRuns { dag_id, limit } => Verdict::NewestRuns(self.newest(&dag_id, limit)),
            Question::External { dag_id, task_id, logical_date } => {
                let run = self.logical_dates.get(&(dag_id, logical_date)).and_then(|key| self.runs.get(key));
                match task_id {
                    None => Verdict::RunState(run.map(|run| run.state)),
                    Some(task) => Verdict::TaskState(run.and_then(|run| self.task_state(run.key, &task))),
                }
            }
            Question::RunState { dag_id, run_id } => Verdict::RunState(self.run_named(dag_id, run_id).map(|run| run.state)),
            Question::XCom { run, task_id, map_index, key } => Verdict::XCom(self.xcom(run, &task_id, map_index, &key)),
            Question::XComOfRun { dag_id, run_id, task_id, map_index, key, include_prior_dates } => {
                let xcom = |run: &RunRow| self.xcom(run.key, &task_id, map_index, &key);
                let run = self.run_named(dag_id, run_id);
                Verdict::XCom(match include_prior_dates {
                    true => run.and_then(|run| self.newest_first_up_to(run).into_iter().find_map(xcom)),
                    false => run.and_then(xcom),
                })
            }
            Question::Variable { .. } => Verdict::Variable(None),
            Question::PreviousSuccess { dag_id, before } => {
                let run = self.runs_before(&dag_id, before).rev().find(|run| run.state == RunState::Success);
                Verdict::PreviousSuccess(run.map(previous_success))
            }
            Question::DagExists { dag_id } => Verdict::DagExists(self.dags.get(&dag_id).is_some_and(|dag| !dag.is_stale)),
        }
    }

    fn run_named(&self, dag_id: DagId, run_id: RunId) -> Option<&RunRow> {
        self.run_ids.get(&(dag_id, run_id)).and_then(|key| self.runs.get(key))
    }

    fn runs_before(&self, dag_id: &DagId, before: Timestamp) -> impl DoubleEndedIterator<Item = &RunRow> {
        let from = (dag_id.clone(), Timestamp::from_micros(i64::MIN));
        self.logical_dates.range(from..(dag_id.clone(), before)).filter_map(|(_, key)| self.runs.get(key))
    }

    fn runs_after(&self, dag_id: &DagId, after: Timestamp) -> impl Iterator<Item = &RunRow> {
        let to = (dag_id.clone(), Timestamp::from_micros(i64::MAX));
        self.logical_dates
            .range((dag_id.clone(), after)..=to)
            .filter_map(|(_, key)| self.runs.get(key))
            .filter(move |run| run.logical_date != Some(after))
    }

    /// A run and those of its DAG before it, by logical date or else `run_after`.
    fn newest_first_up_to(&self, last: &RunRow) -> Vec<&RunRow> {
        let at = |run: &RunRow| run.logical_date.unwrap_or(run.run_after);
        let mut runs: Vec<_> = self.runs.values().filter(|run| run.dag_id == last.dag_id && at(run) <= at(last)).collect();
        runs.sort_by_key(|run| std::cmp::Reverse((at(run), run.key)));
        runs
    }

    fn newest(&self, dag_id: &DagId, limit: u32) -> Vec<RunState> {
        let mut runs: Vec<_> =
            self.runs.values().filter(|run| run.dag_id == *dag_id).map(|run| (run.run_after, run.key, run.state)).collect();
        runs.sort_by(|a, b| b.cmp(a));
        runs.into_iter().take(limit as usize).map(|(_, _, state)| state).collect()
    }

    fn stored_run(&self, run: &RunRow) -> StoredRun {
        let task_instances: Vec<_> = of_run(&self.task_instances, run.key).map(|(_, row)| row.clone()).collect();
        let ids: BTreeSet<VersionId> = task_instances.iter().map(|row| row.version).chain([run.version]).collect();
        let versions = ids.iter().filter_map(|id| self.versions.get(id)).map(|new| new.version.as_ref().clone()).collect();
        StoredRun { run: run.clone(), task_instances, versions }
    }

    fn states(&self, run: &RunRow) -> PreviousRun {
        let states = of_run(&self.task_instances, run.key).map(|(_, row)| (row.task_id.clone(), row.map_index, row.state)).collect();
        PreviousRun { run: run.key, run_id: run.run_id.clone(), states }
    }

    fn task_state(&self, run: RunKey, task: &TaskId) -> Option<updraft_model::TaskState> {
        of_run(&self.task_instances, run).map(|(_, row)| row).find(|row| row.task_id == *task).map(|row| row.state)
    }

    fn xcom(&self, run: RunKey, task: &TaskId, map_index: Option<MapIndex>, key: &str) -> Option<Value> {
        if let Some(map_index) = map_index {
            return self.xcoms.get(&(run, Some((task.clone(), map_index, key.to_owned())))).map(|row| row.value.clone());
        }
        let rows = of_run(&self.xcoms, run).map(|(_, row)| row).filter(|row| row.owner.task_id == *task && row.key == key);
        let values: Vec<Value> = rows.map(|row| row.value.clone()).collect();
        (!values.is_empty()).then_some(Value::Array(values))
    }
}

fn previous_success(run: &RunRow) -> PreviousSuccess {
    PreviousSuccess { run_id: run.run_id.clone(), data_interval: run.data_interval, start_date: run.start_date, end_date: run.end_date }
}
