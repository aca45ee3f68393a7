//! What a node does whether it leads or not: it says that it is there, and it tells the ends of
//! its own attempts. To the engine in this process if that leads; else to the one who does, as
//! requests in the inbox.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::StreamExt as _;
use jiff::SignedDuration;
use tokio::sync::{mpsc, watch};
use updraft_engine::{CommitTimes, Role, ShellHandle, Status};
use updraft_executor::Executor;
use updraft_executor_local::{LocalExecutor, boot_clock};
use updraft_model::{
    Adoption, AttemptHandle, AttemptId, AttemptLabels, ExecutorEvent, ExecutorName, Exit, HowEnded, NodeId, Request, RequestId,
    TaskInstanceRow, TaskState, Timestamp,
};
use updraft_store::{NodeRow, Reader, StoreError};

/// How often a node says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How soon it says so again if nobody heard it.
const AGAIN: Duration = Duration::from_secs(1);
/// A standby looks so often for attempts of its node that have ended.
const SWEEP: Duration = Duration::from_secs(5);
/// After a step down, the next leader is given so long to take over before it is told things.
const SETTLE: Duration = Duration::from_secs(1);

/// The end of an attempt that this node was to launch and did not.
fn never_created(node: &NodeId) -> Exit {
    let how = HowEnded::PlaceLost { started: false, why: format!("node {node} stopped leading before it was started there") };
    let ended_at = Timestamp::from(jiff::Timestamp::now());
    Exit { how, started_at: None, ended_at, outputs: BTreeMap::new(), last_line: None, pid: None }
}

/// Says that this node is there: to the store, then to the supervisors here.
pub struct Heart {
    /// The store.
    pub reader: Arc<dyn Reader>,
    /// The way to the supervisors.
    pub executor: Arc<LocalExecutor>,
    /// This node.
    pub row: NodeRow,
    /// What DAG files it has.
    pub digest: watch::Receiver<Option<String>>,
    /// Whether the last heartbeat was heard: otherwise that was said.
    pub was_heard: bool,
}

