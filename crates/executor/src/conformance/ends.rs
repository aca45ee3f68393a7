//! Rules for one daemon: launching, ends, outputs, timeouts, terminating.

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use updraft_model::{Adoption, AttemptId, HowEnded, XCOM_LIMIT};
use uuid::Uuid;

use super::harness::{Harness, Place, exited};
use crate::LaunchError;

/// Exit code, times, process and last line come with the end; the output is in the log.
pub async fn a_program_runs_and_its_end_is_told(place: &mut Place<impl Harness>) {
    let workload = place.script("echo one; echo 'two  ' >&2");
    let exit = place.run(&workload).await;
    assert_eq!(exit.how, exited(0));
    assert_eq!(exit.last_line.as_deref(), Some("two"));
    assert!(exit.started_at.is_some_and(|started| started <= exit.ended_at));
    assert_eq!((place.lines_with(&workload, " one").await, place.lines_with(&workload, " two  ").await), (1, 1));
}

/// The names of design section 7, and what the workload adds.
pub async fn the_environment_names_the_attempt(place: &mut Place<impl Harness>) {
    let names = ["DAG_ID", "RUN_ID", "TASK_ID", "MAP_INDEX", "TRY_NUMBER", "ATTEMPT_ID"];
    let print: Vec<String> = names.iter().map(|name| format!("${{UPDRAFT_{name}}}")).collect();
    let mut workload = place.script(&format!("test -d \"$TMPDIR\" && echo \"{} $EXTRA\"", print.join(" ")));
    workload.env.insert("EXTRA".to_owned(), "given".to_owned());
    let exit = place.run(&workload).await;
    let labels = &workload.labels;
    let expected = format!("conformance {} {} -1 1 {} given", labels.run_id, labels.task_id, workload.attempt);
    assert_eq!(exit.last_line, Some(expected), "{exit:?}");
}

/// `key=text` and `key:=json`; the last of a key counts.
pub async fn outputs_come_back_with_the_end(place: &mut Place<impl Harness>) {
    let workload =
        place.script("echo a=1 >> $UPDRAFT_OUTPUT; echo 'b:=[1, {\"c\": null}]' >> $UPDRAFT_OUTPUT; echo a=2 >> $UPDRAFT_OUTPUT");
    let exit = place.run(&workload).await;
    assert_eq!(exit.how, exited(0));
    let expected = BTreeMap::from([("a".to_owned(), serde_json::json!("2")), ("b".to_owned(), serde_json::json!([1, {"c": null}]))]);
    assert_eq!(exit.outputs, expected);
}

/// A failure whatever the exit code, and it says what is wrong.
pub async fn bad_outputs_are_a_failure(place: &mut Place<impl Harness>) {
    let not_json = place.script("echo 'x:={' > $UPDRAFT_OUTPUT");
    let too_long = place.script(&format!("(printf big=; head -c {XCOM_LIMIT} /dev/zero | tr '\\0' x) > $UPDRAFT_OUTPUT"));
    for (workload, word) in [(not_json, "line 1"), (too_long, "65536")] {
        match place.run(&workload).await.how {
            HowEnded::BadOutput { error } => assert!(error.contains(word), "{error}"),
            other => panic!("{other:?} instead of BadOutput"),
        }
    }
}

/// A program that kills itself was not killed by us.
pub async fn an_exit_code_and_a_signal_are_told_apart(place: &mut Place<impl Harness>) {
    let workload = place.script("exit 7");
    assert_eq!(place.run(&workload).await.how, exited(7));
    let workload = place.script("kill -9 $$");
    assert_eq!(place.run(&workload).await.how, HowEnded::Signaled { signal: 9 });
}

/// An end like any other, in words, without a start.
pub async fn a_missing_program_is_said(place: &mut Place<impl Harness>) {
    let mut workload = place.script("");
    workload.argv = vec!["no-such-program-anywhere".to_owned()];
    let exit = place.run(&workload).await;
    match &exit.how {
        HowEnded::CouldNotStart { error } => assert!(error.contains("no-such-program-anywhere"), "{error}"),
        other => panic!("{other:?} instead of CouldNotStart"),
    }
    assert_eq!((exit.started_at, exit.pid), (None, None));
}

/// All of it, also when it is longer than a pipe holds; and then the end of the file.
pub async fn standard_input_is_given_and_closed(place: &mut Place<impl Harness>) {
    let mut workload = place.script("wc -c | tr -d ' '");
    workload.stdin = Some("x".repeat(300_000));
    assert_eq!(place.run(&workload).await.last_line.as_deref(), Some("300000"));
}

