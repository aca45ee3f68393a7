//! DAG files as commands use them: read and checked, or nothing.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use serde_json::Value;
use updraft_dagfile::{Diagnostic, ParsedFile, Severity};
use updraft_model::Dag;

use super::{Context, args};

use crate::{
    daemon::bundle::{python::NOT_READ, read::bytes_of},
    output::note,
};

/// A DAG file without errors.
pub struct DagFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its text.
    pub source: String,
    /// Its DAGs; at least one.
    pub dags: Vec<Dag>,
}

impl DagFile {
    /// Reads and checks a file. What is wrong with it is printed to standard error as
    /// `dags validate` would; errors end the command, warnings don't.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = read(path).map_err(|diagnostic| anyhow::anyhow!("{}: {}", path.display(), diagnostic.message))?;
        let source = String::from_utf8_lossy(&bytes).into_owned();
        Self::checked(path.to_owned(), source, updraft_dagfile::parse(&path.to_string_lossy(), &bytes))
    }

    fn checked(path: PathBuf, source: String, parsed: ParsedFile) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        if !parsed.diagnostics.is_empty() {
            let report = updraft_dagfile::report(&name, &source, &parsed.diagnostics, std::io::stderr().is_terminal());
            note(report.trim_end());
        }
        let errors = parsed.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
        if errors > 0 {
            bail!("{name} has {errors} error{}", if errors == 1 { "" } else { "s" });
        }
        Ok(Self { path, source, dags: parsed.dags.into_iter().map(|parsed| parsed.dag).collect() })
    }

    /// The DAG of that name; without one the only DAG, or the one that is named like the file.
    pub fn dag(&self, dag_id: Option<&str>) -> anyhow::Result<&Dag> {
        let names = || self.dags.iter().map(|dag| dag.dag_id.as_str()).collect::<Vec<_>>().join(", ");
        let found = match (dag_id, self.dags.as_slice()) {
            (Some(id), all) => all.iter().find(|dag| dag.dag_id.as_str() == id),
            (None, [only]) => Some(only),
            (None, all) if all.iter().any(|dag| self.is_named_like(dag)) => all.iter().find(|dag| self.is_named_like(dag)),
            (None, _) => bail!("{} has several DAGs ({}): choose one with --dag-id", self.path.display(), names()),
        };
        found.with_context(|| format!("{} has no DAG of that name; it has {}", self.path.display(), names()))
    }

    fn is_named_like(&self, dag: &Dag) -> bool {
        self.path.file_stem().is_some_and(|stem| stem == dag.dag_id.as_str())
    }
}

/// The bytes of a DAG file, or why it is none.
pub fn read(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    if path.extension().is_some_and(|extension| extension == "py") {
        let help = "write the DAG in YAML (`updraft schema` says how); a task can call the code: python: \"module:function\"";
        return Err(Diagnostic::of_file(NOT_READ, help));
    }
    bytes_of(path)
}

/// The DAG that `name` means: one of a file, or one that the daemon (or its database) has.
pub async fn find(cx: &Context, name: &str, dag_id: Option<&str>) -> anyhow::Result<Dag> {
    if args::is_file(name) {
        return DagFile::read(Path::new(name))?.dag(dag_id).cloned();
    }
    stored(cx, name).await
}

/// A DAG as the database has it: the text of its file, read again.
pub async fn stored(cx: &Context, dag_id: &str) -> anyhow::Result<Dag> {
    let api = cx.api().await?;
    let dag = api.get(&["dags", dag_id], &[]).await?;
    let source = api.get(&["dagSources", dag_id], &[]).await?;
    // The file's name is the id of a DAG that names none.
    let file = dag.get("relative_fileloc").and_then(Value::as_str).unwrap_or(dag_id);
    let text = source.get("content").and_then(Value::as_str).unwrap_or_default();
    let parsed = updraft_dagfile::parse(file, text.as_bytes());
    let found = parsed.dags.into_iter().map(|parsed| parsed.dag).find(|dag| dag.dag_id.as_str() == dag_id);
    found.with_context(|| format!("the stored text of DAG {dag_id} can't be read by this release; is the daemon a newer one?"))
}
