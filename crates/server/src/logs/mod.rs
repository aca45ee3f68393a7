//! Logs of tries. A log is what a try's attempts wrote, one after the other: each on the node where
//! it ran. What lies below our own folder is read there; for the rest the node that has it is asked,
//! signed and by attempt. Memory is bounded whatever a task prints: a log is read in pieces.

mod chunk;
mod follow;
mod line;
pub mod node;
mod part;
mod peers;
mod position;
mod subject;

pub use chunk::Chunk;
pub use follow::{Piece, follow};
pub use line::Line;
pub use peers::Peers;
pub use position::Position;
pub use subject::Subject;
