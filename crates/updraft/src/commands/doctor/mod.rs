//! `updraft doctor`: what could keep Updraft from working here, and what to do about each.
//!
//! It looks and changes nothing: no database is opened for writing, none is migrated, no daemon started.

mod daemon;
mod dags;
mod database;
mod machine;

use std::process::ExitCode;

use serde::Serialize;

use super::Context;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, but perhaps not as hoped.
    Warning,
    /// Does not work.
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    name: &'static str,
    level: Level,
    /// What was found.
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, level: Level::Ok, found: found.into(), hint: None }
    }

    fn warning(name: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, level: Level::Warning, found: found.into(), hint: Some(hint.into()) }
    }

    fn error(name: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, level: Level::Error, found: found.into(), hint: Some(hint.into()) }
    }
}

/// Looks at everything and prints it. The exit code is 1 if there is an error.
pub async fn run(cx: &Context) -> anyhow::Result<ExitCode> {
    let mut checks = machine::checks(&cx.config).await;
    checks.extend(dags::checks(&cx.config));
    let (daemon, is_up) = daemon::checks(cx).await;
    checks.push(database::check(&cx.config, is_up));
    checks.extend(daemon);
    if cx.out.is_table() {
        checks.iter().try_for_each(|check| print(cx, check))?;
    } else {
        cx.out.value(&serde_json::to_value(&checks)?)?;
    }
    let failed = checks.iter().any(|check| check.level == Level::Error);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(cx: &Context, check: &Check) -> anyhow::Result<()> {
    let paint = cx.out.paint();
    let level = match check.level {
        Level::Ok => paint.good("ok     "),
        Level::Warning => paint.warning("warning"),
        Level::Error => paint.bad("error  "),
    };
    cx.out.line(&format!("{level}  {:<10} {}", check.name, check.found))?;
    match &check.hint {
        Some(hint) => cx.out.line(&format!("{:20} {}", "", paint.dim(&format!("-> {hint}")))),
        None => Ok(()),
    }
}
