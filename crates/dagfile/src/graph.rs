//! The graph of a DAG: every upstream exists, and no task waits for itself, not even by way of others.

use std::collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry::Vacant};

use petgraph::{Graph, algo, graph::NodeIndex, visit::EdgeRef};
use updraft_model::TaskId;

use crate::{
    decode::{Outline, closest},
    sink::Sink,
    yaml::Span,
};

/// Cycles beyond this many are not worth reading before the first are repaired.
const MAX_CYCLES: usize = 10;
/// A cycle through more tasks than this is shown by its first ones.
const MAX_NAMES: usize = 40;

type Tasks<'a> = Graph<&'a TaskId, Span>;

pub(crate) fn check(sink: &mut Sink<'_>, outline: &Outline) {
    let mut graph: Tasks<'_> = Graph::new();
    let nodes: BTreeMap<&TaskId, NodeIndex> = outline.tasks.keys().map(|id| (id, graph.add_node(id))).collect();
    for (id, task) in &outline.tasks {
        for (upstream, span) in &task.upstream {
            match (nodes.get(upstream), nodes.get(id)) {
                (Some(_), _) if upstream == id => {
                    sink.error_with_help(*span, format!("task `{id}` waits for itself"), "remove it from `upstream`");
                }
                (Some(from), Some(to)) => {
                    graph.add_edge(*from, *to, *span);
                }
                _ => unknown_upstream(sink, outline, id, upstream, *span),
            }
        }
    }
    // Cheap where all is well; only then are the cycles looked for.
    if algo::toposort(&graph, None).is_err() {
        cycles(sink, &graph);
    }
}

fn unknown_upstream(sink: &mut Sink<'_>, outline: &Outline, id: &TaskId, upstream: &TaskId, span: Span) {
    if sink.is_full() {
        return;
    }
    let help = match closest(upstream.as_str(), outline.tasks.keys().map(TaskId::as_str)) {
        Some(known) => format!("did you mean `{known}`?"),
        None if outline.tasks.len() <= 20 => {
            format!("the tasks are {}", outline.tasks.keys().map(TaskId::as_str).collect::<Vec<_>>().join(", "))
        }
        None => "there is no task of that name in this DAG".to_owned(),
    };
    sink.error_with_help(span, format!("task `{id}` waits for `{upstream}`, which does not exist"), help);
}

fn cycles(sink: &mut Sink<'_>, graph: &Tasks<'_>) {
    let mut knots: Vec<Vec<NodeIndex>> = algo::kosaraju_scc(graph).into_iter().filter(|knot| knot.len() > 1).collect();
    for knot in &mut knots {
        knot.sort_unstable();
    }
    knots.sort();
    for knot in knots.iter().take(MAX_CYCLES) {
        let Some(cycle) = shortest_cycle(graph, knot) else { continue };
        let names: Vec<&str> = cycle.iter().map(|(node, _)| graph[*node].as_str()).collect();
        let shown = if names.len() > MAX_NAMES {
            format!("{} -> ... ({} more)", names[..MAX_NAMES].join(" -> "), names.len() - MAX_NAMES)
        } else {
            names.join(" -> ")
        };
        let Some((first, span)) = cycle.first() else { continue };
        let message = format!("these tasks wait for each other: {shown} -> {}", graph[*first]);
        sink.error_with_help(*span, message, "an arrow leads from an upstream to the task that waits for it: remove one of them");
    }
}

/// The shortest cycle through the first task of a knot, each task with the place where it is
/// named as somebody's upstream. Breadth first, so no recursion however long it is.
fn shortest_cycle(graph: &Tasks<'_>, knot: &[NodeIndex]) -> Option<Vec<(NodeIndex, Span)>> {
    let members: BTreeSet<NodeIndex> = knot.iter().copied().collect();
    let start = *knot.first()?;
    let mut came_from: BTreeMap<NodeIndex, (NodeIndex, Span)> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for edge in graph.edges(node).filter(|edge| members.contains(&edge.target())) {
            if edge.target() == start {
                let mut cycle = vec![(node, *edge.weight())];
                let mut at = node;
                while let Some((previous, span)) = came_from.get(&at) {
                    cycle.push((*previous, *span));
                    at = *previous;
                }
                cycle.reverse();
                return Some(cycle);
            }
            if let Vacant(entry) = came_from.entry(edge.target()) {
                entry.insert((node, *edge.weight()));
                queue.push_back(edge.target());
            }
        }
    }
    None
}
