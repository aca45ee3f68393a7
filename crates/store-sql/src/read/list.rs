//! A part of a list, and how long the whole is.

use updraft_store::{Between, Listed, Page, StoreError};

use crate::{
    Backend, Query, Row,
    backend::{fetch_all, fetch_first},
    cell::Unreadable,
    query::Conditions,
};

/// How a list is made.
pub(super) struct List<'a> {
    /// The statement's name; that of the one which counts.
    pub(super) names: (&'static str, &'static str),
    /// `SELECT .. FROM ..`.
    pub(super) select: String,
    /// `SELECT count(*) FROM ..`: fewer tables, if the conditions allow it.
    pub(super) count: String,
    /// The names to order by, and what they mean.
    pub(super) orders: &'a [(&'static str, &'static str)],
    /// What decides between equal rows: the key.
    pub(super) key: &'static [&'static str],
}

/// The direction of the key between equal rows, so that an index on a name and the key can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ties {
    /// That of the first name: an index says both.
    AsFirst,
    /// Up: SQLite's index of times ends with the key as the table has it.
    Ascend,
}

/// What the rows of a page are shown with, once [`List::select`] has found their keys.
pub(super) struct Shown<'a> {
    /// `SELECT ..`, of all tables.
    pub(super) select: &'a str,
    /// `JOIN ..`: how the rows with the keys `k` are found, and those of other tables.
    pub(super) join: &'a str,
}

impl List<'_> {
    pub(super) async fn fetch<T>(
        &self,
        backend: &dyn Backend,
        conditions: &Conditions,
        page: &Page,
        read: impl Fn(Row) -> Result<T, Unreadable>,
    ) -> Result<Listed<T>, StoreError> {
        let order = self.order(page, Ties::AsFirst)?;
        let total = self.total(backend, conditions).await?;
        let query = part(conditions.query(self.names.0, &self.select), &order, page);
        Ok(Listed { items: fetch_all(backend, query, read).await?, total })
    }

    /// Like [`List::fetch`], but only the rows of the page are joined with others, and not those that
    /// are skipped before it: in a long history these are what a page costs.
    pub(super) async fn fetch_shown<T>(
        &self,
        backend: &dyn Backend,
        conditions: &Conditions,
        page: &Page,
        shown: &Shown<'_>,
        read: impl Fn(Row) -> Result<T, Unreadable>,
    ) -> Result<Listed<T>, StoreError> {
        let Shown { select, join } = shown;
        let order = self.order(page, Ties::Ascend)?;
        let total = self.total(backend, conditions).await?;
        let keys = part(conditions.query(self.names.0, &format!("{select} FROM ({}", self.select)), &order, page);
        let query = keys.sql(format!(") AS k {join} ORDER BY {order}"));
        Ok(Listed { items: fetch_all(backend, query, read).await?, total })
    }

    async fn total(&self, backend: &dyn Backend, conditions: &Conditions) -> Result<i64, StoreError> {
        let count = conditions.query(self.names.1, &self.count);
        Ok(fetch_first(backend, count, |mut row| row.int()).await?.unwrap_or(0))
    }

    fn order(&self, page: &Page, ties: Ties) -> Result<String, StoreError> {
        let mut parts = Vec::new();
        let mut descending = false;
        for (at, name) in page.order_by.iter().enumerate() {
            let (name, down) = name.strip_prefix('-').map_or((name.as_str(), false), |name| (name, true));
            let Some((_, expression)) = self.orders.iter().find(|(known, _)| *known == name) else {
                let known = self.orders.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
                return Err(StoreError::Broken {
                    what: self.names.0.to_owned(),
                    why: format!("can't order by \"{name}\", only by {known}"),
                });
            };
            parts.push(format!("{expression} {} NULLS LAST", if down { "DESC" } else { "ASC" }));
            descending = if at == 0 { down } else { descending };
        }
        let direction = if descending && ties == Ties::AsFirst { "DESC" } else { "ASC" };
        parts.extend(self.key.iter().map(|column| format!("{column} {direction}")));
        Ok(parts.join(", "))
    }
}

/// The part of `query` that `page` asks for.
fn part(query: Query, order: &str, page: &Page) -> Query {
    query.sql(format!(" ORDER BY {order} LIMIT ")).arg(page.limit).sql(" OFFSET ").arg(page.offset)
}

/// A column is within a range of times.
pub(super) fn between(conditions: &mut Conditions, column: &str, range: &Between) {
    let Between { gte, gt, lte, lt } = range;
    for (operator, bound) in [(">=", gte), (">", gt), ("<=", lte), ("<", lt)] {
        if let Some(bound) = bound {
            conditions.with(&format!("{column} {operator} "), *bound, "");
        }
    }
}
