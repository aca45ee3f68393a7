//! `PATCH /api/v2/dags/{dag_id}`

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_model::Request;

use super::get::respond;
use crate::{
    api::UpdateMask,
    app::App,
    auth::Identity,
    error::ApiError,
    extract::{Body, BodyReader, FromBody, Path, Query, body_schema},
    lookup,
    shape::DagResponse,
    submit::submit,
};

/// What may be changed.
pub struct DagPatch {
    pub is_paused: bool,
}

body_schema!(DagPatch);

impl FromBody for DagPatch {
    const NAME: &'static str = "DAGPatchBody";
    fn from_body(b: &mut BodyReader) -> Self {
        Self { is_paused: b.required_flag("is_paused") }
    }
}

/// Refuses a mask with anything else in it, in Airflow's words.
pub fn check_mask(mask: &UpdateMask) -> Result<(), ApiError> {
    if mask.allows("is_paused") {
        Ok(())
    } else {
        Err(ApiError::BadRequest("Only `is_paused` field can be updated through the REST API".into()))
    }
}

/// Pauses or unpauses a DAG.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}", tag = "DAG", operation_id = "patch_dag", params(Query<UpdateMask>),
    request_body = DagPatch, responses((status = 200, body = DagResponse)))]
pub async fn patch_dag(
    State(app): State<Arc<App>>,
    who: Identity,
    Path(dag_id): Path<String>,
    Query(mask): Query<UpdateMask>,
    Body(patch): Body<DagPatch>,
) -> Result<Json<DagResponse>, ApiError> {
    let dag = lookup::dag(&app, &dag_id).await?;
    check_mask(&mask)?;
    submit(&app, &who, Request::SetPaused { dag_id: dag.row.dag_id, is_paused: patch.is_paused }).await?;
    respond(&app, &lookup::dag(&app, &dag_id).await?).await
}
