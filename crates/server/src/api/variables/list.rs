//! `GET /api/v2/variables`

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use updraft_store::{Page, Pattern};
use utoipa::ToSchema;

use super::VariableResponse;
use crate::{
    app::App,
    error::ApiError,
    extract::{FromQuery, Query, QueryReader},
};

/// Which variables, and which part of them.
pub struct ListVariables {
    patterns: Vec<Pattern>,
    page: Page,
}

impl FromQuery for ListVariables {
    fn from_query(q: &mut QueryReader) -> Self {
        // A variable has no number, and all are alike in the last two. An order by value would tell of secrets;
        // Airflow's is that of the encrypted texts.
        let sortable =
            [("id", "key"), ("key", "key"), ("description", "description"), ("_val", "key"), ("is_encrypted", "key"), ("team_name", "key")];
        Self { patterns: q.patterns("variable_key"), page: q.page(&["id"], &sortable) }
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
    let found = app.reader.variables(list.patterns, list.page).await?;
    let variables = found.items.into_iter().map(VariableResponse::from).collect();
    Ok(Json(VariableCollection { variables, total_entries: found.total }))
}
