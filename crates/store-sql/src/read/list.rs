//! A part of a list, and how long the whole is.

use updraft_store::{Between, CURSOR_TOTAL_LIMIT, Cursor, Listed, Orders, Page, StoreError};

use super::keyset::{Sorted, Way};
use crate::{
    Arg, Backend, Query, Row,
    backend::{fetch_all, fetch_first},
    cell::Unreadable,
    query::Conditions,
};

/// How a list is made.
pub(super) struct List<'a> {
    /// The statement's name; that of the one which counts.
    pub(super) names: (&'static str, &'static str),
    /// What is shown of a row.
    pub(super) columns: String,
    /// `FROM ..`.
    pub(super) from: &'a str,
    /// `FROM ..` to count: fewer tables, if the conditions allow it.
    pub(super) counted: &'a str,
    /// The names to order by, and what they mean.
    pub(super) orders: &'a [(&'static str, &'a str)],
    /// What decides between equal rows: the key.
    pub(super) key: &'static [&'static str],
    /// The same with types, if the list can be read by cursor.
    pub(super) places: Option<&'static Orders>,
    /// If only the rows of the page are to be joined with others, and not those that are skipped
    /// before it: in a long history these are what a page costs.
    pub(super) shown: Option<Shown<'a>>,
}

/// What the rows of a page are shown with, once their keys are found.
pub(super) struct Shown<'a> {
    /// The keys, by the names they have in their table.
    pub(super) keys: &'a str,
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
        let sorted = self.sorted(page)?;
        if let Some(cursor) = &page.cursor {
            return self.fetch_from(backend, conditions, page.limit, &sorted, cursor, read).await;
        }
        let count = conditions.query(self.names.1, &format!("SELECT count(*) {}", self.counted));
        let total = fetch_first(backend, count, |mut row| row.int()).await?.unwrap_or(0);
        let order = Way::new(&sorted, false).order();
        let query = self.statement(&self.columns, conditions, &order, page.limit, page.offset);
        Ok(Listed { items: fetch_all(backend, query, read).await?, total, next: None, previous: None })
    }

    /// The page at a cursor. One row more than it has says whether there is another page.
    async fn fetch_from<T>(
        &self,
        backend: &dyn Backend,
        conditions: &Conditions,
        limit: u32,
        sorted: &[Sorted<'_>],
        cursor: &Cursor,
        read: impl Fn(Row) -> Result<T, Unreadable>,
    ) -> Result<Listed<T>, StoreError> {
        let Some(places) = self.places else {
            return Err(StoreError::Broken { what: self.names.0.to_owned(), why: "the list can't be read by cursor".to_owned() });
        };
        let (place, backward) = match cursor {
            Cursor::First => (None, false),
            Cursor::After(place) => (Some(place), false),
            Cursor::Before(place) => (Some(place), true),
        };
        let way = Way::new(sorted, backward);
        let columns = format!("{}, {}", way.columns(), self.columns);
        let wanted = limit.saturating_add(1);
        let mut found = Vec::new();
        for part in way.parts(place, conditions) {
            let missing = wanted - u32::try_from(found.len()).unwrap_or(wanted);
            if missing == 0 {
                break;
            }
            let query = self.statement(&columns, &part.conditions, &part.order, missing, 0);
            found.extend(fetch_all(backend, query, |mut row| Ok((way.place(&mut row, places)?, read(row)?))).await?);
        }
        let has_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        if backward {
            found.reverse();
        }
        let next = found.last().map(|(place, _)| Cursor::After(place.clone())).filter(|_| backward || has_more);
        let is_first = if backward { !has_more } else { place.is_none() };
        let previous = found.first().map(|(place, _)| Cursor::Before(place.clone())).filter(|_| !is_first);
        let total = self.count_some(backend, conditions).await?;
        Ok(Listed { items: found.into_iter().map(|(_, item)| item).collect(), total, next, previous })
    }

    /// How many there are, without looking at more than [`CURSOR_TOTAL_LIMIT`].
    async fn count_some(&self, backend: &dyn Backend, conditions: &Conditions) -> Result<i64, StoreError> {
        let some = conditions.query(self.names.1, &format!("SELECT count(*) FROM (SELECT 1 {}", self.counted));
        let count = some.sql(" LIMIT ").arg(CURSOR_TOTAL_LIMIT).sql(") AS counted");
        Ok(fetch_first(backend, count, |mut row| row.int()).await?.unwrap_or(0))
    }

    fn statement(&self, columns: &str, conditions: &Conditions, order: &str, limit: u32, offset: u32) -> Query {
        let part = |query: Query| query.sql(format!(" ORDER BY {order} LIMIT ")).arg(limit).sql(" OFFSET ").arg(offset);
        match &self.shown {
            None => part(conditions.query(self.names.0, &format!("SELECT {columns} {}", self.from))),
            Some(Shown { keys, join }) => {
                let keys = format!("SELECT {columns} FROM (SELECT {keys} {}", self.from);
                part(conditions.query(self.names.0, &keys)).sql(format!(") AS k {join} ORDER BY {order}"))
            }
        }
    }

    /// What the page is sorted by, down to the key. The key goes the way of the first name, so that an
    /// index on both can serve; where only keys are looked for it goes up: SQLite's index of times
    /// ends with the key as the table has it.
    fn sorted(&self, page: &Page) -> Result<Vec<Sorted<'_>>, StoreError> {
        let mut sorted = Vec::with_capacity(page.order_by.len() + self.key.len());
        for name in &page.order_by {
            let (name, down) = name.strip_prefix('-').map_or((name.as_str(), false), |name| (name, true));
            let Some((_, expression)) = self.orders.iter().find(|(known, _)| *known == name) else {
                let known = self.orders.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
                return Err(StoreError::Broken {
                    what: self.names.0.to_owned(),
                    why: format!("can't order by \"{name}\", only by {known}"),
                });
            };
            let nullable = self.places.and_then(|places| places.named(name)).is_none_or(|order| order.nullable);
            sorted.push(Sorted { name: Some(name.to_owned()), expression, down, nullable });
        }
        let down = self.shown.is_none() && sorted.first().is_some_and(|first| first.down);
        sorted.extend(self.key.iter().map(|expression| Sorted { name: None, expression, down, nullable: false }));
        Ok(sorted)
    }
}

/// A column is within a range.
pub(super) fn between<T: Clone + Into<Arg>>(conditions: &mut Conditions, column: &str, range: &Between<T>) {
    let Between { gte, gt, lte, lt } = range;
    for (operator, bound) in [(">=", gte), (">", gt), ("<=", lte), ("<", lt)] {
        if let Some(bound) = bound {
            conditions.with(&format!("{column} {operator} "), bound.clone(), "");
        }
    }
}
