//! From what was changed in memory to a plan: one row per instance however often it moved, and
//! never more than a commit should carry.

use std::collections::BTreeSet;

use updraft_model::{RunKey, RunState, Update};

use serde_json::Value;

use crate::{Plan, graph::Node, run::Run, scheduler::Scheduler, settle::TURN};

/// What tasks wrote goes into a plan until there are so many bytes of it.
const BYTES: usize = 4 << 20;

/// A plan that is being written.
struct Draft {
    plan: Plan,
    /// How many rows it may have, about.
    rows: usize,
    /// What the XComs in it take, about.
    bytes: usize,
}

impl Draft {
    fn is_full(&self) -> bool {
        self.plan.batch.len() >= self.rows || self.bytes >= BYTES
    }
}

impl Scheduler {
    /// Takes what is to be written, at most about `config.plan_rows` rows and 4 MiB: what a request changed first,
    /// then other changed instances, then new ones that only wait. A run's own row follows when all its
    /// instances are written, so that no crash in between can show an ended run with open instances.
    pub(crate) fn flush(&mut self) -> Plan {
        let mut draft = Draft { plan: std::mem::take(&mut self.outgoing), rows: self.rows_of_plan(), bytes: 0 };
        self.flush_new_runs(&mut draft.plan);
        for (key, node) in std::mem::take(&mut self.urgent) {
            if let Some(run) = self.runs.get_mut(&key) {
                flush_touched(run, node, &mut draft);
            }
        }
        for dag_id in std::mem::take(&mut self.touched_dags) {
            if let Some(entry) = self.dags.get_mut(&dag_id)
                && std::mem::take(&mut entry.touched)
            {
                draft.plan.batch.dags.push(entry.row.clone());
            }
        }
        let mut visited = Vec::new();
        let asked_for: BTreeSet<RunKey> = self.answers.iter().flat_map(|done| done.runs.iter().copied()).collect();
        for key in asked_for {
            if !draft.is_full() {
                self.flush_run(key, usize::MAX, &mut draft);
                visited.push(key);
            }
        }
        while !draft.is_full() {
            let Some(key) = self.touched_runs.pop_front() else { break };
            self.flush_run(key, TURN, &mut draft);
            visited.push(key);
        }
        while !draft.is_full() {
            let Some(key) = self.fresh_runs.first().copied() else { break };
            self.flush_fresh(key, &mut draft);
        }
        let mut plan = draft.plan;
        self.flush_answers(&mut plan);
        if !plan.batch.deleted_runs.is_empty() || !plan.batch.deleted_dags.is_empty() {
            plan.batch.last_run = Some(RunKey(self.last_run_key));
        }
        for key in visited {
            self.forget_if_over(key);
        }
        if self.touched_runs.is_empty() {
            plan.releases.append(&mut self.releases);
        }
        // One that ended before it was launched (the executor refused it, or never had it) is not.
        plan.launches.retain(|launch| self.attempts.contains_key(&launch.attempt));
        plan.more = !self.touched_runs.is_empty() || !self.fresh_runs.is_empty();
        plan
    }

    /// Answers go with what they say was done, or, if that is too much for one commit, with the last of
    /// it: a crash before that has the request worked off again. (What a trigger says is the run's own
    /// row, which goes at once.) Then the first commit says that the request is taken: whoever waits for
    /// the answer must not withdraw it and believe that nothing has happened.
    fn flush_answers(&mut self, plan: &mut Plan) {
        let Self { answers, runs, .. } = self;
        let is_written = |key: &RunKey| runs.get(key).is_none_or(Run::is_written);
        let written = answers.extract_if(.., |done| done.runs.iter().all(is_written));
        plan.batch.answers.extend(written.map(|done| done.answered));
        for begun in answers.iter_mut().filter(|done| !done.taken) {
            begun.taken = true;
            plan.batch.taken_requests.push(begun.answered.id);
        }
    }

