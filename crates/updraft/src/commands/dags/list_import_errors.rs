//! `dags list-import-errors`: what a daemon finds wrong with DAG files.

use serde_json::{Value, json};

use crate::commands::Context;

/// Prints them: whole reports for people, rows for programs.
pub async fn list_import_errors(cx: &Context) -> anyhow::Result<()> {
    let query = [("order_by", "filename".to_owned())];
    let errors = cx.api().await?.list(&["importErrors"], "import_errors", &query, None).await?;
    if !cx.out.is_table() {
        let row = |error: &Value| {
            let [file, time, trace, all] = ["filename", "timestamp", "stack_trace", "diagnostics"].map(|name| error[name].clone());
            json!({ "filepath": file, "timestamp": time, "error": trace, "diagnostics": all })
        };
        return cx.out.value(&errors.iter().map(row).collect());
    }
    if errors.is_empty() {
        return cx.out.line("No data found");
    }
    for error in &errors {
        let (file, time) = (error["filename"].as_str().unwrap_or_default(), error["timestamp"].as_str().unwrap_or_default());
        cx.out.line(&format!("{} {}", cx.out.paint().strong(file), cx.out.paint().dim(&format!("(at {time})"))))?;
        cx.out.line(error["stack_trace"].as_str().unwrap_or_default())?;
    }
    Ok(())
}
