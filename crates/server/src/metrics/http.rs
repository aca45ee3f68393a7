//! Counts of calls and how long they took, by route.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use tokio::time::Instant;

use super::text::Exposition;
use crate::app::App;

/// Upper ends of the histogram's buckets, in seconds.
const BUCKETS: [f64; 9] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];

/// Calls by method, route and status.
#[derive(Debug, Default)]
pub struct HttpMetrics {
    calls: Mutex<BTreeMap<(String, String, u16), u64>>,
    latency: Mutex<BTreeMap<(String, String), Latency>>,
}

#[derive(Debug, Clone, Default)]
struct Latency {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: f64,
}

impl HttpMetrics {
    fn record(&self, method: String, route: String, status: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        let mut latency = self.latency.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = latency.entry((method.clone(), route.clone())).or_default();
        if let Some(bucket) = BUCKETS.iter().position(|end| seconds <= *end) {
            entry.buckets[bucket] += 1;
        }
        entry.count += 1;
        entry.sum += seconds;
        drop(latency);
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry((method, route, status)).or_default() += 1;
    }

    /// Adds its families to a page.
    pub fn write(&self, page: &mut Exposition) {
        const CALLS: &str = "updraft_http_requests_total";
        page.family(CALLS, "counter", "HTTP requests answered.");
        for ((method, route, status), count) in &*self.calls.lock().unwrap_or_else(PoisonError::into_inner) {
            page.value(CALLS, &[("method", method), ("route", route), ("status", &status.to_string())], count);
        }
        page.family("updraft_http_request_duration_seconds", "histogram", "Time until an answer's head.");
        for ((method, route), latency) in &*self.latency.lock().unwrap_or_else(PoisonError::into_inner) {
            let mut below = 0;
            for (end, count) in BUCKETS.iter().zip(latency.buckets) {
                below += count;
                let labels = [("method", method.as_str()), ("route", route), ("le", &end.to_string())];
                page.value("updraft_http_request_duration_seconds_bucket", &labels, below);
            }
            let labels = [("method", method.as_str()), ("route", route.as_str())];
            page.value("updraft_http_request_duration_seconds_bucket", &[labels[0], labels[1], ("le", "+Inf")], latency.count);
            page.value("updraft_http_request_duration_seconds_sum", &labels, latency.sum);
            page.value("updraft_http_request_duration_seconds_count", &labels, latency.count);
        }
    }
}

/// Measures each call. Routes, not paths, are labels: their number is fixed.
pub async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().as_str().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    app.http.record(method, route, response.status().as_u16(), began.elapsed());
    response
}
