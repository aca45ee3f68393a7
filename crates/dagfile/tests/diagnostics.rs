//! What a person reads for each kind of mistake. One snapshot per kind, all of its cases in it.
#![allow(clippy::unwrap_used)]

use updraft_dagfile::{parse, report};

/// The reports of several broken files, one after the other.
fn reports(cases: &[(&str, &str)]) -> String {
    let one = |(name, yaml): &(&str, &str)| {
        let parsed = parse("dags/example.yaml", yaml.as_bytes());
        assert!(!parsed.diagnostics.is_empty(), "nothing found in: {name}");
        let is_one_document = !yaml.contains("---");
        assert!(!is_one_document || parsed.dags.is_empty() || !parsed.has_errors(), "a broken document gave a DAG: {name}");
        format!("=== {name}\n{}", report("dags/example.yaml", yaml, &parsed.diagnostics, false))
    };
    cases.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// A snapshot without the expression it is of, which is long here.
macro_rules! snapshot {
    ($text:expr) => {
        insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!($text) })
    };
}

#[test]
fn unquoted_values() {
    snapshot!(reports(&[
        ("cron", "schedule: */15 * * * *\ntasks:\n  a: {bash: ls}\n"),
        ("cron of stars", "schedule: * * * * *\ntasks:\n  a: {bash: ls}\n"),
        ("cron in a list", "schedule:\n  - \"0 6 * * *\"\n  - */5 * * * *\ntasks:\n  a: {bash: ls}\n"),
        ("preset", "schedule: @daily\ntasks:\n  a: {bash: ls}\n"),
        ("template", "tasks:\n  a:\n    bash: {{ ds }}\n"),
        ("template and text", "tasks:\n  a:\n    bash: {{ ds }}/load.sh\n"),
        ("template in a list", "tasks:\n  a:\n    cmd: [load, {{ ds }}]\n"),
        ("template as an item", "tasks:\n  a:\n    cmd:\n      - load\n      - {{ ds }}\n"),
        ("comma in braces", "tasks:\n  a: {bash: echo a, b}\n"),
        ("colon in a text", "tasks:\n  a:\n    bash: echo key: value\n"),
        ("text behind quotes", "tasks:\n  a:\n    bash: \"./load.sh\" --all\n"),
        ("percent", "tasks:\n  a:\n    bash: %load\n"),
    ]));
}

#[test]
fn syntax() {
    snapshot!(reports(&[
        ("tab", "tasks:\n\ta:\n\t\tbash: ls\n"),
        ("indentation", "tasks:\n  a:\n    bash: ls\n   retries: 3\n"),
        ("no blank behind the colon", "tasks:\n  a:\n    bash: ls\n    retries:3\n"),
        ("open quote", "tasks:\n  a:\n    bash: \"ls\n"),
        ("open bracket", "tasks:\n  a:\n    cmd: [ls, -l\n"),
        ("open brace", "tasks:\n  a: {bash: ls\n  b: {bash: ls}\n"),
        ("open bracket, and more behind it", "tasks:\n  a: {bash: ls}\n  b:\n    bash: ls\n    upstream: [a, c\n  c:\n    cmd: [ls, -l]\n"),
        ("closed bracket with a colon in it", "tasks:\n  a: {\n    bash: echo a: b,\n    retries: 1\n  }\n"),
        ("unknown alias", "tasks:\n  a: *base\n"),
        ("alias in itself", "tasks: &t\n  a: *t\n"),
        ("merge of a text", "tasks:\n  a:\n    <<: base\n    bash: ls\n"),
        ("key twice", "tasks:\n  a: {bash: ls}\n  b: {bash: ls}\n  a: {bash: pwd}\n"),
        ("field twice", "tasks:\n  a:\n    bash: ls\n    retries: 1\n    bash: pwd\n"),
        ("list as key", "? [a, b]\n: c\ntasks:\n  a: {bash: ls}\n"),
        ("unknown tag", "tasks:\n  a:\n    bash: !secret token\n"),
        ("a text", "hello\n"),
        ("a list", "- bash: ls\n"),
        ("nothing", "# only a comment\n"),
        ("second document broken", "tasks:\n  a: {bash: ls\n---\ntasks:\n  a: {bsh: ls}\n"),
    ]));
}

