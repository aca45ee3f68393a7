//! Pendulum's `format("YYYY-MM-DD")` in its English locale.
//! The tokens are those of <https://pendulum.eustace.io/docs/#tokens>.

use jiff::civil::DateTime;
use minijinja::Error;

use super::{Moment, invalid};

/// Longest first, because `MM` starts with `M`.
const TOKENS: [&str; 35] = [
    "SSSSSS", "SSSSS", "YYYY", "MMMM", "DDDD", "dddd", "SSSS", "MMM", "DDD", "ddd", "SSS", "YY", "MM", "DD", "Do", "dd", "HH", "hh", "mm",
    "ss", "SS", "ZZ", "zz", "Y", "Q", "M", "D", "d", "E", "H", "h", "m", "s", "S", "A",
];
const SINGLE: [&str; 4] = ["Z", "z", "X", "x"];
const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Formats `moment`; `[text]` is literal.
pub(super) fn format(moment: &Moment, pattern: &str) -> Result<String, Error> {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if first == '['
            && let Some(end) = rest.find(']')
        {
            out.push_str(&rest[1..end]);
            rest = &rest[end + 1..];
        } else if let Some(token) = TOKENS.iter().chain(&SINGLE).find(|token| rest.starts_with(**token)) {
            out.push_str(&expand(moment, token)?);
            rest = &rest[token.len()..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(out)
}

fn expand(moment: &Moment, token: &str) -> Result<String, Error> {
    let at = moment.civil();
    Ok(match token {
        "Z" => moment.offset(":")?,
        "ZZ" => moment.offset("")?,
        "z" => moment.zone_name()?,
        "zz" => moment.strftime("%Z")?,
        "X" => (moment.timestamp_micros()?.div_euclid(1_000_000)).to_string(),
        "x" => (moment.timestamp_micros()?.div_euclid(1_000)).to_string(),
        _ => civil_token(at, token).ok_or_else(|| invalid(format!("format(): the token {token} is not supported")))?,
    })
}

fn civil_token(at: DateTime, token: &str) -> Option<String> {
    let month = MONTHS.get(usize::try_from(at.month() - 1).ok()?)?;
    let weekday = at.weekday();
    let weekday_name = WEEKDAYS.get(usize::try_from(weekday.to_sunday_zero_offset()).ok()?)?;
    let hour12 = (at.hour() + 11) % 12 + 1;
    Some(match token {
        "YYYY" => format!("{:04}", at.year()),
        "YY" => format!("{:02}", at.year().rem_euclid(100)),
        "Y" => at.year().to_string(),
        "Q" => ((at.month() - 1) / 3 + 1).to_string(),
        "MMMM" => (*month).to_owned(),
        "MMM" => month.get(..3)?.to_owned(),
        "MM" => format!("{:02}", at.month()),
        "M" => at.month().to_string(),
        "DDDD" => format!("{:03}", at.day_of_year()),
        "DDD" => at.day_of_year().to_string(),
        "DD" => format!("{:02}", at.day()),
        "D" => at.day().to_string(),
        "Do" => ordinal(at.day()),
        "dddd" => (*weekday_name).to_owned(),
        "ddd" => weekday_name.get(..3)?.to_owned(),
        "dd" => weekday_name.get(..2)?.to_owned(),
        "d" => weekday.to_sunday_zero_offset().to_string(),
        "E" => weekday.to_monday_one_offset().to_string(),
        "HH" => format!("{:02}", at.hour()),
        "H" => at.hour().to_string(),
        "hh" => format!("{hour12:02}"),
        "h" => hour12.to_string(),
        "mm" => format!("{:02}", at.minute()),
        "m" => at.minute().to_string(),
        "ss" => format!("{:02}", at.second()),
        "s" => at.second().to_string(),
        "A" => (if at.hour() < 12 { "AM" } else { "PM" }).to_owned(),
        fraction if fraction.bytes().all(|b| b == b'S') => {
            format!("{:06}", at.subsec_nanosecond() / 1_000).get(..fraction.len())?.to_owned()
        }
        _ => return None,
    })
}

fn ordinal(day: i8) -> String {
    let suffix = match (day % 10, day) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{day}{suffix}")
}
