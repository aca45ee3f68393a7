//! The handlers, one file per endpoint, in a folder per resource, as Airflow groups them.

pub mod dag_runs;
pub mod dags;
pub mod feed;
pub mod import_errors;
pub mod logs;
pub mod monitor;
pub mod nodes;
pub mod pools;
pub mod task_instances;
pub mod users;
pub mod variables;
pub mod xcoms;

/// The columns that `update_mask` names, if it is given: only they are changed.
#[derive(Debug, Default)]
pub struct UpdateMask(Option<Vec<String>>);

impl UpdateMask {
    /// Reads it from the query.
    pub fn read(q: &mut crate::extract::QueryReader) -> Self {
        let names = q.texts("update_mask");
        Self((!names.is_empty()).then_some(names))
    }

    /// Whether `name` may change.
    pub fn allows(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.iter().any(|given| given == name))
    }
}

impl crate::extract::FromQuery for UpdateMask {
    fn from_query(q: &mut crate::extract::QueryReader) -> Self {
        Self::read(q)
    }
}
