//! `depends_on_past` and `wait_for_downstream`: what the previous run says.
//!
//! The previous run is the one with the next smaller logical date, of any type if catchup is off and
//! not a manual one if it is on (Airflow's `PrevDagrunDep`).

use std::sync::Arc;

use updraft_model::{DagId, PreviousRun, Question, RunKey, RunRow, TaskId, TaskState, Timestamp};

use crate::{
    graph::Node,
    run::{Previous, Run},
    scheduler::Scheduler,
};

/// Whether an instance's past lets it run.
pub(crate) enum PastVerdict {
    Met,
    Unmet,
    /// The store must be asked first.
    Ask(Question),
}

impl Scheduler {
    pub(crate) fn past_of(&self, key: RunKey, node: Node) -> PastVerdict {
        let Some(run) = self.runs.get(&key) else { return PastVerdict::Unmet };
        let task = run.graph.task(node);
        let Some(before) = run.row.logical_date else { return PastVerdict::Met };
        if !task.depends_on_past && !task.wait_for_downstream {
            return PastVerdict::Met;
        }
        let states = |of: &TaskId| -> Vec<TaskState> {
            match &run.previous {
                Previous::Active(previous) => self.runs.get(previous).map(|r| states_in(r, of)).unwrap_or_default(),
                Previous::Finished(_, states) => states.get(of).cloned().unwrap_or_default(),
                Previous::Unknown | Previous::Asked | Previous::Missing => Vec::new(),
            }
        };
        match &run.previous {
            Previous::Missing => return PastVerdict::Met,
            Previous::Asked => return PastVerdict::Unmet,
            Previous::Unknown => {
                let catchup = self.dags.get(&run.row.dag_id).is_some_and(|d| d.version.dag.catchup);
                return PastVerdict::Ask(Question::PreviousRun { dag_id: run.row.dag_id.clone(), before, include_manual: !catchup });
            }
            Previous::Active(_) | Previous::Finished(..) => {}
        }
        let ended_well = |states: &[TaskState]| states.iter().all(|s| matches!(s, TaskState::Success | TaskState::Skipped));
        let own = states(&task.task_id);
        let met = if own.is_empty() { task.ignore_first_depends_on_past } else { ended_well(&own) };
        let downstream = &run.graph.nodes[node as usize].downstream;
        let met = met && (!task.wait_for_downstream || downstream.iter().all(|d| ended_well(&states(&run.graph.task(*d).task_id))));
        if met { PastVerdict::Met } else { PastVerdict::Unmet }
    }