#[test]
fn unknown_keys() {
    snapshot!(reports(&[
        ("in a DAG", "schedul: \"@daily\"\ntasks:\n  a: {bash: ls}\n"),
        ("in a task", "tasks:\n  a:\n    bash: ls\n    retires: 3\n"),
        ("of another tool", "tasks:\n  a:\n    bash: ls\n  b:\n    bash: ls\n    depends_on: [a]\n"),
        ("an old name", "schedule_interval: \"@daily\"\ntasks:\n  a: {bash: ls}\n"),
        ("misspelt operator", "tasks:\n  a:\n    bsh: ls\n"),
        ("of a task, in the DAG", "retries: 3\ntasks:\n  a: {bash: ls}\n"),
        ("of the DAG, in default_args", "default_args: {schedule: \"@daily\"}\ntasks:\n  a: {bash: ls}\n"),
        ("of a sensor, in the task", "tasks:\n  a:\n    sensor: {file: x}\n    poke_interval: 5s\n"),
        ("not supported", "tasks:\n  a:\n    bash: ls\n    on_failure_callback: notify\n"),
        ("in python", "tasks:\n  a:\n    python: {call: \"m:f\", kwargs: {a: 1}}\n"),
        ("in a sensor", "tasks:\n  a:\n    sensor: {fil: x}\n"),
        ("far from everything", "tasks:\n  a:\n    http: {url: \"http://localhost\", zzz: 1}\n"),
        ("that Airflow has", "default_view: grid\nrender_template_as_native_obj: true\ntasks:\n  a: {bash: ls, provide_context: true}\n"),
        (
            "of many tools",
            "tasks:\n  a: {bash: ls}\n  b: {bash: ls, dependsOn: [a], env_vars: {A: b}, working_dir: /, retry_delay_seconds: 5}\n"
        ),
        (
            "of Airflow's PythonOperator",
            "tasks:\n  a: {python: {call: \"m:f\", op_kwargs: {a: 1}}}\n  b: {python: \"m:f\", op_kwargs: {a: 1}}\n"
        ),
        ("of http and trigger_dag_run", "tasks:\n  a: {http: {url: \"http://x\", expected: 200}}\n  b: {trigger_dag_run: {dag: x}}\n"),
        ("tasks misspelt", "task:\n  a: {bash: ls}\n"),
    ]));
}

#[test]
fn wrong_types() {
    snapshot!(reports(&[
        ("whole number", "tasks:\n  a:\n    bash: ls\n    retries: three\n    pool_slots: \"2\"\n    priority_weight: 1.5\n"),
        ("too small", "max_active_runs: 0\ntasks:\n  a:\n    bash: ls\n    retries: -1\n"),
        ("boolean", "catchup: yes\ntasks:\n  a:\n    bash: ls\n    depends_on_past: 1\n"),
        ("text", "description: [a]\ntasks:\n  a:\n    bash: {script: ls}\n"),
        ("command as a text", "tasks:\n  a:\n    cmd: python -m clean\n"),
        ("list of tasks", "tasks:\n  - bash: ls\n"),
        ("task as a text", "tasks:\n  a: ./load.sh\n"),
        ("task of nothing", "tasks:\n  a:\n  b: {retries: 3}\n"),
        ("no tasks", "schedule: \"@daily\"\n"),
        ("empty tasks", "tasks: {}\n"),
        ("two operators", "tasks:\n  a:\n    bash: ls\n    python: m:f\n"),
        ("nothing where something is needed", "tasks:\n  a:\n    bash:\n    retries:\n"),
        ("mapping", "default_args: [a]\ntasks:\n  a:\n    bash: ls\n    env: [A=1]\n    resources: 2Gi\n"),
        ("words", "tasks:\n  a:\n    bash: ls\n    trigger_rule: all_sucess\n    weight_rule: sideways\n"),
        ("ids", "dag_id: my dag\ntasks:\n  \"a b\": {bash: ls}\n  c:\n    bash: ls\n    executor: \"a/b\"\n"),
        ("quantities", "tasks:\n  a:\n    image: x\n    bash: ls\n    resources: {memory: 2GB, cpu: many}\n"),
        ("environment", "tasks:\n  a:\n    bash: ls\n    env: {\"A=B\": 1, C: [1]}\n"),
        ("image without a process", "tasks:\n  a:\n    empty:\n    image: python\n"),
        ("exit codes", "tasks:\n  a:\n    bash: ls\n    skip_on_exit_code: [99, 300]\n"),
    ]));
}

