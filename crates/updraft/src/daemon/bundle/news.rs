//! What the daemon's log says of DAG files: that one is broken, that it is well again, that one is
//! Python. Each is said when it becomes so, and once.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use updraft_dagfile::{Diagnostic, Severity};
use updraft_model::DagId;
use updraft_scheduler::{FileChange, FileContent};

use super::python;

/// What was said already.
#[derive(Debug, Default)]
pub struct News {
    /// The first error of each broken file.
    broken: BTreeMap<String, String>,
    /// The DAGs that several files have.
    shared: BTreeMap<DagId, Vec<String>>,
    /// Files that were looked into.
    python: BTreeSet<String>,
}

/// What is new about a file.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Broken(String),
    Well,
}

impl News {
    /// Tells what a change of a file means.
    pub fn tell(&mut self, FileChange { file, content }: &FileChange) {
        match self.turn(file, content.as_ref()) {
            Some(Turn::Broken(error)) => tracing::warn!(file, %error, "a DAG file is broken; its DAGs stay as they were"),
            Some(Turn::Well) => tracing::info!(file, "a DAG file is well again"),
            None => {}
        }
    }

    fn turn(&mut self, file: &str, content: Option<&FileContent>) -> Option<Turn> {
        let Some(content) = content else {
            self.broken.remove(file);
            return None;
        };
        let Some(error) = &content.error else { return self.broken.remove(file).map(|_| Turn::Well) };
        let all: Vec<Diagnostic> = serde_json::from_value(error.diagnostics.clone()).unwrap_or_default();
        let first = all.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
        let first = first.map_or_else(|| error.stack_trace.clone(), ToString::to_string);
        let before = self.broken.insert(file.to_owned(), first.clone());
        (before.as_ref() != Some(&first)).then_some(Turn::Broken(first))
    }

    /// Tells which DAGs several files have now, and had not.
    pub fn tell_shared(&mut self, shared: BTreeMap<DagId, Vec<String>>) {
        for (dag_id, files) in shared.iter().filter(|(dag_id, files)| self.shared.get(*dag_id) != Some(*files)) {
            tracing::warn!(%dag_id, files = files.join(", "), "a DAG is in several files, and only one of them keeps it");
        }
        self.shared = shared;
    }

    /// The Python files that were not looked into yet.
    pub fn unknown(&mut self, files: &BTreeSet<String>) -> Vec<String> {
        let new: Vec<String> = files.difference(&self.python).cloned().collect();
        self.python.extend(new.iter().cloned());
        new
    }
}

/// Says which of these Python files of a folder import Airflow.
pub fn tell_python(root: &Path, files: &[String]) {
    for file in files.iter().filter(|file| python::imports_airflow(&root.join(file))) {
        tracing::warn!(file, "a Python file imports airflow and is not read: {}", python::NOT_READ);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use updraft_model::ImportErrorRow;

    use super::*;

    fn content(errors: &[&str]) -> FileContent {
        let all: Vec<Diagnostic> = errors.iter().map(|message| Diagnostic::of_file(*message, "repair it")).collect();
        let error = ImportErrorRow {
            file: "a.yaml".to_owned(),
            timestamp: updraft_model::Timestamp::MAX,
            stack_trace: String::new(),
            diagnostics: serde_json::to_value(&all).unwrap(),
        };
        FileContent { source: Arc::default(), dags: Vec::new(), error: (!errors.is_empty()).then_some(error) }
    }

    #[test]
    fn what_is_so_already_is_not_said_again() {
        let mut news = News::default();
        let mut turn = |errors: &[&str]| news.turn("a.yaml", Some(&content(errors)));
        let broken = |text: &str| Some(Turn::Broken(format!("line 1, column 1: {text} (repair it)")));
        assert_eq!(turn(&[]), None);
        assert_eq!(turn(&["one", "two"]), broken("one"));
        assert_eq!(turn(&["one"]), None);
        assert_eq!(turn(&["two"]), broken("two"));
        assert_eq!(turn(&[]), Some(Turn::Well));
        assert_eq!(turn(&[]), None);
        assert_eq!(turn(&["one"]), broken("one"));
        assert_eq!(news.turn("a.yaml", None), None);
        assert_eq!(news.turn("a.yaml", Some(&content(&[]))), None);
    }

    #[test]
    fn a_python_file_is_looked_into_once() {
        let mut news = News::default();
        let files = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(news.unknown(&files(&["a.py"])), ["a.py"]);
        assert_eq!(news.unknown(&files(&["a.py", "b.py"])), ["b.py"]);
    }
}
