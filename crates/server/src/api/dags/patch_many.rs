//! `PATCH /api/v2/dags`

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_model::Request;
use updraft_store::{DagFilter, Page};

use super::{
    list::dag_filter,
    patch::{DagPatch, check_mask},
};
use crate::{
    api::UpdateMask,
    app::App,
    auth::Identity,
    error::ApiError,
    extract::{Body, FromQuery, Query, QueryReader},
    render,
    shape::DagCollection,
    submit::submit,
};

/// Which DAGs.
pub struct PatchDags {
    filter: DagFilter,
    page: Page,
    mask: UpdateMask,
}

impl FromQuery for PatchDags {
    fn from_query(q: &mut QueryReader) -> Self {
        let filter = dag_filter(q);
        Self { filter, page: q.window(), mask: UpdateMask::read(q) }
    }
}

/// Pauses or unpauses several DAGs, one after the other.
#[utoipa::path(patch, path = "/api/v2/dags", tag = "DAG", operation_id = "patch_dags", params(Query<PatchDags>),
    request_body = DagPatch, responses((status = 200, body = DagCollection)))]
pub async fn patch_dags(
    State(app): State<Arc<App>>,
    who: Identity,
    Query(which): Query<PatchDags>,
    Body(patch): Body<DagPatch>,
) -> Result<Json<DagCollection>, ApiError> {
    check_mask(&which.mask)?;
    let found = app.reader.dags(which.filter, which.page).await?;
    let mut changed = Vec::with_capacity(found.items.len());
    for view in found.items {
        let dag_id = view.row.dag_id;
        if view.row.is_paused != patch.is_paused {
            submit(&app, &who, Request::SetPaused { dag_id: dag_id.clone(), is_paused: patch.is_paused }).await?;
        }
        changed.extend(app.reader.dag(&dag_id).await?);
    }
    Ok(Json(DagCollection { dags: render::dags(&app, &changed).await?, total_entries: found.total }))
}
