//! SIGKILL for the daemon, the nursery and supervisors, together and at every step.

mod support;

use std::{collections::BTreeMap, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use support::{Daemon, processes_that_name};
use updraft_executor::{
    Executor as _, LaunchError, boot_clock,
    conformance::{Harness as _, Place},
};
use updraft_model::{Adoption, AttemptId, ExecutorEvent, HowEnded, Workload};

/// A program with children in groups and sessions of their own, all of which would live for long.
const FAMILY: &str = "setsid sleep 600 & (setsid sh -c 'sleep 600 & sleep 600' &) ; sleep 600 & echo ready; sleep 600";

async fn running(place: &mut Place<Daemon>, script: &str) -> Workload {
    let workload = place.script(script);
    place.launch(&workload).await;
    place.wait_for_line(&workload, " ready").await;
    workload
}

/// Processes of one attempt that are alive.
fn of_attempt(attempt: AttemptId) -> Vec<Pid> {
    let name = format!("UPDRAFT_ATTEMPT_ID={attempt}");
    processes_that_name(std::path::Path::new(&name))
}

fn assert_lost(how: &HowEnded, expected: bool) {
    assert!(matches!(how, HowEnded::PlaceLost { started, .. } if *started == expected), "{how:?}");
}

#[tokio::test]
async fn an_end_is_read_once_after_the_daemon_was_killed() {
    let mut place = Place::new(Daemon::start().await);
    let workload = running(&mut place, "echo ready; sleep 0.5; exit 3").await;
    place.restart().await;
    assert!(matches!(place.reconcile(&[&workload]).await[..], [Adoption::Running { .. }]));
    assert_eq!(place.end_of(workload.attempt).await.how, HowEnded::Exited { code: 3 });
    place.harness.executor().release(workload.attempt).await;
    // A later attempt's end comes, and no second one of the first before it.
    let later = place.script("true");
    place.launch(&later).await;
    loop {
        match place.harness.next_event().await {
            ExecutorEvent::Ended { attempt, .. } if attempt == later.attempt => break,
            event => assert_eq!(event.attempt(), later.attempt, "{event:?}"),
        }
    }
}

#[tokio::test]
async fn a_killed_supervisor_takes_its_task_along_and_is_said() {
    let mut place = Place::new(Daemon::start().await);
    let workload = running(&mut place, FAMILY).await;
    kill(place.harness.supervisor(workload.attempt), Signal::SIGKILL).unwrap();
    assert_lost(&place.end_of(workload.attempt).await.how, true);
    assert_eq!(of_attempt(workload.attempt), []);
}

#[tokio::test]
async fn a_killed_nursery_costs_no_task() {
    let mut place = Place::new(Daemon::start().await);
    let workload = running(&mut place, "echo ready; sleep 0.5; exit 3").await;
    place.harness.kill_nursery();
    assert_eq!(place.end_of(workload.attempt).await.how, HowEnded::Exited { code: 3 });
    let next = place.script("true");
    match place.harness.executor().launch(next.clone(), Duration::MAX).await {
        Err(LaunchError::Unavailable(why)) => assert!(why.contains("nursery"), "{why}"),
        other => panic!("{other:?} instead of Unavailable"),
    }
    assert_eq!(
        place.reconcile(&[&next]).await,
        [Adoption::Absent { attempt: next.attempt }, Adoption::Orphan { attempt: workload.attempt }]
    );
}

#[tokio::test]
async fn a_killed_nursery_is_replaced() {
    let mut place = Place::new(Daemon::start_with(&[("REPLACE_NURSERY", "1")]).await);
    let before = running(&mut place, FAMILY).await;
    place.harness.kill_nursery();
    // Whether this launch meets the dying nursery or its replacement is a matter of microseconds.
    let next = place.script("echo next");
    while let Err(error) = place.harness.executor().launch(next.clone(), Duration::MAX).await {
        assert!(matches!(error, LaunchError::Unavailable(_)), "{error}");
    }
    assert_eq!(place.end_of(next.attempt).await.how, HowEnded::Exited { code: 0 });
    assert_eq!(place.lines_with(&next, " next").await, 1);
    // Its supervisor has no nursery to inherit from it.
    kill(place.harness.supervisor(before.attempt), Signal::SIGKILL).unwrap();
    assert_lost(&place.end_of(before.attempt).await.how, true);
    assert_eq!(of_attempt(before.attempt), []);
}

#[tokio::test]
async fn nothing_survives_nursery_and_supervisor_unnoticed() {
    let mut place = Place::new(Daemon::start().await);
    let workload = running(&mut place, FAMILY).await;
    let supervisor = place.harness.supervisor(workload.attempt);
    place.harness.kill_nursery();
    kill(supervisor, Signal::SIGKILL).unwrap();
    assert_lost(&place.end_of(workload.attempt).await.how, true);
    assert_eq!(of_attempt(workload.attempt), []);
}

#[tokio::test]
async fn nothing_survives_daemon_nursery_and_supervisor_unnoticed() {
    let mut place = Place::new(Daemon::start().await);
    let workload = running(&mut place, FAMILY).await;
    let supervisor = place.harness.supervisor(workload.attempt);
    place.harness.kill_nursery();
    place.stop().await;
    kill(supervisor, Signal::SIGKILL).unwrap();
    place.restart().await;
    for _ in 0..2 {
        match &place.reconcile(&[&workload]).await[..] {
            [Adoption::Finished { exit, .. }] => assert_lost(&exit.how, true),
            other => panic!("{other:?} instead of a lost place"),
        }
        assert_eq!(of_attempt(workload.attempt), []);
    }
}

#[tokio::test]
async fn a_task_goes_on_when_the_daemon_dies_and_its_nursery_leaves_with_the_last() {
    let mut place = Place::new(Daemon::start().await);
    let workload = running(&mut place, "echo ready; sleep 0.3; echo after").await;
    let nursery = Pid::from_raw(place.harness.nursery);
    place.stop().await;
    assert_eq!(kill(nursery, None), Ok(()), "it stays while it has children");
    place.harness.wait_for_end(workload.attempt).await;
    assert_eq!(place.lines_with(&workload, " after").await, 1);
    let gone = async {
        while alive(nursery) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), gone).await.expect("the nursery stays without children");
}

