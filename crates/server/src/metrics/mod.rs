//! `GET /metrics`: what Prometheus scrapes. Written by hand: a dozen families do not need a library.

mod http;
mod page;
mod text;

pub use http::{HttpMetrics, observe};
pub use page::{__path_get_metrics, get_metrics};
