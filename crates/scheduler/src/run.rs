//! An active run and its task instances, as the scheduler holds them.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use updraft_model::{
    AttemptId, AttemptRow, ExecutorName, KillReason, Launch, RunKey, RunRow, RunState, TaskId, TaskInstanceRow, TaskState, Timestamp,
    XComRow,
};

use crate::{
    gates::{GateName, Ready},
    graph::{Graph, Node},
    rule::Counts,
};

/// What a commit must write for one instance beside its row.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    pub archived: Vec<TaskInstanceRow>,
    pub attempts: BTreeMap<AttemptId, AttemptRow>,
    pub delete_xcoms: bool,
    pub xcoms: Vec<XComRow>,
    pub launch: Option<Launch>,
    pub releases: Vec<(ExecutorName, AttemptId)>,
}

/// One task instance.
#[derive(Debug)]
pub(crate) struct Instance {
    pub row: TaskInstanceRow,
    /// Its state in the store once the pending commits are done; absent if it has no row yet.
    pub stored: Option<TaskState>,
    /// Its upstreams' final states.
    pub counts: Counts,
    /// The closed gate it waits at.
    pub parked_at: Option<GateName>,
    /// It will be evaluated.
    pub dirty: bool,
    /// It will be written: where the run's list names it with this number.
    pub touched: bool,
    pub place: u32,
    pub writes: Option<Box<Writes>>,
}

impl Instance {
    pub fn writes(&mut self) -> &mut Writes {
        self.writes.get_or_insert_default()
    }
}

/// The run before this one, for `depends_on_past`.
#[derive(Debug, Clone, Default)]
pub(crate) enum Previous {
    /// Nobody needed it yet.
    #[default]
    Unknown,
    /// The store was asked.
    Asked,
    /// There is none.
    Missing,
    /// It is in memory.
    Active(RunKey),
    /// It has ended, with these states.
    Finished(RunKey, Arc<BTreeMap<TaskId, Vec<TaskState>>>),
}

/// One run.
#[derive(Debug)]
pub(crate) struct Run {
    pub row: RunRow,
    /// Its state in the store once the pending commits are done; absent if it has no row yet.
    pub stored: Option<RunState>,
    /// Its row will be written.
    pub touched: bool,
    pub graph: Arc<Graph>,
    /// By node; absent where the task is not part of this run (its dates exclude it).
    pub instances: Vec<Option<Instance>>,
    /// How many instances are in which state.
    pub histogram: [u32; TaskState::ALL.len()],
    /// Leaves in `failed` or `upstream_failed`.
    pub failed_leaves: u32,
    /// The instances that will be evaluated, each once.
    pub dirty: VecDeque<Node>,
    /// Attempts of it that may be alive.
    pub live_attempts: u32,
    /// Instances to write: changed ones first, then new ones that nobody waits for.
    pub touched_nodes: Vec<(Node, u32)>,
    /// Those that were touched or written since are passed over.
    fresh: VecDeque<Node>,
    pub previous: Previous,
    /// Instances whose rule holds but whose past does not.
    pub blocked_on_past: BTreeSet<Node>,
    /// Instances that wait for the DAG to be unpaused.
    pub held: BTreeSet<Node>,
    /// The task instance that triggered it, if that was in this term.
    pub triggered_by: Option<(RunKey, Node)>,
    /// Active runs whose `previous` this is.
    pub followers: BTreeSet<RunKey>,
}

impl Run {
    /// Whether the store will know all that was changed of it once the plan at hand is committed. New
    /// instances that only wait do not count.
    pub fn is_written(&self) -> bool {
        !self.touched && self.touched_nodes.is_empty()
    }

    pub fn new(row: RunRow, stored: Option<RunState>, graph: Arc<Graph>) -> Self {
        let instances = (0..graph.nodes.len()).map(|_| None).collect();
        Self {
            row,
            stored,
            touched: stored.is_none(),
            graph,
            instances,
            histogram: [0; TaskState::ALL.len()],
            failed_leaves: 0,
            dirty: VecDeque::new(),
            live_attempts: 0,
            touched_nodes: Vec::new(),
            fresh: VecDeque::new(),
            previous: Previous::default(),
            blocked_on_past: BTreeSet::new(),
            held: BTreeSet::new(),
            triggered_by: None,
            followers: BTreeSet::new(),
        }
    }

    pub fn instance(&self, node: Node) -> Option<&Instance> {
        self.instances.get(node as usize)?.as_ref()
    }

    pub fn instance_mut(&mut self, node: Node) -> Option<&mut Instance> {
        self.instances.get_mut(node as usize)?.as_mut()
    }

