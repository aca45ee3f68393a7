//! From a rendered task to what an executor runs: program, arguments, environment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use updraft_model::{PythonCall, PythonCode, Task, WORKLOAD_FORMAT, Workload};
use updraft_scheduler::AttemptContext;

/// What the daemon tells every task of its surroundings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// The DAG folder, absolute: working directories are relative to the DAG file's folder in it.
    pub dags_folder: String,
    /// This program, for the operators it carries out itself in a process of their own.
    pub program: String,
    /// The Python interpreter of tasks that name none.
    pub python: String,
}

/// What `updraft operator` reads from its standard input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operator", rename_all = "snake_case")]
pub enum OperatorSpec {
    /// Sends a request; the answer becomes the `return_value`.
    Http(HttpSpec),
    /// Exits with 0 if the file (a glob) exists, with [`updraft_scheduler::NOT_YET`] if not.
    FileExists {
        /// Relative to the working directory, or absolute.
        path: String,
    },
    /// Exits with 0 if the answer is as expected, with [`updraft_scheduler::NOT_YET`] if not.
    HttpAnswers(HttpSpec),
}

/// A rendered request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HttpSpec {
    pub url: String,
    pub method: String,
    pub headers: BTreeMap<String, String>,
    pub body: Option<Value>,
    /// Any below 400 if empty.
    pub expected_status: Vec<u16>,
    pub timeout_seconds: f64,
}

/// Runs a function and pushes what it returns; the arguments come as JSON on standard input.
const CALL_FUNCTION: &str = r#"
import importlib, json, os, sys
module, _, name = sys.argv[1].partition(":")
function = importlib.import_module(module)
for part in name.split("."):
    function = getattr(function, part)
value = function(**json.load(sys.stdin))
if value is not None:
    with open(os.environ["UPDRAFT_OUTPUT"], "a", encoding="utf-8") as output:
        output.write("return_value:=" + json.dumps(value) + "\n")
"#;

/// Runs a text or a file as `__main__`, with the arguments as global variables.
const RUN_CODE: &str = r#"
import json, sys
given = json.load(sys.stdin)
if given["file"] is not None:
    with open(given["file"], "rb") as source:
        code = compile(source.read(), given["file"], "exec")
else:
    code = compile(given["code"], "<dag file>", "exec")
sys.argv = [given["file"] or "<dag file>"]
exec(code, {"__name__": "__main__", "__file__": sys.argv[0], **given["args"]})
"#;

/// Program, arguments and standard input of a Python call, its arguments rendered.
pub(crate) fn python(call: &PythonCall, args: Value, runtime: &Runtime) -> (Vec<String>, String) {
    let interpreter = call.interpreter.clone().unwrap_or_else(|| runtime.python.clone());
    let script = |text: &str| vec![interpreter.clone(), "-u".to_owned(), "-c".to_owned(), text.trim_start().to_owned()];
    match &call.code {
        PythonCode::Function(name) => {
            let mut argv = script(CALL_FUNCTION);
            argv.push(name.clone());
            (argv, args.to_string())
        }
        PythonCode::File(file) => (script(RUN_CODE), serde_json::json!({"file": file, "code": null, "args": args}).to_string()),
        PythonCode::Inline(code) => (script(RUN_CODE), serde_json::json!({"file": null, "code": code, "args": args}).to_string()),
    }
}

/// `updraft operator` with what it shall do.
pub(crate) fn operator(spec: &OperatorSpec, runtime: &Runtime) -> (Vec<String>, String) {
    let spec = serde_json::to_string(spec).unwrap_or_default();
    (vec![runtime.program.clone(), "operator".to_owned()], spec)
}

