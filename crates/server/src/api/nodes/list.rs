//! `GET /api/v2/nodes`

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{is_alive, last_word};
use crate::{app::App, error::ApiError};

/// A node.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct NodeResponse {
    node_id: String,
    /// Where its API answers, if it has one.
    address: Option<String>,
    /// When it said for the last time that it is there.
    last_seen: String,
    is_alive: bool,
    /// Whether its daemon decides.
    is_leader: bool,
    /// Attempts there whose end is not known.
    open_attempts: usize,
    /// A digest of its DAG files: nodes that differ will not run the same.
    bundle_digest: Option<String>,
    /// Seconds after which, unheard of, all its tasks are over (`node_lost_after`); null: they go on.
    lost_after: Option<f64>,
}

/// The nodes.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct NodeCollectionResponse {
    nodes: Vec<NodeResponse>,
    total_entries: usize,
}

/// All nodes that ever said that they are there.
#[utoipa::path(get, path = "/api/v2/nodes", tag = "Node", operation_id = "get_nodes",
    responses((status = 200, body = NodeCollectionResponse)))]
pub async fn get_nodes(State(app): State<Arc<App>>) -> Result<Json<NodeCollectionResponse>, ApiError> {
    let found = app.reader.nodes().await?;
    let lease = app.reader.lease().await?.filter(|lease| lease.remaining.is_positive());
    let last_word = last_word(&found);
    let mut nodes = Vec::with_capacity(found.len());
    for node in found {
        nodes.push(NodeResponse {
            open_attempts: app.reader.open_attempts(&node.node).await?.len(),
            is_alive: is_alive(&node, last_word),
            is_leader: lease.as_ref().is_some_and(|lease| lease.holder == node.node.as_str()),
            last_seen: node.last_seen.isoformat(),
            node_id: node.node.to_string(),
            address: node.address,
            bundle_digest: node.bundle_digest,
            lost_after: node.lost_after.map(|after| after.as_secs_f64()),
        });
    }
    Ok(Json(NodeCollectionResponse { total_entries: nodes.len(), nodes }))
}
