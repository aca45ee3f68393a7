//! Everything that limits how many task instances are at work: one kind of gate for all of it.
//!
//! A ready instance passes all its gates at once or parks at the first closed one, and is looked at
//! again only when that gate opens. A gate knows how much of it is used; who uses it is decided in
//! `instances`.
//!
//! Executors and pools are shared by many, so those that need the same of them wait together: while
//! the pool they need is full, none of them leaves the queue of an executor that has room.

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

/// What an instance needs of what all runs share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Needs {
    pub executor: ExecutorName,
    pub pool: PoolName,
    pub slots: u32,
}

impl Needs {
    /// How much of a gate it takes.
    fn of(&self, gate: &GateName) -> u32 {
        if matches!(gate, GateName::Pool(_)) { self.slots } else { 1 }
    }

    fn shared(&self) -> [GateName; 2] {
        [GateName::Executor(self.executor.clone()), GateName::Pool(self.pool.clone())]
    }
}

#[derive(Debug)]
struct Gate {
    /// `None`: no limit.
    limit: Option<i64>,
    used: i64,
    /// What those want who were taken from its queue and are on their way.
    promised: i64,
    /// Who waits, by what they need.
    parked: BTreeMap<Needs, BTreeSet<Ready>>,
    /// Other gates whose waiting ones need this one too.
    behind: BTreeSet<GateName>,
}

impl Gate {
    /// One that lets nobody pass.
    fn closed() -> Self {
        Self { limit: Some(0), used: 0, promised: 0, parked: BTreeMap::new(), behind: BTreeSet::new() }
    }

    fn free(&self) -> i64 {
        self.limit.map_or(i64::MAX, |limit| limit - self.used)
    }

    /// What is free for others than those on their way.
    fn spare(&self) -> i64 {
        self.free().saturating_sub(self.promised)
    }

    fn is_waited_for(&self) -> bool {
        !self.parked.is_empty() || !self.behind.is_empty()
    }

    fn remove(&mut self, ready: &Ready, needs: &Needs) {
        if let Some(waiting) = self.parked.get_mut(needs) {
            waiting.remove(ready);
            if waiting.is_empty() {
                self.parked.remove(needs);
            }
        }
    }
}

/// All gates, and who is on the way to them.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    gates: BTreeMap<GateName, Gate>,
    ready: BTreeSet<Ready>,
    /// From which gate's queue those on the way were taken, and what they want of it: if they don't pass it,
    /// others may.
    taken: BTreeMap<Ready, (GateName, u32)>,
    /// Gates that may let someone pass now.
    opened: BTreeSet<GateName>,
}

