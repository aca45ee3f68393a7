//! The configuration: what each option means, and where its value comes from.
//!
//! Precedence: command line, `UPDRAFT_*` environment, `updraft.toml`, default. Every option is one
//! row of [`options::OPTIONS`]; [`Config`] is their values with types. Nothing is started here.

mod database;
mod duration;
mod options;
mod resolve;

use std::{path::PathBuf, time::Duration};

use jiff::SignedDuration;
use updraft_model::ExecutorName;

pub use database::DatabaseUrl;
pub use duration::parse_duration;
pub use resolve::{ConfigError, Setting};

use crate::cli::Globals;

/// How the daemon writes its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// All options, with types. Paths are absolute.
#[derive(Debug, Clone)]
pub struct Config {
    /// Updraft's folder: database, logs, running tasks, node id, admin password.
    pub home: PathBuf,
    /// The folder of DAG files.
    pub dags: PathBuf,
    /// The address the API listens on.
    pub host: String,
    /// The API's port; 0 takes a free one.
    pub port: u16,
    /// The address people use to reach the API, if it is another than host and port.
    pub base_url: Option<String>,
    /// Where other nodes reach this one, if it is another address than the one it listens on.
    pub advertise_address: Option<String>,
    /// Where the state lives.
    pub database: DatabaseUrl,
    /// How many task instances the local executor runs at once: its own number, or `parallelism`.
    pub local_parallelism: u32,
    /// The executor of DAGs and tasks that name none.
    pub default_executor: ExecutorName,
    /// Whether a new DAG starts paused.
    pub dags_are_paused_at_creation: bool,
    /// The Python interpreter of tasks that name none.
    pub python: String,
    /// Finished runs are deleted so long after their end; `None`: never.
    pub retention: Option<SignedDuration>,
    /// A node that is not heard of for so long is lost, and its tasks are over; `None`: a person says so.
    pub node_lost_after: Option<Duration>,
    /// Below which the logs of tasks are.
    pub base_log_folder: PathBuf,
    /// How the daemon writes its log.
    pub log_format: LogFormat,
    /// What it writes: `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,updraft=debug`.
    pub log_level: String,
    /// Every option as text, with where it comes from: what `config show` prints.
    pub settings: Vec<Setting>,
}

impl Config {
    /// Reads the configuration. The second part is what is odd about it, for a person to read.
    pub fn load(globals: &Globals) -> Result<(Self, Vec<String>), ConfigError> {
        resolve::load(globals, &resolve::Surroundings::of_this_process()?)
    }
}
