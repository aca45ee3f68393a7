//! Everything that limits how many task instances are at work: one kind of gate for all of it.
//!
//! A ready instance passes all its gates at once or parks at the first closed one, and is looked at
//! again only when that gate opens. A gate knows how much of it is used; who uses it is decided in
//! `instances`.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use updraft_model::{DagId, ExecutorName, MapIndex, PoolName, RunKey, TaskId, Timestamp};

use crate::graph::Node;

/// The order in which ready instances are queued: priority, then run after, then map index.
/// Run and node make it a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ready {
    pub priority: Reverse<i64>,
    pub run_after: Timestamp,
    pub map_index: MapIndex,
    pub run: RunKey,
    pub node: Node,
}

/// What a gate stands in front of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum GateName {
    /// Closed while the DAG is paused.
    Paused(DagId),
    /// Executor parallelism, counted in live attempts.
    Executor(ExecutorName),
    /// Pool slots.
    Pool(PoolName),
    /// `max_active_tasks`, per run as in Airflow 3.
    Run(RunKey),
    /// `max_active_tis_per_dag`.
    Task(DagId, TaskId),
    /// `max_active_tis_per_dagrun`.
    TaskInRun(RunKey, TaskId),
}

#[derive(Debug, Default)]
struct Gate {
    /// `None`: no limit.
    limit: Option<i64>,
    used: i64,
    /// Who waits, by how much it wants.
    parked: BTreeMap<u32, BTreeSet<Ready>>,
}

impl Gate {
    fn free(&self) -> i64 {
        self.limit.map_or(i64::MAX, |limit| limit - self.used)
    }

    fn take_best(&mut self, free: i64) -> Option<(Ready, u32)> {
        let fitting = self.parked.iter().take_while(|(wants, _)| i64::from(**wants) <= free);
        let (best, wants) = fitting.filter_map(|(wants, waiting)| Some((*waiting.first()?, *wants))).min()?;
        self.remove(&best, wants);
        Some((best, wants))
    }

    fn remove(&mut self, ready: &Ready, wants: u32) -> bool {
        let Some(waiting) = self.parked.get_mut(&wants) else { return false };
        let removed = waiting.remove(ready);
        if waiting.is_empty() {
            self.parked.remove(&wants);
        }
        removed
    }
}

/// All gates, and who is on the way to them.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    gates: BTreeMap<GateName, Gate>,
    ready: BTreeSet<Ready>,
    /// Gates that may let someone pass now.
    opened: BTreeSet<GateName>,
}

impl Gates {
    /// Sets a gate's limit; a gate that was never set lets nobody pass (a missing pool).
    pub fn set_limit(&mut self, name: GateName, limit: Option<i64>) {
        let gate = self.gates.entry(name.clone()).or_insert_with(|| Gate { limit: Some(0), ..Gate::default() });
        let before = gate.free();
        gate.limit = limit;
        if gate.free() > before && !gate.parked.is_empty() {
            self.opened.insert(name);
        }
    }

    /// Sets a gate's limit unless it was set before.
    pub fn set_limit_once(&mut self, name: GateName, limit: Option<i64>) {
        if !self.gates.contains_key(&name) {
            self.set_limit(name, limit);
        }
    }

    /// Forgets a gate nobody will come to any more.
    pub fn remove(&mut self, name: &GateName) {
        self.gates.remove(name);
        self.opened.remove(name);
    }

    /// `by` more (or less) of the gate is used.
    pub fn account(&mut self, name: &GateName, by: i64) {
        if by == 0 {
            return;
        }
        if let Some(gate) = self.gates.get_mut(name) {
            gate.used += by;
            if by < 0 && !gate.parked.is_empty() {
                self.opened.insert(name.clone());
            }
        } else {
            self.gates.insert(name.clone(), Gate { limit: Some(0), used: by, parked: BTreeMap::new() });
        }
    }

    /// Whether `wants` of the gate is free.
    pub fn fits(&self, name: &GateName, wants: u32) -> bool {
        self.gates.get(name).is_some_and(|gate| i64::from(wants) <= gate.free())
    }

    /// Someone wants to pass.
    pub fn enter(&mut self, ready: Ready) {
        self.ready.insert(ready);
    }

    /// Someone no longer wants to pass.
    pub fn leave(&mut self, ready: &Ready, parked_at: Option<&GateName>, wants: u32) {
        self.ready.remove(ready);
        if let Some(gate) = parked_at.and_then(|name| self.gates.get_mut(name)) {
            gate.remove(ready, wants);
        }
    }

    /// Waits at a closed gate. The other gates it came by may let another one pass instead.
    pub fn park(&mut self, ready: Ready, at: &GateName, wants: u32, others: impl IntoIterator<Item = GateName>) {
        let gate = self.gates.entry(at.clone()).or_insert_with(|| Gate { limit: Some(0), ..Gate::default() });
        gate.parked.entry(wants).or_default().insert(ready);
        for name in others {
            if name != *at && self.gates.get(&name).is_some_and(|g| !g.parked.is_empty() && g.free() > 0) {
                self.opened.insert(name);
            }
        }
    }

    /// The next one to try its gates: those parked at gates that opened compete with the rest.
    pub fn next(&mut self, mut unparked: impl FnMut(&Ready)) -> Option<Ready> {
        while let Some(name) = self.opened.pop_first() {
            let Some(gate) = self.gates.get_mut(&name) else { continue };
            let mut free = gate.free();
            while let Some((ready, wants)) = gate.take_best(free) {
                free -= i64::from(wants);
                unparked(&ready);
                self.ready.insert(ready);
            }
        }
        self.ready.pop_first()
    }

    /// Whether [`Gates::next`] would give anything.
    pub fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.opened.is_empty()
    }

    /// Every gate whose use is above its limit, or below zero.
    pub fn violations(&self) -> Vec<String> {
        let bad = |gate: &Gate| gate.used < 0 || gate.limit.is_some_and(|limit| gate.used > limit.max(0));
        self.gates.iter().filter(|(_, g)| bad(g)).map(|(name, g)| format!("{name:?}: {} of {:?}", g.used, g.limit)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(priority: i64, run: i64) -> Ready {
        Ready { priority: Reverse(priority), run_after: Timestamp::EPOCH, map_index: MapIndex::UNMAPPED, run: RunKey(run), node: 0 }
    }

    fn pool() -> GateName {
        GateName::Pool(PoolName::default_pool())
    }

    #[test]
    fn the_best_parked_one_passes_first_and_a_smaller_one_passes_a_big_one() {
        let mut gates = Gates::default();
        gates.set_limit(pool(), Some(2));
        gates.account(&pool(), 2);
        gates.park(ready(1, 1), &pool(), 1, []);
        gates.park(ready(9, 2), &pool(), 2, []);
        gates.park(ready(5, 3), &pool(), 1, []);
        gates.account(&pool(), -1);
        assert_eq!(gates.next(|_| {}), Some(ready(5, 3)));
        assert_eq!(gates.next(|_| {}), None);
    }

    #[test]
    fn a_missing_gate_is_closed_until_it_is_set() {
        let mut gates = Gates::default();
        assert!(!gates.fits(&pool(), 1));
        gates.park(ready(1, 1), &pool(), 1, []);
        gates.set_limit(pool(), None);
        assert_eq!(gates.next(|_| {}), Some(ready(1, 1)));
    }
}
