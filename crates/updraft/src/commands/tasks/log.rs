//! `tasks log`

use clap::Args;
use serde_json::Value;

use crate::{
    client::{Client, ClientError},
    commands::Context,
};

/// Whose log, and how much of it.
#[derive(Debug, Args)]
pub struct Log {
    /// Its DAG
    dag_id: String,
    /// Its run
    run_id: String,
    /// Its task
    task_id: String,
    /// Which try [default: the current one]
    #[arg(long, value_name = "N")]
    r#try: Option<u32>,
    /// Which copy of a mapped task
    #[arg(long, default_value_t = -1, allow_hyphen_values = true)]
    map_index: i32,
    /// Goes on until the try has ended
    #[arg(long, short = 'f')]
    follow: bool,
}

impl Log {
    /// Prints it.
    pub async fn run(&self, cx: &Context) -> anyhow::Result<()> {
        let api = cx.api().await?;
        let number = match self.number(api).await {
            Err(error) => return Err(super::in_order(cx, ["log", &self.dag_id, &self.run_id, &self.task_id], error).await),
            Ok(number) => number.to_string(),
        };
        let path = ["dags", &self.dag_id, "dagRuns", &self.run_id, "taskInstances", &self.task_id, "logs", &number];
        let query = [("map_index", self.map_index.to_string())];
        if self.follow {
            return follow(cx, api, &[path.as_slice(), &["stream"]].concat(), &query).await;
        }
        let accept = if cx.out.is_table() { "text/plain" } else { "application/x-ndjson" };
        let mut lines = api.lines(&path, &query, accept).await?;
        if cx.out.is_table() {
            while let Some(line) = lines.next().await? {
                cx.out.line(&line)?;
            }
            return Ok(());
        }
        let mut all = Vec::new();
        while let Some(line) = lines.next().await? {
            all.push(serde_json::from_str(&line)?);
        }
        cx.out.value(&Value::Array(all))
    }

    /// The try that is wanted; the first, while there is none.
    async fn number(&self, api: &Client) -> Result<u64, ClientError> {
        if let Some(number) = self.r#try {
            return Ok(number.into());
        }
        let index = self.map_index.to_string();
        let mut path = vec!["dags", &self.dag_id, "dagRuns", &self.run_id, "taskInstances", &self.task_id];
        if self.map_index >= 0 {
            path.push(&index);
        }
        Ok(api.get(&path, &[]).await?["try_number"].as_u64().unwrap_or(1).max(1))
    }
}

/// The log as server-sent events: `data` is a list of lines, `event: end` says that all was told.
async fn follow(cx: &Context, api: &Client, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<()> {
    let mut lines = api.lines(path, query, "text/event-stream").await?;
    while let Some(line) = lines.next().await? {
        if line.strip_prefix("event:").is_some_and(|name| name.trim() == "end") {
            return Ok(());
        }
        let Some(data) = line.strip_prefix("data:") else { continue };
        for entry in serde_json::from_str::<Vec<Value>>(data.trim())? {
            if cx.out.is_table() {
                let time = entry["timestamp"].as_str().map_or_else(String::new, |time| format!("{time} "));
                cx.out.line(&format!("{time}{}", entry["event"].as_str().unwrap_or_default()))?;
            } else {
                // A value a line: a list would end only with the try.
                cx.out.line(&entry.to_string())?;
            }
        }
    }
    Ok(())
}
