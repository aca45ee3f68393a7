//! "Did you mean": what somebody probably wanted to write.

use crate::yaml::{Entry, Mapping};

/// The known word that is closest to `word`, if it is close enough to be meant.
pub(crate) fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing is quadratic in the length of the words.
    if word.len() > 100 {
        return None;
    }
    let allowed = (word.chars().count() / 3).max(1);
    let distances = known.into_iter().filter(|k| k.len().abs_diff(word.len()) <= 2 * allowed).map(|k| (strsim::osa_distance(word, k), k));
    distances.filter(|(distance, _)| *distance <= allowed).min().map(|(_, k)| k)
}

/// Whether `key` is `word`, or was probably meant as it.
pub(super) fn means(key: &str, word: &str) -> bool {
    let lower = key.to_lowercase();
    SYNONYMS.contains(&(&*lower, word)) || closest(&lower, [word]).is_some()
}

/// A hint for an unknown key, if there is one.
pub(super) fn for_key(key: &str, known: &[&str]) -> Option<String> {
    let lower = key.to_lowercase();
    let synonym = SYNONYMS.iter().find(|(from, _)| *from == lower).map(|(_, to)| *to);
    if let Some(to) = synonym.filter(|to| known.contains(to)) {
        return Some(format!("did you mean `{to}`?"));
    }
    if let Some((_, why)) = EXPLAINED.iter().find(|(from, _)| *from == lower) {
        return Some((*why).to_owned());
    }
    if MEANINGLESS.contains(&&*lower) {
        return Some("it is an argument of Airflow that means nothing here: remove it".to_owned());
    }
    if let Some(to) = closest(&lower, known.iter().copied()) {
        return Some(format!("did you mean `{to}`?"));
    }
    let to = synonym.unwrap_or(&lower);
    let at_home = |keys: &[&str]| keys.contains(&to);
    match () {
        () if at_home(super::TASK_KEYS) || at_home(super::OPERATOR_KEYS) => {
            Some(format!("`{to}` belongs to a task, or into `default_args`"))
        }
        () if at_home(super::DAG_KEYS) => Some(format!("`{to}` belongs to the DAG, at the outermost level")),
        () if at_home(super::sensor::SENSOR_KEYS) => Some(format!("`{to}` belongs into `sensor`")),
        () => None,
    }
}

/// `{bash: echo a, b}` is the key `bash` and the key `b`.
pub(super) fn comma_in_braces(mapping: &Mapping<'_>, entry: &Entry<'_>) -> Option<String> {
    if !mapping.flow || !entry.value.is_null() {
        return None;
    }
    let at = mapping.entries.iter().position(|e| e.key.span == entry.key.span)?;
    let before = mapping.entries.get(at.checked_sub(1)?)?;
    let text = &before.value.as_scalar()?.text;
    let whole = format!("{}: \"{text}, {}\"", before.key.text, entry.key.text);
    Some(format!("inside braces a comma ends the value; put the text into quotes: {whole}"))
}

/// Names that other tools, or older versions of Airflow, have for the same thing.
const SYNONYMS: &[(&str, &str)] = &[
    ("after", "upstream"),
    ("bash_command", "bash"),
    ("command", "cmd"),
    ("concurrency", "max_active_tasks"),
    ("container", "image"),
    ("cron", "schedule"),
    ("dag", "dag_id"),
    ("data", "body"),
    ("deadline", "execution_timeout"),
    ("dependencies", "upstream"),
    ("depends", "upstream"),
    ("depends_on", "upstream"),
    ("dependson", "upstream"),
    ("dir", "cwd"),
    ("display_name", "dag_display_name"),
    ("docker_image", "image"),
    ("endpoint", "url"),
    ("env_var", "env"),
    ("env_vars", "env"),
    ("environment", "env"),
    ("expected", "expected_status"),
    ("expected_status_code", "expected_status"),
    ("external_dag_id", "dag_id"),
    ("external_python", "python"),
    ("fail_stop", "fail_fast"),
    ("filepath", "file"),
    ("if", "when"),
    ("jobs", "tasks"),
    ("json", "body"),
    ("kwargs", "args"),
    ("max_active_tis_per_run", "max_active_tis_per_dagrun"),
    ("max_retries", "retries"),
    ("name", "dag_id"),
    ("needs", "upstream"),
    ("op_kwargs", "args"),
    ("priority", "priority_weight"),
    ("python_callable", "python"),
    ("queue", "executor"),
    ("retry", "retries"),
    ("retry_delay_seconds", "retry_delay"),
    ("retry_interval", "retry_delay"),
    ("run", "bash"),
    ("schedule_interval", "schedule"),
    ("script", "bash"),
    ("shell", "bash"),
    ("status", "expected_status"),
    ("steps", "tasks"),
    ("task_concurrency", "max_active_tis_per_dag"),
    ("timeout", "execution_timeout"),
    ("timeout_seconds", "timeout"),
    ("timetable", "schedule"),
    ("trigger", "trigger_rule"),
    ("tz", "timezone"),
    ("upstream_task_ids", "upstream"),
    ("upstreams", "upstream"),
    ("user", "run_as_user"),
    ("wait_for", "upstream"),
    ("workdir", "cwd"),
    ("working_dir", "cwd"),
    ("working_directory", "cwd"),
];

/// What has no counterpart here, and what to do instead.
const EXPLAINED: &[(&str, &str)] = &[
    ("task_id", "a task's id is its key in `tasks`"),
    ("id", "an id is a key: a task's id is its key in `tasks`, a DAG's is `dag_id`"),
    ("downstream", "list this task in the `upstream` of the other one"),
    ("operator", "the operator is a key of the task itself, such as `bash: ./load.sh`"),
    ("on_failure_callback", "write a task with `trigger_rule: one_failed`"),
    ("on_success_callback", "write a task with `upstream`"),
    ("sla", "set `execution_timeout` or `dagrun_timeout`"),
    ("email", "write a task with `trigger_rule: one_failed` that sends it"),
    ("email_on_failure", "write a task with `trigger_rule: one_failed` that sends it"),
    ("email_on_retry", "mails are not sent by the scheduler"),
    ("start_date_time", "write `start_date`"),
    ("op_kwargs", "give the function its arguments where it is named: python: {call: \"module:function\", args: {..}}"),
    ("op_args", "arguments have names here: python: {call: \"module:function\", args: {..}}"),
];

/// Arguments of Airflow's `DAG` and operators that say nothing here.
const MEANINGLESS: &[&str] = &[
    "access_control",
    "allow_nested_operators",
    "allowed_run_types",
    "append_env",
    "auto_register",
    "dag_bundle_name",
    "default_view",
    "deferrable",
    "disable_bundle_versioning",
    "executor_config",
    "expect_airflow",
    "inlets",
    "jinja_environment_kwargs",
    "map_index_template",
    "mode",
    "multiple_outputs",
    "orientation",
    "outlets",
    "output_encoding",
    "owner_links",
    "post_execute",
    "pre_execute",
    "provide_context",
    "render_template_as_native_obj",
    "rerun_with_latest_version",
    "sla_miss_callback",
    "task_display_name",
    "template_searchpath",
    "template_undefined",
    "templates_dict",
    "user_defined_filters",
    "user_defined_macros",
];
