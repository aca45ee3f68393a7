//! XComs.

use serde::Serialize;
use serde_json::Value;
use updraft_model::Timestamp;
use updraft_store::XComView;
use utoipa::ToSchema;

/// An XCom without its value.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = XComResponse)]
#[allow(missing_docs)]
pub struct XComEntry {
    key: String,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    logical_date: Option<Timestamp>,
    map_index: i32,
    task_id: String,
    dag_id: String,
    run_id: String,
    dag_display_name: String,
    task_display_name: String,
    #[schema(value_type = String, format = DateTime)]
    run_after: Timestamp,
}

impl XComEntry {
    /// From the store's view.
    pub fn new(view: &XComView, dag_display_name: String) -> Self {
        let XComView { row, dag_id, run_id, logical_date, run_after } = view;
        Self {
            key: row.key.clone(),
            timestamp: row.timestamp,
            logical_date: *logical_date,
            map_index: row.owner.map_index.0,
            task_id: row.owner.task_id.to_string(),
            dag_id: dag_id.to_string(),
            run_id: run_id.to_string(),
            dag_display_name,
            task_display_name: row.owner.task_id.to_string(),
            run_after: *run_after,
        }
    }
}

/// A part of a list of XComs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = XComCollectionResponse)]
#[allow(missing_docs)]
pub struct XComCollection {
    pub xcom_entries: Vec<XComEntry>,
    pub total_entries: i64,
}

/// An XCom with its value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = XComResponseNative)]
#[allow(missing_docs)]
pub struct XComNative {
    #[serde(flatten)]
    pub entry: XComEntry,
    /// The value as JSON, or as text if that was asked for.
    pub value: Value,
}

/// How a value is shown: as it is, or as JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum XComValue {
    Native,
    Text,
}

impl XComValue {
    /// The value in this form.
    pub fn show(self, value: &Value) -> Value {
        match self {
            Self::Native => value.clone(),
            Self::Text => value.to_string().into(),
        }
    }
}
