//! What a task gets and what is left of it: environment, user, log, output, leftovers, memory.

mod support;

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
};

use jiff::SignedDuration;
use nix::unistd::{Pid, Uid};
use support::{Daemon, processes_that_name};
use updraft_executor::conformance::{Harness as _, Place};
use updraft_logs::read_segments;
use updraft_model::{AttemptId, Exit, HowEnded};

const DONE: HowEnded = HowEnded::Exited { code: 0 };

fn of_attempt(attempt: AttemptId) -> Vec<Pid> {
    processes_that_name(std::path::Path::new(&format!("UPDRAFT_ATTEMPT_ID={attempt}")))
}

fn could_not_start(exit: &Exit) -> &str {
    match &exit.how {
        HowEnded::CouldNotStart { error } => error,
        other => panic!("{other:?} instead of CouldNotStart"),
    }
}

#[tokio::test]
async fn the_environment_is_the_allow_list_and_nothing_else() {
    let secrets =
        [("UPDRAFT_DATABASE_URL", "postgres://u:secret@db"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("LC_TIME", "C"), ("TZ", "UTC")];
    let mut place = Place::new(Daemon::start_with(&secrets).await);
    let mut workload = place.script("");
    // Not a shell, which adds variables of its own.
    workload.argv = vec!["env".to_owned(), "-0".to_owned()];
    workload.env.insert("GIVEN".to_owned(), "1".to_owned());
    assert_eq!(place.run(&workload).await.how, DONE);
    let log = place.harness.log(&workload.labels).await;
    let text = log.split_once(' ').unwrap().1;
    let names: BTreeSet<&str> =
        text.trim_end_matches(['\n', '\0']).split('\0').map(|variable| variable.split_once('=').unwrap().0).collect();
    let inherited = ["PATH", "HOME", "LANG", "TZ", "USER", "LOGNAME", "SHELL"].into_iter().filter(|name| std::env::var_os(name).is_some());
    let inherited = inherited
        .chain(std::env::vars_os().filter_map(|(n, _)| n.to_str().filter(|n| n.starts_with("LC_")).map(|n| &*n.to_owned().leak())));
    let mut expected: BTreeSet<&str> = inherited.chain(["GIVEN", "LC_TIME", "TZ", "PATH", "TMPDIR", "UPDRAFT_OUTPUT"]).collect();
    expected.extend(["DAG_ID", "RUN_ID", "TASK_ID", "MAP_INDEX", "TRY_NUMBER", "ATTEMPT_ID"].map(|n| &*format!("UPDRAFT_{n}").leak()));
    assert_eq!(names, expected);
}

#[tokio::test]
async fn the_working_directory_is_the_given_or_a_private_one() {
    let mut place = Place::new(Daemon::start().await);
    let mut workload = place.script("pwd");
    assert_eq!(place.run(&workload).await.last_line, Some(place.harness.folder(workload.attempt).join("tmp").display().to_string()));
    workload = place.script("pwd");
    workload.cwd = Some("/usr".to_owned());
    assert_eq!(place.run(&workload).await.last_line.as_deref(), Some("/usr"));
    workload = place.script("pwd");
    workload.cwd = Some("/no/such/folder".to_owned());
    assert_eq!(
        could_not_start(&place.run(&workload).await),
        "its working directory /no/such/folder can't be entered: No such file or directory"
    );
}

#[tokio::test]
async fn what_cannot_be_executed_is_said() {
    let mut place = Place::new(Daemon::start().await);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    };
    let no_interpreter = file("no-interpreter", "#!/no/such/interpreter\n", 0o755);
    let not_executable = file("not-executable", "#!/bin/sh\n", 0o644);
    let no_program = file("no-program", "text", 0o755);
    let cases = [
        (no_interpreter.clone(), format!("{no_interpreter}: the interpreter its first line names does not exist")),
        (not_executable.clone(), format!("{not_executable} can't be executed: Permission denied")),
        (no_program.clone(), format!("{no_program} is no program and no script that begins with #!")),
        ("/no/such/program".to_owned(), "there is no program /no/such/program (working directory /)".to_owned()),
    ];
    for (program, expected) in cases {
        let mut workload = place.script("");
        workload.argv = vec![program];
        workload.cwd = Some("/".to_owned());
        assert_eq!(could_not_start(&place.run(&workload).await), expected);
        assert_eq!(place.lines_with(&workload, &format!("could not start: {expected}")).await, 1);
    }
    let mut workload = place.script("");
    workload.argv.push("x".repeat(3_000_000));
    assert!(could_not_start(&place.run(&workload).await).contains("longer than the system allows"));
}

