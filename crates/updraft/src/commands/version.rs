//! `updraft version`: this program's, and the daemon's if one answers.

use serde_json::{Value, json};

use super::Context;

/// Prints them. That no daemon answers is no error.
pub async fn run(cx: &Context) -> anyhow::Result<()> {
    let own = env!("CARGO_PKG_VERSION");
    let daemon = cx.running_daemon().await.ok().flatten();
    let theirs = match &daemon {
        Some(client) => client.get(&["version"], &[]).await.ok().and_then(|answer| answer["version"].as_str().map(str::to_owned)),
        None => None,
    };
    if !cx.out.is_table() {
        return cx.out.value(&json!({ "version": own, "daemon": theirs }));
    }
    cx.out.line(&format!("updraft {own}"))?;
    match theirs.map(Value::from) {
        Some(version) if version != own => cx.out.line(&format!("daemon {} ({})", version.as_str().unwrap_or_default(), cx.daemon_url())),
        _ => Ok(()),
    }
}
