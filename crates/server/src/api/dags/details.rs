//! `GET /api/v2/dags/{dag_id}/details`

use std::sync::Arc;

use axum::{Json, extract::State};

use crate::{app::App, error::ApiError, extract::Path, lookup, render, shape::DagDetails};

/// One DAG with all that its file says of it.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/details", tag = "DAG", operation_id = "get_dag_details",
    responses((status = 200, body = DagDetails)))]
pub async fn get_dag_details(State(app): State<Arc<App>>, Path(dag_id): Path<String>) -> Result<Json<DagDetails>, ApiError> {
    let view = lookup::dag(&app, &dag_id).await?;
    let broken = render::files_with_errors(&app).await?;
    Ok(Json(DagDetails::new(&view, broken.contains(&view.row.file))))
}