#[test]
fn operators() {
    snapshot!(reports(&[
        ("python call with a dot", "tasks:\n  a:\n    python: {call: checks.audit.main}\n"),
        ("python of nothing", "tasks:\n  a:\n    python: {args: {a: 1}}\n"),
        ("python of two", "tasks:\n  a:\n    python: {call: \"m:f\", file: x.py}\n"),
        ("branch of nothing", "tasks:\n  a:\n    branch: {}\n"),
        ("branch of two", "tasks:\n  a:\n    branch: {bash: ls, expression: \"{{ 1 }}\"}\n"),
        ("http without url", "tasks:\n  a:\n    http: {method: GTE, expected_status: 99}\n"),
        ("http elsewhere", "tasks:\n  a:\n    http: localhost:8000\n"),
        ("trigger of nothing", "tasks:\n  a:\n    trigger_dag_run: {conf: {a: 1}}\n"),
        (
            "trigger that contradicts itself",
            "tasks:\n  a:\n    trigger_dag_run: {dag_id: b, reset_dag_run: true, skip_when_already_exists: true}\n"
        ),
        ("sensor of nothing", "tasks:\n  a:\n    sensor: {timeout: 5m}\n"),
        ("sensor of two", "tasks:\n  a:\n    sensor: {file: x, time: 2026-01-01}\n"),
        ("sensor of a wrong time", "tasks:\n  a:\n    sensor: {time: tomorrow}\n"),
        ("empty with something", "tasks:\n  a:\n    empty: ls\n"),
        ("command of nothing", "tasks:\n  a:\n    cmd: []\n"),
    ]));
}

#[test]
fn times() {
    snapshot!(reports(&[
        (
            "durations",
            "dagrun_timeout: 2 hours\ntasks:\n  a:\n    bash: ls\n    retry_delay: soon\n    execution_timeout: 0\n    termination_grace: -5s\n"
        ),
        ("dates", "start_date: 01.02.2026\nend_date: 2026-02-30\ntasks:\n  a: {bash: ls}\n"),
        ("end before start", "start_date: 2026-02-01\nend_date: 2026-01-01\ntasks:\n  a: {bash: ls}\n"),
        ("zone", "timezone: Europe/Lodnon\ntasks:\n  a: {bash: ls}\n"),
        ("zone by its city", "timezone: london\ntasks:\n  a: {bash: ls}\n"),
        ("zone by an offset", "timezone: \"+01:00\"\ntasks:\n  a: {bash: ls}\n"),
        ("preset", "schedule: \"@dayly\"\ntasks:\n  a: {bash: ls}\n"),
        ("no schedule", "schedule: sometimes\ntasks:\n  a: {bash: ls}\n"),
        ("schedule None", "schedule: None\ntasks:\n  a: {bash: ls}\n"),
        ("schedule of both", "schedule: {cron: \"0 6 * * *\", every: 5m}\ntasks:\n  a: {bash: ls}\n"),
        ("schedule of neither", "schedule: {data_interval: true}\ntasks:\n  a: {bash: ls}\n"),
        ("schedule of zero", "schedule: 0s\ntasks:\n  a: {bash: ls}\n"),
        ("empty schedule", "schedule: []\ntasks:\n  a: {bash: ls}\n"),
    ]));
}

#[test]
fn timetables() {
    snapshot!(reports(&[
        ("four fields", "schedule: \"0 6 * *\"\ntasks:\n  a: {bash: ls}\n"),
        ("the second of two", "schedule:\n  - \"0 6 * * *\"\n  - \"0 26 * * *\"\ntasks:\n  a: {bash: ls}\n"),
        ("beside other errors", "schedule: \"61 * * * *\"\ncatchup: maybe\ntasks:\n  a: {bash: \"echo {{ dss }}\", retries: -1}\n"),
        ("beside an error in a template", "schedule: \"@daily\"\ncatchup: true\ntasks:\n  a: {bash: \"echo {{ dss }}\"}\n"),
        ("never", "schedule: \"0 0 30 2 *\"\ntasks:\n  a: {bash: ls}\n"),
        ("catchup without start", "schedule: \"@daily\"\ncatchup: true\ntasks:\n  a: {bash: ls}\n"),
        ("continuous in parallel", "schedule: \"@continuous\"\ntasks:\n  a: {bash: ls}\n"),
        ("required param", "schedule: \"@daily\"\nparams:\n  day: {type: string}\ntasks:\n  a: {bash: ls}\n"),
        ("two with an interval", "schedule: {cron: [\"0 6 * * *\", \"0 7 * * *\"], data_interval: true}\ntasks:\n  a: {bash: ls}\n"),
    ]));
}

#[test]
fn params() {
    snapshot!(reports(&[
        ("default of another type", "params:\n  day: {type: integer, default: Monday}\ntasks:\n  a: {bash: ls}\n"),
        ("default not among the choices", "params:\n  size: {enum: [s, m], default: l}\ntasks:\n  a: {bash: ls}\n"),
        ("default of another format", "params:\n  day: {type: string, format: date, default: Monday}\ntasks:\n  a: {bash: ls}\n"),
        ("no type", "params:\n  day: {type: int, default: 1}\ntasks:\n  a: {bash: ls}\n"),
        ("misspelt keyword", "params:\n  day: {tpye: string}\ntasks:\n  a: {bash: ls}\n"),
        ("mapping as default", "params:\n  db: {host: localhost, port: 5432}\ntasks:\n  a: {bash: ls}\n"),
        ("reference", "params:\n  tree: {type: object, properties: {left: {$ref: \"#\"}}}\ntasks:\n  a: {bash: ls}\n"),
        ("version as a number", "params:\n  version: 1.10\ntasks:\n  a: {bash: ls}\n"),
    ]));
}

