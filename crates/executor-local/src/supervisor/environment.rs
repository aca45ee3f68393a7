//! The environment of a user's program: a short allow-list of the daemon's, plus the attempt's own.
//! Pure. Never the daemon's secrets: what is not listed is not passed on.

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use updraft_model::Workload;

use crate::processes::ATTEMPT_VARIABLE;

/// What is passed on besides `LC_*`; `TMPDIR` is not: each attempt has its own.
const ALLOWED: [&str; 7] = ["PATH", "HOME", "LANG", "TZ", "USER", "LOGNAME", "SHELL"];

/// Where a program is looked for if the daemon itself has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The user a program runs as, if not the daemon's.
pub(crate) struct Login<'a> {
    pub(crate) name: &'a str,
    pub(crate) home: &'a Path,
    pub(crate) shell: &'a Path,
}

/// The whole environment. Later wins: the daemon's, the user's, the workload's, the attempt's names.
pub(crate) fn build(
    daemon: impl IntoIterator<Item = (OsString, OsString)>,
    workload: &Workload,
    login: Option<&Login<'_>>,
    tmp: &Path,
    output: &Path,
) -> BTreeMap<OsString, OsString> {
    let mut env = BTreeMap::from([("PATH".into(), DEFAULT_PATH.into())]);
    let allowed = |name: &OsString| name.to_str().is_some_and(|name| ALLOWED.contains(&name) || name.starts_with("LC_"));
    env.extend(daemon.into_iter().filter(|(name, _)| allowed(name)));
    if let Some(Login { name, home, shell }) = login {
        env.insert("USER".into(), name.into());
        env.insert("LOGNAME".into(), name.into());
        env.insert("HOME".into(), home.into());
        env.insert("SHELL".into(), shell.into());
    }
    env.insert("TMPDIR".into(), tmp.into());
    env.extend(workload.env.iter().map(|(name, value)| (name.into(), value.into())));
    let labels = &workload.labels;
    let own: [(&str, OsString); 7] = [
        ("UPDRAFT_DAG_ID", labels.dag_id.as_str().into()),
        ("UPDRAFT_RUN_ID", labels.run_id.as_str().into()),
        ("UPDRAFT_TASK_ID", labels.task_id.as_str().into()),
        ("UPDRAFT_MAP_INDEX", labels.map_index.0.to_string().into()),
        ("UPDRAFT_TRY_NUMBER", labels.try_number.to_string().into()),
        (ATTEMPT_VARIABLE, workload.attempt.to_string().into()),
        ("UPDRAFT_OUTPUT", output.into()),
    ];
    env.extend(own.map(|(name, value)| (name.into(), value)));
    env
}
