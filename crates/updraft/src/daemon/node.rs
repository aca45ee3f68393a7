//! What a node does whether it leads or not: it says that it is there, and it tells the ends of
//! its own attempts. To the engine in this process if that leads; else to the one who does, as
//! requests in the inbox.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::StreamExt as _;
use tokio::sync::{mpsc, watch};
use updraft_engine::{CommitTimes, Role, ShellHandle, Status};
use updraft_executor::Executor;
use updraft_executor_local::LocalExecutor;
use updraft_model::{
    Adoption, AttemptHandle, AttemptId, AttemptLabels, ExecutorEvent, ExecutorName, Exit, HowEnded, NodeId, Request, RequestId, TaskState,
    Timestamp,
};
use updraft_store::{NodeRow, Page, Reader, StoreError, TaskInstanceFilter};

/// How often a node says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// A standby looks so often for attempts of its node that have ended.
const SWEEP: Duration = Duration::from_secs(5);
/// After a step down, the next leader is given so long to take over before it is told things.
const SETTLE: Duration = Duration::from_secs(1);
/// Ends that are told at the same time.
const PAGE: u32 = 1_000;

/// The end of an attempt that this node was to launch and did not.
fn never_created(node: &NodeId) -> Exit {
    let how = HowEnded::PlaceLost { started: false, why: format!("node {node} stopped leading before it was started there") };
    let ended_at = Timestamp::from(jiff::Timestamp::now());
    Exit { how, started_at: None, ended_at, outputs: BTreeMap::new(), last_line: None, pid: None }
}

/// Says for ever that this node is there.
pub async fn heartbeat(reader: Arc<dyn Reader>, row: NodeRow, digest: watch::Receiver<Option<String>>) {
    let mut was_heard = true;
    loop {
        let row = NodeRow { bundle_digest: digest.borrow().clone(), ..row.clone() };
        let heard = reader.node_seen(row).await;
        if let Err(error) = &heard
            && was_heard
        {
            tracing::warn!(%error, "this node could not say that it is there");
        }
        was_heard = heard.is_ok();
        tokio::time::sleep(HEARTBEAT).await;
    }
}

/// Brings the local executor's events to whoever leads.
pub struct Courier {
    /// The executor.
    pub executor: Arc<LocalExecutor>,
    /// Its name.
    pub name: ExecutorName,
    /// Its events.
    pub events: mpsc::UnboundedReceiver<ExecutorEvent>,
    /// The engine here.
    pub engine: ShellHandle,
    /// The way to another engine.
    pub reader: Arc<dyn Reader>,
}

