//! The folder of DAG files.

use std::collections::BTreeMap;

use super::Check;
use crate::{
    commands::{
        dag_file::read,
        dags::{Listed, duplicate, files_below},
    },
    config::Config,
};

/// So many broken files are named.
const NAMED: usize = 3;

/// Whether it can be read, and what is in it.
pub fn checks(config: &Config) -> Vec<Check> {
    let folder = &config.dags;
    let shown = folder.display();
    if !folder.is_dir() {
        return vec![Check::warning(
            "dags",
            format!("there is no folder {shown}"),
            "make it and put DAG files into it, or name another with --dags",
        )];
    }
    let files = match files_below(folder) {
        Ok(files) => files,
        Err(error) => {
            return vec![Check::error("dags", format!("{shown} can't be read: {error:#}"), "give the user who runs Updraft the right to")];
        }
    };
    let (mut dags, mut broken) = (BTreeMap::new(), Vec::new());
    for Listed { path, problem } in &files {
        let name = path.strip_prefix(folder).unwrap_or(path).display();
        if let Some(why) = problem {
            broken.push(format!("{name} ({why})"));
            continue;
        }
        match read(path) {
            Ok(bytes) => {
                let parsed = updraft_dagfile::parse(&path.to_string_lossy(), &bytes);
                if parsed.has_errors() {
                    broken.push(name.to_string());
                }
                for dag in &parsed.dags {
                    let owner = dags.entry(dag.dag.dag_id.clone()).or_insert_with(|| name.to_string());
                    if *owner != name.to_string() {
                        broken.push(format!("{name} ({})", duplicate(&dag.dag.dag_id, owner)));
                    }
                }
            }
            Err(diagnostic) => broken.push(format!("{name} ({})", diagnostic.message)),
        }
    }
    let found = format!("{shown}: {} files, {} DAGs", files.len(), dags.len());
    vec![match broken.len() {
        0 if files.is_empty() => Check::warning("dags", found, "put DAG files (*.yaml) into it"),
        0 => Check::ok("dags", found),
        count => {
            let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
            let names = broken.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
            Check::warning("dags", format!("{found}; with errors: {names}{more}"), "`updraft dags validate` tells what is wrong")
        }
    }]
}
