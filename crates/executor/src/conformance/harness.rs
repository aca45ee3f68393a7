//! What the suite needs of an implementation, and what it makes of that.

use std::{collections::VecDeque, time::Duration};

use futures::{StreamExt as _, future::BoxFuture};
use jiff::SignedDuration;
use updraft_model::{
    Adoption, AttemptHandle, AttemptId, AttemptLabels, DagId, ExecutorEvent, Exit, HowEnded, MapIndex, NodeId, RunId, TaskId,
    WORKLOAD_FORMAT, Workload,
};
use uuid::Uuid;

use crate::Executor;

/// How long anything may take before the suite calls it broken. Generous: only a failure waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// An executor under test and the place it works in.
pub trait Harness: Send {
    /// The executor as it is now.
    fn executor(&self) -> &dyn Executor;

    /// The next event; the suite bounds the wait.
    fn next_event(&mut self) -> BoxFuture<'_, ExecutorEvent>;

    /// Ends the daemon's side as suddenly as the implementation can (SIGKILL, if it is a process),
    /// and starts a new one on the same place. Events not yet heard are gone.
    fn restart(&mut self) -> BoxFuture<'_, ()>;

    /// Ends the daemon's side only; [`Harness::restart`] brings it back.
    fn stop(&mut self) -> BoxFuture<'_, ()>;

    /// The whole log of a try.
    fn log<'a>(&'a self, labels: &'a AttemptLabels) -> BoxFuture<'a, String>;

    /// The node to record, for executors whose attempts belong to one.
    fn node(&self) -> Option<NodeId>;

    /// Waits until an attempt's end has happened, without the daemon's side; e.g. until its
    /// supervisor or container is gone.
    fn wait_for_end<'a>(&'a self, attempt: AttemptId) -> BoxFuture<'a, ()>;

    /// Changes a workload into one this executor can run, e.g. by giving it an image.
    fn workload(&self, workload: Workload) -> Workload {
        workload
    }
}

/// A harness with what the suite's tests have in common.
pub struct Place<H> {
    /// The implementation's part.
    pub harness: H,
    /// Ends that were heard while waiting for another attempt's.
    heard: VecDeque<ExecutorEvent>,
    next: u128,
}

impl<H: Harness> Place<H> {
    /// Wraps a fresh harness.
    pub fn new(harness: H) -> Self {
        Self { harness, heard: VecDeque::new(), next: 1 }
    }

    /// A script under `sh -c`, as an attempt of its own.
    pub fn script(&mut self, script: &str) -> Workload {
        let number = self.next;
        self.next += 1;
        let valid = "the suite's names are valid";
        let labels = AttemptLabels {
            dag_id: DagId::new("conformance").expect(valid),
            run_id: RunId::new("manual__2026-01-31T06:00:00+00:00").expect(valid),
            task_id: TaskId::new(format!("task_{number}")).expect(valid),
            map_index: MapIndex::UNMAPPED,
            try_number: 1,
        };
        self.harness.workload(Workload {
            format: WORKLOAD_FORMAT,
            attempt: AttemptId(fresh_uuid(number)),
            labels,
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            stdin: None,
            env: Default::default(),
            cwd: None,
            run_as_user: None,
            image: None,
            execution_timeout: None,
            termination_grace: SignedDuration::from_secs(30),
            node_lost_after: None,
            capture_last_line: true,
            masks: Vec::new(),
            notes: Vec::new(),
            rendered_fields: serde_json::Map::new(),
        })
    }

    /// Launches, which must succeed.
    pub async fn launch(&self, workload: &Workload) {
        let launched = self.harness.executor().launch(workload.clone(), Duration::MAX).await;
        assert_eq!(launched, Ok(()), "launching {:?}", workload.argv);
    }

    /// Launches and waits for the end.
    pub async fn run(&mut self, workload: &Workload) -> Exit {
        self.launch(workload).await;
        self.end_of(workload.attempt).await
    }

    /// Waits for an attempt's end.
    pub async fn end_of(&mut self, attempt: AttemptId) -> Exit {
        loop {
            match self.event_of(attempt).await {
                ExecutorEvent::Ended { exit, .. } => return *exit,
                ExecutorEvent::Started { .. } | ExecutorEvent::Waiting { .. } => {}
            }
        }
    }

    /// Waits until an attempt's program runs.
    pub async fn start_of(&mut self, attempt: AttemptId) {
        loop {
            match self.event_of(attempt).await {
                ExecutorEvent::Started { .. } => return,
                ExecutorEvent::Ended { exit, .. } => panic!("{attempt} ended before its start was told: {exit:?}"),
                ExecutorEvent::Waiting { .. } => {}
            }
        }
    }

    async fn event_of(&mut self, attempt: AttemptId) -> ExecutorEvent {
        if let Some(at) = self.heard.iter().position(|event| event.attempt() == attempt) {
            return self.heard.remove(at).expect("its position was just found");
        }
        loop {
            let next = tokio::time::timeout(PATIENCE, self.harness.next_event()).await;
            let event = next.unwrap_or_else(|_| panic!("no event of {attempt} within {PATIENCE:?}"));
            if event.attempt() == attempt {
                return event;
            }
            self.heard.push_back(event);
        }
    }

    /// How often its log has a line that ends with `text`.
    pub async fn lines_with(&self, workload: &Workload, text: &str) -> usize {
        self.harness.log(&workload.labels).await.lines().filter(|line| line.ends_with(text)).count()
    }

    /// Waits until its log has such a line.
    pub async fn wait_for_line(&self, workload: &Workload, text: &str) {
        let waiting = async {
            while self.lines_with(workload, text).await == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("no line {text:?} within {PATIENCE:?}"));
    }

    /// What the store would know of it.
    pub fn handle(&self, workload: &Workload) -> AttemptHandle {
        AttemptHandle { attempt: workload.attempt, labels: workload.labels.clone(), node: self.harness.node() }
    }

    /// Reconciles with these being known.
    pub async fn reconcile(&self, known: &[&Workload]) -> Vec<Adoption> {
        let known = known.iter().map(|workload| self.handle(workload)).collect();
        let collected = self.harness.executor().reconcile(known).collect();
        tokio::time::timeout(PATIENCE, collected).await.unwrap_or_else(|_| panic!("no reconciliation within {PATIENCE:?}"))
    }

    /// A new daemon's side; what the old one said is forgotten with it.
    pub async fn restart(&mut self) {
        self.heard.clear();
        self.harness.restart().await;
    }

    /// No daemon's side.
    pub async fn stop(&mut self) {
        self.heard.clear();
        self.harness.stop().await;
    }
}

/// Different in every test and every run, so that places shared by tests don't mix.
fn fresh_uuid(number: u128) -> Uuid {
    use std::hash::{BuildHasher as _, RandomState};
    let random = u128::from(RandomState::new().hash_one(number));
    Uuid::from_u128(random << 64 | 0x4000_0000_0000 << 16 | number)
}

/// It exited with this code.
pub(super) fn exited(code: i32) -> HowEnded {
    HowEnded::Exited { code }
}
