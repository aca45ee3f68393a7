//! What the binary hands to the server: where it reads, how it is reached, who may come in.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::watch;
use updraft_model::NodeId;
use updraft_store::Reader;

/// How requests are authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Authentication {
    /// Everything but the health check, the version, the page's files and the login needs a token.
    #[default]
    Required,
    /// Everybody is an administrator: for trials on a loopback address only.
    Disabled,
}

/// Settings of the server.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The folder below which [`updraft_model::AttemptLabels::log_path`] leads to logs.
    pub logs_dir: PathBuf,
    /// The node whose logs are in `logs_dir`; the others are asked for theirs.
    pub node: Option<NodeId>,
    /// How long a token is good for (Airflow's `jwt_expiration_time` is a day).
    pub token_lifetime: Duration,
    /// The address people use, e.g. `https://updraft.example.com`; with `https` cookies are `Secure`.
    pub base_url: Option<String>,
    /// Other origins whose pages may call the API (with tokens, never with cookies).
    pub cors_origins: Vec<String>,
    /// Updraft's version, as `/api/v2/version` tells it.
    pub version: &'static str,
    /// The commit it was built from, if known.
    pub git_version: Option<&'static str>,
    /// Who may come in.
    pub authentication: Authentication,
    /// How long an answer of the scheduler is waited for before the request is withdrawn.
    pub answer_timeout: Duration,
}

impl ServerConfig {
    /// Safe defaults: login required, no other origins, tokens for a day.
    pub fn new(logs_dir: impl Into<PathBuf>, version: &'static str) -> Self {
        Self {
            logs_dir: logs_dir.into(),
            node: None,
            token_lifetime: Duration::from_secs(24 * 60 * 60),
            base_url: None,
            cors_origins: Vec::new(),
            version,
            git_version: None,
            authentication: Authentication::Required,
            answer_timeout: updraft_model::ANSWER_TIMEOUT.unsigned_abs(),
        }
    }
}

/// One configured executor and how many places of it are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutorUse {
    /// Its name in the configuration.
    pub name: String,
    /// Attempts it has now.
    pub running: u64,
    /// How many it takes at most; `None` if it has no limit of its own.
    pub limit: Option<u32>,
}

/// How often something took how long.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Durations {
    /// For each bucket its upper end and how many took no longer, all below included.
    pub cumulated: Vec<(Duration, u64)>,
    /// How many there were.
    pub count: u64,
    /// How long all took together.
    pub sum: Duration,
}

/// What the engine in the same process says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineSnapshot {
    /// Whether it leads.
    pub is_leader: bool,
    /// Whether what it decides can't be written at the moment; it tries again.
    pub store_trouble: bool,
    /// Commits since the process started.
    pub commits: u64,
    /// How long they took, those that failed included.
    pub commit_times: Durations,
    /// Runs in memory.
    pub active_runs: u64,
    /// Task instances with an attempt that is not over.
    pub active_task_instances: u64,
    /// Its executors, the default one first, if it leads.
    pub executors: Vec<ExecutorUse>,
}

/// Tells of the engine in the same process.
pub trait EngineStatus: Send + Sync {
    /// How it is now. Cheap: called on each scrape and each list of waiting task instances.
    fn snapshot(&self) -> EngineSnapshot;
}

/// What the server is built on.
#[derive(Clone)]
pub struct Deps {
    /// The store.
    pub reader: Arc<dyn Reader>,
    /// The engine in this process; `None` in a bare API server.
    pub engine: Option<Arc<dyn EngineStatus>>,
    /// Becomes `true` when the process ends: open streams are closed, so that a graceful shutdown
    /// does not wait for pages that stay open. A sender that is gone means the same, so keep it.
    pub shutdown: watch::Receiver<bool>,
}
