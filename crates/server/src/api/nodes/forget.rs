//! `DELETE /api/v2/nodes/{node_id}`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use updraft_model::Request;

use super::{is_alive, last_word};
use crate::{app::App, auth::Identity, error::ApiError, extract::Path, submit::submit};

/// A person says that a node is gone for good. What ran there is lost: it is launched again where that
/// is allowed (`retries` or `relaunch`), and fails otherwise. Without `node_lost_after` nobody else can know that: a node that is
/// only out of reach goes on running its tasks. Refused while the node says that it is there.
#[utoipa::path(delete, path = "/api/v2/nodes/{node_id}", tag = "Node", operation_id = "forget_node", responses((status = 204)))]
pub async fn forget_node(State(app): State<Arc<App>>, who: Identity, Path(node): Path<String>) -> Result<StatusCode, ApiError> {
    let nodes = app.reader.nodes().await?;
    let Some(found) = nodes.iter().find(|known| known.node.as_str() == node) else {
        return Err(ApiError::not_found(format!("The Node with id: `{node}` was not found")));
    };
    if is_alive(found, last_word(&nodes)) {
        let seen = found.last_seen;
        return Err(ApiError::Conflict(format!("node {node} said at {seen} that it is there: end its daemon and its tasks first")));
    }
    submit(&app, &who, Request::ForgetNode { node: found.node.clone(), silent_for: None }).await?;
    Ok(StatusCode::NO_CONTENT)
}
