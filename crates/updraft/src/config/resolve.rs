//! From command line, environment and file to values with their origin.

use std::{
    collections::BTreeMap,
    env, fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Config, LogFormat,
    database::{DatabaseUrl, without_password},
    duration::parse_duration,
    options::{ConfigOption, OPTIONS, env_of},
};
use crate::cli::Globals;

/// Between two heartbeats there must be room for some that fail.
const LEAST_LOST_AFTER: Duration = Duration::from_secs(60);

/// Where an option's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    CommandLine,
    /// An environment variable.
    Environment(String),
    /// A file.
    File(PathBuf),
    /// Nobody gave one.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("command line"),
            Self::Environment(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// An option as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its key.
    pub key: &'static str,
    /// Its value, fit to be shown.
    pub value: String,
    /// Where that comes from.
    pub origin: Origin,
    /// What it means.
    pub about: &'static str,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("can't read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The file is no TOML.
    #[error("the configuration {} is not TOML: {why}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        why: String,
    },
    /// A value is not what its option takes.
    #[error("{key} = \"{value}\" (from {origin}): {why}")]
    Value {
        /// The option.
        key: &'static str,
        /// What was given.
        value: String,
        /// By whom.
        origin: Origin,
        /// What is allowed.
        why: String,
    },
    /// The working folder is gone.
    #[error("the working folder can't be found: {0}")]
    WorkingFolder(io::Error),
}

/// What a configuration is read from besides the command line.
pub struct Surroundings {
    /// Relative paths of the command line and the environment are relative to it.
    pub cwd: PathBuf,
    /// The environment.
    pub env: BTreeMap<String, String>,
}

impl Surroundings {
    /// This process's.
    pub fn of_this_process() -> Result<Self, ConfigError> {
        // A variable that is not UTF-8 is nobody's option.
        let env = env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Ok(Self { cwd: env::current_dir().map_err(ConfigError::WorkingFolder)?, env: env.collect() })
    }

    fn var(&self, key: &str) -> Option<&str> {
        self.env.get(&env_of(key)).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// A value and who gave it.
struct Given {
    option: &'static ConfigOption,
    value: String,
    origin: Origin,
}

impl Given {
    fn wrong(&self, why: impl Into<String>) -> ConfigError {
        ConfigError::Value { key: self.option.key, value: without_password(&self.value), origin: self.origin.clone(), why: why.into() }
    }

    fn parse<T: std::str::FromStr>(&self, expected: &str) -> Result<T, ConfigError> {
        self.value.parse().map_err(|_| self.wrong(format!("{expected} is expected")))
    }
}

/// Reads everything; see [`Config::load`].
pub fn load(globals: &Globals, around: &Surroundings) -> Result<(Config, Vec<String>), ConfigError> {
    let given_home = globals.home.clone().or_else(|| around.var("home").map(PathBuf::from));
    let home = around.cwd.join(given_home.unwrap_or_else(|| PathBuf::from(".updraft")));
    let named = globals.config.clone().or_else(|| around.var("config").map(PathBuf::from)).map(|path| around.cwd.join(path));
    let path = named.clone().unwrap_or_else(|| home.join("updraft.toml"));
    let file = match fs::read_to_string(&path) {
        Ok(text) => read_file(&path, &text)?,
        // Only a file that was asked for must be there.
        Err(error) if is_missing(&error) && named.is_none() => BTreeMap::new(),
        Err(source) => return Err(ConfigError::Read { path, source }),
    };
    let mut warnings: Vec<String> = file.keys().filter_map(|key| unknown_key(key, &path)).collect();
    warnings.extend(around.env.keys().filter_map(|name| misspelt_variable(name)));
    let all: Vec<Given> = OPTIONS.iter().map(|option| find(option, globals, around, &file, &path)).collect();
    Ok((build(home, &path, around, &all)?, warnings))
}

/// A home that is a file is told by whoever needs it as a folder.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Dotted keys and their values as text. Lists and dates are no option's values, but unknown keys
/// may have them.
fn read_file(path: &Path, text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let syntax = |why: String| ConfigError::Syntax { path: path.to_owned(), why: why.trim().to_owned() };
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| syntax(error.to_string()))?;
    let mut flat = BTreeMap::new();
    let mut open = vec![(String::new(), table)];
    while let Some((prefix, table)) = open.pop() {
        for (key, value) in table {
            let key = format!("{prefix}{key}");
            match value {
                toml::Value::Table(inner) => open.push((format!("{key}."), inner)),
                toml::Value::String(text) => _ = flat.insert(key, text),
                other => _ = flat.insert(key, other.to_string()),
            }
        }
    }
    Ok(flat)
}

/// Names of options that Airflow calls otherwise.
const AIRFLOWS: [(&str, &str); 8] = [
    ("dags_folder", "dags"),
    ("executor", "default_executor"),
    ("sql_alchemy_conn", "database_url"),
    ("web_server_host", "host"),
    ("web_server_port", "port"),
    ("logging_level", "log_level"),
    ("log_folder", "base_log_folder"),
    ("worker_concurrency", "executors.local.parallelism"),
];

fn unknown_key(key: &str, path: &Path) -> Option<String> {
    let known = || OPTIONS.iter().map(|option| option.key);
    if known().any(|option| option == key) {
        return None;
    }
    // Airflow's sections are no tables here.
    let last = key.rsplit('.').next().unwrap_or(key);
    let synonym = AIRFLOWS.iter().find(|(theirs, _)| *theirs == last).map(|(_, ours)| *ours);
    let near = synonym.or_else(|| known().find(|option| *option == last)).or_else(|| nearest(key, known()));
    let hint = match near {
        Some(near) if key.contains('.') && !near.contains('.') => format!("; did you mean \"{near}\", before any table?"),
        Some(near) => format!("; did you mean \"{near}\"?"),
        None => String::new(),
    };
    Some(format!("{}: there is no option \"{key}\"{hint}", path.display()))
}

/// Other `UPDRAFT_*` variables are fine (a task has many), but one that looks like an option is not.
fn misspelt_variable(name: &str) -> Option<String> {
    const PREFIX: &str = "UPDRAFT_";
    const OTHERS: [&str; 2] = ["HOME", "CONFIG"];
    let variables: Vec<String> = OPTIONS.iter().map(ConfigOption::env).collect();
    let known = || variables.iter().filter_map(|option| option.strip_prefix(PREFIX)).chain(OTHERS);
    let rest = name.strip_prefix(PREFIX).filter(|rest| known().all(|option| option != *rest))?;
    let near = nearest(rest, known())?;
    Some(format!("the environment variable {name} means nothing; did you mean {PREFIX}{near}?"))
}

fn nearest<'a>(text: &str, of: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = of.map(|candidate| (strsim::osa_distance(text, candidate), candidate));
    scored.min().filter(|(distance, candidate)| *distance <= (candidate.len() / 4).min(3)).map(|(_, candidate)| candidate)
}

