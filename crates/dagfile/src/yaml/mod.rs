//! YAML as a tree of nodes that remember where they came from and how they were written.
//!
//! This is the only place that knows the YAML parser. It resolves aliases and `<<`, finds keys that
//! are there twice, and bounds what a file may expand to. It knows nothing of DAGs, and it gives
//! scalars no type: `1.10` is the text `1.10` until somebody asks for a number.

mod hints;
mod node;
mod position;
mod reader;

pub(crate) use node::{Entry, Mapping, Node, Scalar, Span, Style, Value};
pub(crate) use position::position_in_source;
pub(crate) use reader::{Document, MAX_NODES, MAX_TEXT, read};
