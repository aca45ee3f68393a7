//! The `updraft` program: arguments in, the right part of Updraft started, an exit code out.
//!
//! What a command does lives in `daemon`, `operator` and `commands`; nothing is decided here but
//! the order of the first steps: a daemon forks its nursery before the process has any thread.

// They panic where a reader has gone away: `output` has `print` and `note` instead.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod cli;
mod client;
mod commands;
mod config;
mod daemon;
mod memory;
mod operator;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    cli::{Cli, Command},
    config::Config,
    daemon::Role,
    output::note,
};

fn main() -> ExitCode {
    memory::give_back_large_blocks();
    match Cli::try_parse().map_or_else(|error| misunderstood(&error), start) {
        Ok(code) => code,
        Err(error) => {
            note(format_args!("updraft: {}", explain(&error)));
            ExitCode::FAILURE
        }
    }
}

/// A command line that is none: a usage error, or help that was asked for. Exits with 2 or 0.
fn misunderstood(error: &clap::Error) -> anyhow::Result<ExitCode> {
    let words: Vec<String> = std::env::args().collect();
    match commands::airflow::instead_of(&words, error) {
        Some(said) => {
            note(format_args!("updraft: {said}"));
            Ok(ExitCode::from(USAGE))
        }
        None => error.exit(),
    }
}

/// The exit code of a wrong command line, which is clap's.
const USAGE: u8 = 2;

/// An error and its causes on one line. Many texts end with their cause already: that is said once.
fn explain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.as_str() {
        "" => cause,
        said if said.contains(&cause) => said.to_owned(),
        // Hints stay at the end.
        said => match said.split_once("\n  hint: ") {
            Some((said, hint)) => format!("{said}: {cause}\n  hint: {hint}"),
            None => format!("{said}: {cause}"),
        },
    })
}

fn start(cli: Cli) -> anyhow::Result<ExitCode> {
    let role = match cli.command {
        // These two are started by a daemon with all they need: no configuration is read.
        Command::Operator => return operator::run(),
        Command::Nursery { home, logs } => updraft_executor_local::run_replacement_nursery(&home, &logs),
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
        note(format_args!("updraft: warning: {warning}"));
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::explain;

    #[test]
    fn causes_are_said_once_and_hints_last() {
        let error = anyhow!("no space").context("can't write x: no space").context("the home\n  hint: clean up");
        assert_eq!(explain(&error), "the home: can't write x: no space\n  hint: clean up");
    }
}
