//! `GET /api/v2/variables`

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use updraft_store::Page;
use utoipa::ToSchema;

use super::VariableResponse;
use crate::{
    app::App,
    error::ApiError,
    extract::{FromQuery, Query, QueryReader},
};

/// Which variables, and which part of them.
pub struct ListVariables {
    pattern: Option<String>,
    page: Page,
}

impl FromQuery for ListVariables {
    fn from_query(q: &mut QueryReader) -> Self {
        q.unsupported(&["variable_key_prefix_pattern"]);
        let sortable = [("id", ""), ("key", "key"), ("_val", ""), ("description", ""), ("is_encrypted", "")];
        Self { pattern: q.pattern("variable_key_pattern"), page: q.page(&["id"], &sortable) }
    }
}

/// A part of the list of variables.
#[derive(Serialize, ToSchema)]
#[schema(as = VariableCollectionResponse)]
#[allow(missing_docs)]
pub struct VariableCollection {
    variables: Vec<VariableResponse>,
    total_entries: i64,
}

/// The variables.
#[utoipa::path(get, path = "/api/v2/variables", tag = "Variable", operation_id = "get_variables", params(Query<ListVariables>),
    responses((status = 200, body = VariableCollection)))]
pub async fn get_variables(State(app): State<Arc<App>>, Query(list): Query<ListVariables>) -> Result<Json<VariableCollection>, ApiError> {
    let found = app.reader.variables(list.pattern, list.page).await?;
    let variables = found.items.into_iter().map(VariableResponse::from).collect();
    Ok(Json(VariableCollection { variables, total_entries: found.total }))
}
