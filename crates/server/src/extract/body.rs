//! JSON bodies, checked as pydantic checks Airflow's: every error at once, unknown keys refused.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use serde_json::{Map, Value, json};
use updraft_model::Timestamp;
use updraft_store::Between;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::AdditionalProperties, schema::Type};

use super::{Field, Kind, as_micros, item, nul_in, one_of};
use crate::{
    date::{self, RANGE, Unusable},
    error::{ApiError, ValidationItem},
};

/// Below it, a number with a point that is whole is exactly that whole number: 2^53.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Something made of a JSON object.
pub trait FromBody: Sized {
    /// Its name in OpenAPI, which is Airflow's.
    const NAME: &'static str;
    /// Asks `b` for each field. Errors are kept in `b`; the value is then not used.
    fn from_body(b: &mut BodyReader) -> Self;
}

/// Extracts a `T` from a JSON body, or answers with all that is wrong with it.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: FromBody, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let bytes = Bytes::from_request(request, state).await.map_err(|e| ApiError::TooLarge(e.body_text()))?;
        if is_json { BodyReader::read(&bytes).map(Self) } else { Err(not_an_object(String::from_utf8_lossy(&bytes).into())) }
    }
}

/// As FastAPI has it: JSON unless another type is named. So a form of another site, which can't
/// name JSON without asking first, changes nothing.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(given) = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default()) else { return true };
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn whole(kind: &'static str, msg: &str, input: Value, ctx: Option<Value>) -> ApiError {
    ApiError::Validation(vec![ValidationItem { kind, loc: vec!["body".into()], msg: msg.to_owned(), input, ctx }])
}

fn not_an_object(input: Value) -> ApiError {
    whole("model_attributes_type", "Input should be a valid dictionary or object to extract fields from", input, None)
}

/// The schema of a `T`, from what it asks for.
pub fn schema_of<T: FromBody>() -> RefOr<Schema> {
    let mut b = BodyReader { documented: Some(Vec::new()), ..BodyReader::default() };
    T::from_body(&mut b);
    let closed = Some(AdditionalProperties::FreeForm(false));
    let mut object = ObjectBuilder::new().schema_type(Type::Object).additional_properties(closed);
    for field in b.documented.unwrap_or_default() {
        object = object.property(&field.name, field.schema());
        if field.required {
            object = object.required(&field.name);
        }
    }
    RefOr::T(Schema::Object(object.build()))
}

/// Makes utoipa know a [`FromBody`] type.
macro_rules! body_schema {
    ($body:ty) => {
        impl utoipa::PartialSchema for $body {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::extract::schema_of::<Self>()
            }
        }
        impl utoipa::ToSchema for $body {
            fn name() -> std::borrow::Cow<'static, str> {
                <Self as $crate::extract::FromBody>::NAME.into()
            }
        }
    };
}
pub(crate) use body_schema;

/// Reads fields one by one and keeps what is wrong with them.
#[derive(Debug, Default)]
pub struct BodyReader {
    given: Map<String, Value>,
    known: Vec<String>,
    errors: Vec<ValidationItem>,
    documented: Option<Vec<Field>>,
}

