//! Working off what is dirty, within the limits of a plan, so that a large run keeps no other waiting.

use std::{collections::VecDeque, time::Duration};

use updraft_model::RunKey;

use crate::{
    graph::Node,
    scheduler::{Config, Cx, Scheduler},
};

/// So many instances of a run are evaluated, or written, before it is another run's turn.
pub(crate) const TURN: usize = 64;
/// While attempts are alive a plan has at most one part in so many of the rows it may have: their ends, and
/// what follows from them, wait for the commit that is under way. How many exactly, the store's speed says.
const SHARE_WITH_OTHERS: usize = 4;
/// ... but this many always: below that a commit costs the same, however small.
const LEAST_ROWS: usize = 50;
/// With attempts alive no commit should take longer: their ends may have to wait for it.
const LONG: Duration = Duration::from_millis(12);

/// The runs that have dirty instances, each once, and how much of the first one's turn is over.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    runs: VecDeque<RunKey>,
    taken: usize,
}

impl Turns {
    pub(crate) fn push(&mut self, run: RunKey) {
        self.runs.push_back(run);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}

/// What a plan may have with attempts alive, if the store is fast.
pub(crate) fn most_rows_with_others(config: &Config) -> usize {
    (config.plan_rows / SHARE_WITH_OTHERS).max(1)
}

impl Scheduler {
    /// About how many rows this plan may write.
    pub(crate) fn rows_of_plan(&self) -> usize {
        match self.live_attempts() {
            0 => self.config.plan_rows,
            _ => self.rows_with_others,
        }
    }

    /// Hears how long the commit of a plan's rows took, so that the next ones have as many as the store
    /// takes in good time.
    pub fn committed(&mut self, rows: usize, took: Duration) {
        // What was hardly full says nothing about one that is.
        if self.live_attempts() == 0 || rows < self.rows_with_others / 2 {
            return;
        }
        let most = most_rows_with_others(&self.config);
        // As long as one of so many rows would have taken, if it had more.
        let share = self.rows_with_others as f64 / rows.max(self.rows_with_others) as f64;
        let slowness = (took.as_secs_f64() * share / LONG.as_secs_f64()).clamp(0.8, 2.0);
        self.rows_with_others = ((self.rows_with_others as f64 / slowness) as usize).clamp(LEAST_ROWS.min(most), most);
    }

    /// Works until nothing is dirty, or the plan is full.
    pub(crate) fn settle(&mut self, cx: &mut Cx<'_>) {
        while let Some(timer) = self.timers.due(cx.now) {
            self.timer_due(timer);
        }
        let budget = self.rows_of_plan();
        let mut work = 0;
        while work < budget {
            work += 1;
            if let Some((run, node)) = self.next_dirty() {
                self.evaluate(cx, run, node);
            } else {
                match self.beyond_instances(cx) {
                    Some(rows) => work += rows,
                    None => return,
                }
            }
        }
        // What is ready in other runs does not wait until a large one is all evaluated.
        let mut passed = 0;
        while !self.turns.is_empty() && passed < budget {
            match self.beyond_instances(cx) {
                Some(rows) => passed += 1 + rows,
                None => return,
            }
        }
    }

    /// The next step that is not an instance's evaluation: how many rows it made beside its own, or `None`
    /// if there is none.
    fn beyond_instances(&mut self, cx: &mut Cx<'_>) -> Option<usize> {
        if let Some(run) = self.dirty_runs.pop_first() {
            self.check_run(cx, run);
            Some(0)
        } else if let Some(dag) = self.dirty_dags.pop_first() {
            Some(self.advance_dag(cx, &dag))
        } else {
            self.pass_gate(cx).then_some(0)
        }
    }

    /// The next instance to be evaluated: of each run some, in turn.
    fn next_dirty(&mut self) -> Option<(RunKey, Node)> {
        loop {
            let key = *self.turns.runs.front()?;
            let dirty = self.runs.get_mut(&key).map(|run| &mut run.dirty);
            let next = dirty.and_then(|dirty| Some((dirty.pop_front()?, dirty.is_empty())));
            self.turns.taken += 1;
            if next.is_none_or(|(_, was_last)| was_last || self.turns.taken >= TURN) {
                self.turns.runs.pop_front();
                self.turns.taken = 0;
            }
            let Some((node, was_last)) = next else { continue };
            if !was_last && self.turns.taken == 0 {
                self.turns.runs.push_back(key);
            }
            return Some((key, node));
        }
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.turns.is_empty() && self.dirty_runs.is_empty() && self.dirty_dags.is_empty() && self.gates.is_idle()
    }
}