impl Gates {
    /// Sets a gate's limit; a gate that was never set lets nobody pass (a missing pool).
    pub fn set_limit(&mut self, name: GateName, limit: Option<i64>) {
        let gate = self.gates.entry(name.clone()).or_insert_with(Gate::closed);
        let before = gate.free();
        gate.limit = limit;
        if gate.free() > before && gate.is_waited_for() {
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
            if by < 0 && gate.is_waited_for() {
                self.opened.insert(name.clone());
            }
        } else {
            self.gates.insert(name.clone(), Gate { used: by, ..Gate::closed() });
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
    pub fn leave(&mut self, ready: &Ready, parked_at: Option<&GateName>) {
        if self.ready.remove(ready) {
            self.give_back(ready);
        }
        if let Some(gate) = parked_at.and_then(|name| self.gates.get_mut(name)) {
            gate.parked.retain(|_, waiting| {
                waiting.remove(ready);
                !waiting.is_empty()
            });
        }
    }

    /// Waits at a closed gate.
    pub fn park(&mut self, ready: Ready, at: &GateName, needs: Needs) {
        let gate = self.gates.entry(at.clone()).or_insert_with(Gate::closed);
        gate.parked.entry(needs).or_default().insert(ready);
    }

    /// One that was taken from a queue is on its way no more. Whether it passed or not, that gate may have
    /// room for another.
    fn give_back(&mut self, ready: &Ready) {
        if let Some((name, wants)) = self.taken.remove(ready)
            && let Some(gate) = self.gates.get_mut(&name)
        {
            gate.promised -= i64::from(wants);
            if gate.spare() > 0 && gate.is_waited_for() {
                self.opened.insert(name);
            }
        }
    }

    /// The next one to try its gates: those parked at gates that opened compete with the rest.
    pub fn next(&mut self, mut unparked: impl FnMut(&Ready)) -> Option<Ready> {
        while let Some(name) = self.opened.pop_first() {
            let Some(gate) = self.gates.get_mut(&name) else { continue };
            self.opened.append(&mut gate.behind);
            let mut spare = gate.spare();
            while let Some((ready, wants)) = self.take_best(&name, spare) {
                spare -= i64::from(wants);
                if let Some(gate) = self.gates.get_mut(&name) {
                    gate.promised += i64::from(wants);
                }
                unparked(&ready);
                self.taken.insert(ready, (name.clone(), wants));
                self.ready.insert(ready);
            }
        }
        let next = self.ready.pop_first()?;
        self.give_back(&next);
        Some(next)
    }

    /// The best one parked at a gate with so much room that finds room at the shared gates too. The
    /// gate is looked at again when those open that the others need.
    fn take_best(&mut self, name: &GateName, free: i64) -> Option<(Ready, u32)> {
        let gate = self.gates.get(name)?;
        let (mut best, mut closed): (Option<(Ready, Needs)>, Vec<GateName>) = (None, Vec::new());
        for (needs, waiting) in gate.parked.iter().filter(|(needs, _)| i64::from(needs.of(name)) <= free) {
            match needs.shared().into_iter().find(|shared| shared != name && !self.fits(shared, needs.of(shared))) {
                Some(shared) => closed.push(shared),
                None => {
                    let first = waiting.first().filter(|first| best.as_ref().is_none_or(|(best, _)| *first < best));
                    best = first.map(|first| (*first, needs.clone())).or(best);
                }
            }
        }
        for shared in closed {
            self.gates.entry(shared).or_insert_with(Gate::closed).behind.insert(name.clone());
        }
        let (ready, needs) = best?;
        self.gates.get_mut(name)?.remove(&ready, &needs);
        Some((ready, needs.of(name)))
    }

    /// Whether [`Gates::next`] would give anything.
    pub fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.opened.is_empty()
    }

    /// Every gate whose use is not this one.
    pub fn differences(&self, uses: &BTreeMap<GateName, i64>) -> Vec<String> {
        let used = |name: &GateName| self.gates.get(name).map_or(0, |gate| gate.used);
        let known = self.gates.keys().filter(|name| !uses.contains_key(name)).map(|name| (name, 0));
        let all = uses.iter().map(|(name, use_)| (name, *use_)).chain(known);
        all.filter(|(name, use_)| used(name) != *use_)
            .map(|(name, use_)| format!("{name:?}: {} counted, {use_} in use", used(name)))
            .collect()
    }

    /// Every gate whose use is above its limit, or below zero.
    pub fn violations(&self) -> Vec<String> {
        // One of zero was open before: a pool that was deleted.
        let bad = |gate: &Gate| gate.used < 0 || gate.limit.is_some_and(|limit| limit > 0 && gate.used > limit);
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

    fn executor() -> GateName {
        GateName::Executor(ExecutorName::new("local").unwrap())
    }

    fn needs(slots: u32) -> Needs {
        Needs { executor: ExecutorName::new("local").unwrap(), pool: PoolName::default_pool(), slots }
    }

    fn gates(pool_limit: i64, executor_limit: i64) -> Gates {
        let mut gates = Gates::default();
        gates.set_limit(pool(), Some(pool_limit));
        gates.set_limit(executor(), Some(executor_limit));
        gates
    }

    #[test]
    fn the_best_parked_one_passes_first_and_a_smaller_one_passes_a_big_one() {
        let mut gates = gates(2, 9);
        gates.account(&pool(), 2);
        gates.park(ready(1, 1), &pool(), needs(1));
        gates.park(ready(9, 2), &pool(), needs(2));
        gates.park(ready(5, 3), &pool(), needs(1));
        gates.account(&pool(), -1);
        assert_eq!(gates.next(|_| {}), Some(ready(5, 3)));
        gates.account(&pool(), 1);
        assert_eq!(gates.next(|_| {}), None);
    }

    #[test]
    fn a_missing_gate_is_closed_until_it_is_set() {
        let mut gates = Gates::default();
        gates.set_limit(executor(), None);
        assert!(!gates.fits(&pool(), 1));
        gates.park(ready(1, 1), &pool(), needs(1));
        gates.set_limit(pool(), None);
        assert_eq!(gates.next(|_| {}), Some(ready(1, 1)));
    }

    /// Everyone who passes or parks, until nobody moves any more.
    fn settle(gates: &mut Gates) -> (usize, usize) {
        let (mut passed, mut parked) = (0, 0);
        while let Some(ready) = gates.next(|_| {}) {
            let names = [executor(), pool()];
            if let Some(closed) = names.iter().find(|name| !gates.fits(name, 1)) {
                gates.park(ready, closed, needs(1));
                parked += 1;
            } else {
                names.iter().for_each(|name| gates.account(name, 1));
                passed += 1;
            }
        }
        (passed, parked)
    }

    #[test]
    fn one_that_leaves_on_its_way_gives_its_room_to_the_next() {
        let mut gates = gates(1, 9);
        gates.account(&pool(), 1);
        gates.park(ready(5, 1), &pool(), needs(1));
        gates.park(ready(3, 2), &pool(), needs(1));
        gates.enter(ready(9, 3));
        gates.account(&pool(), -1);
        // 9 is first, 5 was taken from the queue with it, and goes before its turn.
        assert_eq!(gates.next(|_| {}), Some(ready(9, 3)));
        gates.leave(&ready(5, 1), None);
        assert_eq!(gates.next(|_| {}), Some(ready(3, 2)));
    }

    #[test]
    fn behind_two_full_gates_one_end_moves_one_instance_and_not_all() {
        let mut gates = gates(1, 1);
        (0..1_000).for_each(|run| gates.enter(ready(0, run)));
        assert_eq!(settle(&mut gates), (1, 999));
        // An executor's place goes to something else, and then the pool's and the executor's come back.
        for _ in 0..20 {
            gates.account(&pool(), -1);
            assert_eq!(settle(&mut gates), (0, 0), "the executor is full");
            gates.account(&executor(), -1);
            let (passed, parked) = settle(&mut gates);
            assert_eq!(passed, 1);
            assert!(parked <= 1, "{parked} moved in vain");
        }
    }

    #[test]
    fn as_many_are_taken_from_a_queue_as_there_is_room_for() {
        let mut gates = gates(10, 1_000);
        (0..1_000).for_each(|run| gates.enter(ready(0, run)));
        assert_eq!(settle(&mut gates), (10, 990));
        gates.account(&executor(), -10);
        gates.account(&pool(), -10);
        let (passed, parked) = settle(&mut gates);
        assert_eq!(passed, 10);
        assert!(parked <= 1, "{parked} moved in vain");
    }
}
