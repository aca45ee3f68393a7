//! The `updraft` program: arguments in, the right part of Updraft started, an exit code out.
//!
//! What a command does lives in `daemon`, `operator` and `commands`; nothing is decided here but
//! the order of the first steps: a daemon forks its nursery before the process has any thread.

mod cli;
mod commands;
mod config;
mod daemon;
mod operator;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    cli::{Cli, Command},
    config::Config,
    daemon::Role,
};

fn main() -> ExitCode {
    match start(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("updraft: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<ExitCode> {
    let role = match cli.command {
        // These two are started by a daemon with all they need: no configuration is read.
        Command::Operator => return operator::run(),
        Command::Nursery { home } => updraft_executor_local::run_replacement_nursery(&home),
        Command::Db(command) => return daemon::db::run(command, &load(&cli.globals)?),
        Command::User(command) => return commands::run(command, &cli.globals),
        Command::Standalone => Role::Standalone,
        Command::Scheduler => Role::Scheduler,
        Command::ApiServer => Role::ApiServer,
    };
    daemon::run(role, load(&cli.globals)?)
}

/// The configuration; what is odd about it is said on standard error.
fn load(globals: &cli::Globals) -> anyhow::Result<Config> {
    let (config, warnings) = Config::load(globals)?;
    for warning in warnings {
        eprintln!("updraft: warning: {warning}");
    }
    Ok(config)
}
