//! Which of the types that an answer can have is the one its caller likes best: the header `Accept`.

use axum::http::{HeaderMap, header};

use crate::error::ApiError;

/// One of the types in the header.
struct Range {
    kind: String,
    subtype: String,
    quality: f32,
}

/// The place of the best type in `offers` (in lower case, the first for those who take anything): by the
/// caller's `q`, and among equals by the caller's order.
///
/// # Errors
/// 406, if none of them will do.
pub fn preferred(headers: &HeaderMap, offers: &[&str]) -> Result<usize, ApiError> {
    let given: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let ranges: Vec<Range> = given.iter().flat_map(|value| value.split(',')).filter_map(range).collect();
    if ranges.is_empty() {
        return Ok(0);
    }
    let judged = offers.iter().enumerate().filter_map(|(index, offer)| Some((index, judge(offer, &ranges)?)));
    // Of equals the last is the greatest one: that is then the first in the header, then among the offers.
    let best = judged.rev().max_by(|(_, (q, at)), (_, (other_q, other_at))| q.total_cmp(other_q).then(other_at.cmp(at)));
    best.map(|(index, _)| index).ok_or_else(|| ApiError::NotAcceptable(format!("Only {} is supported", offers.join(" or "))))
}

/// How much a type is liked, and by which of the ranges; `None` if not at all. The most exact range counts.
fn judge(offer: &str, ranges: &[Range]) -> Option<(f32, usize)> {
    let (kind, subtype) = offer.split_once('/')?;
    let exactness = |range: &Range| match (range.kind.as_str(), range.subtype.as_str()) {
        (k, s) if k == kind && s == subtype => Some(2),
        (k, "*") if k == kind => Some(1),
        ("*", "*") => Some(0),
        _ => None,
    };
    let matching = ranges.iter().enumerate().filter_map(|(at, range)| Some((exactness(range)?, at, range.quality)));
    let (_, at, quality) = matching.rev().max_by_key(|(exactness, ..)| *exactness)?;
    (quality > 0.0).then_some((quality, at))
}

/// `text/html;level=1;q=0.5`; what can't be read is as if it were not there.
fn range(text: &str) -> Option<Range> {
    let lower = text.to_ascii_lowercase();
    let mut parts = lower.split(';').map(str::trim);
    let (kind, subtype) = parts.next()?.split_once('/')?;
    let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.trim().parse().ok())?;
    Some(Range { kind: kind.to_owned(), subtype: subtype.to_owned(), quality })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const OFFERS: [&str; 3] = ["application/json", "application/x-ndjson", "text/plain"];

    fn chosen(accept: &'static str) -> Option<&'static str> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
        preferred(&headers, &OFFERS).ok().map(|index| OFFERS[index])
    }

    #[test]
    fn the_order_and_the_qualities_of_the_caller_count() {
        for (accept, expected) in [
            ("*/*", "application/json"),
            ("", "application/json"),
            ("application/json, text/plain, */*", "application/json"),
            ("text/plain, application/json, */*", "text/plain"),
            ("text/plain;q=0.5, application/json", "application/json"),
            ("application/json;q=0.1, application/x-ndjson; q=0.9", "application/x-ndjson"),
            ("TEXT/Plain; charset=utf-8", "text/plain"),
            ("text/*", "text/plain"),
            ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "application/json"),
            ("*/*, application/json;q=0", "application/x-ndjson"),
            ("*/*, text/plain", "application/json"),
            ("application/*;q=0.2, text/plain;q=0.1", "application/json"),
        ] {
            assert_eq!(chosen(accept), Some(expected), "{accept}");
        }
        assert_eq!(preferred(&HeaderMap::new(), &OFFERS), Ok(0));
    }

    #[test]
    fn what_can_not_be_given_is_said() {
        assert_eq!((chosen("text/html"), chosen("image/*"), chosen("text/plain;q=0")), (None, None, None));
    }

    #[test]
    fn several_headers_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(header::ACCEPT, HeaderValue::from_static("application/json;q=0.1"));
        headers.append(header::ACCEPT, HeaderValue::from_static("text/plain"));
        assert_eq!(preferred(&headers, &OFFERS), Ok(2));
    }
}
