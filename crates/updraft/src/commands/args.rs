//! How values on the command line are read. A wrong one is a usage error: exit code 2.

use std::path::Path;

use serde_json::{Map, Value};
use updraft_model::{PoolName, Timestamp};

/// A time: RFC 3339, or without an offset, or a date alone (midnight); both are then UTC.
pub fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.replacen(' ', "T", 1).parse::<Timestamp>() {
        return Ok(time);
    }
    let civil = text.parse::<jiff::civil::DateTime>().or_else(|_| text.parse::<jiff::civil::Date>().map(|date| date.at(0, 0, 0, 0)));
    let civil = civil.map_err(|_| "write it as 2026-01-31T06:00:00Z, 2026-01-31T06:00:00 (UTC) or 2026-01-31".to_owned())?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?;
    Ok(zoned.timestamp().into())
}

/// A run's conf: a JSON object, or `@FILE` with one.
pub fn conf(text: &str) -> Result<Map<String, Value>, String> {
    let read;
    let text = match text.strip_prefix('@') {
        Some(path) => {
            read = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
            &read
        }
        None => text,
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(conf)) => Ok(conf),
        Ok(_) => Err("a JSON object is expected, such as '{\"day\": \"2026-01-31\"}'".to_owned()),
        Err(error) => Err(format!("it is not JSON: {error}")),
    }
}

/// A name by which something is found again.
pub fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("it must not be empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// `KEY=VALUE`
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

/// `NAME=SLOTS`, as `pools set` takes them.
pub fn pool(text: &str) -> Result<(PoolName, i32), String> {
    let wrong = || "write it as NAME=SLOTS, with -1 slots for no limit".to_owned();
    let (name, slots) = text.split_once('=').ok_or_else(wrong)?;
    let slots = slots.parse().ok().filter(|slots| *slots >= -1).ok_or_else(wrong)?;
    Ok((PoolName::new(name).map_err(|error| error.to_string())?, slots))
}

/// Whether a text is meant as the path of a DAG file and not as a DAG's id.
pub fn is_file(text: &str) -> bool {
    let path = Path::new(text);
    let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    is_yaml || text.contains('/') || path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_without_an_offset_are_utc() {
        let read = |text: &str| time(text).map(|time| time.to_string());
        assert_eq!(read("2026-01-31T06:00:00+02:00").unwrap(), "2026-01-31T04:00:00Z");
        assert_eq!(read("2026-01-31 06:00:00+00:00").unwrap(), "2026-01-31T06:00:00Z");
        assert_eq!(read("2026-01-31T06:00:00.25").unwrap(), "2026-01-31T06:00:00.25Z");
        assert_eq!(read("2026-01-31").unwrap(), "2026-01-31T00:00:00Z");
        assert!(read("yesterday").is_err());
    }

    #[test]
    fn conf_is_an_object() {
        assert_eq!(conf(r#"{"a": 1}"#).unwrap().len(), 1);
        assert!(conf("[1]").is_err());
        assert!(conf("{").is_err());
        assert!(conf("@/nowhere.json").unwrap_err().starts_with("/nowhere.json"));
    }

    #[test]
    fn a_pool_has_a_name_and_slots() {
        let read = |text: &str| pool(text).map(|(name, slots)| (name.to_string(), slots));
        assert_eq!(read("db=2").unwrap(), ("db".to_owned(), 2));
        assert_eq!(read("db=-1").unwrap(), ("db".to_owned(), -1));
        assert!(["db", "db=", "db=-2", "db=many", "=1"].into_iter().all(|text| read(text).is_err()));
    }

    #[test]
    fn a_name_is_a_file_if_it_looks_like_one() {
        assert!(is_file("sales.yaml") && is_file("./sales") && is_file("dags/sales.yml"));
        assert!(!is_file("sales") && !is_file("sales.v2"));
    }
}