/// An unreaped process is not alive.
fn alive(pid: Pid) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// The steps of a launch at which the daemon can die, and what is then true of the attempt: it was
/// never started, or it runs. Either way launching it again starts it once in all.
#[tokio::test]
async fn a_daemon_that_dies_while_launching_starts_nothing_twice() {
    for (point, launched) in [("folder-created", false), ("before-asking", false), ("asked", true)] {
        let mut place = Place::new(Daemon::start_with(&[("UPDRAFT_FAILPOINT", point)]).await);
        let workload = place.script("echo ran; sleep 0.2");
        let request = serde_json::json!({"op": "launch", "workload": workload, "not_after": Duration::MAX});
        assert_eq!(place.harness.remote.ask(request).await, None, "{point}");
        place.harness.wait_for_death().await;
        place.harness.restart_with(&[]).await;
        match &place.reconcile(&[&workload]).await[..] {
            [Adoption::Absent { .. }] => assert!(!launched, "{point}"),
            [Adoption::Running { .. }] => assert!(launched, "{point}"),
            [Adoption::Finished { exit, .. }] => assert!(launched && exit.how == HowEnded::Exited { code: 0 }, "{point}: {exit:?}"),
            other => panic!("{point}: {other:?}"),
        }
        place.launch(&workload).await;
        if !launched {
            assert_eq!(place.end_of(workload.attempt).await.how, HowEnded::Exited { code: 0 });
        }
        let later = place.script("sleep 0.5");
        place.run(&later).await;
        assert_eq!(place.lines_with(&workload, " ran").await, 1, "{point}");
    }
}

