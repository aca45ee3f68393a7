//! `GET /api/v2/dagSources/{dag_id}`

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    accept,
    app::App,
    error::ApiError,
    extract::{FromQuery, Path, Query, QueryReader},
    lookup,
    shape::display_name,
};

/// Which version.
pub struct WhichVersion {
    version_number: Option<i64>,
}

impl FromQuery for WhichVersion {
    fn from_query(q: &mut QueryReader) -> Self {
        Self { version_number: q.integer("version_number", None) }
    }
}

/// The text of a DAG file.
#[derive(Serialize, ToSchema)]
#[schema(as = DAGSourceResponse)]
#[allow(missing_docs)]
pub struct DagSource {
    content: Option<String>,
    dag_id: String,
    version_number: Option<u32>,
    dag_display_name: String,
}

/// The text of the file a version was made from, as JSON or as plain text.
#[utoipa::path(get, path = "/api/v2/dagSources/{dag_id}", tag = "DagSource", operation_id = "get_dag_source", params(Query<WhichVersion>),
    responses((status = 200, content((DagSource = "application/json"), (String = "text/plain")))))]
pub async fn get_dag_source(
    State(app): State<Arc<App>>,
    Path(dag_id): Path<String>,
    Query(which): Query<WhichVersion>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let as_text = accept::preferred(&headers, &["application/json", "text/plain"])? == 1;
    let view = lookup::dag(&app, &dag_id).await?;
    let version = match which.version_number {
        None => Some(view.version),
        Some(number) => match u32::try_from(number) {
            Ok(number) => app.reader.version_number(&view.row.dag_id, number).await?,
            Err(_) => None,
        },
    };
    let not_found = || {
        let version = which.version_number.map_or("None".to_owned(), |number| number.to_string());
        ApiError::not_found(format!("The source code of the DAG {dag_id}, version_number {version} was not found"))
    };
    let version = version.ok_or_else(not_found)?;
    let content = app.reader.source(version.id).await?.ok_or_else(not_found)?;
    if as_text {
        return Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], content).into_response());
    }
    let dag_display_name = display_name(&version);
    Ok(Json(DagSource { content: Some(content), dag_id, version_number: Some(version.number), dag_display_name }).into_response())
}