#[test]
fn graphs() {
    snapshot!(reports(&[
        ("unknown upstream", "tasks:\n  extract: {bash: ls}\n  load: {bash: ls, upstream: [extrac]}\n"),
        ("unknown upstream unlike any", "tasks:\n  a: {bash: ls}\n  b: {bash: ls, upstream: warehouse}\n"),
        ("itself", "tasks:\n  a: {bash: ls, upstream: [a]}\n"),
        ("cycle", "tasks:\n  a: {bash: ls, upstream: [c]}\n  b: {bash: ls, upstream: [a]}\n  c:\n    bash: ls\n    upstream:\n      - b\n"),
        (
            "two cycles",
            "tasks:\n  a: {empty: , upstream: b}\n  b: {empty: , upstream: a}\n  c: {empty: , upstream: d}\n  d: {empty: , upstream: [c, a]}\n"
        ),
        ("fail_fast", "fail_fast: true\ntasks:\n  a: {bash: ls}\n  b: {bash: ls, upstream: a, trigger_rule: all_done}\n"),
        ("setup and teardown", "tasks:\n  a: {bash: ls, is_setup: true, is_teardown: true}\n"),
        ("no error from a broken upstream", "tasks:\n  a: {bash: ls, retries: x}\n  b: {bash: ls, upstream: a}\n"),
        ("DAG twice", "tasks:\n  a: {bash: ls}\n---\ntasks:\n  a: {bash: ls}\n"),
    ]));
}

#[test]
fn templates() {
    snapshot!(reports(&[
        ("unknown name", "tasks:\n  a:\n    bash: echo \"{{ dss }}\"\n"),
        ("in a block", "tasks:\n  a:\n    bash: |\n      set -e\n\n        echo é {{ dss }}\n      echo {{ also_unknown }}\n"),
        ("in a folded block", "tasks:\n  a:\n    bash: >\n      echo\n      {{ dss }}\n"),
        ("undeclared param", "params: {day: 1}\ntasks:\n  a:\n    bash: echo {{ params.dya }}\n"),
        ("syntax", "tasks:\n  a:\n    bash: echo {{ ds\n    env: {A: \"{{ ds }\"}\n"),
        ("unknown filter", "tasks:\n  a:\n    cmd: [echo, \"{{ ds | upercase }}\"]\n"),
        ("single quotes", "tasks:\n  a:\n    bash: echo '{{ ds }}'\n"),
        ("quoted here-document", "tasks:\n  a:\n    bash: |\n      cat <<'EOF'\n      {{ ds }}\n      EOF\n"),
        ("expression", "tasks:\n  a:\n    bash: ls\n    when: \"{{ parms.full }}\"\n  b:\n    branch: \"'a' if params.full else\"\n"),
        ("arguments of python", "tasks:\n  a:\n    python: {call: \"m:f\", args: {days: [\"{{ dss }}\"]}}\n"),
        ("by way of an alias", "x-cmd: &cmd \"echo {{ dss }}\"\ntasks:\n  a:\n    bash: *cmd\n"),
        ("in default_args", "default_args: {env: {DAY: \"{{ dss }}\"}}\ntasks:\n  a: {bash: ls}\n  b: {bash: ls}\n"),
    ]));
}

#[test]
fn files() {
    let of = |bytes: &[u8]| {
        let parsed = parse("x.yaml", bytes);
        report("x.yaml", &String::from_utf8_lossy(bytes), &parsed.diagnostics, false)
    };
    let all = [
        of(b"tasks:\n  a: {bash: \xff}\n"),
        of(b"\x7fELF\x02\x01\x01\0\0"),
        of(b"\xff\xfet\0a\0s\0k\0s\0"),
        of(b""),
        of(format!("a: &a [x,x,x,x,x,x,x,x,x]\n{}", (0..9).map(bomb_line).collect::<String>()).as_bytes()),
        of(format!("tasks: {}{}", "[".repeat(1000), "]".repeat(1000)).as_bytes()),
    ];
    snapshot!(all.join("\n"));
}

/// Nine times the line before.
fn bomb_line(n: u8) -> String {
    let name = |n: u8| char::from(b'a' + n);
    let items = vec![format!("*{}", name(n)); 9].join(",");
    format!("{next}: &{next} [{items}]\n", next = name(n + 1))
}
