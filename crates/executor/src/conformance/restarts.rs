//! Rules for what outlives a daemon: adoption, ends told again, release, orphans.

use jiff::SignedDuration;
use updraft_model::{Adoption, HowEnded};

use super::harness::{Harness, Place, exited};

/// A program that waits for a file to appear in its temporary folder would need a shared disk; one
/// that waits for a while needs none.
const A_WHILE: &str = "sleep 1; echo done; exit 5";

/// What ran goes on running, and the new daemon hears its end.
pub async fn a_restarted_daemon_adopts_what_runs(place: &mut Place<impl Harness>) {
    let workload = place.script(A_WHILE);
    place.launch(&workload).await;
    place.start_of(workload.attempt).await;
    place.restart().await;
    match &place.reconcile(&[&workload]).await[..] {
        [Adoption::Running { attempt, started_at: Some(_) }] => assert_eq!(*attempt, workload.attempt),
        other => panic!("{other:?} instead of Running"),
    }
    assert_eq!(place.end_of(workload.attempt).await.how, exited(5));
    assert_eq!(place.lines_with(&workload, " done").await, 1);
}

/// Nobody was there to hear it; it waits.
pub async fn an_end_while_no_daemon_ran_is_found(place: &mut Place<impl Harness>) {
    let workload = place.script(A_WHILE);
    place.launch(&workload).await;
    place.start_of(workload.attempt).await;
    place.stop().await;
    place.harness.wait_for_end(workload.attempt).await;
    place.restart().await;
    match &place.reconcile(&[&workload]).await[..] {
        [Adoption::Finished { attempt, exit }] => {
            assert_eq!((*attempt, &exit.how), (workload.attempt, &exited(5)));
            assert_eq!(exit.last_line.as_deref(), Some("done"));
        }
        other => panic!("{other:?} instead of Finished"),
    }
}

/// An end that was heard but not made durable is not lost with the daemon that heard it.
pub async fn an_end_is_told_again_until_it_is_released(place: &mut Place<impl Harness>) {
    let workload = place.script("echo k=v > $UPDRAFT_OUTPUT; echo hello");
    let first = place.run(&workload).await;
    for _ in 0..2 {
        place.restart().await;
        match &place.reconcile(&[&workload]).await[..] {
            [Adoption::Finished { exit, .. }] => assert_eq!(**exit, first),
            other => panic!("{other:?} instead of Finished"),
        }
    }
    place.harness.executor().release(workload.attempt).await;
    assert_eq!(place.lines_with(&workload, " hello").await, 1, "the log outlives the release");
    place.restart().await;
    assert_eq!(place.reconcile(&[]).await, []);
}

/// A commit whose launch never happened: proven absent, and launched then.
pub async fn what_was_never_launched_is_absent(place: &mut Place<impl Harness>) {
    let workload = place.script("exit 4");
    assert_eq!(place.reconcile(&[&workload]).await, [Adoption::Absent { attempt: workload.attempt }]);
    assert_eq!(place.run(&workload).await.how, exited(4));
}

/// A launch that a superseded leader sends late finds the name taken.
pub async fn a_released_name_stays_reserved(place: &mut Place<impl Harness>) {
    let workload = place.script("echo ran");
    place.run(&workload).await;
    place.harness.executor().release(workload.attempt).await;
    place.launch(&workload).await;
    place.restart().await;
    place.reconcile(&[]).await;
    place.launch(&workload).await;
    // One launched afterwards is over: so would be a second start.
    let later = place.script("sleep 0.3");
    place.run(&later).await;
    assert_eq!(place.lines_with(&workload, " ran").await, 1);
}

/// It can be terminated and released like any other, and is then gone.
pub async fn what_nobody_asked_about_is_an_orphan(place: &mut Place<impl Harness>) {
    let (orphan, known) = (place.script("sleep 600"), place.script("sleep 600"));
    place.launch(&orphan).await;
    place.launch(&known).await;
    place.start_of(orphan.attempt).await;
    place.start_of(known.attempt).await;
    place.restart().await;
    let adoptions = place.reconcile(&[&known]).await;
    assert!(adoptions.contains(&Adoption::Orphan { attempt: orphan.attempt }), "{adoptions:?}");
    assert!(
        matches!(adoptions.iter().find(|a| matches!(a, Adoption::Running { .. })), Some(Adoption::Running { attempt, .. }) if *attempt == known.attempt)
    );
    assert_eq!(adoptions.len(), 2, "{adoptions:?}");
    for workload in [&orphan, &known] {
        place.harness.executor().terminate(workload.attempt, SignedDuration::from_secs(20)).await.expect("terminate");
        assert_eq!(place.end_of(workload.attempt).await.how, HowEnded::Terminated);
        place.harness.executor().release(workload.attempt).await;
    }
    assert_eq!(place.reconcile(&[]).await, []);
}

/// By a daemon that did not launch it.
pub async fn an_adopted_attempt_can_be_terminated(place: &mut Place<impl Harness>) {
    let workload = place.script("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done");
    place.launch(&workload).await;
    place.wait_for_line(&workload, " ready").await;
    place.restart().await;
    assert_eq!(place.reconcile(&[&workload]).await.len(), 1);
    place.harness.executor().terminate(workload.attempt, SignedDuration::from_secs(50)).await.expect("terminate");
    assert_eq!(place.end_of(workload.attempt).await.how, HowEnded::Terminated);
    assert_eq!(place.lines_with(&workload, " bye").await, 1);
}