    pub(crate) fn block_on_past(&mut self, key: RunKey, node: Node) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        run.blocked_on_past.insert(node);
        if matches!(run.previous, Previous::Unknown) {
            run.previous = Previous::Asked;
        }
    }

    /// The store's answer about the run before `before`.
    pub(crate) fn previous_known(&mut self, dag_id: &DagId, before: Timestamp, previous: Option<&PreviousRun>) {
        if let Some(key) = self.run_dates.get(&(dag_id.clone(), before)).copied() {
            let found = match previous {
                None => Previous::Missing,
                // Deleted while the answer was on its way.
                Some(p) if self.deleted_runs.contains(&p.run) => Previous::Unknown,
                Some(p) if self.runs.contains_key(&p.run) => Previous::Active(p.run),
                // It ended while the answer was on its way, which is older than that.
                Some(p) if self.just_left.contains_key(&p.run) => Previous::Finished(p.run, self.just_left[&p.run].clone()),
                Some(p) => {
                    let mut states = std::collections::BTreeMap::<TaskId, Vec<TaskState>>::new();
                    for (task, _, state) in &p.states {
                        states.entry(task.clone()).or_default().push(*state);
                    }
                    Previous::Finished(p.run, Arc::new(states))
                }
            };
            if let Previous::Active(previous) = found
                && let Some(previous) = self.runs.get_mut(&previous)
            {
                previous.followers.insert(key);
            }
            self.set_previous(key, found);
        }
        if !self.asked.keys().any(|q| matches!(q, Question::PreviousRun { .. })) {
            self.just_left.clear();
        }
    }

    fn set_previous(&mut self, key: RunKey, previous: Previous) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        run.previous = previous;
        for node in run.blocked_on_past.clone() {
            self.mark_dirty(key, node);
        }
    }

    /// A run is no more: what came before it is the past of those that followed it.
    pub(crate) fn lose_previous(&mut self, gone: RunKey) {
        let followers = self.runs.values().filter(|r| matches!(r.previous, Previous::Finished(p, _) | Previous::Active(p) if p == gone));
        for follower in followers.map(|r| r.row.key).collect::<Vec<_>>() {
            self.set_previous(follower, Previous::Unknown);
        }
    }

    /// A new run may be the past of later ones that are active.
    pub(crate) fn come_between(&mut self, key: RunKey) {
        let Some(RunRow { dag_id, logical_date: Some(date), .. }) = self.runs.get(&key).map(|run| &run.row) else { return };
        let asks_past_it =
            |question: &&Question| matches!(question, Question::PreviousRun { dag_id: of, before, .. } if of == dag_id && *before > *date);
        // The store may have been asked before it had this run.
        self.outdated.extend(self.asked.keys().filter(asks_past_it).cloned());
        let from = (dag_id.clone(), Timestamp::from_micros(date.micros() + 1));
        let later = self.run_dates.range(from..).take_while(|((of, _), _)| of == dag_id);
        for later in later.map(|(_, key)| *key).collect::<Vec<_>>() {
            let previous = self.runs.get(&later).map(|run| run.previous.clone());
            if let Some(Previous::Active(previous)) = previous
                && let Some(previous) = self.runs.get_mut(&previous)
            {
                previous.followers.remove(&later);
            }
            if matches!(previous, Some(Previous::Active(_) | Previous::Finished(..) | Previous::Missing)) {
                self.set_previous(later, Previous::Unknown);
            }
        }
    }

    /// An instance of a run ended (or started anew): those of later runs that wait for it look again.
    pub(crate) fn tell_followers(&mut self, key: RunKey, node: Node) {
        let Some(run) = self.runs.get(&key) else { return };
        if run.followers.is_empty() {
            return;
        }
        // Its own namesake, and those whose downstream it is.
        let concerned: Vec<TaskId> =
            run.graph.nodes[node as usize].upstream.iter().chain([&node]).map(|n| run.graph.task(*n).task_id.clone()).collect();
        for follower in run.followers.clone() {
            let Some(next) = self.runs.get(&follower) else { continue };
            let nodes: Vec<Node> = concerned.iter().filter_map(|id| next.graph.node(id)).collect();
            for node in nodes.into_iter().filter(|n| next.blocked_on_past.contains(n)).collect::<Vec<_>>() {
                self.mark_dirty(follower, node);
            }
        }
    }

    /// A run leaves memory: its followers keep its states.
    pub(crate) fn hand_down(&mut self, key: RunKey) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        let followers = std::mem::take(&mut run.followers);
        let asked = self.asked.keys().any(|q| matches!(q, Question::PreviousRun { dag_id, .. } if *dag_id == run.row.dag_id));
        if followers.is_empty() && !asked {
            return;
        }
        let states = Arc::new(run.states());
        if asked {
            self.just_left.insert(key, states.clone());
        }
        for follower in followers {
            self.set_previous(follower, Previous::Finished(key, states.clone()));
        }
    }

    /// A finished run came back into memory (it was cleared): those that follow it watch it again.
    pub(crate) fn take_followers(&mut self, key: RunKey) {
        let followers: Vec<RunKey> =
            self.runs.values().filter(|r| matches!(r.previous, Previous::Finished(p, _) if p == key)).map(|r| r.row.key).collect();
        for follower in followers {
            if let Some(run) = self.runs.get_mut(&key) {
                run.followers.insert(follower);
            }
            self.set_previous(follower, Previous::Active(key));
        }
    }
}

fn states_in(run: &Run, task: &TaskId) -> Vec<TaskState> {
    run.graph.node(task).and_then(|node| run.instance(node)).map(|i| i.row.state).into_iter().collect()
}