#[tokio::test]
async fn what_a_program_leaves_running_is_killed_before_its_end_is_told() {
    let mut place = Place::new(Daemon::start().await);
    let workload = place.script("sleep 600 & setsid sleep 600 & (setsid sh -c 'trap \"\" TERM HUP; sleep 600 & sleep 600' &) ; exit 0");
    let exit = place.run(&workload).await;
    assert_eq!(exit.how, DONE);
    assert_eq!(of_attempt(workload.attempt), []);
    let log = place.harness.log(&workload.labels).await;
    assert!(log.contains("[updraft] killed processes it left running"), "{log}");
}

#[tokio::test]
async fn terminating_reaches_what_left_the_group() {
    let mut place = Place::new(Daemon::start().await);
    let workload =
        place.script("(setsid sh -c 'trap \"\" TERM; sleep 600' &) ; echo ready; trap 'exit 0' TERM; while :; do sleep 0.05; done");
    place.launch(&workload).await;
    place.wait_for_line(&workload, " ready").await;
    place.harness.executor().terminate(workload.attempt, SignedDuration::from_millis(300)).await.unwrap();
    assert_eq!(place.end_of(workload.attempt).await.how, HowEnded::Terminated);
    assert_eq!(of_attempt(workload.attempt), []);
}

#[tokio::test]
async fn children_of_a_terminated_shell_have_the_same_grace() {
    let mut place = Place::new(Daemon::start().await);
    // The outer shell dies of SIGTERM at once; the inner one cleans up.
    let workload = place.script("sh -c 'trap \"sleep 0.3; echo cleaned; exit\" TERM; echo ready; while :; do sleep 0.05; done'; true");
    place.launch(&workload).await;
    place.wait_for_line(&workload, " ready").await;
    place.harness.executor().terminate(workload.attempt, SignedDuration::from_secs(50)).await.unwrap();
    assert_eq!(place.end_of(workload.attempt).await.how, HowEnded::Terminated);
    assert_eq!(place.lines_with(&workload, " cleaned").await, 1);
}

