//! Nodes: the homes where daemons run tasks. Airflow has nothing like them.

pub mod forget;
pub mod list;

use jiff::SignedDuration;
use updraft_model::Timestamp;
use updraft_store::NodeRow;

/// A node says every 10 s that it is there; one that has missed three times is gone, or can't be reached.
const SILENCE: SignedDuration = SignedDuration::from_secs(30);

/// Whether a node is there. Judged by the last word of any node, since all of them are on the
/// database's clock and this process may be on another.
fn is_alive(node: &NodeRow, last_word: Timestamp) -> bool {
    last_word.since(node.last_seen) < SILENCE
}

fn last_word(nodes: &[NodeRow]) -> Timestamp {
    nodes.iter().map(|node| node.last_seen).max().unwrap_or(Timestamp::EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_there_if_it_spoke_half_a_minute_before_the_last_word() {
        let node = |name: &str, seconds: i64| NodeRow {
            node: updraft_model::NodeId::new(name).unwrap(),
            address: None,
            last_seen: Timestamp::from_micros(seconds * 1_000_000),
            bundle_digest: None,
            lost_after: None,
        };
        let nodes = [node("a", 100), node("b", 71), node("c", 70)];
        let alive = nodes.each_ref().map(|node| is_alive(node, last_word(&nodes)));
        assert_eq!(alive, [true, true, false]);
    }
}