/// The steps of a supervisor at which it can die: whether the program may have run is known.
#[tokio::test]
async fn a_supervisor_that_dies_at_any_step_is_told_as_lost() {
    for (point, started, ran) in [
        ("lock-handed", false, 0),
        ("before-started", false, 0),
        ("after-started", true, 0),
        ("before-exit", true, 1),
        ("before-exit-rename", true, 1),
    ] {
        let mut place = Place::new(Daemon::start_with(&[("UPDRAFT_SUPERVISOR_FAILPOINT", point)]).await);
        let workload = place.script("echo ran");
        let exit = place.run(&workload).await;
        assert_lost(&exit.how, started);
        assert_eq!(place.lines_with(&workload, " ran").await, ran, "{point}");
        // And the same again, for a daemon that heard it and died.
        place.harness.restart_with(&[]).await;
        match &place.reconcile(&[&workload]).await[..] {
            [Adoption::Finished { exit: again, .. }] => assert_eq!(**again, exit, "{point}"),
            other => panic!("{point}: {other:?}"),
        }
    }
}

/// The same, without a daemon that could have noticed at once.
#[tokio::test]
async fn a_supervisor_that_died_before_its_program_can_be_launched_again() {
    for (point, absent) in [("before-started", true), ("after-started", false)] {
        let mut place = Place::new(Daemon::start_with(&[("UPDRAFT_FAILPOINT", "asked"), ("UPDRAFT_SUPERVISOR_FAILPOINT", point)]).await);
        let workload = place.script("echo ran");
        place.harness.remote.ask(serde_json::json!({"op": "launch", "workload": workload, "not_after": Duration::MAX})).await;
        place.harness.wait_for_death().await;
        place.harness.wait_for_end(workload.attempt).await;
        place.harness.restart_with(&[]).await;
        match &place.reconcile(&[&workload]).await[..] {
            [Adoption::Absent { .. }] => assert!(absent),
            [Adoption::Finished { exit, .. }] => {
                assert!(!absent);
                assert_lost(&exit.how, true);
                continue;
            }
            other => panic!("{point}: {other:?}"),
        }
        assert_eq!(place.run(&workload).await.how, HowEnded::Exited { code: 0 });
        assert_eq!(place.lines_with(&workload, " ran").await, 1);
    }
}

/// Files written in the last seconds before a power cut may be missing: their absence proves
/// nothing, so what may have run is not run again by us.
#[tokio::test]
async fn after_a_restart_of_the_machine_absence_proves_nothing() {
    let mut place = Place::new(Daemon::start().await);
    place.stop().await;
    std::fs::write(place.harness.home.join("attempts/.boot"), "another boot").unwrap();
    place.restart().await;
    let workload = place.script("true");
    match &place.reconcile(&[&workload]).await[..] {
        [Adoption::Finished { exit, .. }] => assert_lost(&exit.how, true),
        other => panic!("{other:?} instead of a lost place"),
    }
    // From now on this boot is known.
    let next = place.script("true");
    assert_eq!(place.reconcile(&[&next]).await, [Adoption::Absent { attempt: next.attempt }]);
}

/// Launches and ends come and go while the daemon is killed again and again: each attempt runs once,
/// and each end is told.
#[tokio::test]
async fn a_storm_of_daemon_crashes_loses_and_doubles_nothing() {
    let mut place = Place::new(Daemon::start().await);
    let workloads: Vec<Workload> = (0..60).map(|n| place.script(&format!("echo ran; sleep 0.{:02}; exit {n}", n * 7 % 40))).collect();
    let mut ends: BTreeMap<AttemptId, HowEnded> = BTreeMap::new();
    for round in 0.. {
        let open: Vec<&Workload> = workloads.iter().filter(|w| !ends.contains_key(&w.attempt)).collect();
        let mut to_launch = Vec::new();
        for adoption in place.reconcile(&open).await {
            match adoption {
                Adoption::Absent { attempt } => to_launch.push(attempt),
                Adoption::Finished { attempt, exit } => _ = ends.insert(attempt, exit.how),
                Adoption::Running { .. } => {}
                // Ends that we know but never released.
                Adoption::Orphan { attempt } => assert!(ends.contains_key(&attempt)),
                Adoption::Unreachable { attempt, why } => panic!("{attempt}: {why}"),
            }
        }
        if ends.len() == workloads.len() {
            break;
        }
        assert!(round < 60, "no progress: {ends:?}");
        // Asked without waiting for the answers: the daemon dies in the midst of them.
        let launches = workloads.iter().filter(|w| to_launch.contains(&w.attempt));
        let asked = launches.map(|workload| {
            place.harness.remote.ask(serde_json::json!({"op": "launch", "workload": workload, "not_after": Duration::MAX}))
        });
        let mut asked = Box::pin(futures::future::join_all(asked));
        let _ = futures::poll!(&mut asked);
        drop(asked);
        for _ in 0..=round {
            if let Ok(ExecutorEvent::Ended { attempt, exit }) =
                tokio::time::timeout(Duration::from_millis(20), place.harness.next_event()).await
            {
                ends.insert(attempt, exit.how);
            }
        }
        place.restart().await;
    }
    for (code, workload) in (0..).zip(&workloads) {
        assert_eq!(ends.get(&workload.attempt), Some(&HowEnded::Exited { code }));
        assert_eq!(place.lines_with(workload, " ran").await, 1);
    }
}

