//! The names of the template context: one list for rendering, static checks and "did you mean".

/// The names that need a logical date, and are undefined in a run that has none.
pub(crate) const DATED: [&str; 8] =
    ["ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz", "logical_date", "data_interval_start", "data_interval_end"];

/// All names of the context.
pub(crate) const GLOBALS: [&str; 32] = [
    "ds",
    "ds_nodash",
    "ts",
    "ts_nodash",
    "ts_nodash_with_tz",
    "logical_date",
    "data_interval_start",
    "data_interval_end",
    "prev_data_interval_start_success",
    "prev_data_interval_end_success",
    "prev_start_date_success",
    "prev_end_date_success",
    "run_id",
    "run_after",
    "run_type",
    "dag_run",
    "dag",
    "task",
    "ti",
    "task_instance",
    "task_instance_key_str",
    "params",
    "var",
    "conn",
    "macros",
    "test_mode",
    "map_index",
    "attempt_id",
    "try_number",
    "dag_id",
    "task_id",
    "timezone",
];

/// What can be asked of an object of the context by a dot; objects that are not listed are open.
pub(crate) const ATTRIBUTES: [(&str, &[&str]); 7] = [
    (
        "dag_run",
        &[
            "run_id",
            "dag_id",
            "run_type",
            "conf",
            "logical_date",
            "run_after",
            "start_date",
            "queued_at",
            "data_interval_start",
            "data_interval_end",
        ],
    ),
    ("ti", TI),
    ("task_instance", TI),
    (
        "dag",
        &["dag_id", "description", "tags", "max_active_runs", "max_active_tasks", "catchup", "start_date", "end_date", "timezone", "owner"],
    ),
    (
        "task",
        &[
            "task_id",
            "dag_id",
            "owner",
            "operator",
            "task_type",
            "pool",
            "priority_weight",
            "trigger_rule",
            "retries",
            "upstream_task_ids",
            "downstream_task_ids",
        ],
    ),
    ("var", &["value", "json"]),
    ("macros", &MACROS),
];

/// What `macros` has.
pub(crate) const MACROS: [&str; 11] =
    ["ds_add", "ds_format", "datetime_diff_for_humans", "datetime", "timedelta", "dateutil", "json", "yaml", "time", "random", "uuid"];

const TI: &[&str] = &[
    "task_id",
    "dag_id",
    "run_id",
    "map_index",
    "try_number",
    "max_tries",
    "attempt_id",
    "id",
    "operator",
    "pool",
    "start_date",
    "xcom_pull",
    "xcom_push",
    "key",
];

/// What to use instead of a name that Airflow 2 had and Airflow 3 has not, or Airflow has and Updraft has not.
pub(crate) fn instead_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "execution_date" => "Airflow 3 removed it: use logical_date",
        "next_ds" | "next_ds_nodash" | "next_execution_date" => {
            "Airflow 3 removed it: use data_interval_end, e.g. {{ data_interval_end | ds }}"
        }
        "prev_ds" | "prev_ds_nodash" | "prev_execution_date" | "prev_execution_date_success" => {
            "Airflow 3 removed it: use prev_data_interval_start_success, or macros.ds_add(ds, -1)"
        }
        "yesterday_ds" | "yesterday_ds_nodash" => "Airflow 3 removed it: use {{ macros.ds_add(ds, -1) }}",
        "tomorrow_ds" | "tomorrow_ds_nodash" => "Airflow 3 removed it: use {{ macros.ds_add(ds, 1) }}",
        "ds_format_locale" => "it needs the names of days and months in all languages, which are not here: use macros.ds_format",
        "conf" => "the trigger's conf is dag_run.conf",
        "inlets" | "outlets" | "inlet_events" | "outlet_events" | "triggering_asset_events" => "assets are not available in templates",
        _ => return None,
    })
}