impl Courier {
    /// Works until the executor is gone.
    pub async fn run(mut self) {
        let mut status = self.engine.status();
        let mut told = BTreeMap::new();
        let mut nap = SETTLE;
        loop {
            let role = status.borrow_and_update().role;
            tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    Some(event) => {
                        if matches!(event, ExecutorEvent::Ended { .. }) {
                            nap = SETTLE;
                        }
                        // An engine that does not lead lets it pass, and asks the executor itself
                        // when it begins to.
                        self.engine.executor_event(self.name.clone(), event);
                    }
                    None => return,
                },
                changed = status.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // Told again if need be: a leader that has gone may have heard nothing.
                    told.clear();
                    nap = SETTLE;
                }
                () = tokio::time::sleep(nap), if role == Role::Standby => {
                    nap = SWEEP;
                    if let Err(error) = self.tell_the_leader(&mut told).await {
                        tracing::warn!(%error, "ends of tasks on this node could not be told to the leading scheduler; tried again");
                    }
                }
            }
        }
    }

    /// Leaves a request for each attempt here that has ended, and lets the executor forget those
    /// whose request was answered: their end is durable.
    async fn tell_the_leader(&self, told: &mut BTreeMap<AttemptId, RequestId>) -> Result<(), StoreError> {
        for (attempt, request) in told.clone() {
            if self.reader.answer(request).await?.is_some() {
                self.executor.release(attempt).await;
                told.remove(&attempt);
            }
        }
        let known = self.attempts_here().await?;
        if known.is_empty() {
            return Ok(());
        }
        let another_leads = self.another_leads().await?;
        let mut adoptions = self.executor.reconcile(known);
        while let Some(adoption) = adoptions.next().await {
            let (attempt, exit) = match adoption {
                Adoption::Finished { attempt, exit } => (attempt, exit),
                // Decided by this node when it led, and never created: the leader may launch it
                // elsewhere. Not said while this node may be the next to lead: it would then launch
                // the attempt itself, and afterwards read here that it never will.
                Adoption::Absent { attempt } if another_leads => (attempt, Box::new(never_created(self.executor.node()))),
                // Running ones end with an event, which brings us here again.
                Adoption::Absent { .. } | Adoption::Running { .. } | Adoption::Unreachable { .. } | Adoption::Orphan { .. } => continue,
            };
            if told.contains_key(&attempt) {
                continue;
            }
            let request = self.reader.submit(Request::AttemptEnded { attempt, exit }, None).await?;
            told.insert(attempt, request);
        }
        Ok(())
    }

    /// Whether another node holds the lease. (A lease of this node's is its last daemon's, which is
    /// dead: the home has one at a time.)
    async fn another_leads(&self) -> Result<bool, StoreError> {
        let own = self.executor.node().as_str();
        Ok(self.reader.lease().await?.is_some_and(|lease| lease.remaining.is_positive() && lease.holder != own))
    }

    /// The attempts of this node that the store believes alive.
    async fn attempts_here(&self) -> Result<Vec<AttemptHandle>, StoreError> {
        let states = vec![TaskState::Queued, TaskState::Running, TaskState::Restarting];
        let filter = TaskInstanceFilter { states, executors: vec![self.name.to_string()], ..TaskInstanceFilter::default() };
        let mut known = Vec::new();
        loop {
            let offset = u32::try_from(known.len()).unwrap_or(u32::MAX);
            let page = Page { limit: PAGE, offset, order_by: Vec::new() };
            let listed = self.reader.task_instances(filter.clone(), page).await?;
            let is_last = listed.items.len() < PAGE as usize;
            known.extend(listed.items.into_iter().map(|view| view.row));
            if is_last {
                break;
            }
        }
        let here = known.into_iter().filter(|row| row.node.as_ref() == Some(self.executor.node()));
        let handles = here.filter_map(|row| {
            let labels = AttemptLabels {
                dag_id: row.dag_id,
                run_id: row.run_id,
                task_id: row.task_id,
                map_index: row.map_index,
                try_number: row.try_number,
            };
            Some(AttemptHandle { attempt: row.attempt?, labels, node: row.node })
        });
        Ok(handles.collect())
    }
}

/// This node's row.
pub fn row(executor: &LocalExecutor, address: Option<String>) -> NodeRow {
    NodeRow { node: executor.node().clone(), address, last_seen: Timestamp::EPOCH, bundle_digest: None }
}

/// What the API shows of the engine in this process.
pub struct EngineView {
    /// The engine's numbers.
    pub status: watch::Receiver<Status>,
    /// How long its commits took.
    pub commit_times: Arc<CommitTimes>,
    /// The local executor's name and limit.
    pub executor: (ExecutorName, u32),
}

impl updraft_server::EngineStatus for EngineView {
    fn snapshot(&self) -> updraft_server::EngineSnapshot {
        let Status { role, active_runs, live_attempts, commits, store_trouble: _ } = *self.status.borrow();
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let is_leader = matches!(role, Role::Leading(_));
        let (name, limit) = &self.executor;
        let local = updraft_server::ExecutorUse { name: name.to_string(), running: number(live_attempts), limit: Some(*limit) };
        updraft_server::EngineSnapshot {
            is_leader,
            commits,
            commit_times: updraft_server::Durations {
                cumulated: self.commit_times.cumulated(),
                count: self.commit_times.count(),
                sum: self.commit_times.sum(),
            },
            active_runs: number(active_runs),
            active_task_instances: number(live_attempts),
            executors: if is_leader { vec![local] } else { Vec::new() },
        }
    }
}