/// A folder removed by hand takes the truth with it; what is known then is said.
#[tokio::test]
async fn a_removed_folder_is_a_lost_place() {
    let mut place = Place::new(Daemon::start().await);
    let workload = running(&mut place, FAMILY).await;
    std::fs::remove_dir_all(place.harness.folder(workload.attempt)).unwrap();
    assert_lost(&place.end_of(workload.attempt).await.how, true);
    assert_eq!(of_attempt(workload.attempt), []);
}

/// A kill that comes late finds the end, and whoever waits for it hears it again.
#[tokio::test]
async fn terminating_what_is_over_tells_its_end_again() {
    let mut place = Place::new(Daemon::start().await);
    let workload = place.script("exit 3");
    let first = place.run(&workload).await;
    place.restart().await;
    place.harness.executor().terminate(workload.attempt, jiff::SignedDuration::ZERO).await.unwrap();
    assert_eq!(place.end_of(workload.attempt).await, first);
}

/// Whoever is told that there is nothing of an attempt may launch it elsewhere. And one that waited in line
/// until it was too late was never there.
#[tokio::test]
async fn a_launch_that_waits_in_line_is_neither_absent_nor_lost() {
    let mut place = Place::new(Daemon::start().await);
    let (first, mut second, mut late) = (place.script("true"), place.script("true"), place.script("true"));
    // They share a lock.
    for (other, bit) in [(&mut second, 1), (&mut late, 2)] {
        let mut id = *first.attempt.0.as_bytes();
        id[0] ^= bit;
        other.attempt = AttemptId(uuid::Uuid::from_bytes(id));
    }
    place.harness.signal_nursery(Signal::SIGSTOP);
    let launch = |workload: &Workload, not_after| {
        let (executor, workload) = (place.harness.remote.clone(), workload.clone());
        tokio::spawn(async move { executor.launch(workload, not_after).await })
    };
    let one = launch(&first, Duration::MAX);
    while !matches!(place.reconcile(&[&first]).await[..], [Adoption::Running { .. }]) {}
    let too_late = boot_clock() + Duration::from_millis(300);
    let (two, three) = (launch(&second, Duration::MAX), launch(&late, too_late));
    // While the first waits for the nursery, the others are seen.
    loop {
        let found = place.reconcile(&[&first, &second, &late]).await;
        assert!(!one.is_finished(), "{found:?}");
        if let [Adoption::Running { .. }, Adoption::Unreachable { .. }, Adoption::Unreachable { .. }] = found[..]
            && boot_clock() > too_late
        {
            break;
        }
    }
    place.harness.signal_nursery(Signal::SIGCONT);
    assert_eq!((one.await.unwrap(), two.await.unwrap()), (Ok(()), Ok(())));
    let three = three.await.unwrap();
    assert!(matches!(three, Err(LaunchError::Unavailable(_))), "{three:?}");
    for workload in [&first, &second] {
        assert_eq!(place.end_of(workload.attempt).await.how, HowEnded::Exited { code: 0 });
    }
    assert_eq!(place.reconcile(&[&late]).await[0], Adoption::Absent { attempt: late.attempt });
    // In time it runs, and that is the first that is heard of it.
    assert_eq!(place.run(&late).await.how, HowEnded::Exited { code: 0 });
}
