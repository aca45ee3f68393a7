//! Which attempts wrote which part of a log, and where that lies.

use std::{collections::BTreeSet, io, path::PathBuf};

use updraft_logs::{Ranges, read_segments};
use updraft_model::{AttemptId, AttemptRow, NodeId};

/// What attempts on one node wrote, one directly after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it lies.
    pub node: NodeId,
    /// The first of them: it names the part, also when others follow.
    pub first: AttemptId,
    /// All of them.
    pub attempts: BTreeSet<AttemptId>,
}

/// The parts of the log of one try, in order. Attempts without a node (the engine's own) write none.
pub fn parts(attempts: &[AttemptRow], try_number: u32) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for attempt in attempts.iter().filter(|attempt| attempt.try_number == try_number) {
        let Some(node) = &attempt.node else { continue };
        match parts.last_mut() {
            Some(last) if last.node == *node => _ = last.attempts.insert(attempt.id),
            _ => parts.push(Part { node: node.clone(), first: attempt.id, attempts: [attempt.id].into() }),
        }
    }
    parts
}

impl Part {
    /// Its bytes from `from` on, at most `limit`, from the log file at `log`; `None` if none of its
    /// attempts has begun to write there.
    pub async fn read_here(&self, log: PathBuf, from: u64, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let attempts = self.attempts.clone();
        let read = move || match Ranges::of(&read_segments(&log)?, |attempt| attempts.contains(attempt)) {
            Some(ranges) => ranges.read(&log, from, limit).map(Some),
            None => Ok(None),
        };
        tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use updraft_model::{MapIndex, RunKey, TaskInstanceKey, Timestamp};
    use uuid::Uuid;

    use super::*;

    fn attempt(id: u128, try_number: u32, node: Option<&str>) -> AttemptRow {
        AttemptRow {
            id: AttemptId(Uuid::from_u128(id)),
            key: TaskInstanceKey { run: RunKey(1), task_id: "t".parse().unwrap(), map_index: MapIndex::UNMAPPED },
            try_number,
            executor: "local".parse().unwrap(),
            node: node.map(|node| node.parse().unwrap()),
            queued_at: Timestamp::EPOCH,
            started_at: None,
            ended_at: None,
            outcome: None,
            exit_code: None,
            waiting: None,
        }
    }

    #[test]
    fn a_part_is_what_one_node_wrote_without_another_between() {
        let all = [
            attempt(1, 1, Some("a")),
            attempt(2, 2, Some("a")),
            attempt(3, 2, None),
            attempt(4, 2, Some("a")),
            attempt(5, 2, Some("b")),
            attempt(6, 2, Some("a")),
        ];
        let told = |number| -> Vec<(String, Vec<u128>)> {
            let of = |part: Part| (part.node.to_string(), part.attempts.iter().map(|id| id.0.as_u128()).collect());
            parts(&all, number).into_iter().map(of).collect()
        };
        assert_eq!(told(1), [("a".to_owned(), vec![1])]);
        assert_eq!(told(2), [("a".to_owned(), vec![2, 4]), ("b".to_owned(), vec![5]), ("a".to_owned(), vec![6])]);
        assert_eq!(told(3), []);
    }
}
