//! A DAG version compiled for the scheduler: tasks by index, edges both ways, priority weights.
//!
//! A run whose tasks come from several versions (some were cleared onto a newer one) has a graph of
//! its own, made by the same functions.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use updraft_model::{DagVersion, Task, TaskId, TriggerRule, VersionId, WeightRule};

/// The index of a task in its [`Graph`].
pub(crate) type Node = u32;

/// One task in a graph.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TaskNode {
    pub task: Arc<Task>,
    /// The version the task is taken from.
    pub version: VersionId,
    pub upstream: Vec<Node>,
    pub downstream: Vec<Node>,
    /// Upstream ids that are not in this graph: they never end, so rules that need them never hold.
    pub missing_upstream: u32,
    /// How many of `upstream` are setups.
    pub setups: u32,
    /// Own weight and, by its rule, that of others.
    pub weight: i64,
    /// Whether its state counts for the run's (Airflow's `DagRun._tis_for_dagrun_state`).
    pub is_leaf: bool,
}

/// The tasks of a run and how they depend on each other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Graph {
    pub nodes: Vec<TaskNode>,
    index: BTreeMap<TaskId, Node>,
    /// Those that the tasks are from.
    versions: BTreeMap<VersionId, Arc<DagVersion>>,
}

/// The tasks can't be put in an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the tasks depend on each other in a circle, which contains \"{0}\"")]
pub struct CycleError(pub TaskId);

impl Graph {
    /// Compiles tasks, each with the version it is from. Their order is the order of the nodes, so
    /// that a graph that is made from another one's tasks keeps their indexes.
    pub fn new(tasks: impl IntoIterator<Item = (Arc<Task>, VersionId)>) -> Result<Self, CycleError> {
        let tasks: Vec<(Arc<Task>, VersionId)> = tasks.into_iter().collect();
        let index: BTreeMap<TaskId, Node> = tasks.iter().map(|(task, _)| task.task_id.clone()).zip(0..).collect();
        let mut nodes: Vec<TaskNode> = tasks
            .into_iter()
            .map(|(task, version)| {
                let upstream: Vec<Node> = task.upstream.iter().filter_map(|id| index.get(id).copied()).collect();
                let missing_upstream = (task.upstream.len() - upstream.len()) as u32;
                TaskNode { task, version, upstream, downstream: Vec::new(), missing_upstream, setups: 0, weight: 0, is_leaf: false }
            })
            .collect();
        for node in 0..nodes.len() {
            for up in nodes[node].upstream.clone() {
                nodes[up as usize].downstream.push(node as Node);
                nodes[node].setups += u32::from(nodes[up as usize].task.is_setup);
            }
        }
        let mut graph = Self { nodes, index, versions: BTreeMap::new() };
        let order = graph.topological_order()?;
        graph.find_leaves();
        graph.weigh(&order);
        Ok(graph)
    }

    /// Compiles a version.
    pub fn of_version(version: &Arc<DagVersion>) -> Result<Self, CycleError> {
        let tasks = version.dag.tasks.values().map(|task| (Arc::new(task.clone()), version.id));
        Ok(Self::new(tasks)?.with_versions([version.clone()]))
    }

    /// The same, with the versions that its tasks are from.
    pub fn with_versions(mut self, versions: impl IntoIterator<Item = Arc<DagVersion>>) -> Self {
        self.versions.extend(versions.into_iter().map(|version| (version.id, version)));
        self
    }

    /// All its tasks are from `version`, which had no id when it was compiled.
    pub fn all_from(mut self, version: &Arc<DagVersion>) -> Self {
        self.nodes.iter_mut().for_each(|node| node.version = version.id);
        self.with_versions([version.clone()])
    }

    /// The version that a task is from.
    pub fn version_of(&self, node: Node) -> Option<&Arc<DagVersion>> {
        self.versions.get(&self.nodes.get(node as usize)?.version)
    }

    /// All versions that its tasks are from.
    pub fn versions(&self) -> impl Iterator<Item = &Arc<DagVersion>> {
        self.versions.values()
    }

