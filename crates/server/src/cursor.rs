//! Cursors as callers see them: a text that means nothing to them, and is checked when it comes back.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use updraft_store::{CURSOR_TOTAL_LIMIT, Cursor, Listed, Orders, Page};

/// What is in the text: it is of no use for a list in another order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    order_by: Vec<String>,
    at: Cursor,
}

/// The text for a place in the list that `page` is a part of.
fn write(cursor: Cursor, order_by: &[String]) -> Option<String> {
    // A `Token` always has a text.
    let json = serde_json::to_vec(&Token { order_by: order_by.to_vec(), at: cursor }).ok()?;
    Some(URL_SAFE_NO_PAD.encode(json))
}

/// The cursor of a query whose list is sorted by `order_by`; else what to tell the caller.
pub fn read(text: &str, order_by: &[String], orders: &Orders) -> Result<Cursor, String> {
    if text.is_empty() {
        return Ok(Cursor::First);
    }
    let unreadable = || {
        let short: String = text.chars().take(40).collect();
        format!(
            "Invalid cursor: '{short}'. Take `next_cursor` or `previous_cursor` of an answer as it is, or an empty text for the first page"
        )
    };
    let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| unreadable())?;
    let token: Token = serde_json::from_slice(&json).map_err(|_| unreadable())?;
    if token.order_by != order_by {
        let of = if token.order_by.is_empty() { "its default order".to_owned() } else { format!("order_by={}", token.order_by.join(",")) };
        return Err(format!("Invalid cursor: it belongs to a list in {of}. Begin a list in another order with an empty cursor"));
    }
    match &token.at {
        Cursor::First => return Err(unreadable()),
        Cursor::After(place) | Cursor::Before(place) => orders.check(order_by, place).map_err(|why| format!("Invalid cursor: {why}"))?,
    }
    Ok(token.at)
}

/// What an answer says beside its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// How many rows there are, up to the limit.
    pub total_entries: i64,
    /// The limit; `None` if all were counted.
    pub total_entries_limit: Option<i64>,
    /// Of the page behind this one.
    pub next_cursor: Option<String>,
    /// Of the page before this one.
    pub previous_cursor: Option<String>,
}

impl Around {
    /// Around the page `found`, and its rows.
    pub fn new<T>(found: Listed<T>, page: &Page) -> (Vec<T>, Self) {
        let Listed { items, total, next, previous } = found;
        let text = |cursor: Option<Cursor>| cursor.and_then(|cursor| write(cursor, &page.order_by));
        let around = Self {
            total_entries: total,
            total_entries_limit: page.cursor.as_ref().map(|_| CURSOR_TOTAL_LIMIT.into()),
            next_cursor: text(next),
            previous_cursor: text(previous),
        };
        (items, around)
    }

    /// Around all rows there are.
    pub fn all(total_entries: i64) -> Self {
        Self { total_entries, total_entries_limit: None, next_cursor: None, previous_cursor: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use updraft_store::{Mark, Place, RUN_ORDERS};

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let order = vec!["-run_id".to_owned()];
        let cursor = Cursor::Before(Place(vec![Mark::Text("ü/?&=".into()), Mark::Int(-3)]));
        let text = write(cursor.clone(), &order).unwrap();
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'), "{text}");
        assert_eq!(read(&text, &order, &RUN_ORDERS), Ok(cursor));
        assert_eq!(read("", &order, &RUN_ORDERS), Ok(Cursor::First));
    }

    #[test]
    fn a_bad_cursor_is_told_what_is_wrong_with_it() {
        let told = |text: &str, order: &[&str]| {
            let order: Vec<String> = order.iter().map(ToString::to_string).collect();
            read(text, &order, &RUN_ORDERS).unwrap_err()
        };
        let after = |marks: Vec<Mark>| write(Cursor::After(Place(marks)), &["state".to_owned()]).unwrap();
        assert!(told("%%%", &[]).starts_with("Invalid cursor: '%%%'. Take `next_cursor`"));
        assert!(told(&URL_SAFE_NO_PAD.encode("{}"), &[]).starts_with("Invalid cursor: 'e30'"));
        assert!(told(&write(Cursor::First, &[]).unwrap(), &[]).starts_with("Invalid cursor: 'ey"), "nobody was given this");
        let other = "Invalid cursor: it belongs to a list in order_by=state. Begin a list in another order with an empty cursor";
        assert_eq!(told(&after(vec![]), &["-state"]), other);
        assert_eq!(told(&after(vec![Mark::Int(1)]), &["state"]), "Invalid cursor: it has 1 values where 2 belong");
        assert_eq!(told(&after(vec![Mark::Null, Mark::Int(1)]), &["state"]), "Invalid cursor: its value of \"state\" does not fit");
    }
}
