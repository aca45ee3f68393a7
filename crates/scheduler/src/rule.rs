//! Trigger rules, decided from counts of upstream states.
//!
//! The rules are those of Airflow 3.3's `TriggerRuleDep`, its early decisions included
//! (`ti_deps/deps/trigger_rule_dep.py`).

use updraft_model::{TaskState, TriggerRule};

/// How many direct upstream task instances are in which final state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub success: u32,
    pub failed: u32,
    pub skipped: u32,
    pub upstream_failed: u32,
    pub removed: u32,
    /// Setup tasks among `success` and `skipped`.
    pub setup_success: u32,
    pub setup_skipped: u32,
}

impl Counts {
    /// Counts one more upstream in `state` (or one less with `-1`); not final ones are not counted.
    pub fn add(&mut self, state: TaskState, is_setup: bool, by: i32) {
        let count = match state {
            TaskState::Success => &mut self.success,
            TaskState::Failed => &mut self.failed,
            TaskState::Skipped => &mut self.skipped,
            TaskState::UpstreamFailed => &mut self.upstream_failed,
            TaskState::Removed => &mut self.removed,
            TaskState::NoStatus
            | TaskState::Scheduled
            | TaskState::Queued
            | TaskState::Running
            | TaskState::UpForRetry
            | TaskState::UpForReschedule
            | TaskState::Deferred
            | TaskState::AwaitingInput
            | TaskState::Restarting => return,
        };
        *count = count.saturating_add_signed(by);
        match state {
            TaskState::Success if is_setup => self.setup_success = self.setup_success.saturating_add_signed(by),
            TaskState::Skipped if is_setup => self.setup_skipped = self.setup_skipped.saturating_add_signed(by),
            _ => {}
        }
    }

    fn done(&self) -> u32 {
        self.success + self.failed + self.skipped + self.upstream_failed + self.removed
    }
}

/// What a trigger rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Not decided yet.
    Wait,
    /// It may run.
    Run,
    /// It is skipped.
    Skip,
    /// It can't run since something upstream failed.
    UpstreamFail,
}