/// The workload of an attempt, from what was rendered.
pub(crate) fn workload(
    cx: &AttemptContext<'_>,
    (argv, stdin): (Vec<String>, Option<String>),
    own_env: BTreeMap<String, String>,
    cwd: String,
    runtime: &Runtime,
) -> Option<Workload> {
    let AttemptContext { instance, task, .. } = cx;
    let mut env = context_env(cx);
    if matches!(task.operator, updraft_model::Operator::Python(_)) || uses_python(task) {
        env.insert("PYTHONPATH".to_owned(), runtime.dags_folder.clone());
    }
    env.extend(own_env);
    Some(Workload {
        format: WORKLOAD_FORMAT,
        attempt: instance.attempt?,
        labels: instance.labels(),
        argv,
        stdin,
        env,
        cwd: Some(cwd),
        run_as_user: task.run_as_user.clone(),
        image: task.image.clone(),
        execution_timeout: task.execution_timeout,
        termination_grace: task.termination_grace,
        node_lost_after: None,
        capture_last_line: captures_last_line(task),
        masks: Vec::new(),
        notes: Vec::new(),
        rendered_fields: serde_json::Map::new(),
    })
}

/// Texts that are their own result: the last line of what a script prints.
fn captures_last_line(task: &Task) -> bool {
    use updraft_model::{Chooser, Operator};
    let is_function = |call: &PythonCall| matches!(call.code, PythonCode::Function(_));
    match &task.operator {
        Operator::Bash { .. } | Operator::Cmd { .. } => task.do_xcom_push,
        Operator::Python(call) => task.do_xcom_push && !is_function(call),
        Operator::Branch { by } | Operator::ShortCircuit { by, .. } => match by {
            Chooser::Bash(_) => true,
            Chooser::Python(call) => !is_function(call),
            Chooser::Expression(_) => false,
        },
        // It says why it failed, or what is not there yet.
        Operator::Http(_) | Operator::Sensor(_) => true,
        Operator::Empty | Operator::TriggerDagRun(_) => false,
    }
}

fn uses_python(task: &Task) -> bool {
    use updraft_model::{Chooser, Operator};
    matches!(&task.operator, Operator::Branch { by: Chooser::Python(_) } | Operator::ShortCircuit { by: Chooser::Python(_), .. })
}

/// The variables that tell a task what it is: Updraft's, and Airflow's names beside them.
/// (The executor adds the attempt's: `UPDRAFT_DAG_ID` and so on.)
fn context_env(cx: &AttemptContext<'_>) -> BTreeMap<String, String> {
    let AttemptContext { run, instance, task, dag, .. } = cx;
    let mut env = BTreeMap::new();
    let mut set = |key: &str, value: String| env.insert(key.to_owned(), value);
    if let Some(date) = run.logical_date {
        set("UPDRAFT_LOGICAL_DATE", date.isoformat());
        set("AIRFLOW_CTX_LOGICAL_DATE", date.isoformat());
    }
    if let Some(interval) = run.data_interval {
        set("UPDRAFT_DATA_INTERVAL_START", interval.start.isoformat());
        set("UPDRAFT_DATA_INTERVAL_END", interval.end.isoformat());
    }
    set("AIRFLOW_CTX_DAG_ID", instance.dag_id.to_string());
    set("AIRFLOW_CTX_TASK_ID", instance.task_id.to_string());
    set("AIRFLOW_CTX_DAG_RUN_ID", instance.run_id.to_string());
    set("AIRFLOW_CTX_TRY_NUMBER", instance.try_number.to_string());
    set("AIRFLOW_CTX_DAG_OWNER", task.owner.clone());
    for (name, value) in params(run, dag.map(|d| &d.dag)) {
        // A name that no shell could read as a variable is not offered as one.
        if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            set(&format!("UPDRAFT_PARAM_{}", name.to_ascii_uppercase()), text);
        }
    }
    env
}

/// A run's params: the DAG's defaults, each replaced as a whole by what the run's conf says.
pub(crate) fn params(run: &updraft_model::RunRow, dag: Option<&updraft_model::Dag>) -> serde_json::Map<String, Value> {
    let defaults = dag.into_iter().flat_map(|d| &d.params).filter_map(|(k, p)| Some((k.clone(), p.default.clone()?)));
    let mut params: serde_json::Map<String, Value> = defaults.collect();
    if let Value::Object(conf) = &run.conf {
        params.extend(conf.clone());
    }
    params
}
