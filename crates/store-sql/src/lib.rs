//! What the two SQL stores share: the text of every statement, and how rows become values.
//!
//! A store crate brings a [`Backend`] (how a statement reaches its database) and carries out the
//! [`commit`] steps in a transaction; the rest of both traits is written here once. Where the two
//! databases need different text, [`Dialect`] has both next to each other.
//!
//! No driver lives here, no connection and no transaction.

mod backend;
mod cell;
pub mod clean;
pub mod commit;
mod delegate;
mod dialect;
pub mod engine;
mod facts;
mod query;
pub mod read;
mod rows;
mod shapes;

pub use backend::Backend;
pub use cell::{Cell, Row};
pub use dialect::Dialect;
pub use query::{Arg, Query};
pub use shapes::{Column, Kind, Shape};

#[doc(hidden)]
pub mod reexport {
    //! For the code of [`impl_reader`](crate::impl_reader).
    pub use futures::{future::BoxFuture, stream::BoxStream};
    pub use serde_json;
    pub use updraft_model;
    pub use updraft_store;
}