fn find(option: &'static ConfigOption, globals: &Globals, around: &Surroundings, file: &BTreeMap<String, String>, path: &Path) -> Given {
    let Globals { dags, database_url, host, port, log_format, advertise_address, .. } = globals;
    let argument = match option.key {
        "dags" => dags.as_ref().map(|path| path.to_string_lossy().into_owned()),
        "database_url" => database_url.clone(),
        "host" => host.clone(),
        "port" => port.map(|port| port.to_string()),
        "log_format" => log_format.clone(),
        "advertise_address" => advertise_address.clone(),
        _ => None,
    };
    let (value, origin) = if let Some(value) = argument {
        (value, Origin::CommandLine)
    } else if let Some(value) = around.var(option.key) {
        (value.to_owned(), Origin::Environment(option.env()))
    } else if let Some(value) = file.get(option.key) {
        (value.clone(), Origin::File(path.to_owned()))
    } else {
        (option.default.to_owned(), Origin::Default)
    };
    Given { option, value, origin }
}

fn build(home: PathBuf, file: &Path, around: &Surroundings, all: &[Given]) -> Result<Config, ConfigError> {
    // Every key asked for here is a row of OPTIONS, which a test checks by building a configuration.
    let get = |key: &str| all.iter().find(|given| given.option.key == key).unwrap_or(&all[0]);
    // A path in a file is relative to that file.
    let folder_of = |given: &Given| match &given.origin {
        Origin::File(_) => file.parent().unwrap_or(Path::new("/")).to_owned(),
        Origin::CommandLine | Origin::Environment(_) | Origin::Default => around.cwd.clone(),
    };
    let text = |key: &str| Some(get(key).value.clone()).filter(|text| !text.is_empty());
    let number = |key: &str| match get(key).parse("a whole number above 0")? {
        0 => Err(get(key).wrong("a whole number above 0 is expected")),
        number => Ok(number),
    };
    let given_database = get("database_url");
    let database = match given_database.value.as_str() {
        "" => DatabaseUrl::Sqlite(home.join("updraft.db")),
        url => DatabaseUrl::parse(url, &folder_of(given_database)).map_err(|why| given_database.wrong(why))?,
    };
    let parallelism = number("parallelism")?;
    let local_parallelism = text("executors.local.parallelism").map_or(Ok(parallelism), |_| number("executors.local.parallelism"))?;
    let retention = match get("retention").value.as_str() {
        "never" => None,
        age => Some(parse_duration(age).ok_or_else(|| get("retention").wrong("write it as 90d, 12h or never"))?),
    };
    let node_lost_after = match get("node_lost_after").value.as_str() {
        "never" => None,
        after => {
            let expected = || get("node_lost_after").wrong("write it as 5m, 90s or never");
            let after = Duration::try_from(parse_duration(after).ok_or_else(expected)?).map_err(|_| expected())?;
            if after < LEAST_LOST_AFTER {
                return Err(
                    get("node_lost_after").wrong("at least 60s: a node says every 10 s that it is there, and may fail to now and then")
                );
            }
            Some(after)
        }
    };
    let log_format = match get("log_format").value.as_str() {
        "text" => LogFormat::Text,
        "json" => LogFormat::Json,
        _ => return Err(get("log_format").wrong("text and json are known")),
    };
    let default_executor: updraft_model::ExecutorName = get("default_executor").parse("an executor's name")?;
    if default_executor.as_str() != "local" {
        return Err(get("default_executor").wrong("this release has one executor: local"));
    }
    let advertise_address = match text("advertise_address") {
        // Without a scheme it is host and port, as in `host` and `port`.
        Some(address) if !address.contains("://") => Some(format!("http://{address}")),
        Some(address) if !address.starts_with("http://") && !address.starts_with("https://") => {
            return Err(get("advertise_address").wrong("write it as http://HOST:PORT"));
        }
        address => address,
    };
    let base_log_folder = match text("base_log_folder") {
        Some(folder) => folder_of(get("base_log_folder")).join(folder),
        None => home.join("logs"),
    };
    let dags = folder_of(get("dags")).join(&get("dags").value);
    let mut config = Config {
        dags,
        host: get("host").value.clone(),
        port: get("port").parse("a number from 0 to 65535")?,
        base_url: text("base_url"),
        advertise_address,
        database,
        local_parallelism,
        default_executor,
        dags_are_paused_at_creation: get("dags_are_paused_at_creation").parse("true or false")?,
        python: get("python").value.clone(),
        retention,
        node_lost_after,
        base_log_folder,
        log_format,
        log_level: get("log_level").value.clone(),
        settings: Vec::new(),
        home,
    };
    config.settings = all.iter().map(|given| setting(given, &config)).collect();
    Ok(config)
}

