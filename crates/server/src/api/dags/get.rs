//! `GET /api/v2/dags/{dag_id}`

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_store::DagView;

use crate::{app::App, error::ApiError, extract::Path, lookup, render, shape::DagResponse};

/// One DAG.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}", tag = "DAG", operation_id = "get_dag", responses((status = 200, body = DagResponse)))]
pub async fn get_dag(State(app): State<Arc<App>>, Path(dag_id): Path<String>) -> Result<Json<DagResponse>, ApiError> {
    respond(&app, &lookup::dag(&app, &dag_id).await?).await
}

/// A DAG as the answer to reading or changing it.
pub async fn respond(app: &App, view: &DagView) -> Result<Json<DagResponse>, ApiError> {
    let broken = render::files_with_errors(app).await?;
    Ok(Json(DagResponse::new(view, broken.contains(&view.row.file))))
}
