//! What files mean: whole DAGs as text, and files that mean the same.
#![allow(clippy::unwrap_used)]

use updraft_dagfile::{ParsedFile, Severity, parse};
use updraft_model::{ContentHash, Dag, Operator, PythonCode, Schedule};

fn file(yaml: &str) -> ParsedFile {
    parse("dags/example.yaml", yaml.as_bytes())
}

/// The one DAG of a file without mistakes.
fn dag(yaml: &str) -> Dag {
    let mut parsed = file(yaml);
    assert_eq!(parsed.diagnostics, []);
    assert_eq!(parsed.dags.len(), 1);
    parsed.dags.remove(0).dag
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

const SALES: &str = include_str!("files/sales_daily.yaml");
const SALES_REORDERED: &str = include_str!("files/sales_daily_reordered.yaml");

#[test]
fn the_design_example() {
    insta::assert_snapshot!(json(&dag(SALES)));
}

#[test]
fn formatting_and_order_do_not_matter() {
    assert_eq!(dag(SALES), dag(SALES_REORDERED));
    assert_eq!(ContentHash::of(&dag(SALES)), ContentHash::of(&dag(SALES_REORDERED)));
    let changed = SALES.replace("retries: 3", "retries: 4");
    assert_ne!(ContentHash::of(&dag(SALES)), ContentHash::of(&dag(&changed)));
}

#[test]
fn defaults_are_airflows() {
    insta::assert_snapshot!(json(&dag("tasks: {a: {bash: ls}}")));
}

#[test]
fn every_operator() {
    insta::assert_snapshot!(json(
        &dag(include_str!("files/operators.yaml")).tasks.values().map(|t| (&t.task_id, &t.operator)).collect::<Vec<_>>()
    ));
}

#[test]
fn every_argument() {
    insta::assert_snapshot!(json(&dag(include_str!("files/arguments.yaml"))));
}

#[test]
fn schedules() {
    let cases = [
        "null",
        "\"0 6 * * *\"",
        "0 6 * * *",
        "[\"0 7 * * *\", \"0  6 * * *\", \"0 6 * * *\"]",
        "\"@daily\"",
        "30m",
        "PT1H",
        "90",
        "\"@once\"",
        "{cron: \"0 6 * * 1-5\", timezone: America/New_York, data_interval: true}",
        "{every: 30m, data_interval: true}",
        "{cron: \"@hourly\"}",
    ];
    let schedules = cases.map(|schedule| {
        let dag = dag(&format!("timezone: Europe/London\nschedule: {schedule}\ntasks: {{a: {{bash: ls}}}}"));
        format!("{schedule}\n  {}", serde_json::to_string(&dag.schedule).unwrap())
    });
    insta::assert_snapshot!(schedules.join("\n"));
    assert_eq!(dag("max_active_runs: 1\nschedule: \"@continuous\"\ntasks: {a: {bash: ls}}").schedule, Schedule::Continuous);
    assert_eq!(dag("tasks: {a: {bash: ls}}").schedule, Schedule::Never);
}

#[test]
fn several_documents_are_several_dags() {
    let parsed = file(
        "dag_id: one\ntasks: {a: {bash: ls}}\n---\n---\n# comment\ntasks: {a: {bsh: ls}}\n---\ndag_id: three\ntasks: {a: {bash: ls}}\n",
    );
    let found: Vec<_> = parsed.dags.iter().map(|d| (d.dag.dag_id.as_str(), d.line)).collect();
    assert_eq!(found, [("one", 1), ("three", 8)]);
    assert_eq!(parsed.diagnostics.iter().map(|d| (d.line, d.column, d.severity)).collect::<Vec<_>>(), [(6, 13, Severity::Error)]);
}

#[test]
fn a_document_after_broken_syntax_is_still_read() {
    let parsed = file("tasks: {a: {bash: \"ls}\n---\ndag_id: two\ntasks: {a: {bash: ls}}\n");
    assert_eq!(parsed.dags.iter().map(|d| d.dag.dag_id.as_str()).collect::<Vec<_>>(), ["two"]);
    assert!(parsed.has_errors());
}

#[test]
fn the_files_stem_is_the_default_dag_id() {
    let id = |path: &str| parse(path, b"tasks: {a: {bash: ls}}").dags.first().map(|d| d.dag.dag_id.to_string());
    assert_eq!(id("dags/team/sales.v2.yaml").as_deref(), Some("sales.v2"));
    assert_eq!(id("sales.yml").as_deref(), Some("sales"));
    assert_eq!(id("my sales.yaml"), None);
}

#[test]
fn scalars_keep_their_source_text() {
    let dag = dag(
        "tasks:\n  a:\n    image: python:3.10\n    cmd: [echo, 1.10, 0x1F, 007, yes, true, null_, 1e3, +5]\n    env: {V: 1.10, B: true, E: , O: 0o17}\n    resources: {cpu: 1.50}\n",
    );
    let task = dag.tasks.values().next().unwrap();
    assert_eq!(
        task.operator,
        Operator::Cmd { argv: ["echo", "1.10", "0x1F", "007", "yes", "true", "null_", "1e3", "+5"].map(str::to_owned).to_vec() }
    );
    assert_eq!(json(&task.env), "{\n  \"B\": \"true\",\n  \"E\": \"\",\n  \"O\": \"0o17\",\n  \"V\": \"1.10\"\n}");
    assert_eq!(task.resources.by_name["cpu"], "1.50");
}

#[test]
fn anchors_merges_and_own_keys() {
    let plain = dag("tasks:\n  a: {bash: ls, retries: 2, pool: p}\n  b: {bash: pwd, retries: 3, pool: p}\n");
    let merged = dag(
        "x-common: &common {retries: 2, pool: p}\ntasks:\n  a: {<<: *common, bash: ls}\n  b:\n    retries: 3\n    <<: [*common, {pool: other, bash: pwd}]\n    x-note: {anything: 1}\n",
    );
    assert_eq!(plain, merged);
}

#[test]
fn default_args_are_a_starting_point() {
    let dag = dag(
        "default_args: {retries: 2, executor: docker, env: {A: 1}, upstream: a, start_date: 2026-01-01}\ntasks:\n  a: {bash: ls, upstream: [], executor: null}\n  b: {bash: ls, retries: 0, env: {}}\n",
    );
    assert_eq!(dag.start_date.unwrap().to_string(), "2026-01-01T00:00:00Z");
    let [a, b] = ["a", "b"].map(|id| &dag.tasks[id]);
    assert_eq!((a.retry.retries, a.executor.is_none(), a.env.len(), a.upstream.len()), (2, true, 1, 0));
    assert_eq!((b.retry.retries, b.executor.is_none(), b.env.len(), b.upstream.len()), (0, false, 0, 1));
}

#[test]
fn what_follows_from_other_arguments() {
    let dag = dag(
        "tasks:\n  process: {bash: ls}\n  container: {bash: ls, image: x}\n  none: {bash: ls, skip_on_exit_code: null}\n  own: {bash: ls, image: x, skip_on_exit_code: [1, 2]}\n  past: {bash: ls, wait_for_downstream: true}\n  clean: {bash: ls, is_teardown: true}\n",
    );
    let codes = |id: &str| dag.tasks[id].skip_on_exit_code.iter().copied().collect::<Vec<_>>();
    assert_eq!((codes("process"), codes("container"), codes("none"), codes("own")), (vec![99], vec![], vec![], vec![1, 2]));
    assert!(dag.tasks["past"].depends_on_past);
    assert_eq!(dag.tasks["clean"].trigger_rule, updraft_model::TriggerRule::AllDoneSetupSuccess);
}

#[test]
fn dates_are_in_the_dags_zone() {
    let dag = dag("start_date: 2026-07-01\ntimezone: europe/london\ntasks: {a: {bash: ls, end_date: 2026-07-02T00:00:00+02:00}}");
    assert_eq!(dag.timezone, "Europe/London");
    assert_eq!(dag.start_date.unwrap().to_string(), "2026-06-30T23:00:00Z");
    assert_eq!(dag.tasks["a"].end_date.unwrap().to_string(), "2026-07-01T22:00:00Z");
}

#[test]
fn blocks_and_byte_order_marks() {
    let text = "\u{feff}tasks:\r\n  a:\r\n    bash: |\r\n      echo 1\r\n      echo 2\r\n  b:\r\n    python: |\r\n      import os\r\n";
    let dag = dag(text);
    assert_eq!(dag.tasks["a"].operator, Operator::Bash { command: "echo 1\necho 2\n".to_owned() });
    let Operator::Python(call) = &dag.tasks["b"].operator else { panic!("not python") };
    assert_eq!(call.code, PythonCode::Inline("import os\n".to_owned()));
}

#[test]
fn params_come_in_the_order_of_the_file() {
    let with = |params: &str| dag(&format!("params:\n{params}tasks: {{a: {{bash: ls}}}}\n"));
    let ordered = with("  zone: {enum: [z, a]}\n  at: {type: string, format: time, default: '10:30:00'}\n  day: 1\n");
    assert_eq!(ordered.params.keys().collect::<Vec<_>>(), ["zone", "at", "day"]);
    let stored: Dag = serde_json::from_str(&json(&ordered)).unwrap();
    assert_eq!(stored.params.keys().collect::<Vec<_>>(), ["zone", "at", "day"]);
    let other = with("  day: 1\n  at: {default: '10:30:00', format: time, type: string}\n  zone: {enum: [z, a]}\n");
    assert_eq!(ContentHash::of(&other), ContentHash::of(&ordered), "another order is no other version");
}

#[test]
fn a_warning_costs_no_dag() {
    let parsed = file("params: {version: 1.10}\ntasks: {a: {bash: ls}}");
    assert_eq!((parsed.dags.len(), parsed.diagnostics.len(), parsed.has_errors()), (1, 1, false));
}

#[test]
fn a_canonical_dag_survives_its_serialisation() {
    for file in [include_str!("files/arguments.yaml"), include_str!("files/operators.yaml")] {
        let dag = dag(file);
        let back: Dag = serde_json::from_str(&json(&dag)).unwrap();
        assert_eq!(back, dag);
    }
}
