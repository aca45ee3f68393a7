//! The commands of people, through the real binary: without a daemon, and with one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests, which clippy takes for other code")]

mod daemon;
mod foreground;
mod hints;
mod pipes;
mod place;
mod validate;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use serde_json::Value;

use crate::{daemon::Daemon, place::Place};

const SALES: &str = "\
dag_id: sales
schedule: {cron: '0 2 * * *', timezone: Europe/Berlin, data_interval: true}
start_date: 2026-01-01
tags: [money]
tasks:
  extract: {bash: 'echo extracting'}
  clean: {bash: 'echo cleaning', upstream: [extract]}
  audit: {empty: {}, upstream: [extract]}
  load: {bash: 'echo loading', upstream: [clean, audit]}
";

const BROKEN: &str = "\
schedule: '@daily'
tasks:
  a: {bash: 'true', upstraem: [b]}
";

/// A template, a value from one task to another, a failure that a retry heals, and one that stays.
const RUN: &str = "\
dag_id: story
params: {name: {default: world}, mark: {default: /dev/null}}
tasks:
  greet:
    bash: |
      echo \"hello {{ params.name }} on {{ ds }}\"
  echo_it:
    bash: echo \"it said {{ ti.xcom_pull(task_ids='greet') }} and {{ var.value.word }}\"
    upstream: [greet]
  flaky:
    bash: |
      test -e \"$MARK\" && exit 0
      touch \"$MARK\"; echo first; exit 3
    env: {MARK: '{{ params.mark }}'}
    retries: 1
    retry_delay: 10ms
    upstream: [echo_it]
  broken: {bash: 'echo to stderr >&2; exit 4', upstream: [greet]}
  never: {bash: 'true', upstream: [broken]}
";