    /// A DAG's row says which slot had the last run, so it is never written before that run's own
    /// row: a crash in between would lose the slot. Run rows are few, so all of them go at once.
    fn flush_new_runs(&mut self, plan: &mut Plan) {
        for key in std::mem::take(&mut self.new_runs) {
            let Some(run) = self.runs.get_mut(&key).filter(|run| run.stored.is_none()) else { continue };
            plan.batch.new_runs.push(run.row.clone());
            run.stored = Some(run.row.state);
            run.touched = false;
        }
    }

    /// Writes of a run what there is room for, at most `most` instances; it comes back to the end of the queue
    /// with the rest.
    fn flush_run(&mut self, key: RunKey, most: usize, draft: &mut Draft) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        // One that was over and is active again is so before anything else of it is written: a crash in
        // between leaves a run that somebody goes on with.
        if run.stored.is_some_and(RunState::is_finished) && !run.row.state.is_finished() && run.touched {
            flush_row(run, &mut draft.plan);
        }
        let mut nodes = std::mem::take(&mut run.touched_nodes);
        let mut written = 0;
        for (node, place) in nodes.iter().take(most) {
            if draft.is_full() {
                break;
            }
            if run.instance(*node).is_some_and(|instance| instance.place == *place) {
                flush_touched(run, *node, draft);
            }
            written += 1;
        }
        nodes.drain(..written);
        run.touched_nodes = nodes;
        if run.has_fresh() {
            self.fresh_runs.insert(key);
        }
        if !run.touched_nodes.is_empty() {
            self.touched_runs.push_back(key);
        } else if run.touched {
            flush_row(run, &mut draft.plan);
        }
    }

    fn flush_fresh(&mut self, key: RunKey, draft: &mut Draft) {
        let Some(run) = self.runs.get_mut(&key) else {
            self.fresh_runs.remove(&key);
            return;
        };
        while !draft.is_full() {
            let Some(node) = run.pop_fresh() else {
                self.fresh_runs.remove(&key);
                return;
            };
            flush_instance(run, node, draft);
        }
    }

    /// A finished run leaves memory once all of it is written and nothing of it is alive.
    fn forget_if_over(&mut self, key: RunKey) {
        let over = self
            .runs
            .get_mut(&key)
            .is_some_and(|run| run.row.state.is_finished() && run.live_attempts == 0 && run.is_written() && !run.has_fresh());
        if over {
            self.forget_run(key);
        }
    }
}

/// Writes the run's own row.
fn flush_row(run: &mut Run, plan: &mut Plan) {
    run.touched = false;
    let Some(from) = run.stored.replace(run.row.state) else { return };
    plan.batch.runs.push(Update { from, row: run.row.clone() });
}

/// Writes an instance that was changed, and not written yet.
fn flush_touched(run: &mut Run, node: Node, draft: &mut Draft) {
    if run.instance(node).is_some_and(|instance| instance.touched) {
        flush_instance(run, node, draft);
    }
}

fn flush_instance(run: &mut Run, node: Node, draft: &mut Draft) {
    let plan = &mut draft.plan;
    let Some(instance) = run.instance_mut(node) else { return };
    instance.touched = false;
    let row = instance.row.clone();
    if let Some(writes) = instance.writes.take() {
        plan.batch.archived_tries.extend(writes.archived);
        plan.batch.attempts.extend(writes.attempts.into_values());
        if writes.delete_xcoms {
            plan.batch.deleted_xcoms.push(row.key());
        }
        draft.bytes += writes.xcoms.iter().map(|xcom| bytes_of(&xcom.value)).sum::<usize>();
        plan.batch.xcoms.extend(writes.xcoms);
        plan.launches.extend(writes.launch);
        plan.releases.extend(writes.releases);
    }
    match instance.stored.replace(row.state) {
        None => plan.batch.new_task_instances.push(row),
        Some(from) => plan.batch.task_instances.push(Update { from, row }),
    }
}

/// About how long a value is as text.
fn bytes_of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|value| 1 + bytes_of(value)).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| 4 + name.len() + bytes_of(value)).sum(),
    }
}
