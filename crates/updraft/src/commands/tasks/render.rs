//! `tasks render`: what a task's templates become, by the same code that the engine uses.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Map, Value, json};
use updraft_engine::{Preparation, Prepared, Runtime, prepare};
use updraft_model::{
    AttemptId, ContentHash, Dag, DagVersion, Question, RunId, RunKey, RunRow, RunState, RunType, Task, TaskId, TaskInstanceId,
    TaskInstanceRow, TaskState, Timestamp, TriggeredBy, Verdict, VersionId, Workload,
};
use updraft_scheduler::{AttemptContext, InlineEnd};
use updraft_timetable::Timetable;
use uuid::Uuid;

use crate::commands::{Context, args, dag_file};

/// Which task, and of which run.
#[derive(Debug, Args)]
pub struct Render {
    /// A DAG's id, or a DAG file
    dag: String,
    /// The task
    task_id: String,
    /// The run's logical date, as Airflow takes it
    #[arg(value_parser = args::time, value_name = "TIME", conflicts_with = "logical_date")]
    date: Option<Timestamp>,
    /// The run's logical date [default: now]
    #[arg(long, short = 'l', value_parser = args::time, value_name = "TIME")]
    logical_date: Option<Timestamp>,
    /// The run's conf: a JSON object, or @FILE with one
    #[arg(long, short = 'c', value_parser = args::conf, value_name = "JSON")]
    conf: Option<Map<String, Value>>,
    /// A variable for `{{ var.value.KEY }}`; others are asked of the daemon
    #[arg(long = "var", value_parser = args::pair, value_name = "KEY=VALUE")]
    variables: Vec<(String, String)>,
    /// A value for `{{ ti.xcom_pull(..) }}`, as JSON or as text
    #[arg(long = "xcom", value_parser = args::pair, value_name = "TASK=VALUE")]
    xcoms: Vec<(String, String)>,
    /// Which DAG of a file that has several
    #[arg(long)]
    dag_id: Option<String>,
}

impl Render {
    /// Prints what they become.
    pub async fn run(&self, cx: &Context) -> anyhow::Result<()> {
        let dag = dag_file::find(cx, &self.dag, self.dag_id.as_deref()).await?;
        let task =
            dag.tasks.get(self.task_id.as_str()).with_context(|| format!("DAG {} has no task {}", dag.dag_id, self.task_id))?.clone();
        let run = self.run_row(&dag)?;
        let instance = instance_row(&run, &task);
        let downstream: Vec<&TaskId> = dag.tasks.values().filter(|t| t.upstream.contains(&task.task_id)).map(|t| &t.task_id).collect();
        let version = DagVersion { id: run.version, number: 1, hash: ContentHash::of(&dag), created_at: now(), dag: dag.clone() }.into();
        let (runtime, file) = self.surroundings(cx)?;
        let mut skipped = None;
        let mut task = task;
        let mut preparation = Preparation::default();
        loop {
            let shared = task.clone().into();
            let (dag, downstream) = (Some(&version), downstream.clone());
            let context = AttemptContext { run: &run, instance: &instance, task: &shared, dag, file: &file, downstream };
            match prepare(&context, &mut preparation, &runtime, now()) {
                Prepared::Launch(workload) => return print(cx, &workload, skipped.as_deref()),
                // What it would have run is asked for nevertheless.
                Prepared::Inline(InlineEnd::Skipped(why)) if task.when.is_some() => {
                    skipped = Some(why);
                    task.when = None;
                }
                Prepared::Inline(end) => return print_inline(cx, end, skipped),
                Prepared::Needs(questions) => {
                    for question in questions {
                        let verdict = self.answer(cx, &question).await?;
                        preparation.answer(question, verdict);
                    }
                }
            }
        }
    }

    /// A run as a trigger at the logical date would make it.
    fn run_row(&self, dag: &Dag) -> anyhow::Result<RunRow> {
        let at = self.logical_date.or(self.date).unwrap_or_else(now);
        Ok(RunRow {
            key: RunKey(1),
            dag_id: dag.dag_id.clone(),
            run_id: RunId::new(format!("manual__{}", at.isoformat()))?,
            run_type: RunType::Manual,
            state: RunState::Running,
            version: VersionId(Uuid::nil()),
            logical_date: Some(at),
            data_interval: Some(Timetable::new(&dag.schedule)?.manual_interval(at)),
            run_after: at,
            queued_at: Some(at),
            start_date: Some(at),
            end_date: None,
            conf: self.conf.clone().unwrap_or_default().into(),
            triggered_by: TriggeredBy::Test,
            triggering_user: None,
            note: None,
            end_reason: None,
        })
    }

