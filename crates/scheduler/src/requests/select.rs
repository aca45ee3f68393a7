//! Which task instances a request is about, in its run and in that run's neighbours.

use std::collections::BTreeSet;

use updraft_model::{DagId, MapIndex, Question, RunId, RunKey, Selection, TaskId, TaskInstanceKey, Verdict};

use super::{Facts, No};
use crate::{
    graph::{Direction, Node},
    scheduler::{Cx, Scheduler},
};

impl Scheduler {
    /// The selected nodes, run by run, and if wanted the setups they need with their teardowns. All runs
    /// it names are in memory afterwards.
    pub(super) fn select(
        &mut self,
        cx: &mut Cx<'_>,
        selection: &Selection,
        with_setups: bool,
        facts: &Facts,
    ) -> Result<Vec<(RunKey, Vec<Node>)>, No> {
        let Selection { dag_id, run_id, tasks, downstream, upstream, future, past, dry_run: _ } = selection;
        self.known_dag(dag_id)?;
        let first = self.find_run(cx, dag_id, run_id, facts)?;
        let mut missing = BTreeSet::new();
        let mut keys = vec![first];
        for (wanted, is_past) in [(*past, true), (*future, false)] {
            if wanted {
                keys.extend(self.neighbours(cx, dag_id, first, is_past, facts, &mut missing)?);
            }
        }
        if !missing.is_empty() {
            return Err(No::Needs(missing));
        }
        let Some(run) = self.runs.get(&first) else { return Ok(Vec::new()) };
        let mut ids: BTreeSet<TaskId> = BTreeSet::new();
        if tasks.is_empty() {
            ids.extend(run.iter().map(|(_, i)| i.row.task_id.clone()));
        } else {
            let mut nodes = Vec::new();
            for (task_id, map_index) in tasks {
                let node = run.graph.node(task_id).filter(|n| run.instance(*n).is_some());
                let found = node.filter(|_| map_index.is_none_or(|index| index == MapIndex::UNMAPPED));
                nodes.push(found.ok_or_else(|| No::not_found(format!("Task id {task_id} not found in run `{run_id}`")))?);
            }
            let mut all: BTreeSet<Node> = nodes.iter().copied().collect();
            for (wanted, direction) in [(*downstream, Direction::Downstream), (*upstream, Direction::Upstream)] {
                if wanted {
                    all.extend(run.graph.reachable(nodes.iter().copied(), direction));
                }
            }
            if with_setups {
                all.extend(run.graph.setups_and_teardowns_of(&all));
            }
            ids.extend(all.into_iter().map(|n| run.graph.task(n).task_id.clone()));
        }
        let in_run = |key: RunKey| {
            let run = self.runs.get(&key);
            let nodes = ids.iter().filter_map(|id| run?.graph.node(id).filter(|n| run.is_some_and(|r| r.instance(*n).is_some())));
            (key, nodes.collect())
        };
        Ok(keys.into_iter().map(in_run).collect())
    }

    fn neighbours(
        &mut self,
        cx: &mut Cx<'_>,
        dag_id: &DagId,
        of: RunKey,
        past: bool,
        facts: &Facts,
        missing: &mut BTreeSet<Question>,
    ) -> Result<Vec<RunKey>, No> {
        let Some(date) = self.runs.get(&of).and_then(|r| r.row.logical_date) else {
            return Err(No::invalid("past and future need a run with a logical date"));
        };
        let question = Question::Neighbours { dag_id: dag_id.clone(), of: date, past };
        let ids: Vec<RunId> = match facts.get(&question) {
            Some(Verdict::Neighbours(ids)) => ids.clone(),
            _ => {
                missing.insert(question);
                return Ok(Vec::new());
            }
        };
        let mut keys = Vec::new();
        for run_id in ids {
            match self.find_run(cx, dag_id, &run_id, facts) {
                Ok(key) => keys.push(key),
                Err(No::Needs(more)) => missing.extend(more),
                // Deleted in the meantime.
                Err(No::Rejected(_)) => {}
            }
        }
        Ok(keys)
    }

    pub(super) fn keys_of(&self, selected: &[(RunKey, Vec<Node>)]) -> Vec<TaskInstanceKey> {
        let of = |key: &RunKey, node: &Node| Some(self.runs.get(key)?.instance(*node)?.row.key());
        selected.iter().flat_map(|(key, nodes)| nodes.iter().filter_map(move |node| of(key, node))).collect()
    }
}
