//! The answers' shapes: Airflow's v2 field by field, made from rows. What Updraft adds stands last
//! in its struct and says so. Nothing here reads the store.

mod dag;
mod dag_run;
mod names;
mod task;
mod task_instance;
mod version;
mod xcom;

pub use dag::{DagCollection, DagDetails, DagResponse};
pub use dag_run::{DagRunCollection, DagRunResponse, run_duration};
pub use names::{DagRunState, DagRunType};
pub use task::{TaskCollection, TaskResponse};
pub use task_instance::{
    TaskInstanceCollection, TaskInstanceHistory, TaskInstanceHistoryCollection, TaskInstanceResponse, Waiting, WaitingView, is_try_over,
};
pub use version::{DagVersionCollection, DagVersionResponse};
pub use xcom::{XComCollection, XComEntry, XComNative, XComValue};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use jiff::SignedDuration;
use updraft_model::{DagVersion, Timestamp};

/// The bundle's name; Airflow's default for its local folder.
pub const BUNDLE: &str = "dags-folder";

/// What the page shows for a DAG.
pub fn display_name(version: &DagVersion) -> String {
    version.dag.dag_display_name.clone().unwrap_or_else(|| version.dag.dag_id.to_string())
}

/// Seconds, as Airflow gives durations.
pub fn seconds(duration: SignedDuration) -> f64 {
    duration.as_secs_f64()
}

/// From start to end, if both have happened.
pub fn span(start: Option<Timestamp>, end: Option<Timestamp>) -> Option<f64> {
    Some(seconds(end?.since(start?)))
}

/// Names a file in paths of the API.
pub fn file_token(file: &str) -> String {
    BASE64.encode(file)
}