/// Launching is idempotent on the attempt id: while it runs and when it is over.
pub async fn a_second_launch_finds_the_first(place: &mut Place<impl Harness>) {
    let workload = place.script("echo ran; sleep 0.2");
    place.launch(&workload).await;
    place.launch(&workload).await;
    assert_eq!(place.end_of(workload.attempt).await.how, exited(0));
    place.launch(&workload).await;
    // One that was launched later has ended: so would have a second start of the first.
    let later = place.script("sleep 0.3");
    place.run(&later).await;
    assert_eq!(place.lines_with(&workload, " ran").await, 1);
}

/// `execution_timeout` is the executor's to enforce.
pub async fn a_timeout_ends_it(place: &mut Place<impl Harness>) {
    let mut workload = place.script("echo begun; sleep 600");
    workload.execution_timeout = Some(SignedDuration::from_millis(300));
    let exit = place.run(&workload).await;
    assert_eq!(exit.how, HowEnded::TimedOut);
    assert_eq!(place.lines_with(&workload, " begun").await, 1);
}

/// SIGTERM comes first, and what the program does then still counts for the log.
pub async fn terminating_is_polite_first(place: &mut Place<impl Harness>) {
    let workload = place.script("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done");
    place.launch(&workload).await;
    place.wait_for_line(&workload, " ready").await;
    let asked = place.harness.executor().terminate(workload.attempt, SignedDuration::from_secs(50)).await;
    assert_eq!(asked, Ok(()));
    assert_eq!(place.end_of(workload.attempt).await.how, HowEnded::Terminated);
    assert_eq!(place.lines_with(&workload, " bye").await, 1);
}

/// SIGKILL comes after the grace.
pub async fn terminating_is_firm_in_the_end(place: &mut Place<impl Harness>) {
    let workload = place.script("trap '' TERM; echo ready; while :; do sleep 0.05; done");
    place.launch(&workload).await;
    place.wait_for_line(&workload, " ready").await;
    let asked = place.harness.executor().terminate(workload.attempt, SignedDuration::from_millis(200)).await;
    assert_eq!(asked, Ok(()));
    assert_eq!(place.end_of(workload.attempt).await.how, HowEnded::Terminated);
}

/// Kills may come late, and twice.
pub async fn terminating_what_is_over_or_unknown_is_no_error(place: &mut Place<impl Harness>) {
    let grace = SignedDuration::from_secs(1);
    let workload = place.script("exit 3");
    let exit = place.run(&workload).await;
    assert_eq!(place.harness.executor().terminate(workload.attempt, grace).await, Ok(()));
    assert_eq!(exit.how, exited(3));
    let unknown = AttemptId(Uuid::from_u128(1));
    assert_eq!(place.harness.executor().terminate(unknown, grace).await, Ok(()));
}

/// No end is lost or mixed up when many come together.
pub async fn many_at_once_all_end(place: &mut Place<impl Harness>) {
    let workloads: Vec<_> = (0..20).map(|code| place.script(&format!("exit {code}"))).collect();
    let launched = futures::future::join_all(workloads.iter().map(|w| place.harness.executor().launch(w.clone(), Duration::MAX))).await;
    assert!(launched.iter().all(Result::is_ok), "{launched:?}");
    for (code, workload) in (0..).zip(&workloads) {
        assert_eq!(place.end_of(workload.attempt).await.how, exited(code));
    }
}

/// What can never work is refused at once, and leaves nothing behind.
pub async fn wrong_workloads_are_rejected(place: &mut Place<impl Harness>) {
    let mut workload = place.script("");
    workload.argv = Vec::new();
    let launched = place.harness.executor().launch(workload.clone(), Duration::MAX).await;
    assert!(matches!(launched, Err(LaunchError::Rejected(_))), "{launched:?}");
    assert_eq!(place.reconcile(&[]).await, []);
}

/// A launch that comes too late starts nothing, and leaves nothing behind.
pub async fn what_comes_too_late_is_not_started(place: &mut Place<impl Harness>) {
    let workload = place.script("true");
    let launched = place.harness.executor().launch(workload.clone(), Duration::ZERO).await;
    assert!(matches!(launched, Err(LaunchError::Unavailable(_))), "{launched:?}");
    assert_eq!(place.reconcile(&[&workload]).await, [Adoption::Absent { attempt: workload.attempt }]);
    // In time it is.
    assert_eq!(place.run(&workload).await.how, exited(0));
}
