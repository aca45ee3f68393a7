//! Query parameters.

use std::str::FromStr;

use axum::{extract::FromRequestParts, http::request::Parts};
use serde_json::{Value, json};
use updraft_model::Timestamp;
use updraft_store::{Between, Orders, Page, Pattern};
use utoipa::{IntoParams, openapi::path::Parameter};

use super::{Field, Kind, as_micros, item, nul_in, one_of};
use crate::{
    cursor,
    date::{self, RANGE, Unusable},
    error::{ApiError, ValidationItem},
};

/// Airflow's `[api] maximum_page_limit`: more is cut down, not refused.
const MAXIMUM_LIMIT: u32 = 100;
/// Airflow's `[api] fallback_page_limit`.
const DEFAULT_LIMIT: u32 = 50;
/// Airflow's `SortParam.MAX_SORT_PARAMS`.
const MAXIMUM_ORDER_BY: usize = 10;

/// At most Airflow's `maximum_page_limit`.
pub fn clamp_limit(limit: i64) -> u32 {
    u32::try_from(limit.max(0)).unwrap_or(u32::MAX).min(MAXIMUM_LIMIT)
}

/// Something made of query parameters.
pub trait FromQuery: Sized {
    /// Asks `q` for each parameter. Errors are kept in `q`; the value is then not used.
    fn from_query(q: &mut QueryReader) -> Self;
}

/// Extracts a `T` from the query, or answers with all that is wrong with it.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: FromQuery, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        QueryReader::read(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

impl<T: FromQuery> IntoParams for Query<T> {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<Parameter> {
        let mut q = QueryReader { documented: Some(Vec::new()), ..QueryReader::default() };
        T::from_query(&mut q);
        q.documented.unwrap_or_default().iter().map(Field::parameter).collect()
    }
}

/// Reads parameters one by one and keeps what is wrong with them.
#[derive(Debug, Default)]
pub struct QueryReader {
    given: Vec<(String, String)>,
    errors: Vec<ValidationItem>,
    /// What Airflow refuses with one text instead of the list; the first counts.
    refused: Option<ApiError>,
    documented: Option<Vec<Field>>,
}

impl QueryReader {
    /// A `T` from the text behind the `?`.
    pub fn read<T: FromQuery>(query: &str) -> Result<T, ApiError> {
        let given = serde_urlencoded::from_str(query).map_err(|e| ApiError::BadRequest(format!("the query can't be read: {e}")))?;
        let mut reader = Self { given, ..Self::default() };
        reader.refuse_nul();
        let value = T::from_query(&mut reader);
        match reader.refused {
            _ if !reader.errors.is_empty() => Err(ApiError::Validation(reader.errors)),
            Some(refused) => Err(refused),
            None => Ok(value),
        }
    }

    /// No text that is looked for has a NUL, and the databases do not agree on what it would mean.
    fn refuse_nul(&mut self) {
        let nul = self.given.iter().filter(|(name, value)| name.contains('\0') || value.contains('\0'));
        self.errors = nul.map(|(name, value)| nul_in(["query", name], value.as_str().into())).collect();
    }

    fn document(&mut self, name: &str, kind: Kind, nullable: bool, default: Option<Value>) {
        if let Some(fields) = &mut self.documented {
            fields.push(Field { name: name.to_owned(), kind, required: false, nullable, default });
        }
    }

    /// The last value of `name`: as in FastAPI, a later one wins.
    fn last(&self, name: &str) -> Option<String> {
        self.given.iter().rfind(|(given, _)| given == name).map(|(_, value)| value.clone())
    }

    fn all(&self, name: &str) -> Vec<String> {
        self.given.iter().filter(|(given, _)| given == name).map(|(_, value)| value.clone()).collect()
    }

    fn error(&mut self, kind: &'static str, name: &str, msg: impl Into<String>, input: &str, ctx: Option<Value>) {
        self.errors.push(item(kind, ["query", name], msg, input.into(), ctx));
    }

    /// Refuses the whole query with one text.
    pub fn refuse(&mut self, error: ApiError) {
        self.refused.get_or_insert(error);
    }