/// A value as it is shown: resolved where only a rule was given, and without passwords.
fn setting(given: &Given, config: &Config) -> Setting {
    let Given { option, value, origin } = given;
    let value = match option.key {
        "dags" => config.dags.display().to_string(),
        "database_url" => config.database.to_string(),
        "base_log_folder" => config.base_log_folder.display().to_string(),
        "executors.local.parallelism" => config.local_parallelism.to_string(),
        _ => value.clone(),
    };
    Setting { key: option.key, value, origin: origin.clone(), about: option.about }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(dir: &Path, env: &[(&str, &str)]) -> Surroundings {
        Surroundings { cwd: dir.to_owned(), env: env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect() }
    }

    #[test]
    fn the_nearest_wins() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".updraft")).unwrap();
        let file = "port = 1\nhost = \"::1\"\nretention = \"never\"\nnode_lost_after = \"5m\"\ndags = \"../here\"\n[executors.local]\nparallelism = 5\n";
        fs::write(dir.path().join(".updraft/updraft.toml"), file).unwrap();
        let globals = Globals { port: Some(3), ..Globals::default() };
        let around = around(dir.path(), &[("UPDRAFT_PORT", "2"), ("UPDRAFT_HOST", "0.0.0.0")]);
        let (config, warnings) = load(&globals, &around).unwrap();
        let shown: Vec<String> = config.settings.iter().map(|s| format!("{} = {} ({})", s.key, s.value, s.origin)).collect();
        let shown = shown.join("\n").replace(&dir.path().display().to_string(), "~");
        insta::assert_snapshot!(shown, @r#"
        dags = ~/.updraft/../here (~/.updraft/updraft.toml)
        host = 0.0.0.0 (UPDRAFT_HOST)
        port = 3 (command line)
        base_url =  (default)
        advertise_address =  (default)
        database_url = sqlite://~/.updraft/updraft.db (default)
        parallelism = 32 (default)
        default_executor = local (default)
        dags_are_paused_at_creation = false (default)
        python = python3 (default)
        retention = never (~/.updraft/updraft.toml)
        node_lost_after = 5m (~/.updraft/updraft.toml)
        base_log_folder = ~/.updraft/logs (default)
        log_format = text (default)
        log_level = info (default)
        executors.local.parallelism = 5 (~/.updraft/updraft.toml)
        "#);
        assert_eq!((config.port, config.local_parallelism, config.retention), (3, 5, None));
        assert_eq!(config.node_lost_after, Some(Duration::from_secs(300)));
        let file = "base_log_folder = \"../tasks\"\n";
        fs::write(dir.path().join(".updraft/updraft.toml"), file).unwrap();
        let folder = |env: &[(&str, &str)]| load(&Globals::default(), &self::around(dir.path(), env)).unwrap().0.base_log_folder;
        assert_eq!(folder(&[]), dir.path().join(".updraft/../tasks"));
        assert_eq!(folder(&[("UPDRAFT_BASE_LOG_FOLDER", "elsewhere")]), dir.path().join("elsewhere"));
        let advertised = |address: &str| {
            let globals = Globals { advertise_address: Some(address.to_owned()), ..Globals::default() };
            load(&globals, &around).unwrap().0.advertise_address.unwrap()
        };
        assert_eq!((advertised("node-1:80"), advertised("https://n/u")), ("http://node-1:80".to_owned(), "https://n/u".to_owned()));
        assert!(warnings.is_empty(), "{warnings:?}");
    }

    #[test]
    fn unknown_keys_are_said_with_what_was_meant() {
        let dir = tempfile::tempdir().unwrap();
        let ours = "paralelism = 4\ncolour = \"red\"\n[executors.local]\nparallel = 1\n";
        let airflows = "[core]\ndags_folder = \"d\"\nparallelism = 3\n[api]\nport = 1\n";
        fs::write(dir.path().join("u.toml"), format!("{ours}{airflows}")).unwrap();
        let globals = Globals { config: Some("u.toml".into()), ..Globals::default() };
        let around = around(dir.path(), &[("UPDRAFT_PYHTON", "python"), ("UPDRAFT_DAG_ID", "x"), ("UPDRAFT_PARAM_DAY", "1")]);
        let (_, warnings) = load(&globals, &around).unwrap();
        insta::assert_snapshot!(warnings.join("\n").replace(&dir.path().display().to_string(), "~"), @r#"
        ~/u.toml: there is no option "api.port"; did you mean "port", before any table?
        ~/u.toml: there is no option "colour"
        ~/u.toml: there is no option "core.dags_folder"; did you mean "dags", before any table?
        ~/u.toml: there is no option "core.parallelism"; did you mean "parallelism", before any table?
        ~/u.toml: there is no option "executors.local.parallel"; did you mean "executors.local.parallelism"?
        ~/u.toml: there is no option "paralelism"; did you mean "parallelism"?
        the environment variable UPDRAFT_PYHTON means nothing; did you mean UPDRAFT_PYTHON?
        "#);
    }

    #[test]
    fn wrong_values_say_where_they_come_from() {
        let dir = tempfile::tempdir().unwrap();
        let error = |name: &str, value: &str| load(&Globals::default(), &around(dir.path(), &[(name, value)])).unwrap_err().to_string();
        let all = [
            error("UPDRAFT_PORT", "http"),
            error("UPDRAFT_PARALLELISM", "0"),
            error("UPDRAFT_RETENTION", "-3d"),
            error("UPDRAFT_NODE_LOST_AFTER", "59s"),
            error("UPDRAFT_NODE_LOST_AFTER", "soon"),
            error("UPDRAFT_DATABASE_URL", "mysql://me:secret@db/x"),
            error("UPDRAFT_LOG_FORMAT", "xml"),
            error("UPDRAFT_ADVERTISE_ADDRESS", "ftp://node:1"),
            error("UPDRAFT_CONFIG", "missing.toml"),
        ];
        insta::assert_snapshot!(all.join("\n").replace(&dir.path().display().to_string(), "~"), @r#"
        port = "http" (from UPDRAFT_PORT): a number from 0 to 65535 is expected
        parallelism = "0" (from UPDRAFT_PARALLELISM): a whole number above 0 is expected
        retention = "-3d" (from UPDRAFT_RETENTION): write it as 90d, 12h or never
        node_lost_after = "59s" (from UPDRAFT_NODE_LOST_AFTER): at least 60s: a node says every 10 s that it is there, and may fail to now and then
        node_lost_after = "soon" (from UPDRAFT_NODE_LOST_AFTER): write it as 5m, 90s or never
        database_url = "mysql://me:***@db/x" (from UPDRAFT_DATABASE_URL): it must begin with sqlite:// or postgres://
        log_format = "xml" (from UPDRAFT_LOG_FORMAT): text and json are known
        advertise_address = "ftp://node:1" (from UPDRAFT_ADVERTISE_ADDRESS): write it as http://HOST:PORT
        can't read the configuration ~/missing.toml: No such file or directory (os error 2)
        "#);
    }
}
