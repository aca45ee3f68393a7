//! The daemon's own log, on standard error. Logs of tasks are the executors' business.

use std::io::{IsTerminal as _, stderr};

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// From now on, what the daemon has to say is written as the configuration wants it.
pub fn start(config: &Config) -> anyhow::Result<()> {
    // PostgreSQL's notices (and every statement) are sqlx's "info": asked for by name only.
    let level = if config.log_level.contains("sqlx") { config.log_level.clone() } else { format!("{},sqlx=warn", config.log_level) };
    let filter = EnvFilter::builder().parse(level);
    let filter = filter.with_context(|| format!("log_level = \"{}\": write info, debug, or info,updraft=debug", config.log_level))?;
    // What can't be written (a full disk, a reader that is gone) is lost. To say so on the same standard
    // error, as is the default, fails as well, and that ends the thread.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).log_internal_errors(false);
    match config.log_format {
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).with_target(false).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}