/// Decides `rule` for a task with `upstreams` direct upstreams, `setups` of them setup tasks.
pub(crate) fn decide(rule: TriggerRule, counts: &Counts, upstreams: u32, setups: u32) -> Decision {
    use Decision::{Run, Skip, UpstreamFail, Wait};
    let Counts { success, failed, skipped, upstream_failed, removed, setup_success, setup_skipped } = *counts;
    let broken = failed + upstream_failed;
    let done = counts.done() >= upstreams;
    // A task without upstreams runs whatever its rule; `always` runs beside running upstreams.
    if upstreams == 0 || rule == TriggerRule::Always {
        return Run;
    }
    let when_done = |decision| if done { decision } else { Wait };
    match rule {
        TriggerRule::Always => Run,
        TriggerRule::AllSuccess if broken > 0 => UpstreamFail,
        TriggerRule::AllSuccess if skipped > 0 => Skip,
        TriggerRule::AllSuccess => when_done(Run),
        TriggerRule::AllFailed if success > 0 || skipped > 0 => Skip,
        TriggerRule::AllFailed => when_done(Run),
        TriggerRule::AllDone => when_done(Run),
        TriggerRule::AllDoneMinOneSuccess if skipped > 0 => Skip,
        TriggerRule::AllDoneMinOneSuccess => when_done(if success > 0 { Run } else { UpstreamFail }),
        TriggerRule::AllDoneSetupSuccess if setups > 0 && setup_skipped >= setups => when_done(Skip),
        TriggerRule::AllDoneSetupSuccess if setups > 0 && setup_success == 0 => when_done(UpstreamFail),
        TriggerRule::AllDoneSetupSuccess => when_done(Run),
        TriggerRule::AllSkipped if success > 0 || broken > 0 => Skip,
        TriggerRule::AllSkipped => when_done(Run),
        TriggerRule::OneSuccess if success > 0 => Run,
        TriggerRule::OneSuccess => when_done(if skipped + removed >= upstreams { Skip } else { UpstreamFail }),
        TriggerRule::OneFailed if broken > 0 => Run,
        TriggerRule::OneFailed => when_done(Skip),
        // Only success and failed count, as in Airflow: neither skipped nor upstream_failed.
        TriggerRule::OneDone if success + failed > 0 => Run,
        TriggerRule::OneDone => when_done(Skip),
        TriggerRule::NoneFailed if broken > 0 => UpstreamFail,
        TriggerRule::NoneFailed => when_done(Run),
        TriggerRule::NoneFailedMinOneSuccess if broken > 0 => UpstreamFail,
        TriggerRule::NoneFailedMinOneSuccess => when_done(if skipped >= upstreams {
            Skip
        } else if success + removed > 0 {
            Run
        } else {
            UpstreamFail
        }),
        TriggerRule::NoneSkipped if skipped > 0 => Skip,
        TriggerRule::NoneSkipped => when_done(Run),
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision::*, *};
    use TriggerRule as R;

    fn counts(text: &str) -> Counts {
        let mut counts = Counts::default();
        for letter in text.chars() {
            let state = match letter {
                's' => TaskState::Success,
                'f' => TaskState::Failed,
                'k' => TaskState::Skipped,
                'u' => TaskState::UpstreamFailed,
                'r' => TaskState::Removed,
                _ => TaskState::Running,
            };
            counts.add(state, false, 1);
        }
        counts
    }

    /// Upstream states (s success, f failed, k skipped, u upstream_failed, r removed, . running) and what the rule says.
    #[test]
    fn the_rules_of_airflow() {
        let table: &[(R, &[(&str, Decision)])] = &[
            (
                R::AllSuccess,
                &[("ss", Run), ("s.", Wait), ("f.", UpstreamFail), ("k.", Skip), ("kf", UpstreamFail), ("sr", Run), ("u.", UpstreamFail)],
            ),
            (R::AllFailed, &[("ff", Run), ("fu", Run), ("f.", Wait), ("s.", Skip), ("k.", Skip), ("fr", Run)]),
            (R::AllDone, &[("fk", Run), ("f.", Wait), ("ur", Run)]),
            (R::AllDoneMinOneSuccess, &[("sf", Run), ("ff", UpstreamFail), ("s.", Wait), ("k.", Skip)]),
            (R::AllSkipped, &[("kk", Run), ("k.", Wait), ("s.", Skip), ("f.", Skip), ("u.", Skip)]),
            (R::OneSuccess, &[("s.", Run), ("f.", Wait), ("kk", Skip), ("kf", UpstreamFail), ("ff", UpstreamFail)]),
            (R::OneFailed, &[("f.", Run), ("u.", Run), ("s.", Wait), ("ss", Skip), ("sk", Skip)]),
            (R::OneDone, &[("s.", Run), ("f.", Run), ("k.", Wait), ("kk", Skip), ("uu", Skip)]),
            (R::NoneFailed, &[("sk", Run), ("kk", Run), ("f.", UpstreamFail), ("s.", Wait)]),
            (R::NoneFailedMinOneSuccess, &[("sk", Run), ("kk", Skip), ("f.", UpstreamFail), ("k.", Wait)]),
            (R::NoneSkipped, &[("sf", Run), ("k.", Skip), ("s.", Wait), ("uf", Run)]),
            (R::Always, &[("..", Run), ("f.", Run)]),
        ];
        for (rule, cases) in table {
            for (states, expected) in *cases {
                let got = decide(*rule, &counts(states), states.len() as u32, 0);
                assert_eq!(got, *expected, "{rule:?} with {states}");
            }
        }
    }

    #[test]
    fn no_upstream_means_run() {
        for rule in R::ALL {
            assert_eq!(decide(rule, &Counts::default(), 0, 0), Run, "{rule:?}");
        }
    }

    #[test]
    fn teardown_needs_a_successful_setup() {
        let mut c = counts("f");
        c.add(TaskState::Success, true, 1);
        assert_eq!(decide(R::AllDoneSetupSuccess, &c, 2, 1), Run);
        let mut c = counts("s");
        c.add(TaskState::Failed, true, 1);
        assert_eq!(decide(R::AllDoneSetupSuccess, &c, 2, 1), UpstreamFail);
        let mut c = counts("k");
        c.add(TaskState::Skipped, true, 1);
        assert_eq!(decide(R::AllDoneSetupSuccess, &c, 2, 1), Skip);
    }
}