    /// All instances with their nodes.
    pub fn iter(&self) -> impl Iterator<Item = (Node, &Instance)> {
        self.instances.iter().enumerate().filter_map(|(n, i)| Some((n as Node, i.as_ref()?)))
    }

    pub fn count(&self, state: TaskState) -> u32 {
        self.histogram[state as usize]
    }

    pub fn unfinished(&self) -> u32 {
        TaskState::ALL.into_iter().filter(|s| !s.is_finished()).map(|s| self.count(s)).sum()
    }

    /// Puts an instance in, with its share of the histogram and of its downstreams' counts.
    pub fn insert(&mut self, node: Node, instance: Instance) {
        let state = instance.row.state;
        if instance.stored.is_none() {
            self.fresh.push_back(node);
        }
        self.instances[node as usize] = Some(instance);
        self.tally(node, state, 1);
    }

    /// Whether there are new instances to write that nobody touched.
    pub fn has_fresh(&mut self) -> bool {
        while let Some(&node) = self.fresh.front() {
            if self.instance(node).is_some_and(|instance| instance.stored.is_none() && !instance.touched) {
                return true;
            }
            self.fresh.pop_front();
        }
        false
    }

    /// The next of them, which is taken out.
    pub fn pop_fresh(&mut self) -> Option<Node> {
        self.has_fresh().then(|| self.fresh.pop_front()).flatten()
    }

    /// Adds `by` to everything that counts instances of `state`: the histogram, the failed leaves,
    /// the downstreams' counts.
    pub fn tally(&mut self, node: Node, state: TaskState, by: i32) {
        let Self { graph, instances, histogram, failed_leaves, .. } = self;
        histogram[state as usize] = histogram[state as usize].saturating_add_signed(by);
        let this = &graph.nodes[node as usize];
        if this.is_leaf && matches!(state, TaskState::Failed | TaskState::UpstreamFailed) {
            *failed_leaves = failed_leaves.saturating_add_signed(by);
        }
        if !state.is_finished() {
            return;
        }
        for &down in &this.downstream {
            if let Some(instance) = &mut instances[down as usize] {
                instance.counts.add(state, this.task.is_setup, by);
            }
        }
    }

    /// Counts all again: after instances were put in, or edges changed.
    pub fn recount(&mut self) {
        self.histogram = [0; TaskState::ALL.len()];
        self.failed_leaves = 0;
        for instance in self.instances.iter_mut().flatten() {
            instance.counts = Counts::default();
        }
        for node in 0..self.instances.len() as Node {
            if let Some(state) = self.instance(node).map(|i| i.row.state) {
                self.tally(node, state, 1);
            }
        }
    }

    /// Its place in the queue.
    pub fn ready(&self, node: Node) -> Option<Ready> {
        let row = &self.instance(node)?.row;
        Some(Ready {
            priority: std::cmp::Reverse(row.priority_weight),
            run_after: self.row.run_after,
            map_index: row.map_index,
            run: self.row.key,
            node,
        })
    }

    /// The states of all its task instances by task, as later runs want to know them.
    pub fn states(&self) -> BTreeMap<TaskId, Vec<TaskState>> {
        let mut states: BTreeMap<TaskId, Vec<TaskState>> = BTreeMap::new();
        for (_, instance) in self.iter() {
            states.entry(instance.row.task_id.clone()).or_default().push(instance.row.state);
        }
        states
    }
}

/// An attempt that may be alive.
#[derive(Debug)]
pub(crate) struct LiveAttempt {
    pub run: RunKey,
    pub node: Node,
    pub row: AttemptRow,
    /// It was told to end, or will be.
    pub killing: Option<KillReason>,
}

impl LiveAttempt {
    pub fn launch(&self) -> Launch {
        Launch { attempt: self.row.id, key: self.row.key.clone(), executor: self.row.executor.clone() }
    }
}

/// A time at which something is looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A DAG's next scheduled run.
    Dag(updraft_model::DagId),
    /// A queued run's `run_after`, or a running one's future logical date.
    Run(RunKey),
    /// A run's `dagrun_timeout`.
    RunTimeout(RunKey),
    /// A retry or the next poke.
    Instance(RunKey, Node),
}

/// Timers in order.
#[derive(Debug, Default)]
pub(crate) struct Timers(BTreeSet<(Timestamp, Timer)>);

impl Timers {
    pub fn set(&mut self, at: Timestamp, timer: Timer) {
        self.0.insert((at, timer));
    }

    /// The next one that is due.
    pub fn due(&mut self, now: Timestamp) -> Option<Timer> {
        if self.0.first()?.0 > now {
            return None;
        }
        self.0.pop_first().map(|(_, timer)| timer)
    }

    pub fn next(&self) -> Option<&(Timestamp, Timer)> {
        self.0.first()
    }
}
