//! From a decision to launch to what is launched: everything rendered, or an end without a launch.
//!
//! Pure: facts that a template or an inline operator needs from the store are asked for, and then
//! it is called again with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::Value;
use updraft_model::{
    Chooser, Condition, DagId, ExternalTask, HttpRequest, MapIndex, Operator, Question, RunId, RunState, Secrets, TaskId, TaskState,
    Timestamp, TriggerDagRun, TriggerRun, TriggeredBy, Verdict, Workload,
};
use updraft_scheduler::{AttemptContext, IfExists, InlineEnd};
use updraft_template::{
    Context, DagFacts, FactValue, Facts, Need, PrevSuccess, RenderError, TaskFacts, evaluate, render_bash, render_text, render_value,
    truthy,
};

use crate::rendered::Fields;
use crate::workload::{HttpSpec, OperatorSpec, Runtime, operator, params, python, workload};

/// What the store has answered so far for one attempt.
#[derive(Debug, Clone, Default)]
pub struct Preparation {
    /// By question.
    pub answers: BTreeMap<Question, Verdict>,
    facts: Facts,
    /// What was to be known for each question; several needs may come to the same.
    needs: BTreeMap<Question, BTreeSet<Need>>,
}

impl Preparation {
    /// Takes an answer in.
    pub fn answer(&mut self, question: Question, verdict: Verdict) {
        for need in self.needs.remove(&question).unwrap_or_default() {
            self.facts.insert(need, fact(verdict.clone()));
        }
        self.answers.insert(question, verdict);
    }
}

/// What came of preparing an attempt.
#[derive(Debug)]
pub enum Prepared {
    /// It is launched.
    Launch(Box<Workload>),
    /// It is over without a launch.
    Inline(InlineEnd),
    /// These must be answered first.
    Needs(Vec<Question>),
}

/// Why it stops here.
enum Stop {
    End(InlineEnd),
    Needs(Vec<Question>),
}

impl Stop {
    fn failed(error: impl Into<String>) -> Self {
        Self::End(InlineEnd::Failed { error: error.into(), retry: true })
    }
}

/// Renders an attempt.
pub fn prepare(cx: &AttemptContext<'_>, preparation: &mut Preparation, runtime: &Runtime, now: Timestamp) -> Prepared {
    let context = context(cx, now);
    let secrets = secrets(&context, preparation);
    let mut renderer = Renderer { cx, context, preparation, now, secrets, fields: Fields::default() };
    match renderer.prepare(runtime) {
        Ok(workload) => {
            let rendered_fields = renderer.fields.for_people(&renderer.secrets);
            let masks = renderer.secrets.into_texts();
            Prepared::Launch(Box::new(Workload { masks, rendered_fields, ..workload }))
        }
        Err(Stop::End(end)) => Prepared::Inline(without_secrets(end, &renderer.secrets)),
        Err(Stop::Needs(questions)) => Prepared::Needs(questions),
    }
}

/// What is secret of all that a template can read.
fn secrets(context: &Context, preparation: &Preparation) -> Secrets {
    let mut secrets = Secrets::default();
    for (name, value) in &context.params {
        secrets.add(name, value);
    }
    for (question, verdict) in &preparation.answers {
        if let (Question::Variable { key }, Verdict::Variable(Some(text))) = (question, verdict) {
            secrets.add_variable(key, text);
        }
    }
    secrets
}

/// People read why a task did not run.
fn without_secrets(end: InlineEnd, secrets: &Secrets) -> InlineEnd {
    match end {
        InlineEnd::Skipped(why) => InlineEnd::Skipped(secrets.mask(why)),
        InlineEnd::Failed { error, retry } => InlineEnd::Failed { error: secrets.mask(error), retry },
        end @ (InlineEnd::Success(_) | InlineEnd::NotYet | InlineEnd::Trigger { .. }) => end,
    }
}

struct Renderer<'a, 'b> {
    cx: &'b AttemptContext<'a>,
    context: Context,
    preparation: &'b mut Preparation,
    now: Timestamp,
    /// To be masked in what the task prints.
    secrets: Secrets,
    fields: Fields,
}

