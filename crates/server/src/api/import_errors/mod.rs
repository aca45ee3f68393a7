//! Why files, or parts of them, give no DAG.

pub mod get;
pub mod list;

use serde::Serialize;
use serde_json::Value;
use updraft_model::{ImportErrorRow, Timestamp};
use utoipa::ToSchema;

use crate::shape::BUNDLE;

/// What is wrong with a file.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct ImportErrorResponse {
    import_error_id: i64,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    filename: String,
    bundle_name: Option<&'static str>,
    stack_trace: String,
    /// An extension of Updraft: the same as values: file, line, column, text and hint of each.
    #[schema(value_type = Vec<Object>)]
    diagnostics: Value,
}

impl ImportErrorResponse {
    fn new(id: i64, row: ImportErrorRow) -> Self {
        let ImportErrorRow { file, timestamp, stack_trace, diagnostics } = row;
        Self { import_error_id: id, timestamp, filename: file, bundle_name: Some(BUNDLE), stack_trace, diagnostics }
    }
}