    /// The folders a task would be run in.
    fn surroundings(&self, cx: &Context) -> anyhow::Result<(Runtime, String)> {
        let path = Path::new(&self.dag);
        let (folder, file) = match path.canonicalize() {
            Ok(path) if path.is_file() => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                (path.parent().unwrap_or(Path::new("/")).to_owned(), name)
            }
            _ => (cx.config.dags.clone(), String::new()),
        };
        let runtime = Runtime {
            dags_folder: folder.to_string_lossy().into_owned(),
            program: std::env::current_exe()?.to_string_lossy().into_owned(),
            python: cx.config.python.clone(),
        };
        Ok((runtime, file))
    }

    async fn answer(&self, cx: &Context, question: &Question) -> anyhow::Result<Verdict> {
        let given = |all: &[(String, String)], name: &str| all.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        match question {
            Question::Variable { key } => match given(&self.variables, key) {
                Some(value) => Ok(Verdict::Variable(Some(value))),
                None => stored_variable(cx, key).await.map(Verdict::Variable),
            },
            Question::XCom { task_id, .. } | Question::XComOfRun { task_id, .. } => {
                let value = given(&self.xcoms, task_id.as_str());
                let value = value.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text)));
                Ok(Verdict::XCom(value))
            }
            Question::PreviousSuccess { .. } => Ok(Verdict::PreviousSuccess(None)),
            other => bail!("this task asks for what only a run can answer: {other:?}\n  hint: run it with `updraft tasks test`"),
        }
    }
}

async fn stored_variable(cx: &Context, key: &str) -> anyhow::Result<Option<String>> {
    let api = cx.api().await.with_context(|| format!("the template asks for variable {key}; give it with --var {key}=VALUE"))?;
    match api.get(&["variables", key], &[]).await {
        Ok(variable) => Ok(variable["value"].as_str().map(str::to_owned)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

fn instance_row(run: &RunRow, task: &Task) -> TaskInstanceRow {
    TaskInstanceRow {
        state: TaskState::Queued,
        try_number: 1,
        attempt: Some(AttemptId(Uuid::nil())),
        ..TaskInstanceRow::new(run, task, TaskInstanceId(Uuid::nil()))
    }
}

fn print(cx: &Context, workload: &Workload, skipped: Option<&str>) -> anyhow::Result<()> {
    let Workload { argv, stdin, env, cwd, image, .. } = workload;
    // What every task has is not what its author wrote.
    let own: BTreeMap<&String, &String> = env.iter().filter(|(name, _)| !name.starts_with("AIRFLOW_CTX_") && !is_context(name)).collect();
    if !cx.out.is_table() {
        let mut shown = json!({ "argv": argv, "stdin": stdin, "env": own, "cwd": cwd, "image": image });
        if let Some(why) = skipped {
            shown["ends_as"] = "skipped".into();
            shown["reason"] = why.into();
        }
        return cx.out.value(&shown);
    }
    match argv.as_slice() {
        [bash, flag, script] if bash == "bash" && flag == "-c" => property(cx, "bash", script)?,
        argv => property(cx, "cmd", &argv.iter().map(|arg| Value::from(arg.as_str()).to_string()).collect::<Vec<_>>().join(" "))?,
    }
    let env = own.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n");
    let rest = [("env", Some(env.as_str())), ("stdin", stdin.as_deref()), ("image", image.as_deref()), ("cwd", cwd.as_deref())];
    for (name, value) in rest {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            property(cx, name, value)?;
        }
    }
    skipped.map_or(Ok(()), |why| cx.out.line(&format!("It would not run, but be skipped: {why}")))
}

/// Variables that tell a task what it is.
fn is_context(name: &str) -> bool {
    matches!(name, "UPDRAFT_LOGICAL_DATE" | "UPDRAFT_DATA_INTERVAL_START" | "UPDRAFT_DATA_INTERVAL_END" | "PYTHONPATH")
        || name.starts_with("UPDRAFT_PARAM_")
}

/// As Airflow prints it.
fn property(cx: &Context, name: &str, value: &str) -> anyhow::Result<()> {
    let line = cx.out.paint().dim(&format!("# {}", "-".repeat(58)));
    cx.out.text(&format!("{line}\n# property: {name}\n{line}\n{value}\n\n"))
}

/// What ends without a process has a value instead of fields.
fn print_inline(cx: &Context, end: InlineEnd, skipped: Option<String>) -> anyhow::Result<()> {
    let mut shown = match end {
        InlineEnd::Failed { error, .. } => bail!("it can't be rendered: {error}"),
        InlineEnd::Success(value) => json!({ "ends_as": "success", "return_value": value }),
        InlineEnd::Skipped(why) => json!({ "ends_as": "skipped", "reason": why }),
        InlineEnd::NotYet => json!({ "ends_as": "up_for_reschedule" }),
        InlineEnd::Trigger { trigger, .. } => {
            json!({ "triggers": trigger.dag_id, "run_id": trigger.run_id, "logical_date": trigger.logical_date, "conf": trigger.conf })
        }
    };
    if let Some(why) = skipped {
        shown["ends_as"] = "skipped".into();
        shown["reason"] = why.into();
    }
    cx.out.object(&shown)
}