impl Renderer<'_, '_> {
    fn prepare(&mut self, runtime: &Runtime) -> Result<Workload, Stop> {
        let task = self.cx.task.clone();
        self.check_params()?;
        if let Some(when) = &task.when {
            let value = self.evaluate(when)?;
            if !truthy(&value) {
                return Err(Stop::End(InlineEnd::Skipped(format!("when: {} is {value}", when.trim()))));
            }
        }
        let mut env = BTreeMap::new();
        for (key, template) in &task.env {
            let value = self.text(template)?;
            self.secrets.add(key, &Value::from(value.as_str()));
            env.insert(key.clone(), value);
        }
        if !env.is_empty() {
            self.fields.set("env", env.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect());
        }
        let folder = Path::new(&runtime.dags_folder).join(self.cx.file);
        let folder = folder.parent().unwrap_or(Path::new(&runtime.dags_folder)).to_path_buf();
        let cwd = match &task.cwd {
            Some(cwd) => {
                let cwd = self.text(cwd)?;
                self.fields.set("cwd", Value::from(cwd.as_str()));
                folder.join(cwd)
            }
            None => folder,
        };
        let program = self.program(&task.operator, runtime, &mut env)?;
        let made = workload(self.cx, program, env, cwd.to_string_lossy().into_owned(), runtime);
        made.ok_or_else(|| Stop::failed("the task instance has no attempt"))
    }

    /// Airflow checks them at the trigger and again when a task starts: a file, and with it the params,
    /// may have changed since, and a scheduled run was not checked before. Where nothing starts, nothing is checked.
    fn check_params(&self) -> Result<(), Stop> {
        let Some(version) = self.cx.dag.filter(|_| self.cx.task.operator != Operator::Empty) else { return Ok(()) };
        updraft_params::check_run(&version.dag.params, &self.cx.run.conf).map_err(Stop::failed)
    }

    /// Program, arguments and standard input; or the end of what needs no program.
    fn program(
        &mut self,
        what: &Operator,
        runtime: &Runtime,
        env: &mut BTreeMap<String, String>,
    ) -> Result<(Vec<String>, Option<String>), Stop> {
        let with_stdin = |(argv, stdin): (Vec<String>, String)| (argv, Some(stdin));
        match what {
            Operator::Empty => Err(Stop::End(InlineEnd::Success(None))),
            Operator::Bash { command } => self.bash(command, env),
            Operator::Cmd { argv } => {
                let argv = argv.iter().map(|arg| self.text(arg)).collect::<Result<Vec<String>, Stop>>()?;
                self.fields.set("cmd", argv.iter().map(String::as_str).collect());
                Ok((argv, None))
            }
            Operator::Python(call) => self.python(call, runtime).map(with_stdin),
            Operator::Branch { by } | Operator::ShortCircuit { by, .. } => match by {
                Chooser::Bash(command) => self.bash(command, env),
                Chooser::Python(call) => self.python(call, runtime).map(with_stdin),
                Chooser::Expression(expression) => {
                    let value = self.evaluate(expression)?;
                    Err(Stop::End(InlineEnd::Success(Some(value))))
                }
            },
            Operator::Http(request) => {
                let spec = self.http(request)?;
                Ok(with_stdin(operator(&OperatorSpec::Http(spec), runtime)))
            }
            Operator::TriggerDagRun(trigger) => Err(Stop::End(self.trigger(trigger)?)),
            Operator::Sensor(sensor) => match &sensor.condition {
                Condition::File { path } => {
                    let path = self.text(path)?;
                    self.fields.set("filepath", Value::from(path.as_str()));
                    Ok(with_stdin(operator(&OperatorSpec::FileExists { path }, runtime)))
                }
                Condition::Http(request) => {
                    let spec = self.http(request)?;
                    Ok(with_stdin(operator(&OperatorSpec::HttpAnswers(spec), runtime)))
                }
                Condition::Time { target } => {
                    let target = self.time(target, "target")?;
                    let end = if target <= self.now { InlineEnd::Success(None) } else { InlineEnd::NotYet };
                    Err(Stop::End(end))
                }
                Condition::ExternalTask(external) => Err(self.external(external)),
            },
        }
    }

    fn bash(&mut self, command: &str, env: &mut BTreeMap<String, String>) -> Result<(Vec<String>, Option<String>), Stop> {
        let rendered = render_bash(command, &self.context, &self.preparation.facts);
        let script = self.unwrap(rendered)?;
        self.fields.set("bash_command", Value::from(script.shown));
        env.extend(script.env);
        Ok((vec!["bash".to_owned(), "-c".to_owned(), script.text], None))
    }

