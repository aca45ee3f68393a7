//! Guards against pages of others that make a browser send our cookie along.

use axum::http::{HeaderMap, Method};

/// Whether a call that a cookie authenticates may have come from another site.
///
/// A call that changes something must prove where it comes from: by `Sec-Fetch-Site`, which
/// browsers write and pages can't, or by a header that only our own pages can add without asking
/// first (the browser's CORS preflight, which is refused).
pub fn is_suspect(method: &Method, headers: &HeaderMap) -> bool {
    let same_origin = headers.get(SITE).is_some_and(|site| site == "same-origin");
    changes(method) && !same_origin && !headers.contains_key("x-requested-with")
}

/// Whether a browser says that another site's page makes a call that changes something. Where
/// nobody has to log in, this is what keeps those pages out; tools that are no browsers say nothing.
pub fn is_foreign(method: &Method, headers: &HeaderMap) -> bool {
    changes(method) && headers.get(SITE).is_some_and(|site| site != "same-origin" && site != "none")
}

const SITE: &str = "sec-fetch-site";

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_change_must_say_where_it_comes_from() {
        let with =
            |name: &'static str, value: &'static str| HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))]);
        assert!(is_suspect(&Method::POST, &HeaderMap::new()));
        assert!(is_suspect(&Method::DELETE, &with("sec-fetch-site", "same-site")));
        assert!(!is_suspect(&Method::POST, &with("sec-fetch-site", "same-origin")));
        assert!(!is_suspect(&Method::PATCH, &with("x-requested-with", "updraft")));
        assert!(!is_suspect(&Method::GET, &HeaderMap::new()));
        assert!(is_foreign(&Method::POST, &with("sec-fetch-site", "cross-site")));
        assert!(!is_foreign(&Method::POST, &with("sec-fetch-site", "same-origin")));
        assert!(!is_foreign(&Method::POST, &HeaderMap::new()));
    }
}
