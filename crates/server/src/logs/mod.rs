//! Logs of tries, as files below one folder. Memory is bounded whatever a task prints: a file is
//! read in pieces. Paths are made of validated ids only.

mod file;
mod follow;
mod line;
mod subject;
mod token;

pub use file::LogFile;
pub use follow::{Piece, follow};
pub use line::Line;
pub use subject::Subject;
pub use token::Position;