    fn python(&mut self, call: &updraft_model::PythonCall, runtime: &Runtime) -> Result<(Vec<String>, String), Stop> {
        let mut args = serde_json::Map::new();
        for (name, value) in &call.args {
            let value = self.value(value)?;
            self.secrets.add(name, &value);
            args.insert(name.clone(), value);
        }
        self.fields.set("op_kwargs", Value::Object(args.clone()));
        Ok(python(call, Value::Object(args), runtime))
    }

    fn http(&mut self, request: &HttpRequest) -> Result<HttpSpec, Stop> {
        let mut headers = BTreeMap::new();
        for (name, value) in &request.headers {
            let value = self.text(value)?;
            self.secrets.add(name, &Value::from(value.as_str()));
            headers.insert(name.clone(), value);
        }
        let body = request.body.as_ref().map(|body| self.value(body)).transpose()?;
        self.secrets.add("body", body.as_ref().unwrap_or(&Value::Null));
        let url = self.text(&request.url)?;
        self.fields.set("endpoint", Value::from(url.as_str()));
        self.fields.set("headers", headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect());
        self.fields.set("data", body.clone().unwrap_or_default());
        Ok(HttpSpec {
            url,
            method: request.method.clone(),
            headers,
            body,
            expected_status: request.expected_status.clone(),
            timeout_seconds: request.timeout.as_secs_f64(),
        })
    }

    fn trigger(&mut self, trigger: &TriggerDagRun) -> Result<InlineEnd, Stop> {
        let dag_id = self.text(&trigger.dag_id)?;
        let dag_id = DagId::new(dag_id.trim()).map_err(|e| Stop::failed(e.to_string()))?;
        let run_id = trigger.run_id.as_ref().map(|t| self.text(t)).transpose()?;
        let run_id = run_id.map(|id| RunId::new(id.trim())).transpose().map_err(|e| Stop::failed(e.to_string()))?;
        let logical_date = trigger.logical_date.as_ref().map(|text| self.time(text, "logical_date")).transpose()?;
        let mut conf = serde_json::Map::new();
        for (key, value) in &trigger.conf {
            conf.insert(key.clone(), self.value(value)?);
        }
        let if_exists = match (trigger.reset_dag_run, trigger.skip_when_already_exists) {
            (true, _) => IfExists::Reset,
            (false, true) => IfExists::Skip,
            (false, false) => IfExists::Fail,
        };
        let trigger_run = TriggerRun {
            dag_id,
            run_id,
            logical_date,
            data_interval: None,
            run_after: Some(self.now),
            conf: Value::Object(conf),
            note: None,
            triggered_by: TriggeredBy::Operator,
        };
        Ok(InlineEnd::Trigger { trigger: Box::new(trigger_run), wait: trigger.wait_for_completion, if_exists })
    }

    fn external(&mut self, external: &ExternalTask) -> Stop {
        let Some(date) = self.cx.run.logical_date else {
            return Stop::failed("this run has no logical date, so no run of another DAG corresponds to it");
        };
        let logical_date = date.saturating_add(-external.execution_delta);
        let question = Question::External { dag_id: external.dag_id.clone(), task_id: external.task_id.clone(), logical_date };
        // Airflow's default: success is waited for, also while the other one has failed.
        match self.preparation.answers.get(&question) {
            None => Stop::Needs(vec![question]),
            Some(Verdict::TaskState(Some(TaskState::Success)) | Verdict::RunState(Some(RunState::Success))) => {
                Stop::End(InlineEnd::Success(None))
            }
            Some(_) => Stop::End(InlineEnd::NotYet),
        }
    }

    fn text(&mut self, template: &str) -> Result<String, Stop> {
        let rendered = render_text(template, &self.context, &self.preparation.facts);
        self.unwrap(rendered)
    }

    fn value(&mut self, value: &Value) -> Result<Value, Stop> {
        let rendered = render_value(value, &self.context, &self.preparation.facts);
        self.unwrap(rendered)
    }

    fn evaluate(&mut self, expression: &str) -> Result<Value, Stop> {
        let value = evaluate(expression, &self.context, &self.preparation.facts);
        self.unwrap(value)
    }

    fn time(&mut self, template: &str, what: &str) -> Result<Timestamp, Stop> {
        let text = self.text(template)?;
        // Python writes a space where RFC 3339 has a T.
        let text = text.trim().replacen(' ', "T", 1);
        text.parse().map_err(|e| Stop::failed(format!("{what}: {e}")))
    }

    fn unwrap<T>(&mut self, rendered: Result<T, RenderError>) -> Result<T, Stop> {
        match rendered {
            Ok(value) => Ok(value),
            Err(RenderError::Failed(error)) => Err(Stop::failed(error.to_string())),
            Err(RenderError::Needs(needs)) => Err(self.ask(needs)),
        }
    }

