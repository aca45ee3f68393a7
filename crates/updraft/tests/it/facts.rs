//! What a task is given, and what of it people see.

use serde_json::{Value, json};

use crate::daemon::{Daemon, Site};

const SECRET: &str = "correct-horse-battery";

fn text_of_log(daemon: &Daemon, dag_id: &str, run: &str, task: &str) -> String {
    let (status, log) = daemon.get(&format!("dags/{dag_id}/dagRuns/{run}/taskInstances/{task}/logs/1"));
    assert_eq!(status, 200, "{log}");
    log.to_string()
}

fn return_value(daemon: &Daemon, dag_id: &str, run: &str, task: &str) -> Value {
    let (status, entry) = daemon.get(&format!("dags/{dag_id}/dagRuns/{run}/taskInstances/{task}/xcomEntries/return_value"));
    assert_eq!(status, 200, "{entry}");
    entry["value"].clone()
}

#[test]
fn a_secret_reaches_the_task_and_nobody_else() {
    let site = Site::new();
    let file = site.path("taken");
    let script = format!(
        "tasks:\n  t:\n    bash: |\n      echo -n {{{{ var.value.db_password }}}} > {}\n      echo given={{{{ var.value.db_password }}}} >> $UPDRAFT_OUTPUT\n      \
         echo the word is {{{{ var.value.db_password }}}}\n",
        file.display()
    );
    site.write_dag("secrets.yaml", &script);
    let daemon = site.start();
    assert_eq!(daemon.post("variables", &json!({"key": "db_password", "value": SECRET})).0, 201);
    daemon.wait_for_dag("secrets");
    let run = daemon.trigger("secrets");
    assert_eq!(daemon.end_of("secrets", &run), "success");
    assert_eq!(std::fs::read_to_string(file).unwrap(), SECRET);
    assert_eq!(return_value(&daemon, "secrets", &run, "t"), "the word is ***");
    // What is handed on on purpose is kept and shown as it is, as in Airflow.
    let (_, given) = daemon.get(&format!("dags/secrets/dagRuns/{run}/taskInstances/t/xcomEntries/given"));
    assert_eq!(given["value"], SECRET);
    let (_, instance) = daemon.get(&format!("dags/secrets/dagRuns/{run}/taskInstances/t"));
    let shown = instance["rendered_fields"]["bash_command"].as_str().unwrap();
    assert!(shown.contains("echo the word is ***") && !instance.to_string().contains(SECRET), "{instance}");
    let log = text_of_log(&daemon, "secrets", &run, "t");
    assert!(log.contains("the word is ***") && !log.contains(SECRET), "{log}");
}

#[test]
fn a_value_is_pulled_from_another_run_of_another_dag() {
    let site = Site::new();
    site.write_dag("give.yaml", "tasks: {g: {bash: 'echo 42'}}\n");
    let pull = "ti.xcom_pull('g', dag_id='give', run_id=params.run)";
    site.write_dag("take.yaml", &format!("params: {{run: ''}}\ntasks:\n  t:\n    bash: echo got {{{{ {pull} }}}}\n"));
    let daemon = site.start();
    daemon.wait_for_dag("give");
    daemon.wait_for_dag("take");
    let given = daemon.trigger("give");
    assert_eq!(daemon.end_of("give", &given), "success");
    let (status, run) = daemon.post("dags/take/dagRuns", &json!({"logical_date": null, "conf": {"run": given}}));
    assert_eq!(status, 200, "{run}");
    let run = run["dag_run_id"].as_str().unwrap();
    assert_eq!(daemon.end_of("take", run), "success");
    assert_eq!(return_value(&daemon, "take", run, "t"), "got 42");
}

#[test]
fn a_task_hears_the_words_that_a_person_hears_when_params_do_not_hold() {
    let site = Site::new();
    site.write_dag("limited.yaml", "params: {times: {type: integer, maximum: 10, default: 1}}\ntasks: {t: {bash: 'true'}}\n");
    site.write_dag("caller.yaml", "tasks: {c: {trigger_dag_run: {dag_id: limited, conf: {times: 99}}}}\n");
    let daemon = site.start();
    daemon.wait_for_dag("limited");
    daemon.wait_for_dag("caller");
    let (status, refusal) = daemon.post("dags/limited/dagRuns", &json!({"logical_date": null, "conf": {"times": 99}}));
    assert_eq!(status, 400, "{refusal}");
    let run = daemon.trigger("caller");
    assert_eq!(daemon.end_of("caller", &run), "failed");
    let (_, instance) = daemon.get(&format!("dags/caller/dagRuns/{run}/taskInstances/c"));
    assert_eq!(instance["reason"], refusal["detail"]);
    assert_eq!(daemon.get("dags/limited/dagRuns").1["total_entries"], 0);
}

#[test]
fn a_value_is_pulled_from_the_run_before() {
    let site = Site::new();
    site.write_dag("on.yaml", "tasks:\n  t:\n    bash: echo {{ ti.xcom_pull(include_prior_dates=true, default='on') }} and on\n");
    let daemon = site.start();
    daemon.wait_for_dag("on");
    for value in ["on and on", "on and on and on"] {
        let run = daemon.trigger("on");
        assert_eq!(daemon.end_of("on", &run), "success");
        assert_eq!(return_value(&daemon, "on", &run, "t"), value);
    }
}
