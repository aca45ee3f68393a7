//! Where a node may be lost, its tasks end without a daemon: in time, and only then.

mod support;

use std::{pin::pin, time::Duration};

use futures::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use support::{Daemon, processes_that_name};
use updraft_executor::{
    LaunchError,
    conformance::{Harness as _, Place},
};
use updraft_model::{Adoption, HowEnded};

async fn heartbeat(place: &Place<Daemon>) {
    assert_eq!(place.harness.remote.ask(json!({"op": "heard"})).await, Some(json!({"ok": true})));
}

#[tokio::test]
async fn a_task_is_over_before_its_node_counts_as_lost() {
    let lost_after = SignedDuration::from_secs(5);
    let mut place = Place::new(Daemon::start_with(&[("LOST_AFTER_MS", "5000")]).await);
    let before = Timestamp::now();
    heartbeat(&place).await;
    // It has to be killed, and so has what has left its group.
    let mut workload =
        place.script("trap '' TERM; (setsid sh -c 'trap \"\" TERM; sleep 600' &) ; echo ready; while :; do sleep 0.05; done");
    workload.termination_grace = SignedDuration::from_secs(600);
    place.launch(&workload).await;
    place.wait_for_line(&workload, " ready").await;
    place.stop().await;
    place.harness.wait_for_end(workload.attempt).await;
    assert_eq!(processes_that_name(std::path::Path::new(&format!("UPDRAFT_ATTEMPT_ID={}", workload.attempt))), []);
    place.restart().await;
    let found = place.reconcile(&[&workload]).await;
    let [Adoption::Finished { exit, .. }] = &found[..] else { panic!("{found:?}") };
    let why = "no daemon for 3s 250ms: ended, since its run may go on elsewhere (node_lost_after is 5s)";
    assert_eq!(exit.how, HowEnded::PlaceLost { started: true, why: why.to_owned() });
    let took = exit.ended_at.since(before.into());
    assert!(took < lost_after, "it was over after {took:#} only");
    assert_eq!(place.lines_with(&workload, why).await, 1);
}

#[tokio::test]
async fn a_task_goes_on_while_a_daemon_says_that_it_is_there() {
    let mut place = Place::new(Daemon::start_with(&[("LOST_AFTER_MS", "4000")]).await);
    heartbeat(&place).await;
    // Longer than without a heartbeat.
    let workload = place.script("sleep 5");
    place.launch(&workload).await;
    let remote = place.harness.remote.clone();
    let beats = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        while remote.ask(json!({"op": "heard"})).await.is_some() {
            ticks.tick().await;
        }
    };
    match select(pin!(place.end_of(workload.attempt)), pin!(beats)).await {
        Either::Left((exit, _)) => assert_eq!(exit.how, HowEnded::Exited { code: 0 }),
        Either::Right(_) => panic!("the daemon is gone"),
    }
}

#[tokio::test]
async fn a_node_that_was_not_heard_of_starts_nothing() {
    let mut place = Place::new(Daemon::start_with(&[("LOST_AFTER_MS", "60000")]).await);
    let workload = place.script("true");
    let launched = place.harness.executor().launch(workload.clone(), Duration::MAX).await;
    assert_eq!(launched, Err(LaunchError::Unavailable("this node could not say lately that it is there".to_owned())));
    heartbeat(&place).await;
    assert_eq!(place.run(&workload).await.how, HowEnded::Exited { code: 0 });
}
