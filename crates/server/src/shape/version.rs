//! Versions of DAGs.

use serde::Serialize;
use updraft_model::{DagVersion, Timestamp};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{BUNDLE, display_name};

/// One content of one DAG.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct DagVersionResponse {
    id: Uuid,
    version_number: u32,
    dag_id: String,
    bundle_name: Option<&'static str>,
    bundle_version: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    dag_display_name: String,
    bundle_url: Option<String>,
}

impl From<&DagVersion> for DagVersionResponse {
    fn from(version: &DagVersion) -> Self {
        Self {
            id: version.id.0,
            version_number: version.number,
            dag_id: version.dag.dag_id.to_string(),
            bundle_name: Some(BUNDLE),
            bundle_version: None,
            created_at: version.created_at,
            dag_display_name: display_name(version),
            bundle_url: None,
        }
    }
}

/// Versions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DAGVersionCollectionResponse)]
#[allow(missing_docs)]
pub struct DagVersionCollection {
    pub dag_versions: Vec<DagVersionResponse>,
    pub total_entries: i64,
}