    fn ask(&mut self, needs: BTreeSet<Need>) -> Stop {
        let mut questions = BTreeSet::new();
        for need in needs {
            match self.question(&need) {
                Ok(question) => {
                    self.preparation.needs.entry(question.clone()).or_default().insert(need);
                    questions.insert(question);
                }
                Err(why) => return Stop::failed(why),
            }
        }
        Stop::Needs(questions.into_iter().collect())
    }

    fn question(&self, need: &Need) -> Result<Question, String> {
        let run = self.cx.run;
        match need {
            Need::Variable(key) => Ok(Question::Variable { key: key.clone() }),
            Need::PrevSuccess => {
                let before = run.logical_date.ok_or("this run has no logical date, so none is before it")?;
                Ok(Question::PreviousSuccess { dag_id: run.dag_id.clone(), before })
            }
            Need::Connection(id) => Err(format!("connection \"{id}\": connections are not supported yet")),
            Need::XCom { task_id, run_id, dag_id, key, map_index, include_prior_dates } => {
                // As in Airflow, what is not said is the task's own: another DAG's run of the same name, too.
                let words = |e: updraft_model::IdError| format!("xcom_pull: {e}");
                let task_id = task_id.as_ref().map_or_else(|| Ok(self.cx.task.task_id.clone()), TaskId::new).map_err(words)?;
                let run_id = run_id.as_ref().map_or_else(|| Ok(run.run_id.clone()), RunId::new).map_err(words)?;
                let dag_id = dag_id.as_ref().map_or_else(|| Ok(run.dag_id.clone()), DagId::new).map_err(words)?;
                let (map_index, key) = (Some(map_index.map_or(MapIndex::UNMAPPED, MapIndex)), key.clone());
                let include_prior_dates = *include_prior_dates;
                Ok(match dag_id == run.dag_id && run_id == run.run_id && !include_prior_dates {
                    true => Question::XCom { run: run.key, task_id, map_index, key },
                    false => Question::XComOfRun { dag_id, run_id, task_id, map_index, key, include_prior_dates },
                })
            }
        }
    }
}

fn fact(verdict: Verdict) -> FactValue {
    match verdict {
        Verdict::XCom(Some(value)) => FactValue::Json(value),
        Verdict::Variable(Some(text)) => FactValue::Text(text),
        Verdict::PreviousSuccess(Some(previous)) => {
            let updraft_model::PreviousSuccess { run_id, data_interval, start_date, end_date } = previous;
            FactValue::PrevSuccess(PrevSuccess { run_id: run_id.to_string(), data_interval, start_date, end_date })
        }
        _ => FactValue::Absent,
    }
}

fn context(cx: &AttemptContext<'_>, now: Timestamp) -> Context {
    let AttemptContext { run, instance, task, dag, file: _, downstream } = cx;
    let dag = dag.map(|d| &d.dag);
    let attempt = instance.attempt.map(|a| a.to_string()).unwrap_or_default();
    Context {
        map_index: instance.map_index.0,
        try_number: instance.try_number,
        max_tries: instance.max_tries,
        attempt_id: attempt,
        run_type: run.run_type.as_str().to_owned(),
        logical_date: run.logical_date,
        data_interval: run.data_interval,
        start_date: run.start_date,
        queued_at: run.queued_at,
        timezone: dag.map_or_else(|| "UTC".to_owned(), |d| d.timezone.clone()),
        owner: task.owner.clone(),
        params: params(run, dag),
        conf: run.conf.clone(),
        now,
        dag: dag
            .map(|d| DagFacts {
                description: d.description.clone(),
                tags: d.tags.clone(),
                max_active_runs: d.max_active_runs,
                max_active_tasks: d.max_active_tasks,
                catchup: d.catchup,
                start_date: d.start_date,
                end_date: d.end_date,
            })
            .unwrap_or_default(),
        task: TaskFacts {
            operator: task.operator.airflow_name().to_owned(),
            pool: task.pool.to_string(),
            priority_weight: task.priority_weight,
            trigger_rule: task.trigger_rule.as_str().to_owned(),
            upstream_task_ids: task.upstream.iter().map(ToString::to_string).collect(),
            downstream_task_ids: downstream.iter().map(ToString::to_string).collect(),
        },
        ..Context::new(run.dag_id.as_str(), run.run_id.as_str(), task.task_id.as_str(), run.run_after)
    }
}
