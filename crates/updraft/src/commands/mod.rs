//! The commands of people: each asks a running daemon, or the database where none runs.
//!
//! One module per group of commands. What a command does to a DAG, a run or a pool is done by the
//! API; nothing is decided here but how to ask and how to show.

pub mod airflow;
mod args;
mod config;
mod context;
mod dag_file;
mod dags;
mod doctor;
mod follow;
mod foreground;
mod nearest;
mod nodes;
mod pools;
mod progress;
mod prompt;
mod runs;
mod store;
mod tasks;
mod transfer;
mod users;
mod variables;
mod version;

use std::process::ExitCode;

use clap::{CommandFactory as _, Subcommand};

pub use context::Context;
pub use foreground::Foreground;

use crate::{
    cli::{Cli, Globals},
    output::Output,
};

/// What a person can ask for.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// DAGs and their files
    #[command(subcommand)]
    Dags(dags::DagsCommand),
    /// DAG runs
    #[command(subcommand)]
    Runs(runs::RunsCommand),
    /// Tasks of a DAG, and what became of them in a run
    #[command(subcommand)]
    Tasks(tasks::TasksCommand),
    /// Pools: how many tasks run at once
    #[command(subcommand)]
    Pools(pools::PoolsCommand),
    /// Nodes: the homes where daemons run tasks
    #[command(subcommand)]
    Nodes(nodes::NodesCommand),
    /// Variables: values that templates ask for
    #[command(subcommand)]
    Variables(variables::VariablesCommand),
    /// Who may log in
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// The configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Checks this machine, the configuration, the database and the daemon, and says what to do
    Doctor,
    /// Prints the JSON Schema of DAG files, for editors
    Schema,
    /// Prints the version
    Version,
    /// Prints a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

impl UserCommand {
    /// Whether it runs tasks in this process, which takes a nursery.
    fn runs_tasks(&self) -> bool {
        match self {
            Self::Dags(command) => command.runs_tasks(),
            Self::Tasks(command) => command.runs_tasks(),
            _ => false,
        }
    }
}

/// Carries a command out. The process must not have any other thread yet.
pub fn run(command: UserCommand, globals: &Globals) -> anyhow::Result<ExitCode> {
    if let UserCommand::Completions { shell } = command {
        // It panics if what it writes to fails, as a closed pipe does.
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "updraft", &mut script);
        Output::new(globals.output).text(&String::from_utf8(script)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let cx = Context::new(globals, crate::load(globals)?);
    let foreground = command.runs_tasks().then(Foreground::prepare).transpose()?;
    // What libraries have to say, beside what commands print.
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::WARN);
    // To say on standard error that nobody reads it would panic.
    log.without_time().with_target(false).log_internal_errors(false).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(carry_out(command, &cx, foreground));
    // Nothing is waited for that nobody asked for: a reader of the feed, an idle connection.
    runtime.shutdown_background();
    code
}

async fn carry_out(command: UserCommand, cx: &Context, foreground: Option<Foreground>) -> anyhow::Result<ExitCode> {
    let result = match command {
        UserCommand::Dags(command) => command.run(cx, foreground).await,
        UserCommand::Runs(command) => command.run(cx).await,
        UserCommand::Tasks(command) => command.run(cx, foreground).await,
        UserCommand::Pools(command) => command.run(cx).await,
        UserCommand::Nodes(command) => command.run(cx).await,
        UserCommand::Variables(command) => command.run(cx).await,
        UserCommand::Users(command) => command.run(cx).await,
        UserCommand::Config(command) => command.run(cx),
        UserCommand::Doctor => doctor::run(cx).await,
        UserCommand::Schema => dags::schema(cx).map(|()| ExitCode::SUCCESS),
        UserCommand::Version => version::run(cx).await.map(|()| ExitCode::SUCCESS),
        UserCommand::Completions { .. } => Ok(ExitCode::SUCCESS),
    };
    match result {
        Err(error) => Err(nearest::with_nearest(cx, error).await),
        done => done,
    }
}