#[test]
fn version_needs_nothing() {
    let place = Place::new(&[]);
    let output = place.run(&["version"]);
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("updraft {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn next_execution_tells_the_runs_of_a_file() {
    let place = Place::new(&[("sales.yaml", SALES)]);
    // The night in which the clocks go forward: 02:00 does not exist.
    let args = ["dags", "next-execution", "sales.yaml", "--num", "2", "--after", "2026-03-28T12:00:00Z"];
    insta::assert_snapshot!(place.story(&[args.as_slice(), &["--output", "json"]].concat()), @r#"
    [
      {
        "run_after": "2026-03-29T01:00:00Z",
        "logical_date": "2026-03-28T01:00:00Z",
        "data_interval_start": "2026-03-28T01:00:00Z",
        "data_interval_end": "2026-03-29T01:00:00Z"
      },
      {
        "run_after": "2026-03-30T00:00:00Z",
        "logical_date": "2026-03-29T01:00:00Z",
        "data_interval_start": "2026-03-29T01:00:00Z",
        "data_interval_end": "2026-03-30T00:00:00Z"
      }
    ]
    --- stderr
    --- exit code 0
    "#);
    insta::assert_snapshot!(place.story(&args), @"
    run_after            | logical_date         | data_interval_start  | data_interval_end
    =====================+======================+======================+=====================
    2026-03-29T01:00:00Z | 2026-03-28T01:00:00Z | 2026-03-28T01:00:00Z | 2026-03-29T01:00:00Z
    2026-03-30T00:00:00Z | 2026-03-29T01:00:00Z | 2026-03-29T01:00:00Z | 2026-03-30T00:00:00Z
    --- stderr
    --- exit code 0
    ");
    insta::assert_snapshot!(place.story(&[args.as_slice(), &["-o", "yaml"]].concat()), @r#"
    - run_after: "2026-03-29T01:00:00Z"
      logical_date: "2026-03-28T01:00:00Z"
      data_interval_start: "2026-03-28T01:00:00Z"
      data_interval_end: "2026-03-29T01:00:00Z"
    - run_after: "2026-03-30T00:00:00Z"
      logical_date: "2026-03-29T01:00:00Z"
      data_interval_start: "2026-03-29T01:00:00Z"
      data_interval_end: "2026-03-30T00:00:00Z"
    --- stderr
    --- exit code 0
    "#);
}

#[test]
fn a_wrong_argument_is_a_usage_error() {
    let place = Place::new(&[("sales.yaml", SALES)]);
    for args in [
        ["dags", "next-execution", "sales.yaml", "--after", "soon"].as_slice(),
        &["dags", "test", "sales.yaml", "--conf", "[1]"],
        &["tasks", "clear", "sales"],
        &["pools", "set", "p", "-2"],
        &["dags", "fly"],
    ] {
        assert_eq!(place.run(args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn show_draws_a_file() {
    let place = Place::new(&[("sales.yaml", SALES)]);
    insta::assert_snapshot!(place.story(&["dags", "show", "sales.yaml"]), @"
    dag_id           | sales
    schedule         | 0 2 * * * (At 02:00) in Europe/Berlin
    timezone         | UTC
    start_date       | 2026-01-01T00:00:00Z
    catchup          | false
    max_active_runs  | 16
    max_active_tasks | 16
    tags             | money
    tasks            | 4

    extract (BashOperator)
        audit (EmptyOperator)
            load (BashOperator) <- audit, clean
        clean (BashOperator)
            load (see above)
    --- stderr
    --- exit code 0
    ");
    assert_eq!(place.json(&["dags", "show", "sales.yaml", "-o", "json"])["tasks"]["load"]["upstream"][0], "audit");
}

#[test]
fn the_schema_is_one() {
    let place = Place::new(&[]);
    let schema = place.json(&["dags", "schema"]);
    assert!(schema["$schema"].as_str().unwrap().contains("json-schema.org"), "{schema}");
    assert_eq!(place.json(&["schema"]), schema);
}

#[test]
fn test_runs_a_dag_without_a_daemon() {
    let place = Place::new(&[("story.yaml", RUN)]);
    let mark = place.path().join("mark");
    let conf = serde_json::json!({ "name": "there", "mark": mark }).to_string();
    let args = ["dags", "test", "story.yaml", "--conf", &conf, "--var", "word=later", "-l", "2026-01-31"];
    let output = place.run(&[args.as_slice(), &["-o", "json"]].concat());
    let run: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    assert_eq!((output.status.code(), &run["state"]), (Some(1), &"failed".into()), "{output:?}");
    let mut tasks: Vec<String> = run["task_instances"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| format!("{} {} try {} exit {}", task["task_id"], task["state"], task["try_number"], task["exit_code"]))
        .collect();
    tasks.sort();
    insta::assert_snapshot!(tasks.join("\n"), @r#"
    "broken" "failed" try 1 exit 4
    "echo_it" "success" try 1 exit 0
    "flaky" "success" try 2 exit 0
    "greet" "success" try 1 exit 0
    "never" "upstream_failed" try 0 exit null
    "#);
    let shown = String::from_utf8_lossy(&output.stderr);
    for line in [
        "[greet] hello there on 2026-01-31",
        "[echo_it] it said hello there on 2026-01-31 and later",
        "[flaky] first",
        "[flaky] -> success in ",
        "[broken] to stderr",
        "[never] -> upstream_failed",
    ] {
        assert!(shown.lines().any(|shown| shown.starts_with(line)), "{line:?} is missing in\n{shown}");
    }
}

#[test]
fn test_of_a_good_dag_succeeds_and_leaves_nothing() {
    let place = Place::new(&[("dags/sales.yaml", SALES)]);
    let output = place.run(&["dags", "test", "sales"]);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(shown.contains("of DAG sales: success in "), "{shown}");
    let mut left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["dags"]);
}

/// How many of a run's tasks ran at once, at most.
fn most_at_once(run: &Value) -> usize {
    let tasks = run["task_instances"].as_array().unwrap();
    let spans: Vec<_> = tasks.iter().map(|task| (task["start_date"].as_str().unwrap(), task["end_date"].as_str().unwrap())).collect();
    // Whatever the most is, it is so when one of them starts.
    spans.iter().map(|(at, _)| spans.iter().filter(|(start, end)| start <= at && at < end).count()).max().unwrap()
}

#[test]
fn test_keeps_the_limits_of_the_file_and_those_of_named_pools() {
    // Each is long enough to meet the others, which start at once where nothing holds them back.
    let tasks = "tasks: {a: {bash: sleep 0.5, pool: db}, b: {bash: sleep 0.5, pool: db}, c: {bash: sleep 0.5, pool: db}}\n";
    let limited = format!("max_active_tasks: 1\n{tasks}");
    let place = Place::new(&[("free.yaml", tasks), ("limited.yaml", &limited)]);
    let test = |args: &[&str]| place.json(&[&["dags", "test", "-o", "json"], args].concat());
    assert_eq!(most_at_once(&test(&["limited.yaml"])), 1);
    assert_eq!(most_at_once(&test(&["free.yaml", "--pool", "db=1"])), 1);
    // On a slow machine they may not meet, so how many there can be is not said.
    assert!(most_at_once(&test(&["free.yaml", "--pool", "db=2"])) <= 2);
}

#[test]
fn a_pool_that_does_not_fit_is_refused_before_anything_runs() {
    let place = Place::new(&[("d.yaml", "tasks: {a: {bash: 'true', pool: db, pool_slots: 2}, b: {bash: 'true'}}\n")]);
    insta::assert_snapshot!(place.story(&["dags", "test", "d.yaml", "--pool", "dw=1"]), @"
    --- stderr
    updraft: --pool dw=1: no task is in that pool; the tasks are in db, default_pool
    --- exit code 1
    ");
    insta::assert_snapshot!(place.story(&["dags", "test", "d.yaml", "--pool", "default_pool=1", "--pool", "db=1"]), @"
    --- stderr
    updraft: task a of DAG d needs 2 of the 1 slots of pool db, so it would never start
    --- exit code 1
    ");
    insta::assert_snapshot!(place.story(&["dags", "test", "d.yaml", "--pool", "db"]), @"
    --- stderr
    error: invalid value 'db' for '--pool <NAME=SLOTS>': write it as NAME=SLOTS, with -1 slots for no limit

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn one_task_runs_alone() {
    let place = Place::new(&[("story.yaml", RUN)]);
    let output = place.run(&["tasks", "test", "story.yaml", "broken", "-o", "json"]);
    let run: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    let tasks = run["task_instances"].as_array().unwrap();
    assert_eq!((output.status.code(), tasks.len(), &tasks[0]["exit_code"]), (Some(1), 1, &4.into()));
    assert!(place.story(&["tasks", "test", "story.yaml", "nothing"]).contains("has no task nothing; it has broken"));
}

#[test]
fn a_param_without_a_value_is_refused_before_anything_runs() {
    let place = Place::new(&[("d.yaml", "params: {day: {type: string, format: date}}\ntasks: {a: {bash: 'true'}}\n")]);
    insta::assert_snapshot!(place.story(&["dags", "test", "d.yaml"]), @"
    --- stderr
    updraft: Invalid input for param day: No value passed and Param has no default value
    --- exit code 1
    ");
    insta::assert_snapshot!(place.story(&["dags", "test", "d.yaml", "--conf", r#"{"day": "soon"}"#]), @r#"
    --- stderr
    updraft: Invalid input for param day: "soon" is not a "date"
    --- exit code 1
    "#);
}

#[test]
fn render_shows_what_templates_become() {
    let place = Place::new(&[("story.yaml", RUN)]);
    let args = ["tasks", "render", "story.yaml", "echo_it", "-l", "2026-01-31", "--var", "word=x", "--xcom", "greet=hi"];
    insta::assert_snapshot!(place.story(&args), @r#"
    # ----------------------------------------------------------
    # property: bash
    # ----------------------------------------------------------
    echo "it said ${UPDRAFT_VALUE_1} and ${UPDRAFT_VALUE_2}"

    # ----------------------------------------------------------
    # property: env
    # ----------------------------------------------------------
    UPDRAFT_VALUE_1=hi
    UPDRAFT_VALUE_2=x

    # ----------------------------------------------------------
    # property: cwd
    # ----------------------------------------------------------
    ~

    --- stderr
    --- exit code 0
    "#);
}

#[test]
fn without_a_daemon_and_a_database_commands_say_what_to_do() {
    let place = Place::new(&[]);
    insta::assert_snapshot!(place.story(&["dags", "list"]), @"
    --- stderr
    updraft: no daemon answers, and there is no database ~/.updraft/updraft.db yet
      hint: start a daemon with `updraft standalone`, or name another --home
    --- exit code 1
    ");
    insta::assert_snapshot!(place.story(&["dags", "trigger", "x"]), @"
    --- stderr
    updraft: no daemon answers, and there is no database ~/.updraft/updraft.db yet
      hint: start a daemon with `updraft standalone`, or name another --home
    --- exit code 1
    ");
    insta::assert_snapshot!(place.story(&["dags", "list", "--url", "http://127.0.0.1:1"]), @"
    --- stderr
    updraft: no daemon answers at http://127.0.0.1:1: Connection refused (os error 111)
      hint: start one with `updraft standalone`, or say where it is with --url or UPDRAFT_URL
    --- exit code 1
    ");
}

#[test]
fn without_a_daemon_the_database_answers() {
    let place = Place::new(&[]);
    let migrated = place.run(&["db", "migrate"]);
    assert!(migrated.status.success(), "{migrated:?}");
    insta::assert_snapshot!(place.story(&["dags", "list"]), @"
    No data found
    --- stderr
    --- exit code 0
    ");
    insta::assert_snapshot!(place.story(&["pools", "list"]), @"
    name         | slots | occupied_slots | running_slots | queued_slots | open_slots | include_deferred | description
    =============+=======+================+===============+==============+============+==================+=============
    default_pool | 128   | 0              | 0             | 0            | 128        | false            | Default pool
    --- stderr
    --- exit code 0
    ");
    insta::assert_snapshot!(place.story(&["variables", "set", "api_key", "s3cret/%"]), @"
    --- stderr
    Variable api_key is set
    --- exit code 0
    ");
    insta::assert_snapshot!(place.story(&["variables", "get", "api_key"]), @"
    s3cret/%
    --- stderr
    --- exit code 0
    ");
    insta::assert_snapshot!(place.story(&["variables", "export", "-"]), @r#"
    {
      "api_key": "s3cret/%"
    }
    --- stderr
    Exported 1 variable to -
    --- exit code 0
    "#);
    insta::assert_snapshot!(place.story(&["variables", "delete", "none"]), @"
    --- stderr
    updraft: The Variable with key: `none` was not found
      hint: `updraft variables list` shows them
    --- exit code 1
    ");
    insta::assert_snapshot!(place.story(&["runs", "list", "nothing"]), @"
    --- stderr
    updraft: The DAG with dag_id: `nothing` was not found
      hint: `updraft dags list` shows them
    --- exit code 1
    ");
    let made = place.story(&["users", "create", "-u", "ada", "-r", "viewer", "-p", "correct horse"]);
    assert!(made.ends_with("exit code 0"), "{made}");
    assert_eq!(place.json(&["users", "list", "-o", "json"])[0]["username"], "ada");
    insta::assert_snapshot!(place.story(&["dags", "pause", "x"]), @"
    --- stderr
    updraft: no daemon is running: nobody answers at http://127.0.0.1:1, and no scheduler holds the lease of sqlite://~/.updraft/updraft.db
      hint: start one with `updraft standalone`
    --- exit code 1
    ");
    let doctor = place.json(&["doctor", "-o", "json"]);
    let database = doctor.as_array().unwrap().iter().find(|check| check["name"] == "database").unwrap();
    assert_eq!(database["level"], "ok", "{doctor}");
}

#[test]
fn completions_know_the_commands() {
    let place = Place::new(&[]);
    let script = String::from_utf8(place.run(&["completions", "bash"]).stdout).unwrap();
    assert!(script.contains("next-execution"));
}

#[test]
fn completions_that_cannot_be_written_are_an_error_like_any_other() {
    let place = Place::new(&[]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = place.command(&["completions", "bash"]).stdout(full).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "updraft: No space left on device (os error 28)\n");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn ctrl_c_ends_the_tasks_and_is_told() {
    let slow = "tasks: {a: {bash: 'trap \"echo told to end; exit 7\" TERM; echo begun; sleep 60 & wait'}}\n";
    let place = Place::new(&[("slow.yaml", slow)]);
    let mut child = place.command(&["dags", "test", "slow.yaml"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "[a] begun"));
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let rest: Vec<String> = lines.collect();
    assert!(rest.iter().any(|line| line == "[a] told to end"), "{rest:#?}");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_run_is_triggered_followed_looked_at_and_cleared() {
    let place =
        Place::new(&[("dags/story.yaml", "tasks:\n  a: {bash: 'echo from a'}\n  b: {bash: 'echo from b; exit 3', upstream: [a]}\n")]);
    let daemon = Daemon::start(&place);
    // The file is read right after the start; a daemon that never does is found out.
    assert!((0..300).any(|_| !daemon.json(&["dags", "list"]).as_array().unwrap().is_empty()));
    let waited = daemon.run(&["dags", "trigger", "story", "--run-id", "one", "--conf", r#"{"day": 1}"#, "--wait"]);
    let shown = String::from_utf8_lossy(&waited.stdout);
    assert_eq!(waited.status.code(), Some(1), "{waited:?}");
    assert!(shown.contains("[b] -> failed in ") && shown.contains("exit code 3"), "{shown}");
    let run = daemon.json(&["runs", "show", "story", "one"]);
    assert_eq!(run["triggered_by"], "cli");
    assert_eq!((&run["state"], &run["conf"]["day"], &run["task_instances"][1]["exit_code"]), (&"failed".into(), &1.into(), &3.into()));
    let log = daemon.run(&["tasks", "log", "story", "one", "a", "--follow"]);
    assert!(String::from_utf8_lossy(&log.stdout).trim_end().ends_with(" from a"), "{log:?}");
    insta::assert_snapshot!(daemon.story(&["runs", "cancel", "story", "one"]), @"
    --- stderr
    updraft: run one of DAG story has ended already: failed
    --- exit code 1
    ");
    insta::assert_snapshot!(daemon.story(&["tasks", "state", "story", "one", "b"]), @"
    failed
    exit code 3
    --- stderr
    --- exit code 0
    ");
    insta::assert_snapshot!(daemon.story(&["tasks", "clear", "story", "-r", "one", "-t", "b", "--dry-run"]), @"
    dag_run_id | task_id | state  | try_number
    ===========+=========+========+===========
    one        | b       | failed | 1
    --- stderr
    --- exit code 0
    ");
    insta::assert_snapshot!(daemon.story(&["tasks", "clear", "story", "-r", "one", "-t", "b"]), @"
    dag_run_id | task_id | state  | try_number
    ===========+=========+========+===========
    one        | b       | failed | 1
    --- stderr
    updraft: Clear 1 task instance? Nobody can be asked here
      hint: say --yes
    --- exit code 1
    ");
    insta::assert_snapshot!(daemon.story(&["dags", "trigger", "story", "--run-id", "one"]), @r#"
    --- stderr
    updraft: DagRun with dag_id "story" and run_id "one" already exists
    --- exit code 1
    "#);
    insta::assert_snapshot!(daemon.story(&["dags", "pause", "story"]), @"
    dag_id | is_paused
    =======+==========
    story  | true
    --- stderr
    --- exit code 0
    ");
    insta::assert_snapshot!(daemon.story(&["dags", "trigger", "nowhere"]), @"
    --- stderr
    updraft: The DAG with dag_id: `nowhere` was not found
      hint: `updraft dags list` shows them
    --- exit code 1
    ");
    insta::assert_snapshot!(daemon.story(&["dags", "delete", "story", "--yes"]), @"
    --- stderr
    Deleted DAG story. While its file is there, it comes back without its runs.
    --- exit code 0
    ");
}

#[test]
fn what_a_daemon_holds_is_changed_through_it() {
    let place = Place::new(&[("pools.json", r#"{"gpu": {"slots": 2, "description": "cards"}, "default_pool": {"slots": 7}}"#)]);
    let daemon = Daemon::start(&place);
    insta::assert_snapshot!(daemon.story(&["pools", "import", "pools.json"]), @"
    --- stderr
    Imported 2 pools
    --- exit code 0
    ");
    insta::assert_snapshot!(daemon.story(&["pools", "export", "-"]), @r#"
    {
      "default_pool": {
        "slots": 7,
        "description": "Default pool",
        "include_deferred": false
      },
      "gpu": {
        "slots": 2,
        "description": "cards",
        "include_deferred": false
      }
    }
    --- stderr
    Exported 2 pools to -
    --- exit code 0
    "#);
    insta::assert_snapshot!(daemon.story(&["pools", "delete", "gpu"]), @"
    --- stderr
    Deleted pool gpu
    --- exit code 0
    ");
    insta::assert_snapshot!(daemon.story(&["variables", "set", "api_key", "s3cret"]), @"
    --- stderr
    Variable api_key is set
    --- exit code 0
    ");
    insta::assert_snapshot!(daemon.story(&["variables", "export", "-"]), @"
    {}
    --- stderr
    Exported 0 variables to -
    Left out, since the API does not tell values of keys that look like a secret's: api_key
      hint: stop the daemon and export again, which reads the database itself
    --- exit code 1
    ");
    let levels: Vec<Value> =
        daemon.json(&["doctor"]).as_array().unwrap().iter().filter(|check| check["level"] == "error").cloned().collect();
    assert_eq!(levels, [] as [Value; 0]);
    let output = place.command(&["dags", "list"]).env("UPDRAFT_URL", &daemon.url).env("UPDRAFT_PASSWORD", "wrong").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("updraft: user admin can't log in"), "{output:?}");
}
