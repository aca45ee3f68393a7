//! The commands of people: each asks a running daemon, or the database where none runs.

use std::process::ExitCode;

use clap::{CommandFactory as _, Subcommand};

use crate::cli::{Cli, Globals};

/// What a person can ask for. (More to come: dags, tasks, runs, pools, variables, users, config, doctor.)
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Prints the version.
    Version,
    /// Prints a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// Carries a command out.
pub fn run(command: UserCommand, _globals: &Globals) -> anyhow::Result<ExitCode> {
    match command {
        UserCommand::Version => println!("updraft {}", env!("CARGO_PKG_VERSION")),
        UserCommand::Completions { shell } => clap_complete::generate(shell, &mut Cli::command(), "updraft", &mut std::io::stdout()),
    }
    Ok(ExitCode::SUCCESS)
}
