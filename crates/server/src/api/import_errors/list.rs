//! `GET /api/v2/importErrors`

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use updraft_store::{ImportErrorFilter, Page};
use utoipa::ToSchema;

use super::ImportErrorResponse;
use crate::{
    app::App,
    error::ApiError,
    extract::{FromQuery, Query, QueryReader},
};

/// Which errors, and which part of the list.
pub struct ListImportErrors {
    filter: ImportErrorFilter,
    page: Page,
}

impl FromQuery for ListImportErrors {
    fn from_query(q: &mut QueryReader) -> Self {
        q.unsupported(&["bundle_name"]);
        // All are of one bundle.
        let sortable = [
            ("id", "id"),
            ("import_error_id", "id"),
            ("timestamp", "timestamp"),
            ("filename", "filename"),
            ("stacktrace", "stack_trace"),
            ("bundle_name", "id"),
        ];
        let filter = ImportErrorFilter { file: q.text("filename"), files: q.patterns("filename") };
        Self { filter, page: q.page(&["id"], &sortable) }
    }
}

/// A part of the list.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportErrorCollectionResponse)]
#[allow(missing_docs)]
pub struct ImportErrorCollection {
    import_errors: Vec<ImportErrorResponse>,
    total_entries: i64,
}

/// The import errors.
#[utoipa::path(get, path = "/api/v2/importErrors", tag = "Import Error", operation_id = "get_import_errors",
    params(Query<ListImportErrors>), responses((status = 200, body = ImportErrorCollection)))]
pub async fn get_import_errors(
    State(app): State<Arc<App>>,
    Query(list): Query<ListImportErrors>,
) -> Result<Json<ImportErrorCollection>, ApiError> {
    let found = app.reader.import_errors(list.filter, list.page).await?;
    let import_errors = found.items.into_iter().map(|(id, row)| ImportErrorResponse::new(id, row)).collect();
    Ok(Json(ImportErrorCollection { import_errors, total_entries: found.total }))
}
