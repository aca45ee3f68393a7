//! `dags pause` and `dags unpause`

use clap::Args;
use serde_json::json;

use crate::commands::Context;

/// Which DAGs.
#[derive(Debug, Args)]
pub struct Which {
    /// Their ids
    #[arg(required = true)]
    dag_ids: Vec<String>,
}

impl Which {
    /// Pauses or unpauses them, and prints how they are now.
    pub async fn set(&self, cx: &Context, is_paused: bool) -> anyhow::Result<()> {
        let api = cx.scheduler().await?;
        let mut rows = Vec::new();
        for dag_id in &self.dag_ids {
            let dag = api.patch(&["dags", dag_id], &json!({ "is_paused": is_paused })).await?;
            rows.push(json!({ "dag_id": dag["dag_id"], "is_paused": dag["is_paused"] }));
        }
        cx.out.list(&["dag_id", "is_paused"], &rows)
    }
}