    /// The index of a task.
    pub fn node(&self, task_id: &TaskId) -> Option<Node> {
        self.index.get(task_id).copied()
    }

    /// The task at an index.
    pub fn task(&self, node: Node) -> &Arc<Task> {
        &self.nodes[node as usize].task
    }

    /// All nodes that can be reached from `from`, itself excluded, along `edges`.
    pub fn reachable(&self, from: impl IntoIterator<Item = Node>, direction: Direction) -> Vec<Node> {
        let mut seen = vec![false; self.nodes.len()];
        let mut stack: Vec<Node> = from.into_iter().collect();
        let mut found = Vec::new();
        while let Some(node) = stack.pop() {
            let next = match direction {
                Direction::Downstream => &self.nodes[node as usize].downstream,
                Direction::Upstream => &self.nodes[node as usize].upstream,
            };
            for &n in next {
                if !std::mem::replace(&mut seen[n as usize], true) {
                    found.push(n);
                    stack.push(n);
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// What is cleared along with tasks: the setups they need, if those have no teardown or one below
    /// the tasks, and the teardowns of those setups and of setups among the tasks (Airflow's
    /// `get_upstreams_only_setups_and_teardowns`).
    pub fn setups_and_teardowns_of(&self, nodes: &BTreeSet<Node>) -> Vec<Node> {
        if !self.nodes.iter().any(|this| this.task.is_setup) {
            return Vec::new();
        }
        let below = self.reachable(nodes.iter().copied(), Direction::Downstream);
        let teardowns = |setup: Node| {
            self.nodes[setup as usize].downstream.iter().copied().filter(|down| self.task(*down).is_teardown).collect::<Vec<Node>>()
        };
        let mut found = Vec::new();
        for setup in self.reachable(nodes.iter().copied(), Direction::Upstream).into_iter().filter(|up| self.task(*up).is_setup) {
            let its = teardowns(setup);
            if its.is_empty() || its.iter().any(|teardown| below.binary_search(teardown).is_ok()) {
                found.push(setup);
                found.extend(its);
            }
        }
        found.extend(nodes.iter().filter(|node| self.task(**node).is_setup).flat_map(|node| teardowns(*node)));
        found
    }

    fn topological_order(&self) -> Result<Vec<Node>, CycleError> {
        let mut waits: Vec<usize> = self.nodes.iter().map(|n| n.upstream.len()).collect();
        let mut order: Vec<Node> = (0..self.nodes.len() as Node).filter(|n| waits[*n as usize] == 0).collect();
        let mut next = 0;
        while let Some(&node) = order.get(next) {
            next += 1;
            for &down in &self.nodes[node as usize].downstream {
                waits[down as usize] -= 1;
                if waits[down as usize] == 0 {
                    order.push(down);
                }
            }
        }
        match waits.iter().position(|w| *w > 0) {
            None => Ok(order),
            Some(node) => Err(CycleError(self.nodes[node].task.task_id.clone())),
        }
    }

    fn find_leaves(&mut self) {
        let ignorable = |node: &TaskNode| node.task.is_teardown && !node.task.on_failure_fail_dagrun;
        for node in 0..self.nodes.len() {
            let this = &self.nodes[node];
            let leaf = !ignorable(this) && this.downstream.iter().all(|d| ignorable(&self.nodes[*d as usize]));
            self.nodes[node].is_leaf = leaf;
        }
    }

    /// A weight is summed over the *set* of all descendants (or ancestors), so that a join is not
    /// counted once per path. 64 of them at a time travel as the bits of a word through the graph:
    /// O(n/64 * edges) time, O(n) memory.
    fn weigh(&mut self, order: &[Node]) {
        let own: Vec<i64> = self.nodes.iter().map(|n| n.task.priority_weight).collect();
        let wants = |rule| self.nodes.iter().any(|n| n.task.weight_rule == rule);
        let backwards: Vec<Node> = order.iter().rev().copied().collect();
        let below = wants(WeightRule::Downstream).then(|| reach_sums(&backwards, &own, |n| &self.nodes[n as usize].downstream));
        let above = wants(WeightRule::Upstream).then(|| reach_sums(order, &own, |n| &self.nodes[n as usize].upstream));
        for (i, node) in self.nodes.iter_mut().enumerate() {
            let others = match node.task.weight_rule {
                WeightRule::Absolute => None,
                WeightRule::Downstream => below.as_ref(),
                WeightRule::Upstream => above.as_ref(),
            };
            node.weight = own[i].saturating_add(others.map_or(0, |sums| sums[i]));
        }
    }
}

/// Which way to follow edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Downstream,
    Upstream,
}

/// For each node the sum of `weights` over all nodes reachable from it. `order` has every node after
/// all nodes it leads to.
fn reach_sums<'a>(order: &[Node], weights: &[i64], edges: impl Fn(Node) -> &'a [Node] + Copy) -> Vec<i64> {
    let mut sums = vec![0i64; weights.len()];
    let mut reach = vec![0u64; weights.len()];
    for block in (0..weights.len()).step_by(64) {
        let block_weights = &weights[block..weights.len().min(block + 64)];
        let uniform = block_weights.iter().all(|w| *w == block_weights[0]).then_some(block_weights[0]);
        for &node in order {
            let mut bits = 0u64;
            for &next in edges(node) {
                bits |= reach[next as usize];
                if (block..block + 64).contains(&(next as usize)) {
                    bits |= 1 << (next as usize - block);
                }
            }
            reach[node as usize] = bits;
            sums[node as usize] = sums[node as usize].saturating_add(match uniform {
                Some(weight) => weight.saturating_mul(i64::from(bits.count_ones())),
                None => ones(bits).map(|bit| block_weights[bit]).fold(0, i64::saturating_add),
            });
        }
    }
    sums
}

fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (bits != 0).then(|| {
            let bit = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            bit
        })
    })
}

