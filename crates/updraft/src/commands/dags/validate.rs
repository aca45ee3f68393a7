//! `dags validate`: what is wrong with DAG files, without a daemon.

use std::{
    collections::BTreeMap,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{anyhow, bail};
use clap::Args;
use serde_json::{Value, json};
use updraft_dagfile::{Diagnostic, ParsedDag, ParsedFile, Severity, runs_a_process};
use updraft_model::{DagId, ExecutorName, Task};

use crate::{
    commands::{Context, dag_file},
    config::Config,
    daemon::bundle::{
        look::{Found, Look},
        python::{NOT_READ, imports_airflow},
        read::{unreadable, words_of},
    },
    output::note,
};

/// The executor that starts processes on the daemon's own machine: the only one that is configured.
pub const LOCAL: &str = "local";

/// So many Python files are named.
const NAMED: usize = 3;

/// Which files.
#[derive(Debug, Args)]
pub struct Validate {
    /// Files, or folders of them [default: the folder of DAG files]
    paths: Vec<PathBuf>,
}

/// A file and what came of reading it.
struct Checked {
    path: PathBuf,
    source: String,
    parsed: ParsedFile,
}

impl Validate {
    /// Prints the report. Fails if there is an error in any file.
    pub fn run(&self, cx: &Context) -> anyhow::Result<ExitCode> {
        let roots = if self.paths.is_empty() { std::slice::from_ref(&cx.config.dags) } else { &self.paths };
        let mut files = Vec::new();
        for root in roots {
            files.extend(files_below(root)?);
        }
        let mut checked: Vec<Checked> = files.into_iter().map(|file| check(file, &cx.config)).collect();
        mark_duplicates(&mut checked);
        let problems = count(&checked, Severity::Error);
        for root in roots {
            tell_python(root);
        }
        if cx.out.is_table() {
            self.report(cx, &checked)?;
        } else {
            cx.out.value(&Value::Array(checked.iter().map(show).collect()))?;
        }
        Ok(if problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn report(&self, cx: &Context, checked: &[Checked]) -> anyhow::Result<()> {
        let paint = cx.out.paint();
        for Checked { path, source, parsed } in checked.iter().filter(|file| !file.parsed.diagnostics.is_empty()) {
            cx.out.text(&updraft_dagfile::report(&path.to_string_lossy(), source, &parsed.diagnostics, paint.has_colours()))?;
            cx.out.line("")?;
        }
        let dags: usize = checked.iter().map(|file| file.parsed.dags.len()).sum();
        let (errors, warnings) = (count(checked, Severity::Error), count(checked, Severity::Warning));
        let summary = format!("{}, {}: {}", several(checked.len(), "file"), several(dags, "DAG"), verdict(errors, warnings));
        cx.out.line(&match (errors, warnings) {
            (0, 0) => paint.good(&summary),
            (0, _) => paint.warning(&summary),
            _ => paint.bad(&summary),
        })
    }
}

/// Files of Airflow in a folder: nothing is wrong with them but that they are not read.
fn tell_python(root: &Path) {
    let mut found: Vec<String> = Look::at(root).python.into_iter().filter(|file| imports_airflow(&root.join(file))).collect();
    let count = found.len();
    found.truncate(NAMED);
    if count > 0 {
        let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
        note(format_args!("not read, since {NOT_READ}: {}{more}", found.join(", ")));
    }
}

fn verdict(errors: usize, warnings: usize) -> String {
    match (errors, warnings) {
        (0, 0) => "no errors".to_owned(),
        (errors, 0) => several(errors, "error"),
        (errors, warnings) => format!("{}, {}", several(errors, "error"), several(warnings, "warning")),
    }
}

fn several(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn count(checked: &[Checked], severity: Severity) -> usize {
    checked.iter().flat_map(|file| &file.parsed.diagnostics).filter(|diagnostic| diagnostic.severity == severity).count()
}

/// A DAG that two files have is the first one's, in the order in which a daemon reads them; a daemon
/// that knows the other one already keeps that.
fn mark_duplicates(checked: &mut [Checked]) {
    let mut owners: BTreeMap<DagId, PathBuf> = BTreeMap::new();
    for Checked { path, source, parsed } in checked {
        let ParsedFile { dags, diagnostics } = parsed;
        dags.retain(|parsed| {
            let owner = owners.entry(parsed.dag.dag_id.clone()).or_insert_with(|| path.clone());
            if owner != path {
                let message = duplicate(&parsed.dag.dag_id, &owner.display().to_string());
                diagnostics.push(Diagnostic::error(source, parsed.id.clone(), message, "give one of them another `dag_id`"));
            }
            owner == path
        });
    }
}

/// What is said of a DAG that the file `owner` has too.
pub fn duplicate(dag_id: &DagId, owner: &str) -> String {
    format!("DAG \"{dag_id}\" is already defined in {owner}, which keeps it")
}

fn check(Listed { path, problem }: Listed, config: &Config) -> Checked {
    let bytes = match problem {
        Some(why) => Err(unreadable(&why)),
        None => dag_file::read(&path),
    };
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(diagnostic) => {
            let parsed = ParsedFile { dags: Vec::new(), diagnostics: vec![diagnostic] };
            return Checked { path, source: String::new(), parsed };
        }
    };
    let mut parsed = updraft_dagfile::parse(&path.to_string_lossy(), &bytes);
    let source = String::from_utf8_lossy(&bytes).into_owned();
    let warnings = |dag| unknown_executors(&source, dag).into_iter().chain(images_without_containers(&source, dag, config));
    let more: Vec<Diagnostic> = parsed.dags.iter().flat_map(warnings).collect();
    parsed.diagnostics.extend(more);
    Checked { path, source, parsed }
}

/// What waits for an executor that is not configured, waits for ever.
fn unknown_executors(source: &str, parsed: &ParsedDag) -> Vec<Diagnostic> {
    let warn = |(name, span): &(ExecutorName, Range<usize>)| {
        let message = format!("executor `{name}` is not configured: what is to run there waits until it is");
        Diagnostic::warning(source, span.clone(), message, format!("configured: `{LOCAL}`; without `executor`, it is the default one"))
    };
    parsed.executors.iter().filter(|(name, _)| name.as_str() != LOCAL).map(warn).collect()
}

/// A task with an image on the executor that runs no containers: it would fail when it is launched.
fn images_without_containers(source: &str, parsed: &ParsedDag, config: &Config) -> Vec<Diagnostic> {
    let dag = &parsed.dag;
    let is_local = |task: &Task| task.executor.as_ref().or(dag.executor.as_ref()).unwrap_or(&config.default_executor).as_str() == LOCAL;
    let warn = |task: &Task| {
        let image = task.image.as_deref()?;
        let id = &task.task_id;
        let message =
            format!("task `{id}` has the image {image}, and its executor `{LOCAL}` runs no containers: it fails when it is launched");
        let help = "remove `image` to run it as a process, or name another executor where there is one";
        Some(Diagnostic::warning(source, parsed.tasks.get(id)?.clone(), message, help))
    };
    dag.tasks.values().filter(|task| is_local(task) && runs_a_process(&task.operator)).filter_map(warn).collect()
}

fn show(Checked { path, parsed, .. }: &Checked) -> Value {
    json!({
        "file": path.display().to_string(),
        "valid": !parsed.has_errors(),
        "dags": parsed.dags.iter().map(|dag| json!({"dag_id": dag.dag.dag_id, "line": dag.line})).collect::<Vec<_>>(),
        "diagnostics": parsed.diagnostics,
    })
}

/// A DAG file of a folder.
pub struct Listed {
    /// Where it is.
    pub path: PathBuf,
    /// Why it can't be read, if that is known already.
    pub problem: Option<String>,
}

/// The file itself, or the DAG files below a folder in order, as a daemon finds them.
pub fn files_below(root: &Path) -> anyhow::Result<Vec<Listed>> {
    let metadata = fs::metadata(root).map_err(|error| anyhow!("can't read {}: {}", root.display(), words_of(&error)))?;
    if !metadata.is_dir() {
        return Ok(vec![Listed { path: root.to_owned(), problem: None }]);
    }
    let look = Look::at(root);
    if let Some(why) = look.failure {
        bail!("the folder {} can't be read: {why}", root.display());
    }
    let listed = |(name, found): (String, Found)| match found {
        Found::File { path, .. } => Listed { path, problem: None },
        Found::Problem(why) => Listed { path: root.join(name), problem: Some(why) },
    };
    Ok(look.files.into_iter().map(listed).collect())
}
