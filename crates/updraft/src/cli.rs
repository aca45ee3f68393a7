//! The command line: which words and options there are. What they do is elsewhere.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{commands::UserCommand, daemon::db::DbCommand};

/// Airflow's job in one binary: DAGs, schedules, retries, pools, logs, a REST API and a web page.
#[derive(Debug, Parser)]
#[command(name = "updraft", version, about, propagate_version = true, max_term_width = 110)]
pub struct Cli {
    #[command(flatten)]
    pub globals: Globals,
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes. Where one is not given, the environment variable in brackets
/// counts, then `updraft.toml`, then the default.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// How lists and objects are printed.
    #[arg(long, short = 'o', global = true, value_enum, default_value_t)]
    pub output: Output,
    /// Updraft's folder: database, logs, running tasks, admin password [env: UPDRAFT_HOME] [default: ./.updraft]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub home: Option<PathBuf>,
    /// The configuration file [env: UPDRAFT_CONFIG] [default: updraft.toml in the home]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder of DAG files [env: UPDRAFT_DAGS] [default: ./dags]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub dags: Option<PathBuf>,
    /// sqlite://FILE or postgres://USER@HOST/NAME [env: UPDRAFT_DATABASE_URL] [default: updraft.db in the home]
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// The address the API listens on, or where to find it [env: UPDRAFT_HOST] [default: 127.0.0.1]
    #[arg(long, global = true)]
    pub host: Option<String>,
    /// The API's port [env: UPDRAFT_PORT] [default: 8080]
    #[arg(long, global = true)]
    pub port: Option<u16>,
    /// Where other nodes reach this daemon for its tasks' logs [env: UPDRAFT_ADVERTISE_ADDRESS] [default: where it listens]
    #[arg(long, global = true, value_name = "URL")]
    pub advertise_address: Option<String>,
    /// The address of a daemon, for commands that ask one [env: UPDRAFT_URL] [default: http://HOST:PORT]
    #[arg(long, global = true)]
    pub url: Option<String>,
    /// How the daemon writes its log: text or json [env: UPDRAFT_LOG_FORMAT] [default: text]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
}

/// How lists and objects are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For both.
    Yaml,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs everything in one process: scheduler, local executor, API and web page.
    Standalone,
    /// Runs a scheduler with its local executor, and no API. Several can run; one leads.
    Scheduler,
    /// Runs the API and the web page alone, on a PostgreSQL database.
    ApiServer,
    /// Looks after the database.
    #[command(subcommand)]
    Db(DbCommand),
    #[command(flatten)]
    User(UserCommand),
    /// Carries out one operator, described on standard input: what the scheduler starts as a task.
    #[command(hide = true)]
    Operator,
    /// Replaces a nursery that has died: what a daemon starts by itself.
    #[command(hide = true)]
    Nursery {
        /// The node's home.
        home: PathBuf,
        /// Below which its tasks' logs are.
        logs: PathBuf,
    },
}
