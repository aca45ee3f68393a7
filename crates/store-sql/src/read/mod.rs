//! What readers see, one file per resource; [`crate::impl_reader`] makes them a store's methods.

mod dags;
mod inbox;
mod keyset;
mod list;
mod runs;
mod small;
mod task_instances;
mod xcoms;

pub use dags::*;
pub use inbox::*;
pub use runs::*;
pub use small::*;
pub use task_instances::*;
pub use xcoms::*;
