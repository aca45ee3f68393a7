//! A DAG that does not exist: which one was meant.

use super::Context;
use crate::client::ClientError;

/// The same error, with the DAG that is called almost like the one that was not found.
pub async fn with_nearest(cx: &Context, error: anyhow::Error) -> anyhow::Error {
    let Some(ClientError::Refused { status: 404, message }) = error.downcast_ref() else { return error };
    let Some(wrong) = missing_dag(message) else { return error };
    match nearest(cx, wrong).await {
        Some(near) => anyhow::anyhow!("{message}\n  hint: did you mean {near}? `updraft dags list` shows all"),
        None => error,
    }
}

/// The id in the API's words for a DAG that it does not have.
fn missing_dag(message: &str) -> Option<&str> {
    message.strip_prefix("The DAG with dag_id: `")?.strip_suffix("` was not found")
}

/// A name that is not far off. That it can't be asked for is no news beside the error itself.
async fn nearest(cx: &Context, wrong: &str) -> Option<String> {
    let dags = cx.api().await.ok()?.list(&["dags"], "dags", &[], None).await.ok()?;
    let near = dags.iter().filter_map(|dag| dag["dag_id"].as_str()).map(|id| (strsim::osa_distance(wrong, id), id)).min()?;
    (near.0 <= (wrong.chars().count() / 3).max(1)).then(|| near.1.to_owned())
}