/// Airflow lets `fail_fast` DAGs have only `all_success` tasks.
pub fn fail_fast_violation(dag: &updraft_model::Dag) -> Option<&TaskId> {
    let offends = |t: &&Task| t.trigger_rule != TriggerRule::AllSuccess && !t.is_teardown;
    dag.fail_fast.then(|| dag.tasks.values().find(offends)).flatten().map(|t| &t.task_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use updraft_model::Operator;
    use uuid::Uuid;

    fn graph(edges: &[(&str, &[&str])]) -> Result<Graph, CycleError> {
        Graph::new(edges.iter().map(|(id, up)| {
            let mut task = Task::new(TaskId::new(id).unwrap(), Operator::Empty);
            task.upstream = up.iter().map(|u| TaskId::new(u).unwrap()).collect();
            (Arc::new(task), VersionId(Uuid::nil()))
        }))
    }

    #[test]
    fn a_join_is_weighed_once() {
        let g = graph(&[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])]).unwrap();
        assert_eq!(g.nodes.iter().map(|n| n.weight).collect::<Vec<_>>(), [4, 2, 2, 1]);
        assert_eq!(g.nodes.iter().map(|n| n.is_leaf).collect::<Vec<_>>(), [false, false, false, true]);
    }

    #[test]
    fn weights_cross_blocks_of_64() {
        let ids: Vec<String> = (0..200).map(|i| format!("t{i:03}")).collect();
        let g = Graph::new((0..200).map(|i| {
            let mut task = Task::new(TaskId::new(&ids[i]).unwrap(), Operator::Empty);
            task.priority_weight = i as i64;
            if i > 0 {
                task.upstream.insert(TaskId::new(&ids[i - 1]).unwrap());
            }
            (Arc::new(task), VersionId(Uuid::nil()))
        }))
        .unwrap();
        assert_eq!(g.nodes[0].weight, (0..200).sum::<i64>());
        assert_eq!(g.nodes[150].weight, (150..200).sum::<i64>());
    }

    #[test]
    fn a_circle_is_named() {
        assert!(graph(&[("a", &["b"]), ("b", &["a"])]).unwrap_err().to_string().contains("\"a\""));
    }
}
