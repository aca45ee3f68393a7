//! `GET /api/v2/pools`

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use updraft_store::{Page, Pattern};
use utoipa::ToSchema;

use super::PoolResponse;
use crate::{
    app::App,
    error::ApiError,
    extract::{FromQuery, Query, QueryReader},
};

/// Which pools, and which part of them.
pub struct ListPools {
    patterns: Vec<Pattern>,
    page: Page,
}

impl FromQuery for ListPools {
    fn from_query(q: &mut QueryReader) -> Self {
        // A pool has no number.
        let sortable = [("id", "name"), ("pool", "name"), ("name", "name"), ("slots", "slots")];
        Self { patterns: q.patterns("pool_name"), page: q.page(&["id"], &sortable) }
    }
}

/// A part of the list of pools.
#[derive(Serialize, ToSchema)]
#[schema(as = PoolCollectionResponse)]
#[allow(missing_docs)]
pub struct PoolCollection {
    pools: Vec<PoolResponse>,
    total_entries: i64,
}

/// The pools.
#[utoipa::path(get, path = "/api/v2/pools", tag = "Pool", operation_id = "get_pools", params(Query<ListPools>),
    responses((status = 200, body = PoolCollection)))]
pub async fn get_pools(State(app): State<Arc<App>>, Query(list): Query<ListPools>) -> Result<Json<PoolCollection>, ApiError> {
    let found = app.reader.pools(list.patterns, list.page).await?;
    Ok(Json(PoolCollection { pools: found.items.into_iter().map(PoolResponse::from).collect(), total_entries: found.total }))
}
