//! The face: Airflow's REST API, live updates, logs, metrics and the embedded page.
//!
//! The server decides nothing. It reads the store, and every change to what the scheduler holds is
//! a request in its inbox, whose answer is waited for. Nothing here may commit a decision, read a
//! DAG file or speak to an executor.

mod accept;
mod api;
mod app;
mod auth;
mod config;
mod cursor;
mod date;
mod error;
mod extract;
mod feed;
mod logs;
mod lookup;
mod metrics;
mod openapi;
mod page;
mod render;
mod router;
mod shape;
mod submit;
mod waiting;

pub use api::dag_runs::trigger::{COMMAND_LINE, REQUESTED_WITH};
pub use auth::{PasswordError, Role, UnknownRole, hash_password};
pub use config::{Authentication, Deps, Durations, EngineSnapshot, EngineStatus, ExecutorUse, ServerConfig};
pub use router::{node_router, router};

/// The API's description (OpenAPI 3.1) as text that ends with a newline: `docs/openapi.json`.
pub fn openapi() -> String {
    // A `Value` always has a text.
    let mut text = serde_json::to_string_pretty(&router::description()).unwrap_or_default();
    text.push('\n');
    text
}
