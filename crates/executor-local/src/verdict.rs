//! What the facts about an attempt mean. Pure: no file, no clock.

use updraft_model::{Exit, Timestamp};

use crate::place::{Evidence, Started, Unreadable};

/// What is known of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// Nothing of it is or was here.
    Absent,
    /// A folder, but its program certainly never started, and now never will.
    NeverStarted,
    /// Its supervisor lives.
    Running { started_at: Option<Timestamp> },
    /// It wrote its end.
    Finished(Box<Exit>),
    /// Its supervisor is gone without a word, and its program may have started.
    Lost { why: String, started_at: Option<Timestamp> },
    /// It is over, but only another release can read how.
    Foreign { why: String },
}

/// Judges an attempt of this node.
///
/// `rebooted`: the machine was restarted since this home was last reconciled, so files written in
/// the last seconds before may be missing. Their absence then proves nothing.
pub(crate) fn judge(evidence: &Evidence, rebooted: bool) -> Verdict {
    const UNKNOWN: &str = "the machine restarted, and whether it had started before is not known";
    match evidence {
        Evidence::NoPlace if rebooted => lost(UNKNOWN, &None),
        Evidence::NoPlace => Verdict::Absent,
        // The end counts even while the supervisor is still about to exit.
        Evidence::Place { exit: Some(Ok(exit)), .. } => Verdict::Finished(exit.clone()),
        Evidence::Place { exit: Some(Err(why @ Unreadable::Format(_))), .. } => Verdict::Foreign { why: why.to_string() },
        Evidence::Place { exit: Some(Err(why @ Unreadable::Damaged(_))), started, .. } => lost(&why.to_string(), started),
        Evidence::Place { held: true, started, .. } => Verdict::Running { started_at: since(started) },
        Evidence::Place { held: false, started: started @ Some(_), .. } if rebooted => lost("the machine restarted while it ran", started),
        Evidence::Place { held: false, started: started @ Some(_), .. } => lost("its supervisor died while it ran", started),
        Evidence::Place { held: false, started: None, .. } if rebooted => lost(UNKNOWN, &None),
        Evidence::Place { held: false, started: None, .. } => Verdict::NeverStarted,
    }
}

fn lost(why: &str, started: &Option<Option<Started>>) -> Verdict {
    Verdict::Lost { why: why.to_owned(), started_at: since(started) }
}

fn since(started: &Option<Option<Started>>) -> Option<Timestamp> {
    started.as_ref().and_then(Option::as_ref).map(|s| s.at)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use updraft_model::HowEnded;

    use super::*;

    #[test]
    fn every_combination_of_facts_has_its_meaning() {
        let at = Timestamp::from_micros(1);
        let exit = || {
            let how = HowEnded::Exited { code: 0 };
            Box::new(Exit { how, started_at: None, ended_at: at, outputs: Default::default(), last_line: None, pid: None })
        };
        let whole = Started { at, supervisor: 1, supervisor_start: 2 };
        let mut table = String::new();
        for rebooted in [false, true] {
            for evidence in [
                Evidence::NoPlace,
                Evidence::Place { held: true, started: None, exit: None },
                Evidence::Place { held: true, started: Some(Some(whole.clone())), exit: None },
                Evidence::Place { held: true, started: Some(None), exit: Some(Ok(exit())) },
                Evidence::Place { held: false, started: None, exit: None },
                Evidence::Place { held: false, started: Some(None), exit: None },
                Evidence::Place { held: false, started: Some(Some(whole.clone())), exit: None },
                Evidence::Place { held: false, started: None, exit: Some(Ok(exit())) },
                Evidence::Place { held: false, started: None, exit: Some(Err(Unreadable::Damaged("EOF".into()))) },
                Evidence::Place { held: false, started: None, exit: Some(Err(Unreadable::Format(9))) },
            ] {
                let facts = match &evidence {
                    Evidence::NoPlace => "no folder".to_owned(),
                    Evidence::Place { held, started, exit } => {
                        let started = match started {
                            None => "no",
                            Some(None) => "cut short",
                            Some(Some(_)) => "yes",
                        };
                        format!("held {held}, started {started}, exit {}", exit.is_some())
                    }
                };
                let verdict = match judge(&evidence, rebooted) {
                    Verdict::Finished(_) => "Finished".to_owned(),
                    other => format!("{other:?}"),
                };
                writeln!(table, "rebooted {rebooted}: {facts} -> {verdict}").unwrap();
            }
        }
        insta::assert_snapshot!(table);
    }
}
