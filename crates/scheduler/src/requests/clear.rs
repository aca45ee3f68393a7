//! Clearing: task instances run again, on the latest version of their DAG unless asked otherwise.

use std::{collections::BTreeSet, sync::Arc};

use updraft_model::{Answer, Clear, KillReason, RunEvent, RunKey, RunState, Task, TaskEvent, TaskState, VersionId};

use super::{Facts, No};
use crate::{
    graph::{Graph, Node},
    scheduler::{Cx, Scheduler},
};

impl Scheduler {
    pub(super) fn clear(&mut self, cx: &mut Cx<'_>, clear: &Clear, facts: &Facts) -> Result<Answer, No> {
        let mut selected = self.select(cx, &clear.selection, true, facts)?;
        for (key, nodes) in &mut selected {
            let Some(run) = self.runs.get(key) else { continue };
            nodes.retain(|node| {
                let Some(state) = run.instance(*node).map(|i| i.row.state) else { return false };
                (!clear.only_failed || matches!(state, TaskState::Failed | TaskState::UpstreamFailed))
                    && (!clear.only_running || state == TaskState::Running)
            });
        }
        selected.retain(|(_, nodes)| !nodes.is_empty());
        let keys = self.keys_of(&selected);
        if !clear.selection.dry_run {
            for (key, nodes) in &selected {
                self.clear_nodes(cx, *key, nodes, clear.run_on_latest_version);
                if clear.reset_dag_runs {
                    self.requeue(cx, *key);
                }
            }
        }
        Ok(Answer::TaskInstances { keys })
    }

    /// Clears all of a run and starts it again (`trigger_dag_run` with `reset_dag_run`).
    pub(super) fn clear_run(&mut self, cx: &mut Cx<'_>, key: RunKey) {
        let nodes: Vec<Node> = self.runs.get(&key).map(|r| r.iter().map(|(n, _)| n).collect()).unwrap_or_default();
        self.clear_nodes(cx, key, &nodes, true);
        self.requeue(cx, key);
    }

    /// A finished run is queued again; its start date goes, as in Airflow.
    pub(super) fn requeue(&mut self, cx: &mut Cx<'_>, key: RunKey) {
        let now = cx.now;
        if self.runs.get(&key).is_some_and(|r| r.row.state.is_finished()) {
            self.move_run(key, RunEvent::Requeue, |row| {
                row.queued_at = Some(now);
                row.start_date = None;
                row.end_date = None;
                row.end_reason = None;
            });
            self.take_followers(key);
        }
    }

    pub(super) fn clear_nodes(&mut self, cx: &mut Cx<'_>, key: RunKey, nodes: &[Node], latest: bool) {
        for node in nodes {
            self.clear_one(cx, key, *node);
        }
        if latest {
            self.move_to_latest(cx, key, nodes);
        }
        // A mark that waited for teardowns is void: there is something else to wait for.
        if let Some(run) = self.runs.get_mut(&key)
            && !run.row.state.is_finished()
            && run.row.end_reason.take().is_some()
        {
            self.touch_run(key);
        }
        if self.runs.get(&key).is_some_and(|r| r.row.state == RunState::Running) {
            self.mark_all_dirty(key);
        }
    }

    fn clear_one(&mut self, cx: &mut Cx<'_>, key: RunKey, node: Node) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        let retries = run.graph.task(node).retry.retries;
        let Some(instance) = run.instance_mut(node) else { return };
        let state = instance.row.state;
        if state == TaskState::NoStatus {
            return;
        }
        if matches!(state, TaskState::Queued | TaskState::Running | TaskState::Restarting) {
            self.move_instance(key, node, TaskEvent::Clear, |_| {});
            // Without a live attempt there is nothing to wait for.
            if !self.kill_attempt(key, node, KillReason::Cleared) {
                self.restart(cx, key, node);
            }
            return;
        }
        // A try that waits for its retry is in the history already.
        if instance.row.start_date.is_some() && instance.row.try_number > 0 && state != TaskState::UpForRetry {
            let over = instance.row.clone();
            instance.writes().archived.push(over);
        }
        self.move_instance(key, node, TaskEvent::Clear, |instance| instance.reset_for_next_try(retries));
    }

    /// Cleared tasks move to the DAG's latest version: what is new in it joins the run, what is gone
    /// is removed. The others keep the version they ran with.
    fn move_to_latest(&mut self, cx: &mut Cx<'_>, key: RunKey, cleared: &[Node]) {
        let Some(run) = self.runs.get(&key) else { return };
        let Some(entry) = self.dags.get(&run.row.dag_id) else { return };
        let (latest, latest_graph) = (entry.version.clone(), entry.graph.clone());
        let cleared: BTreeSet<Node> = cleared.iter().copied().collect();
        let outdated = |n: &Node| run.graph.nodes[*n as usize].version != latest.id;
        if !cleared.iter().any(outdated) {
            return;
        }
        let mut removed = Vec::new();
        let mut tasks: Vec<(Arc<Task>, VersionId)> = Vec::new();
        for (node, this) in (0..).zip(&run.graph.nodes) {
            let newer = latest_graph.node(&this.task.task_id).map(|n| latest_graph.task(n).clone());
            match newer {
                Some(task) if cleared.contains(&node) => tasks.push((task, latest.id)),
                None if cleared.contains(&node) => {
                    removed.push(node);
                    tasks.push((this.task.clone(), this.version));
                }
                _ => tasks.push((this.task.clone(), this.version)),
            }
        }
        let new = latest_graph.nodes.iter().filter(|n| run.graph.node(&n.task.task_id).is_none());
        tasks.extend(new.map(|n| (n.task.clone(), latest.id)));
        let versions: Vec<_> = run.graph.versions().chain([&latest]).cloned().collect();
        let graph = match Graph::new(tasks) {
            Ok(graph) => Arc::new(graph.with_versions(versions)),
            Err(cycle) => {
                // Old and new edges together can form a circle. Then the run stays on what it has.
                self.problem(format!("run {key} keeps its version: {cycle}"));
                return;
            }
        };
        self.replace_graph(cx, key, graph, &cleared, latest.id);
        for node in removed {
            self.move_instance(key, node, TaskEvent::Remove, |_| {});
        }
    }

    fn replace_graph(&mut self, cx: &mut Cx<'_>, key: RunKey, graph: Arc<Graph>, moved: &BTreeSet<Node>, version: VersionId) {
        for node in moved {
            self.account_instance(key, *node, -1);
        }
        let Some(run) = self.runs.get_mut(&key) else { return };
        run.instances.resize_with(graph.nodes.len(), || None);
        run.graph = graph.clone();
        run.row.version = version;
        for node in moved {
            let this = &graph.nodes[*node as usize];
            if let Some(instance) = run.instance_mut(*node) {
                let row = &mut instance.row;
                row.version = this.version;
                row.pool = this.task.pool.clone();
                row.pool_slots = this.task.pool_slots;
                row.priority_weight = this.weight;
                row.operator = this.task.operator.airflow_name().into();
                row.max_tries = row.try_number + this.task.retry.retries;
            }
        }
        run.recount();
        for node in moved {
            self.account_instance(key, *node, 1);
        }
        for node in &graph.nodes {
            if let Some(limit) = node.task.max_active_tis_per_dagrun {
                let gate = crate::gates::GateName::TaskInRun(key, node.task.task_id.clone());
                self.gates.set_limit(gate, Some(i64::from(limit)));
            }
        }
        self.add_missing_instances(cx, key);
        self.touch_run(key);
    }
}