    /// A text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.document(name, Kind::Text(0), true, None);
        self.last(name)
    }

    /// The parameters `<name>_pattern` and `<name>_prefix_pattern`, as Airflow's reference has them: `|` means
    /// OR, `~` everything; what a prefix ends with that is neither a letter nor a digit does not count.
    pub fn patterns(&mut self, name: &str) -> Vec<Pattern> {
        let anywhere = self.alternatives(&format!("{name}_pattern")).map(Pattern::Contains);
        let start = |text: String| match text.trim_end_matches(|c: char| !c.is_alphanumeric()) {
            "" => text,
            start => start.to_owned(),
        };
        let begins = self.alternatives(&format!("{name}_prefix_pattern"));
        let begins = begins.map(|texts| Pattern::Begins(texts.into_iter().map(start).collect()));
        anywhere.into_iter().chain(begins).collect()
    }

    /// What stands between `|`; `None` if that is everything.
    fn alternatives(&mut self, name: &str) -> Option<Vec<String>> {
        let text = self.text(name)?;
        let parts: Vec<String> = text.split('|').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let parts = if parts.len() > 1 { parts } else { vec![text] };
        (!parts.iter().any(|part| part.is_empty() || part == "~")).then_some(parts)
    }

    /// A text that can be given several times.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        self.document(name, Kind::Texts, false, None);
        self.all(name)
    }

    /// A value of a kind; a text that is none is told.
    pub fn id<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name).filter(|text| !text.is_empty())?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.error("value_error", name, format!("Value error, {error}"), &text, None);
                None
            }
        }
    }

    /// A value of a kind, by which rows are chosen: none if the text is no such value, since nothing has that name.
    pub fn only<T: FromStr>(&mut self, name: &str) -> Option<Vec<T>> {
        self.text(name).map(|text| text.parse().into_iter().collect())
    }

    /// Values of a kind that can be given several times; one that is none is left out: nothing has that name.
    pub fn ids<T: FromStr>(&mut self, name: &str) -> Option<Vec<T>> {
        let given = self.texts(name);
        (!given.is_empty()).then(|| given.iter().filter_map(|text| text.parse().ok()).collect())
    }

    /// A truth value, in the spellings pydantic takes.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        self.document(name, Kind::Boolean, true, None);
        self.read_flag(name)
    }

    /// A truth value with a default.
    pub fn flag_or(&mut self, name: &str, default: bool) -> bool {
        self.document(name, Kind::Boolean, false, Some(default.into()));
        self.read_flag(name).unwrap_or(default)
    }

    fn read_flag(&mut self, name: &str) -> Option<bool> {
        let text = self.last(name)?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" | "y" | "t" => Some(true),
            "false" | "0" | "no" | "off" | "n" | "f" => Some(false),
            _ => {
                self.error("bool_parsing", name, "Input should be a valid boolean, unable to interpret input", &text, None);
                None
            }
        }
    }

    /// A whole number, at least `minimum`.
    pub fn integer(&mut self, name: &str, minimum: Option<i64>) -> Option<i64> {
        self.document(name, Kind::Integer(minimum), true, None);
        let text = self.last(name)?;
        self.number(name, &text, minimum)
    }

    /// A whole number with a default.
    pub fn integer_or(&mut self, name: &str, minimum: Option<i64>, default: i64) -> i64 {
        self.document(name, Kind::Integer(minimum), false, Some(default.into()));
        self.last(name).and_then(|text| self.number(name, &text, minimum)).unwrap_or(default)
    }

    /// Whole numbers.
    pub fn integers(&mut self, name: &str) -> Option<Vec<i64>> {
        let given = self.texts(name);
        (!given.is_empty()).then(|| given.iter().filter_map(|text| self.number(name, text, None)).collect())
    }

    fn number(&mut self, name: &str, text: &str, minimum: Option<i64>) -> Option<i64> {
        match (text.trim().parse::<i64>(), minimum) {
            (Err(_), _) => {
                let msg = "Input should be a valid integer, unable to parse string as an integer";
                self.error("int_parsing", name, msg, text, None);
                None
            }
            (Ok(number), Some(minimum)) if number < minimum => {
                let msg = format!("Input should be greater than or equal to {minimum}");
                self.error("greater_than_equal", name, msg, text, Some(json!({ "ge": minimum })));
                None
            }
            (Ok(number), _) => Some(number),
        }
    }

    /// A number of seconds above 0 that must be there.
    pub fn required_seconds(&mut self, name: &str) -> std::time::Duration {
        if let Some(fields) = &mut self.documented {
            fields.push(Field { name: name.to_owned(), kind: Kind::Number, required: true, nullable: false, default: None });
            return std::time::Duration::ZERO;
        }
        let Some(text) = self.last(name) else {
            self.errors.push(item("missing", ["query", name], "Field required", Value::Null, None));
            return std::time::Duration::ZERO;
        };
        match text.parse::<f64>().map(|seconds| (seconds > 0.0, std::time::Duration::try_from_secs_f64(seconds))) {
            Ok((true, Ok(duration))) => duration,
            Ok(_) => {
                self.error("greater_than", name, "Input should be greater than 0", &text, Some(json!({ "gt": 0.0 })));
                std::time::Duration::ZERO
            }
            Err(_) => {
                let msg = "Input should be a valid number, unable to parse string as a number";
                self.error("float_parsing", name, msg, &text, None);
                std::time::Duration::ZERO
            }
        }
    }

    /// A date; refused with 400 if it is none, as in Airflow.
    pub fn date(&mut self, name: &str) -> Option<Timestamp> {
        self.document(name, Kind::Date, true, None);
        let text = self.last(name)?;
        let hint = match date::lenient(&text) {
            Ok(date) => return Some(date),
            Err(Unusable::OutOfRange) => format!("It must be {RANGE}"),
            Err(Unusable::NoDate | Unusable::NoOffset) => "E.g. 2026-01-31T06:00:00Z".to_owned(),
        };
        self.refuse(ApiError::BadRequest(format!("Invalid datetime: '{text}'. Please check the date parameter {name}. {hint}")));
        None
    }

    /// The four parameters `<name>_gte`, `_gt`, `_lte`, `_lt` in seconds, as microseconds.
    pub fn seconds_between(&mut self, name: &str) -> Between<i64> {
        Between {
            gte: self.seconds(&format!("{name}_gte")),
            gt: self.seconds(&format!("{name}_gt")),
            lte: self.seconds(&format!("{name}_lte")),
            lt: self.seconds(&format!("{name}_lt")),
        }
    }

    fn seconds(&mut self, name: &str) -> Option<i64> {
        self.document(name, Kind::Number, true, None);
        let text = self.last(name)?;
        let micros = text.trim().parse().ok().and_then(as_micros);
        if micros.is_none() {
            let msg = "Input should be a valid number, unable to parse string as a number";
            self.error("float_parsing", name, msg, &text, None);
        }
        micros
    }

    /// The four parameters `<name>_gte`, `_gt`, `_lte`, `_lt`.
    pub fn between(&mut self, name: &str) -> Between {
        Between {
            gte: self.date(&format!("{name}_gte")),
            gt: self.date(&format!("{name}_gt")),
            lte: self.date(&format!("{name}_lte")),
            lt: self.date(&format!("{name}_lt")),
        }
    }

    /// One of a few names.
    pub fn choice<T: FromStr>(&mut self, name: &str, allowed: &[&'static str]) -> Option<T> {
        self.document(name, Kind::Choice(allowed.to_vec()), true, None);
        let text = self.last(name)?;
        let value = if allowed.contains(&text.as_str()) { text.parse().ok() } else { None };
        if value.is_none() {
            let expected = one_of(allowed);
            self.error("enum", name, format!("Input should be {expected}"), &text, Some(json!({ "expected": expected })));
        }
        value
    }

    /// States: an unknown one is refused with the text Airflow uses.
    pub fn states<T: FromStr>(&mut self, name: &str, all: &[&'static str]) -> Vec<T> {
        let given = self.texts(name);
        let mut states = Vec::with_capacity(given.len());
        for text in &given {
            match if text == "none" { "no_status" } else { text }.parse() {
                Ok(state) => states.push(state),
                Err(_) => self.refuse(ApiError::Unprocessable(format!("Invalid value for {name}. Valid values are {}", all.join(", ")))),
            }
        }
        states
    }

    /// `limit`, `offset` and `order_by`. `sortable` maps what callers may name to what the store calls it.
    pub fn page(&mut self, default_order: &[&str], sortable: &[(&str, &str)]) -> Page {
        let page = self.window();
        let given = self.texts("order_by");
        let wanted = if given.is_empty() { default_order.iter().map(|s| (*s).to_owned()).collect() } else { given };
        Page { order_by: self.order(&wanted, sortable), ..page }
    }

    /// `limit`, `offset`, `order_by` and `cursor`, in the order of keys if none is asked for.
    pub fn page_by_cursor(&mut self, sortable: &[(&str, &str)], orders: &Orders) -> Page {
        let page = self.page(&[], sortable);
        self.cursor(page, orders)
    }

    /// `cursor`, for a list that is sorted as `page` says. A bad one is refused with 400.
    pub fn cursor(&mut self, page: Page, orders: &Orders) -> Page {
        let Some(text) = self.text("cursor") else { return page };
        if page.limit == 0 {
            self.refuse(ApiError::BadRequest("A page by cursor has at least one row: ask for a `limit` above 0".to_owned()));
        }
        match cursor::read(&text, &page.order_by, orders) {
            Ok(cursor) => Page { cursor: Some(cursor), ..page },
            Err(why) => {
                self.refuse(ApiError::BadRequest(why));
                page
            }
        }
    }

    /// `limit` and `offset`, in the order of keys.
    pub fn window(&mut self) -> Page {
        let limit = clamp_limit(self.integer_or("limit", Some(0), DEFAULT_LIMIT.into()));
        let offset = u32::try_from(self.integer_or("offset", Some(0), 0)).unwrap_or(u32::MAX);
        Page { limit, offset, ..Page::default() }
    }

    /// Translates names to sort by, or refuses them as Airflow does.
    fn order(&mut self, wanted: &[String], sortable: &[(&str, &str)]) -> Vec<String> {
        if wanted.len() > MAXIMUM_ORDER_BY {
            let detail = format!("Ordering with more than {MAXIMUM_ORDER_BY} parameters is not allowed. Provided: {wanted:?}");
            self.refuse(ApiError::BadRequest(detail));
        }
        match order_names(wanted, sortable) {
            Ok(order) => order,
            Err(error) => {
                self.refuse(error);
                Vec::new()
            }
        }
    }

    /// Filters that Airflow has and Updraft has not: refused when used, since ignoring them would
    /// answer with the wrong rows.
    pub fn unsupported(&mut self, names: &[&str]) {
        if let Some(name) = names.iter().find(|name| self.last(name).is_some()) {
            self.refuse(ApiError::BadRequest(format!("The filter `{name}` is not supported by Updraft")));
        }
    }
}

/// Translates names to sort by.
pub fn order_names(wanted: &[String], sortable: &[(&str, &str)]) -> Result<Vec<String>, ApiError> {
    let translate = |name: &String| {
        let bare = name.trim_start_matches('-');
        let minus = if name.starts_with('-') { "-" } else { "" };
        match sortable.iter().find(|(theirs, _)| *theirs == bare) {
            Some((_, ours)) => Ok(format!("{minus}{ours}")),
            None => Err(ApiError::BadRequest(format!("Ordering with '{bare}' is disallowed or the attribute does not exist on the model"))),
        }
    };
    wanted.iter().map(translate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use updraft_model::TaskState;

    #[derive(Debug, PartialEq)]
    struct Sample {
        page: Page,
        paused: Option<bool>,
        after: Between,
        states: Vec<TaskState>,
    }

    impl FromQuery for Sample {
        fn from_query(q: &mut QueryReader) -> Self {
            Self {
                page: q.page(&["id"], &[("id", "key"), ("start_date", "start_date")]),
                paused: q.flag("paused"),
                after: q.between("run_after"),
                states: q.states("state", &["running", "success"]),
            }
        }
    }

    fn detail(query: &str) -> ApiError {
        QueryReader::read::<Sample>(query).unwrap_err()
    }

    #[test]
    fn what_is_not_given_has_its_default() {
        let sample: Sample = QueryReader::read("").unwrap();
        let page = Page { limit: 50, order_by: vec!["key".to_owned()], ..Page::default() };
        assert_eq!(sample, Sample { page, paused: None, after: Between::default(), states: vec![] });
    }

    #[test]
    fn every_error_is_told_at_once_in_fastapis_words() {
        let ApiError::Validation(items) = detail("limit=x&offset=-1&paused=perhaps") else { panic!("not a validation error") };
        insta::assert_json_snapshot!(items, @r#"
        [
          {
            "type": "int_parsing",
            "loc": [
              "query",
              "limit"
            ],
            "msg": "Input should be a valid integer, unable to parse string as an integer",
            "input": "x"
          },
          {
            "type": "greater_than_equal",
            "loc": [
              "query",
              "offset"
            ],
            "msg": "Input should be greater than or equal to 0",
            "input": "-1",
            "ctx": {
              "ge": 0
            }
          },
          {
            "type": "bool_parsing",
            "loc": [
              "query",
              "paused"
            ],
            "msg": "Input should be a valid boolean, unable to interpret input",
            "input": "perhaps"
          }
        ]
        "#);
    }

    #[test]
    fn limits_are_cut_and_orders_translated() {
        let sample: Sample = QueryReader::read("limit=5000&order_by=-start_date&order_by=-id&state=none&state=running").unwrap();
        assert_eq!((sample.page.limit, sample.page.order_by), (100, vec!["-start_date".to_owned(), "-key".to_owned()]));
        assert_eq!(sample.states, [TaskState::NoStatus, TaskState::Running]);
    }

    #[test]
    fn a_bad_date_is_400_and_a_bad_state_422() {
        assert!(matches!(detail("run_after_gte=soon"), ApiError::BadRequest(text) if text.contains("'soon'")));
        assert!(matches!(detail("run_after_gte="), ApiError::BadRequest(_)));
        assert!(matches!(detail("run_after_gte=-009999-01-03T00:00:00Z"), ApiError::BadRequest(text) if text.contains(RANGE)));
        assert!(matches!(detail("state=odd"), ApiError::Unprocessable(_)));
        assert!(matches!(detail("state="), ApiError::Unprocessable(_)));
        assert!(matches!(detail("order_by=nope"), ApiError::BadRequest(text) if text.contains("'nope'")));
    }

    #[test]
    fn a_nul_is_refused_wherever_it_stands() {
        for query in ["odd=%00", "paused=1&od%00d=1"] {
            assert!(matches!(detail(query), ApiError::Validation(items) if items[0].kind == "string_nul"), "{query}");
        }
    }

    #[test]
    fn patterns_are_alternatives() {
        #[derive(Debug)]
        struct Names(Vec<Pattern>);
        impl FromQuery for Names {
            fn from_query(q: &mut QueryReader) -> Self {
                Self(q.patterns("name"))
            }
        }
        let patterns = |query: &str| QueryReader::read::<Names>(query).unwrap().0;
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(patterns("name_pattern=hello"), [Pattern::Contains(texts(&["hello"]))]);
        assert_eq!(patterns("name_pattern=hello|+params|"), [Pattern::Contains(texts(&["hello", "params"]))]);
        assert_eq!(patterns("name_pattern=a|"), [Pattern::Contains(texts(&["a|"]))], "one alone is no OR");
        let prefixes = Pattern::Begins(texts(&["test", "s3", "__"]));
        assert_eq!(patterns("name_prefix_pattern=test_|s3://|__"), [prefixes]);
        let both = [Pattern::Contains(texts(&["a"])), Pattern::Begins(texts(&["b"]))];
        assert_eq!(patterns("name_pattern=a&name_prefix_pattern=b"), both);
        for all in ["", "name_pattern=", "name_pattern=~", "name_prefix_pattern=~", "name_pattern=a|~"] {
            assert_eq!(patterns(all), [], "{all}");
        }
    }
}