#[tokio::test]
async fn a_timeout_holds_without_a_daemon_and_after_its_grace() {
    let mut place = Place::new(Daemon::start().await);
    let mut workload = place.script("trap '' TERM; echo ready; while :; do sleep 0.05; done");
    workload.execution_timeout = Some(SignedDuration::from_millis(300));
    workload.termination_grace = SignedDuration::from_millis(200);
    place.launch(&workload).await;
    place.start_of(workload.attempt).await;
    place.stop().await;
    place.harness.wait_for_end(workload.attempt).await;
    place.restart().await;
    match &place.reconcile(&[&workload]).await[..] {
        [updraft_model::Adoption::Finished { exit, .. }] => assert_eq!(exit.how, HowEnded::TimedOut),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_huge_output_costs_little_memory() {
    let megabytes: u64 = std::env::var("UPDRAFT_TEST_OUTPUT_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let mut place = Place::new(Daemon::start().await);
    // The program reports its supervisor's memory when it has written everything.
    let mut workload = place.script(&format!(
        "yes 'a line of an ordinary length, as programs write them' | head -c {megabytes}M; head -c 1M /dev/zero; echo; grep VmHWM /proc/$PPID/status"
    ));
    workload.masks = vec!["correct horse".to_owned()];
    let exit = place.run(&workload).await;
    assert_eq!(exit.how, DONE);
    let peak: u64 = exit.last_line.as_ref().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap();
    let written = fs::metadata(place.harness.log_path(&workload.labels)).unwrap().len();
    println!("{megabytes} MB of output: supervisor's peak RSS {peak} kB, log {} MB", written >> 20);
    assert!(peak < 16 * 1024, "{peak} kB");
    assert!(written > megabytes << 20);
}

#[tokio::test]
async fn the_log_is_text_with_times_notes_and_no_secrets() {
    let mut place = Place::new(Daemon::start().await);
    let mut workload = place.script("printf 'caf\\351 s3cr3t\\r\\n'; printf 'no newline'; sleep 0.05; printf ' at all'");
    workload.masks = vec!["s3cr3t".to_owned()];
    workload.notes = vec!["undefined variable s3cr3t".to_owned()];
    assert_eq!(place.run(&workload).await.last_line.as_deref(), Some("no newline at all"));
    let log = place.harness.log(&workload.labels).await;
    let (times, lines): (Vec<&str>, Vec<&str>) = log.lines().map(|line| line.split_once(' ').unwrap()).unzip();
    assert_eq!(lines, ["[updraft] undefined variable ***", "caf\u{fffd} ***", "no newline at all"]);
    assert!(times.iter().all(|time| time.len() == 27 && time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok()), "{times:?}");
}

#[tokio::test]
async fn the_last_line_is_masked_like_the_log_but_not_what_the_program_gets() {
    let mut place = Place::new(Daemon::start().await);
    let mut workload = place.script("echo ${#WORD} $WORD");
    workload.env.insert("WORD".to_owned(), "s3cr3t".to_owned());
    workload.masks = vec!["s3cr3t".to_owned()];
    assert_eq!(place.run(&workload).await.last_line.as_deref(), Some("6 ***"));
}

#[tokio::test]
async fn attempts_of_one_try_share_a_log_in_segments() {
    let mut place = Place::new(Daemon::start().await);
    let first = place.script("echo first");
    let mut second = place.script("echo second");
    second.labels = first.labels.clone();
    place.run(&first).await;
    place.run(&second).await;
    let path = place.harness.log_path(&first.labels);
    let text = fs::read_to_string(&path).unwrap();
    let segments = read_segments(&path).unwrap();
    assert_eq!(segments.iter().map(|s| s.attempt).collect::<Vec<_>>(), [first.attempt, second.attempt]);
    assert_eq!(segments[0].from, 0);
    assert!(text[segments[1].from as usize..].ends_with(" second\n"));
    assert_eq!(segments[1].node, place.harness.node().unwrap());
}

#[tokio::test]
async fn a_last_line_too_long_is_dropped_and_said() {
    let mut place = Place::new(Daemon::start().await);
    let workload = place.script("head -c 70000 /dev/zero | tr '\\0' x");
    let exit = place.run(&workload).await;
    assert_eq!((exit.how, exit.last_line), (DONE, None));
    assert!(place.harness.log(&workload.labels).await.contains("no return_value"));
    let mut silent = place.script("echo x");
    silent.capture_last_line = false;
    assert_eq!(place.run(&silent).await.last_line, None);
}

#[tokio::test]
async fn a_program_may_close_its_output_and_go_on() {
    let mut place = Place::new(Daemon::start().await);
    let workload = place.script("echo before; exec >&- 2>&-; sleep 0.3; exit 9");
    assert_eq!(place.run(&workload).await.how, HowEnded::Exited { code: 9 });
    assert_eq!(place.lines_with(&workload, " before").await, 1);
}

#[tokio::test]
async fn run_as_user_changes_everything_or_nothing() {
    let mut place = Place::new(Daemon::start().await);
    let mut workload = place.script("");
    workload.run_as_user = Some("no-such-user".to_owned());
    assert_eq!(could_not_start(&place.run(&workload).await), "there is no user no-such-user on this machine (run_as_user)");
    if !Uid::effective().is_root() {
        println!("SKIPPED the rest: only root can become another user");
        return;
    }
    let mut workload = place.script("id -un; id -Gn; echo $HOME; touch $TMPDIR/x; echo k=v > $UPDRAFT_OUTPUT; stat -c %U $TMPDIR/x");
    workload.run_as_user = Some("nobody".to_owned());
    let exit = place.run(&workload).await;
    assert_eq!((exit.how, exit.outputs.len(), exit.last_line.as_deref()), (DONE, 1, Some("nobody")));
    let log = place.harness.log(&workload.labels).await;
    let lines: Vec<&str> = log.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(lines[0], "nobody");
    assert!(!lines[1].contains("root"), "{lines:?}");
    assert_ne!(Some(lines[2]), std::env::var("HOME").ok().as_deref());
    assert_eq!(fs::metadata(place.harness.log_path(&workload.labels)).unwrap().uid(), 0);
    let mut link = place.script("ln -s /etc/shadow $UPDRAFT_OUTPUT");
    link.run_as_user = Some("nobody".to_owned());
    assert!(matches!(place.run(&link).await.how, HowEnded::BadOutput { .. }));
    // Killed with its supervisor's help, though it is another user's.
    let mut long = place.script("sleep 600 & echo ready; sleep 600");
    long.run_as_user = Some("nobody".to_owned());
    place.launch(&long).await;
    place.wait_for_line(&long, " ready").await;
    place.harness.executor().terminate(long.attempt, SignedDuration::from_secs(20)).await.unwrap();
    assert_eq!(place.end_of(long.attempt).await.how, HowEnded::Terminated);
    assert_eq!(of_attempt(long.attempt), []);
}

#[tokio::test]
async fn released_folders_are_removed_when_their_time_has_come() {
    let mut place = Place::new(Daemon::start_with(&[("RESERVED_FOR_MS", "50")]).await);
    let workload = place.script("mkdir -p $TMPDIR/a/b; true");
    place.run(&workload).await;
    place.harness.executor().release(workload.attempt).await;
    assert!(!place.harness.folder(workload.attempt).exists());
    let released = place.harness.home.join(format!("released/{}", workload.attempt));
    let removed = async {
        while released.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), removed).await.expect("it is never removed");
}

/// Prints the rate; the bound is only there to notice a catastrophe on any machine.
#[tokio::test]
async fn five_hundred_tasks() {
    let mut place = Place::new(Daemon::start().await);
    let mut workload = place.script("");
    workload.argv = vec!["true".to_owned()];
    let request = serde_json::json!({"op": "bench", "workload": workload, "count": 500, "parallel": 32});
    let answer = place.harness.remote.ask(request).await.unwrap();
    let rate = 500.0 / answer["seconds"].as_f64().unwrap();
    let mut late: Vec<f64> = answer["end_to_event_ms"].as_array().unwrap().iter().map(|ms| ms.as_f64().unwrap()).collect();
    late.sort_by(f64::total_cmp);
    println!("500 tasks, 32 at a time: {rate:.0} tasks/s; from end to event p50 {:.2} ms, p99 {:.2} ms", late[250], late[494]);
    assert!(rate > 20.0, "{rate}");
}

/// Design section 10: at most 0.5 MB of private memory for each living task's supervisor.
#[tokio::test]
async fn a_supervisor_costs_less_than_half_a_megabyte() {
    let mut place = Place::new(Daemon::start().await);
    let workload = place.script("echo ready; exec sleep 600");
    place.launch(&workload).await;
    place.wait_for_line(&workload, " ready").await;
    let supervisor = place.harness.supervisor(workload.attempt);
    let rollup = fs::read_to_string(format!("/proc/{supervisor}/smaps_rollup")).unwrap();
    let of = |name: &str| rollup.lines().find_map(|l| l.strip_prefix(name)?.split_whitespace().next()?.parse::<u64>().ok()).unwrap();
    let private = of("Private_Dirty:") + of("Private_Clean:");
    println!("a supervisor's private memory: {private} kB");
    assert!(private <= 512, "{rollup}");
    place.harness.executor().terminate(workload.attempt, SignedDuration::from_secs(20)).await.unwrap();
    place.end_of(workload.attempt).await;
}