impl BodyReader {
    /// A `T` from the bytes of a body.
    pub fn read<T: FromBody>(bytes: &[u8]) -> Result<T, ApiError> {
        if bytes.is_empty() {
            return Err(whole("missing", "Field required", Value::Null, None));
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(given)) => Self::read_object(given),
            Ok(other) => Err(not_an_object(other)),
            Err(error) => {
                let ctx = json!({ "error": error.to_string() });
                Err(whole("json_invalid", "JSON decode error", json!({}), Some(ctx)))
            }
        }
    }

    /// A `T` from an object.
    pub fn read_object<T: FromBody>(given: Map<String, Value>) -> Result<T, ApiError> {
        let mut reader = Self { given, ..Self::default() };
        let value = T::from_body(&mut reader);
        reader.refuse_unknown();
        if reader.errors.is_empty() { Ok(value) } else { Err(ApiError::Validation(reader.errors)) }
    }

    fn refuse_unknown(&mut self) {
        let Self { given, known, errors, .. } = self;
        let unknown = given.iter().filter(|(name, _)| !known.contains(name));
        errors.extend(
            unknown.map(|(name, value)| item("extra_forbidden", ["body", name], "Extra inputs are not permitted", value.clone(), None)),
        );
    }

    fn field(&mut self, name: &str, kind: Kind, required: bool, nullable: bool, default: Option<Value>) -> Option<Value> {
        if let Some(fields) = &mut self.documented {
            fields.push(Field { name: name.to_owned(), kind, required, nullable, default });
            return None;
        }
        self.known.push(name.to_owned());
        let value = self.given.get(name).cloned();
        if required && value.is_none() {
            self.errors.push(item("missing", ["body", name], "Field required", Value::Object(self.given.clone()), None));
        }
        value.filter(|value| !(nullable && value.is_null()))
    }

    fn error(&mut self, kind: &'static str, name: &str, msg: impl Into<String>, input: &Value, ctx: Option<Value>) {
        self.errors.push(item(kind, ["body", name], msg, input.clone(), ctx));
    }

    /// Adds an error of a rule that is more than a type (pydantic's `value_error`).
    pub fn value_error(&mut self, name: &str, msg: &str) {
        let input = self.given.get(name).cloned().unwrap_or_default();
        self.error("value_error", name, format!("Value error, {msg}"), &input, Some(json!({ "error": {} })));
    }

    /// Whether `name` is given, be it as `null` (pydantic's `model_fields_set`).
    pub fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    fn as_text(&mut self, name: &str, value: &Value, limit: usize) -> Option<String> {
        match value.as_str() {
            Some(text) if limit > 0 && text.chars().count() > limit => {
                let msg = format!("String should have at most {limit} characters");
                self.error("string_too_long", name, msg, value, Some(json!({ "max_length": limit })));
                None
            }
            Some(text) if text.contains('\0') => {
                self.errors.push(nul_in(["body", name], value.clone()));
                None
            }
            Some(text) => Some(text.to_owned()),
            None => {
                self.error("string_type", name, "Input should be a valid string", value, None);
                None
            }
        }
    }

    /// A text that must be there. `limit` in characters; 0 means none.
    pub fn required_text(&mut self, name: &str, limit: usize) -> String {
        let value = self.field(name, Kind::Text(limit), true, false, None);
        value.and_then(|value| self.as_text(name, &value, limit)).unwrap_or_default()
    }

    /// A text or `null`.
    pub fn text(&mut self, name: &str, limit: usize) -> Option<String> {
        let value = self.field(name, Kind::Text(limit), false, true, None)?;
        self.as_text(name, &value, limit)
    }

    /// A list of texts, or `null`.
    pub fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let value = self.field(name, Kind::Texts, false, true, None)?;
        let texts = value.as_array().and_then(|list| list.iter().map(|text| text.as_str().map(str::to_owned)).collect());
        if texts.is_none() {
            self.error("list_type", name, "Input should be a valid list of strings", &value, None);
        }
        if texts.iter().flatten().any(|text: &String| text.contains('\0')) {
            self.errors.push(nul_in(["body", name], value));
        }
        texts
    }

    /// A list of ids, or `null`; a text that is none is left out: nothing has that name.
    pub fn ids<T: std::str::FromStr>(&mut self, name: &str) -> Option<Vec<T>> {
        self.texts(name).map(|texts| texts.iter().filter_map(|text| text.parse().ok()).collect())
    }

    /// A list of task ids, or of pairs of a task id and a map index, or `null`.
    pub fn task_ids(&mut self, name: &str) -> Option<Vec<(String, Option<i32>)>> {
        let value = self.field(name, Kind::TaskIds, false, true, None)?;
        let pair = |entry: &Value| match entry {
            Value::String(id) => Some((id.clone(), None)),
            Value::Array(pair) => match pair.as_slice() {
                [Value::String(id), index] => Some((id.clone(), Some(i32::try_from(index.as_i64()?).ok()?))),
                _ => None,
            },
            _ => None,
        };
        let ids = value.as_array().and_then(|list| list.iter().map(pair).collect());
        if ids.is_none() {
            self.error("list_type", name, "Input should be a list of task ids or of [task id, map index] pairs", &value, None);
        }
        ids
    }

    /// A truth value with a default.
    pub fn flag_or(&mut self, name: &str, default: bool) -> bool {
        let value = self.field(name, Kind::Boolean, false, false, Some(default.into()));
        value.and_then(|value| self.as_flag(name, &value)).unwrap_or(default)
    }

    /// A truth value or `null`.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        let value = self.field(name, Kind::Boolean, false, true, None)?;
        self.as_flag(name, &value)
    }

    /// A truth value that must be there.
    pub fn required_flag(&mut self, name: &str) -> bool {
        let value = self.field(name, Kind::Boolean, true, false, None);
        value.and_then(|value| self.as_flag(name, &value)).unwrap_or_default()
    }

    fn as_flag(&mut self, name: &str, value: &Value) -> Option<bool> {
        let flag = match value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
            Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" | "y" | "t" => Some(true),
                "false" | "0" | "no" | "off" | "n" | "f" => Some(false),
                _ => None,
            },
            _ => None,
        };
        if flag.is_none() {
            self.error("bool_parsing", name, "Input should be a valid boolean, unable to interpret input", value, None);
        }
        flag
    }

    /// A whole number that must be there.
    pub fn required_integer(&mut self, name: &str, minimum: i64) -> i64 {
        let value = self.field(name, Kind::Integer(Some(minimum)), true, false, None);
        value.and_then(|value| self.as_integer(name, &value, minimum)).unwrap_or_default()
    }

    /// A whole number or `null`.
    pub fn integer(&mut self, name: &str, minimum: i64) -> Option<i64> {
        let value = self.field(name, Kind::Integer(Some(minimum)), false, true, None)?;
        self.as_integer(name, &value, minimum)
    }

    /// A whole number with a default.
    pub fn integer_or(&mut self, name: &str, minimum: i64, default: i64) -> i64 {
        let value = self.field(name, Kind::Integer(Some(minimum)), false, false, Some(default.into()));
        value.and_then(|value| self.as_integer(name, &value, minimum)).unwrap_or(default)
    }

    fn as_integer(&mut self, name: &str, value: &Value, minimum: i64) -> Option<i64> {
        let whole = |number: f64| (number.fract() == 0.0 && number.abs() < MAX_EXACT).then_some(number as i64);
        let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok()).or_else(|| whole(value.as_f64()?));
        match number {
            None => {
                self.error("int_type", name, "Input should be a valid integer", value, None);
                None
            }
            Some(number) if number < minimum => {
                let msg = format!("Input should be greater than or equal to {minimum}");
                self.error("greater_than_equal", name, msg, value, Some(json!({ "ge": minimum })));
                None
            }
            some => some,
        }
    }

    /// A date with an offset, or `null`.
    pub fn date(&mut self, name: &str) -> Option<Timestamp> {
        let value = self.field(name, Kind::Date, false, true, None)?;
        self.as_date(name, &value)
    }

    /// A date with an offset or `null`, one of which must be there.
    pub fn required_date_or_null(&mut self, name: &str) -> Option<Timestamp> {
        let value = self.field(name, Kind::Date, true, true, None)?;
        self.as_date(name, &value)
    }

    fn as_date(&mut self, name: &str, value: &Value) -> Option<Timestamp> {
        match date::aware(value.as_str().unwrap_or_default()) {
            Ok(date) => return Some(date),
            Err(Unusable::NoOffset) => self.error("timezone_aware", name, "Input should have timezone info", value, None),
            Err(Unusable::NoDate) => self.error("datetime_parsing", name, "Input should be a valid datetime", value, None),
            Err(Unusable::OutOfRange) => self.value_error(name, &format!("the date must be {RANGE}")),
        }
        None
    }

    /// The four fields `<name>_gte`, `_gt`, `_lte`, `_lt`.
    pub fn between(&mut self, name: &str) -> Between {
        Between {
            gte: self.date(&format!("{name}_gte")),
            gt: self.date(&format!("{name}_gt")),
            lte: self.date(&format!("{name}_lte")),
            lt: self.date(&format!("{name}_lt")),
        }
    }

    /// The same in seconds, as microseconds.
    pub fn seconds_between(&mut self, name: &str) -> Between<i64> {
        Between {
            gte: self.seconds(&format!("{name}_gte")),
            gt: self.seconds(&format!("{name}_gt")),
            lte: self.seconds(&format!("{name}_lte")),
            lt: self.seconds(&format!("{name}_lt")),
        }
    }

    fn seconds(&mut self, name: &str) -> Option<i64> {
        let value = self.field(name, Kind::Number, false, true, None)?;
        let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
        let micros = number.and_then(as_micros);
        if micros.is_none() {
            self.error("float_type", name, "Input should be a valid number", &value, None);
        }
        micros
    }

    /// A list of names, or `null`; a `null` in it is read as `no_status`.
    pub fn choices<T: std::str::FromStr>(&mut self, name: &str, allowed: &[&'static str]) -> Vec<T> {
        let Some(value) = self.field(name, Kind::Texts, false, true, None) else { return Vec::new() };
        let read = |entry: &Value| match entry {
            Value::Null => "no_status".parse().ok(),
            Value::String(text) => allowed.contains(&text.as_str()).then(|| text.parse().ok()).flatten(),
            _ => None,
        };
        let chosen: Option<Vec<T>> = value.as_array().and_then(|list| list.iter().map(read).collect());
        if chosen.is_none() {
            let expected = one_of(allowed);
            self.error("enum", name, format!("Input should be {expected}"), &value, Some(json!({ "expected": expected })));
        }
        chosen.unwrap_or_default()
    }

    /// Fields that Airflow has and Updraft has not: refused when used, since ignoring them would do
    /// something else than was asked for.
    pub fn unsupported(&mut self, names: &[&str]) {
        for name in names {
            self.known.push((*name).to_owned());
            if self.given.get(*name).is_some_and(|value| !value.is_null()) {
                self.value_error(name, "this field is not supported by Updraft");
            }
        }
    }

    /// An object or `null`.
    pub fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        match self.field(name, Kind::Object, false, true, None)? {
            Value::Object(map) => Some(map),
            other => {
                self.error("dict_type", name, "Input should be a valid dictionary", &other, None);
                None
            }
        }
    }

    /// Any JSON value, which must be there.
    pub fn required_value(&mut self, name: &str) -> Value {
        let value = self.field(name, Kind::Any, true, false, None).unwrap_or_default();
        if value.as_str().is_some_and(|text| text.contains('\0')) {
            self.errors.push(nul_in(["body", name], value.clone()));
        }
        value
    }

    /// One of a few names, or `null`.
    pub fn choice<T: std::str::FromStr>(&mut self, name: &str, allowed: &[&'static str]) -> Option<T> {
        let value = self.field(name, Kind::Choice(allowed.to_vec()), false, true, None)?;
        let chosen = value.as_str().filter(|text| allowed.contains(text)).and_then(|text| text.parse().ok());
        if chosen.is_none() {
            let expected = one_of(allowed);
            self.error("enum", name, format!("Input should be {expected}"), &value, Some(json!({ "expected": expected })));
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    #[allow(dead_code)]
    struct Sample {
        date: Option<Timestamp>,
        note: Option<String>,
        dry_run: bool,
    }

    impl FromBody for Sample {
        const NAME: &'static str = "Sample";
        fn from_body(b: &mut BodyReader) -> Self {
            Self { date: b.required_date_or_null("date"), note: b.text("note", 3), dry_run: b.flag_or("dry_run", true) }
        }
    }

    fn errors(body: &str) -> Vec<(String, String)> {
        match BodyReader::read::<Sample>(body.as_bytes()) {
            Err(ApiError::Validation(items)) => items
                .into_iter()
                .map(|i| (i.kind.to_owned(), i.loc.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(".")))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_errors_at_once() {
        let all = errors(r#"{"note": "long", "dry_run": [], "odd": 1}"#);
        let expected =
            [("missing", "body.date"), ("string_too_long", "body.note"), ("bool_parsing", "body.dry_run"), ("extra_forbidden", "body.odd")];
        assert_eq!(all, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn a_body_that_is_no_object() {
        assert_eq!(errors("")[0].0, "missing");
        assert_eq!(errors("{")[0].0, "json_invalid");
        assert_eq!(errors("[]")[0].0, "model_attributes_type");
        assert_eq!(errors(r#"{"date": "2026-01-01T00:00:00"}"#)[0].0, "timezone_aware");
    }

    #[test]
    fn dates_say_what_is_wrong_with_them() {
        let kind = |date: &str| errors(&format!(r#"{{"date": {date}}}"#))[0].0.clone();
        assert_eq!(kind(r#""9999-12-31T23:59:59Z""#), "value_error");
        assert_eq!((kind(r#""soon""#), kind("7")), ("datetime_parsing".to_owned(), "datetime_parsing".to_owned()));
    }

    #[test]
    fn numbers_are_read_as_pydantic_reads_them() {
        let mut b = BodyReader::default();
        let flags = [json!(1), json!(0), json!(1.0), json!("yes"), json!(2), json!(0.5)].map(|value| b.as_flag("f", &value));
        assert_eq!(flags, [Some(true), Some(false), Some(true), Some(true), None, None]);
        let numbers = [json!(4), json!(4.0), json!("4"), json!(-0.0), json!(4.5), json!(1e300)].map(|value| b.as_integer("n", &value, -1));
        assert_eq!(numbers, [Some(4), Some(4), Some(4), Some(0), None, None]);
    }

    #[test]
    fn a_nul_is_refused_in_lists_and_values_too() {
        let mut b = BodyReader {
            given: Map::from_iter([("n".to_owned(), json!(["a\0"])), ("v".to_owned(), json!("\0"))]),
            ..BodyReader::default()
        };
        b.texts("n");
        b.required_value("v");
        assert_eq!(b.errors.iter().map(|item| item.kind).collect::<Vec<_>>(), ["string_nul", "string_nul"]);
    }

    #[test]
    fn null_is_a_value_for_a_required_nullable_field() {
        let sample: Sample = BodyReader::read(br#"{"date": null}"#).unwrap();
        assert!(sample.date.is_none() && sample.dry_run);
    }
}
