//! Templates: Jinja with Airflow's context, rendered so that a shell can never take data for code,
//! and checked before anything runs.
//!
//! - [`render_text`], [`render_value`] and [`evaluate`] are for everything that is not shell.
//! - [`render_bash`] is for `bash`: each expression becomes an environment variable, and the script
//!   gets a reference to it.
//! - [`check`] finds what can be found without a run: syntax, unknown names, expressions in places
//!   where a shell can't take data.
//!
//! Pure: no clock, no randomness, no I/O. "Now" is part of the [`Context`]; what only the store
//! knows is reported as [`Need`]s, and the caller renders again with [`Facts`].

mod bash;
mod check;
mod context;
mod date;
mod environment;
mod error;
mod explain;
mod facts;
mod operators;
mod program;
mod render;
mod suggest;
mod value;
mod yaml;

pub use bash::{BashScript, render_bash};
pub use check::{Kind, Problem, check};
pub use context::{Context, DagFacts, TaskFacts};
pub use error::{RenderError, TemplateError};
pub use facts::{FactValue, Facts, Need, PrevSuccess};
pub use render::{evaluate, render_text, render_value, truthy};
pub use value::Draws;
pub use yaml::yaml_document;
