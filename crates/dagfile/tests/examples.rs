//! The examples in `dags/` are good files, and an editor agrees.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use updraft_dagfile::{parse, report};

fn examples() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dags");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn all_examples_parse_without_diagnostics() {
    let examples = examples();
    assert!(examples.len() >= 10);
    for (path, text) in examples {
        let path = path.to_string_lossy();
        let parsed = parse(&path, text.as_bytes());
        assert!(parsed.diagnostics.is_empty(), "{}", report(&path, &text, &parsed.diagnostics, false));
        assert!(!parsed.dags.is_empty());
    }
}

#[test]
fn all_examples_name_the_schema_and_explain_themselves() {
    for (path, text) in examples() {
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("# yaml-language-server: $schema=../docs/dag.schema.json"), "{}", path.display());
        assert!(lines.next().unwrap().starts_with("# "), "{}", path.display());
    }
}
