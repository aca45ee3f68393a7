//! The executor of the simulation: a place that outlives every daemon, as containers do.

use std::{collections::BTreeMap, time::Duration};

use updraft_model::{Adoption, AttemptHandle, AttemptId, Exit, HowEnded, Timestamp, Workload};

use crate::{dice::Dice, plot};

/// What becomes of an attempt, decided when it is created.
#[derive(Debug, Clone)]
pub(crate) struct Fate {
    pub starts_after: Duration,
    pub runs_for: Duration,
    pub how: HowEnded,
}

#[derive(Debug, Clone)]
pub(crate) enum Stage {
    Created,
    Running(Timestamp),
    Over(Box<Exit>),
}

#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub stage: Stage,
    pub terminating: bool,
    /// Its output has a key that no database takes.
    pub poisons: bool,
}

/// All attempts by id; released ones keep their name.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub attempts: BTreeMap<AttemptId, Attempt>,
    pub released: BTreeMap<AttemptId, ()>,
    pub unreachable: bool,
}

impl Place {
    /// Creates an attempt unless it, or its name, is there already. Its fate if it is new.
    pub fn create(&mut self, workload: Workload, dice: &mut Dice, calm: bool) -> Option<Fate> {
        let id = workload.attempt;
        if self.attempts.contains_key(&id) || self.released.contains_key(&id) {
            return None;
        }
        let how = match dice.below(100) {
            _ if calm && !workload.argv.last().is_some_and(|a| a.contains("fail")) => HowEnded::Exited { code: 0 },
            0..78 => HowEnded::Exited { code: 0 },
            78..90 => HowEnded::Exited { code: 1 },
            90..93 => HowEnded::Signaled { signal: 9 },
            93..95 => HowEnded::Exited { code: 99 },
            95..97 => HowEnded::CouldNotStart { error: "no such program".to_owned() },
            97..99 => HowEnded::PlaceLost { started: true, why: "the node burnt down".to_owned() },
            _ => HowEnded::PlaceLost { started: false, why: "the node was never there".to_owned() },
        };
        let poisons = !calm && dice.permille(15);
        let fate = Fate { starts_after: dice.millis(0, 300), runs_for: dice.millis(1, 40_000), how };
        let attempt = Attempt { stage: Stage::Created, terminating: false, poisons };
        self.attempts.insert(id, attempt);
        Some(fate)
    }

    pub fn adoptions(&self, known: &[AttemptHandle]) -> Vec<Adoption> {
        let of = |attempt: AttemptId| match self.attempts.get(&attempt).map(|a| &a.stage) {
            _ if self.unreachable => Adoption::Unreachable { attempt, why: "no route to host".to_owned() },
            None => Adoption::Absent { attempt },
            Some(Stage::Created) => Adoption::Running { attempt, started_at: None },
            Some(Stage::Running(at)) => Adoption::Running { attempt, started_at: Some(*at) },
            Some(Stage::Over(exit)) => Adoption::Finished { attempt, exit: exit.clone() },
        };
        let mut adoptions: Vec<Adoption> = known.iter().map(|handle| of(handle.attempt)).collect();
        if !self.unreachable {
            let others = self.attempts.keys().filter(|id| !known.iter().any(|h| h.attempt == **id));
            adoptions.extend(others.map(|id| Adoption::Orphan { attempt: *id }));
        }
        adoptions
    }

    pub fn exit(how: HowEnded, started_at: Option<Timestamp>, ended_at: Timestamp, poisons: bool) -> Box<Exit> {
        let outputs = poisons.then(|| (plot::POISON.to_owned(), serde_json::Value::Null)).into_iter().collect();
        Box::new(Exit { how, started_at, ended_at, outputs, last_line: Some("done".to_owned()), pid: None })
    }

    pub fn alive(&self) -> impl Iterator<Item = (&AttemptId, &Attempt)> {
        self.attempts.iter().filter(|(_, a)| matches!(a.stage, Stage::Created | Stage::Running(_)))
    }
}