impl Heart {
    /// One heartbeat.
    pub async fn beat(&mut self) {
        // Before it is sent: supervisors must not count from later than who reads it.
        let sent = boot_clock();
        let row = NodeRow { bundle_digest: self.digest.borrow().clone(), lost_after: self.executor.lost_after(), ..self.row.clone() };
        let heard = match self.reader.node_seen(row).await {
            Ok(()) => self.executor.heard(sent).map_err(|error| format!("the tasks here can't be told: {error}")),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = &heard
            && self.was_heard
        {
            tracing::warn!(error, "this node could not say that it is there");
        }
        self.was_heard = heard.is_ok();
    }

    /// Beats for ever, from the next beat on.
    pub async fn run(mut self) {
        loop {
            tokio::time::sleep(if self.was_heard { HEARTBEAT } else { AGAIN }).await;
            self.beat().await;
        }
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
    /// Attempts here that no store wants, and that were told to end.
    pub unwanted: BTreeSet<AttemptId>,
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
                        if let ExecutorEvent::Ended { attempt, .. } = &event {
                            nap = SETTLE;
                            if self.unwanted.remove(attempt) && role == Role::Standby {
                                self.executor.release(*attempt).await;
                            }
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
    /// whose request was answered: their end is durable. Ends what nobody wants any more.
    async fn tell_the_leader(&mut self, told: &mut BTreeMap<AttemptId, RequestId>) -> Result<(), StoreError> {
        for (attempt, request) in told.clone() {
            if self.reader.answer(request).await?.is_some() {
                self.executor.release(attempt).await;
                told.remove(&attempt);
            }
        }
        // Who leads is asked first: what this node launched when it did is in the store by now.
        let another_leads = self.another_leads().await?;
        let open = self.attempts_here().await?;
        let executor = self.executor.clone();
        let mut adoptions = executor.reconcile(open.values().map(|(handle, _)| handle.clone()).collect());
        while let Some(adoption) = adoptions.next().await {
            let (attempt, exit) = match adoption {
                Adoption::Finished { attempt, exit } => (attempt, exit),
                // Decided by this node when it led, and never created: the leader may launch it
                // elsewhere. Not said while this node may be the next to lead: it would then launch
                // the attempt itself, and afterwards read here that it never will.
                Adoption::Absent { attempt } if another_leads => (attempt, Box::new(never_created(self.executor.node()))),
                // One that goes on ends with an event, which brings us here again.
                Adoption::Running { attempt, .. } => {
                    if let Some((_, unwanted)) = open.get(&attempt)
                        && let Some(instance) = unwanted
                    {
                        self.end(attempt, instance).await?;
                    }
                    continue;
                }
                // The node was forgotten, or the run deleted, while this one was out of reach.
                Adoption::Orphan { attempt } if another_leads && self.another_leads().await? => {
                    self.unwanted.insert(attempt);
                    self.terminate(attempt, SignedDuration::ZERO).await;
                    continue;
                }
                Adoption::Absent { .. } | Adoption::Unreachable { .. } | Adoption::Orphan { .. } => continue,
            };
            if told.contains_key(&attempt) {
                continue;
            }
            let request = self.reader.submit(Request::AttemptEnded { attempt, exit }, None).await?;
            told.insert(attempt, request);
        }
        Ok(())
    }

    /// The leader can't reach what runs on another node, so each node ends by itself what was marked,
    /// cleared or timed out.
    async fn end(&self, attempt: AttemptId, instance: &TaskInstanceRow) -> Result<(), StoreError> {
        let version = self.reader.version(instance.version).await?;
        let task = version.as_ref().and_then(|version| version.dag.tasks.get(&instance.task_id));
        let grace = task.map(|task| task.termination_grace).unwrap_or_default();
        self.terminate(attempt, grace).await;
        Ok(())
    }

    async fn terminate(&self, attempt: AttemptId, grace: SignedDuration) {
        if let Err(error) = self.executor.terminate(attempt, grace).await {
            tracing::warn!(%error, "will be tried again");
        }
    }

    /// Whether another node holds the lease. (A lease of this node's is its last daemon's, which is
    /// dead: the home has one at a time.)
    async fn another_leads(&self) -> Result<bool, StoreError> {
        let own = self.executor.node().as_str();
        Ok(self.reader.lease().await?.is_some_and(|lease| lease.remaining.is_positive() && lease.holder != own))
    }

    /// The attempts of this node whose end is not in the store; with their task instance where that
    /// does not want them any more.
    async fn attempts_here(&self) -> Result<BTreeMap<AttemptId, (AttemptHandle, Option<TaskInstanceRow>)>, StoreError> {
        let open = self.reader.open_attempts(self.executor.node()).await?;
        let of_this_executor = open.into_iter().filter(|(attempt, _)| attempt.executor == self.name);
        let handles = of_this_executor.map(|(attempt, instance)| {
            let labels = AttemptLabels { try_number: attempt.try_number, ..instance.labels() };
            let handle = AttemptHandle { attempt: attempt.id, labels, node: attempt.node };
            let is_current = instance.attempt == Some(attempt.id);
            let is_wanted = is_current && matches!(instance.state, TaskState::Queued | TaskState::Running);
            (attempt.id, (handle, (!is_wanted).then_some(instance)))
        });
        Ok(handles.collect())
    }
}

/// This node's row.
pub fn row(executor: &LocalExecutor, address: String) -> NodeRow {
    NodeRow { node: executor.node().clone(), address: Some(address), last_seen: Timestamp::EPOCH, bundle_digest: None, lost_after: None }
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
        let Status { role, active_runs, live_attempts, commits, store_trouble } = *self.status.borrow();
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let is_leader = matches!(role, Role::Leading(_));
        let (name, limit) = &self.executor;
        let local = updraft_server::ExecutorUse { name: name.to_string(), running: number(live_attempts), limit: Some(*limit) };
        updraft_server::EngineSnapshot {
            is_leader,
            store_trouble,
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
