//! The options, one row each: the key in `updraft.toml`, the default, what it means.
//!
//! The environment variable of a key is `UPDRAFT_` and the key in capitals, with `_` for `.`.

/// One option.
pub struct ConfigOption {
    /// Its key; dots are tables of `updraft.toml`.
    pub key: &'static str,
    /// Its value where nobody gives one; empty: see the description.
    pub default: &'static str,
    /// What it means, in one sentence.
    pub about: &'static str,
}

impl ConfigOption {
    /// The environment variable that sets it.
    pub fn env(&self) -> String {
        env_of(self.key)
    }
}

/// The environment variable of a key.
pub fn env_of(key: &str) -> String {
    format!("UPDRAFT_{}", key.replace('.', "_").to_ascii_uppercase())
}

const fn option(key: &'static str, default: &'static str, about: &'static str) -> ConfigOption {
    ConfigOption { key, default, about }
}

/// All options, in the order in which `config show` prints them. `home` and `config` are none of
/// them: they say where the file is.
pub const OPTIONS: &[ConfigOption] = &[
    option("dags", "dags", "The folder of DAG files."),
    option("host", "127.0.0.1", "The address the API listens on."),
    option("port", "8080", "The API's port; 0 takes a free one."),
    option("base_url", "", "The address people use to reach the API; with https:// cookies are Secure."),
    option(
        "advertise_address",
        "",
        "Where other nodes reach this one, to read its tasks' logs, e.g. http://10.0.0.5:8080; by default where it listens.",
    ),
    option("database_url", "", "sqlite://FILE or postgres://USER@HOST/NAME; by default updraft.db in the home."),
    option("parallelism", "32", "How many task instances an executor runs at once."),
    option("default_executor", "local", "The executor of DAGs and tasks that name none."),
    option("dags_are_paused_at_creation", "false", "Whether a new DAG starts paused."),
    option("python", "python3", "The Python interpreter of tasks that name none."),
    option("retention", "90d", "Finished runs are deleted so long after their end; \"never\" keeps them."),
    option(
        "node_lost_after",
        "never",
        "A node whose daemon is not heard of for so long is lost: its tasks end there and go on elsewhere; at least 60s.",
    ),
    option("base_log_folder", "", "Where this node keeps the logs of its tasks, on a local disk; by default logs in the home."),
    option("log_format", "text", "How the daemon writes its log: text or json."),
    option("log_level", "info", "What the daemon logs: error, warn, info, debug, trace, or a filter such as info,updraft=debug."),
    option("executors.local.parallelism", "", "How many task instances the local executor runs at once; by default `parallelism`."),
];
