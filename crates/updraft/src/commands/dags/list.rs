//! `dags list`

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};

use crate::{client::Client, commands::Context, output::note};

/// Which DAGs.
#[derive(Debug, Args)]
pub struct List {
    /// Only DAGs with this part in their id; % stands for anything
    #[arg(long, value_name = "TEXT")]
    dag_id_pattern: Option<String>,
    /// Only DAGs with one of these tags
    #[arg(long, value_name = "TAG")]
    tags: Vec<String>,
    /// Only paused DAGs
    #[arg(long, conflicts_with = "unpaused")]
    paused: bool,
    /// Only DAGs that are not paused
    #[arg(long)]
    unpaused: bool,
    /// DAGs whose file is gone too
    #[arg(long)]
    all: bool,
}

const COLUMNS: [&str; 6] = ["dag_id", "schedule", "is_paused", "next_run", "last_run", "last_state"];

impl List {
    /// Prints them.
    pub async fn run(&self, cx: &Context) -> anyhow::Result<()> {
        let api = cx.api().await?;
        let mut query = vec![("exclude_stale", (!self.all).to_string())];
        query.extend(self.dag_id_pattern.clone().map(|pattern| ("dag_id_pattern", pattern)));
        query.extend(self.tags.iter().map(|tag| ("tags", tag.clone())));
        if self.paused || self.unpaused {
            query.push(("paused", self.paused.to_string()));
        }
        let dags = api.list(&["dags"], "dags", &query, None).await?;
        let newest = newest_runs(api, &dags).await?;
        let rows: Vec<Value> = dags.iter().map(|dag| row(dag, &newest)).collect();
        cx.out.list(&COLUMNS, &rows)?;
        report_import_errors(api).await
    }
}

fn row(dag: &Value, newest: &BTreeMap<String, Value>) -> Value {
    let last = dag["dag_id"].as_str().and_then(|id| newest.get(id)).unwrap_or(&Value::Null);
    json!({
        "dag_id": dag["dag_id"],
        "schedule": dag["timetable_summary"],
        "is_paused": dag["is_paused"],
        "next_run": dag["next_dagrun_run_after"],
        "last_run": last["run_after"],
        "last_state": last["state"],
        "tags": dag["tags"].as_array().into_iter().flatten().map(|tag| tag["name"].clone()).collect::<Vec<_>>(),
        "owners": dag["owners"],
        "fileloc": dag["relative_fileloc"],
        "has_import_errors": dag["has_import_errors"],
    })
}

/// How many DAGs' newest runs are asked for at once: their ids must fit into an address.
const AT_ONCE: usize = 100;

async fn newest_runs(api: &Client, dags: &[Value]) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut newest = BTreeMap::new();
    for chunk in dags.chunks(AT_ONCE) {
        let ids = chunk.iter().filter_map(|dag| dag["dag_id"].as_str());
        let query: Vec<(&str, String)> = ids.map(|id| ("dag_ids", id.to_owned())).chain([("limit", "1".to_owned())]).collect();
        let mut answer = api.get(&["recentRuns"], &query).await?;
        if let Some(Value::Object(by_dag)) = answer.get_mut("dags").map(Value::take) {
            newest.extend(by_dag.into_iter().filter_map(|(dag_id, runs)| Some((dag_id, runs.get(0)?.clone()))));
        }
    }
    Ok(newest)
}

/// A file that can't be read has no row, so it is said beside the list.
async fn report_import_errors(api: &Client) -> anyhow::Result<()> {
    let errors = api.list(&["importErrors"], "import_errors", &[], None).await?;
    if !errors.is_empty() {
        let files: Vec<&str> = errors.iter().filter_map(|error| error["filename"].as_str()).collect();
        let what = if files.len() == 1 { "A file" } else { "Files" };
        note(format_args!("{what} with errors: {}; `updraft dags list-import-errors` tells more", files.join(", ")));
    }
    Ok(())
}
