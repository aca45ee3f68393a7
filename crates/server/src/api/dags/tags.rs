//! `GET /api/v2/dagTags`

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use updraft_store::{Page, Pattern};
use utoipa::ToSchema;

use crate::{
    app::App,
    error::ApiError,
    extract::{FromQuery, Query, QueryReader},
};

/// Which tags.
pub struct ListTags {
    patterns: Vec<Pattern>,
    page: Page,
}

impl FromQuery for ListTags {
    fn from_query(q: &mut QueryReader) -> Self {
        Self { patterns: q.patterns("tag_name"), page: q.page(&["name"], &[("name", "name")]) }
    }
}

/// Tags in use.
#[derive(Serialize, ToSchema)]
#[schema(as = DAGTagCollectionResponse)]
#[allow(missing_docs)]
pub struct TagCollection {
    tags: Vec<String>,
    total_entries: usize,
}

/// The tags in use.
#[utoipa::path(get, path = "/api/v2/dagTags", tag = "DAG", operation_id = "get_dag_tags", params(Query<ListTags>),
    responses((status = 200, body = TagCollection)))]
pub async fn get_dag_tags(State(app): State<Arc<App>>, Query(list): Query<ListTags>) -> Result<Json<TagCollection>, ApiError> {
    let mut tags = app.reader.tags().await?;
    tags.retain(|tag| list.patterns.iter().all(|pattern| is_like(tag, pattern)));
    if list.page.order_by.first().is_some_and(|name| name.starts_with('-')) {
        tags.reverse();
    }
    let total_entries = tags.len();
    let tags = tags.into_iter().skip(list.page.offset as usize).take(list.page.limit as usize).collect();
    Ok(Json(TagCollection { tags, total_entries }))
}

fn is_like(text: &str, pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Contains(parts) => parts.iter().any(|part| like(text, part)),
        Pattern::Begins(starts) => starts.iter().any(|start| text.starts_with(start)),
    }
}

/// SQL's `text ILIKE '%pattern%'`, as Airflow searches.
fn like(text: &str, pattern: &str) -> bool {
    fn matches(text: &[char], pattern: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('%', rest)) => (0..=text.len()).any(|skip| matches(&text[skip..], rest)),
            Some((wanted, rest)) => text.split_first().is_some_and(|(c, more)| (*wanted == '_' || wanted == c) && matches(more, rest)),
        }
    }
    // Several `%` in a row match what one does, and would cost a power of the text's length.
    let mut chars: Vec<char> = format!("%{}%", pattern.to_lowercase()).chars().collect();
    chars.dedup_by(|a, b| *a == '%' && *b == '%');
    let text: Vec<char> = text.to_lowercase().chars().collect();
    chars.iter().filter(|c| **c == '%').count() <= 8 && matches(&text, &chars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_sqls() {
        assert!(like("Sales", "ale"));
        assert!(like("sales", "s_l%s"));
        assert!(!like("sales", "salt"));
        assert!(like("sales", "%%%%%%%%%%%%%%%%"));
    }
}
