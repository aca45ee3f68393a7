//! A part of a list, and how long the whole is.

use updraft_store::{Between, Listed, Page, StoreError};

use crate::{
    Backend, Row,
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

impl List<'_> {
    pub(super) async fn fetch<T>(
        &self,
        backend: &dyn Backend,
        conditions: &Conditions,
        page: &Page,
        read: impl Fn(Row) -> Result<T, Unreadable>,
    ) -> Result<Listed<T>, StoreError> {
        let order = self.order(page)?;
        let count = conditions.query(self.names.1, &self.count);
        let total = fetch_first(backend, count, |mut row| row.int()).await?.unwrap_or(0);
        let query = conditions.query(self.names.0, &self.select);
        let query = query.sql(format!(" ORDER BY {order} LIMIT ")).arg(page.limit).sql(" OFFSET ").arg(page.offset);
        Ok(Listed { items: fetch_all(backend, query, read).await?, total })
    }

    fn order(&self, page: &Page) -> Result<String, StoreError> {
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
        // The key in the direction of the first name, so that an index on both can serve.
        let direction = if descending { "DESC" } else { "ASC" };
        parts.extend(self.key.iter().map(|column| format!("{column} {direction}")));
        Ok(parts.join(", "))
    }
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
