//! The suite that every [`Executor`] passes, so that the engine need not know which one it has.
//!
//! An implementation's tests provide a [`Harness`] and use
//! [`conformance_tests!`](crate::conformance_tests). Nothing here sleeps: what did *not* happen is
//! shown by something later that did.
//!
//! The workloads are `sh` scripts; an executor of containers adds its image in [`Harness::workload`].

#![allow(clippy::expect_used, reason = "it is test code that other crates call: what fails must panic")]

mod ends;
mod harness;
mod restarts;

pub use ends::*;
pub use harness::{Harness, Place};
pub use restarts::*;

/// Makes one `#[tokio::test]` per rule, each with a fresh harness from the given async expression.
#[macro_export]
macro_rules! conformance_tests {
    ($harness:expr) => {
        $crate::conformance_tests! { @each $harness;
            a_program_runs_and_its_end_is_told
            the_environment_names_the_attempt
            outputs_come_back_with_the_end
            bad_outputs_are_a_failure
            an_exit_code_and_a_signal_are_told_apart
            a_missing_program_is_said
            standard_input_is_given_and_closed
            a_second_launch_finds_the_first
            a_timeout_ends_it
            terminating_is_polite_first
            terminating_is_firm_in_the_end
            terminating_what_is_over_or_unknown_is_no_error
            many_at_once_all_end
            wrong_workloads_are_rejected
            what_comes_too_late_is_not_started
            a_restarted_daemon_adopts_what_runs
            an_end_while_no_daemon_ran_is_found
            an_end_is_told_again_until_it_is_released
            what_was_never_launched_is_absent
            a_released_name_stays_reserved
            what_nobody_asked_about_is_an_orphan
            an_adopted_attempt_can_be_terminated
        }
    };
    (@each $harness:expr; $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let mut place = $crate::conformance::Place::new($harness.await);
                $crate::conformance::$name(&mut place).await;
            }
        )*
    };
}
