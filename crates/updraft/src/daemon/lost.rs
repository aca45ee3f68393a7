//! Nodes that are not heard of for `node_lost_after`: the leader forgets them by itself.
//!
//! In time for what ran there to be over: a node says with each heartbeat after what time its own
//! supervisors have ended everything (`updraft_executor_local`, `presence.rs`, has the inequality), and
//! one that does not say so is left to a person. No clock is compared with another machine's: silence is
//! how long *this* process, on its boot clock, has seen the same heartbeat, so that a database whose clock
//! jumps loses no node.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::SignedDuration;
use tokio::sync::watch;
use updraft_engine::{Role, Status};
use updraft_executor_local::boot_clock;
use updraft_model::{NodeId, Request, RequestId, Timestamp};
use updraft_store::{NodeRow, Reader, StoreError};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(5);

/// Since when each node's last heartbeat has been its last.
#[derive(Debug, Default)]
struct Silence {
    seen: BTreeMap<NodeId, (Timestamp, Duration)>,
}

impl Silence {
    /// How long each node is silent at least, as the boot clock was before and after its row was read: a
    /// heartbeat is known from when it was read, and missed until when the next look at it began.
    fn look(&mut self, nodes: &[NodeRow], asked: Duration, answered: Duration) -> BTreeMap<NodeId, Duration> {
        self.seen.retain(|id, (heartbeat, _)| nodes.iter().any(|node| node.node == *id && node.last_seen == *heartbeat));
        let silent = nodes.iter().map(|node| {
            let (_, since) = self.seen.entry(node.node.clone()).or_insert((node.last_seen, answered));
            (node.node.clone(), asked.saturating_sub(*since))
        });
        silent.collect()
    }
}

/// What is to be done about a node.
#[derive(Debug, PartialEq, Eq)]
enum Lost {
    /// It may be back.
    NotYet,
    /// Everything there is over.
    Yes,
    /// It is silent for long enough, but its tasks go on.
    ButItsTasksGoOn,
}

/// The longer of both times counts: what the node says of its tasks, and what is set here.
fn is_lost(silent: Duration, after: Duration, its_own: Option<Duration>) -> Lost {
    match its_own {
        _ if silent < after => Lost::NotYet,
        None => Lost::ButItsTasksGoOn,
        Some(its_own) if silent < its_own => Lost::NotYet,
        Some(_) => Lost::Yes,
    }
}

/// Looks for lost nodes, and has them forgotten while this daemon leads.
pub struct LostNodes {
    reader: Arc<dyn Reader>,
    status: watch::Receiver<Status>,
    own: NodeId,
    after: Duration,
    silence: Silence,
    /// Not answered yet.
    asked: BTreeMap<NodeId, RequestId>,
    /// Told to the log that they are left to a person.
    left: BTreeSet<NodeId>,
}

impl LostNodes {
    pub fn new(reader: Arc<dyn Reader>, status: watch::Receiver<Status>, own: NodeId, after: Duration) -> Self {
        Self { reader, status, own, after, silence: Silence::default(), asked: BTreeMap::new(), left: BTreeSet::new() }
    }

    /// Looks for ever. A standby looks as well, so that a takeover need not wait once more.
    pub async fn run(mut self) {
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "nodes that are lost could not be looked for; tried again");
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        let asked = boot_clock();
        let nodes = self.reader.nodes().await?;
        let silent = self.silence.look(&nodes, asked, boot_clock());
        if !matches!(self.status.borrow().role, Role::Leading(_)) {
            return Ok(());
        }
        let others = nodes.into_iter().filter(|node| node.node != self.own).collect::<Vec<_>>();
        for node in &others {
            let silent = silent.get(&node.node).copied().unwrap_or_default();
            match is_lost(silent, self.after, node.lost_after) {
                Lost::NotYet => _ = self.left.remove(&node.node),
                Lost::Yes => self.forget(&node.node, silent).await?,
                Lost::ButItsTasksGoOn => self.leave(&node.node).await?,
            }
        }
        Ok(())
    }

    async fn forget(&mut self, node: &NodeId, silent: Duration) -> Result<(), StoreError> {
        if let Some(request) = self.asked.get(node) {
            if self.reader.answer(*request).await?.is_none() {
                return Ok(());
            }
            self.asked.remove(node);
        }
        let attempts = self.reader.open_attempts(node).await?.len();
        if attempts == 0 {
            return Ok(());
        }
        let silent_for = SignedDuration::from_secs(i64::try_from(silent.as_secs()).unwrap_or(i64::MAX));
        let request = Request::ForgetNode { node: node.clone(), silent_for: Some(silent_for) };
        self.asked.insert(node.clone(), self.reader.submit(request, None).await?);
        tracing::warn!(%node, attempts, "the node was not heard of for {silent_for:#} (node_lost_after): what ran there is lost");
        Ok(())
    }

    async fn leave(&mut self, node: &NodeId) -> Result<(), StoreError> {
        if !self.left.contains(node) && !self.reader.open_attempts(node).await?.is_empty() {
            tracing::warn!(
                %node,
                "the node is not heard of, and what runs there does not end by itself: it was started without node_lost_after. \
                 Once you know that it is over: updraft nodes forget {node}"
            );
            self.left.insert(node.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn row(node: &str, heartbeat: i64) -> NodeRow {
        let last_seen = Timestamp::from_micros(heartbeat);
        NodeRow { node: NodeId::new(node).unwrap(), address: None, last_seen, bundle_digest: None, lost_after: None }
    }

    fn told(silence: &mut Silence, nodes: &[NodeRow], asked: u64, answered: u64) -> Vec<u64> {
        silence.look(nodes, secs(asked), secs(answered)).into_values().map(|silent| silent.as_secs()).collect()
    }

    #[test]
    fn a_node_is_silent_while_its_heartbeat_stays_the_same() {
        let mut silence = Silence::default();
        assert_eq!(told(&mut silence, &[row("a", 7), row("b", 7)], 100, 103), [0, 0]);
        assert_eq!(told(&mut silence, &[row("a", 7), row("b", 8)], 110, 119), [7, 0]);
        // The database's clock jumped, either way: whatever it says now, it was heard of.
        assert_eq!(told(&mut silence, &[row("a", 3), row("b", i64::MAX)], 160, 160), [0, 0]);
        assert_eq!(told(&mut silence, &[row("a", 3), row("b", i64::MAX)], 170, 170), [10, 10]);
        // One whose row was away is new.
        assert_eq!(told(&mut silence, &[row("a", 3)], 180, 180), [20]);
        assert_eq!(told(&mut silence, &[row("a", 3), row("b", i64::MAX)], 190, 190), [30, 0]);
    }

    #[test]
    fn a_node_is_lost_after_the_longer_of_both_times_and_never_while_its_tasks_go_on() {
        let judged = |silent, its_own: Option<u64>| is_lost(secs(silent), secs(60), its_own.map(secs));
        assert_eq!([judged(59, Some(60)), judged(60, Some(60)), judged(60, Some(30))], [Lost::NotYet, Lost::Yes, Lost::Yes]);
        assert_eq!([judged(299, Some(300)), judged(300, Some(300))], [Lost::NotYet, Lost::Yes]);
        assert_eq!([judged(59, None), judged(9_999, None)], [Lost::NotYet, Lost::ButItsTasksGoOn]);
    }
}
