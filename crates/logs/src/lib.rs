//! Logs of tries on a disk: where they are, which attempt wrote which part, and how they go.
//!
//! All attempts of a try write into one file, one after the other; beside it is the list of their
//! [`Segment`]s. An attempt's id tells whose a part is: a run that was deleted and made again under
//! the same name has the same files. Files only: nothing here knows a store, a runtime or a network.

mod layout;
mod list;
mod ranges;
mod remove;

pub use layout::log_file;
pub use list::{Segment, begin, read_segments};
pub use ranges::Ranges;
pub use remove::{Written, remove, run_folders, run_folders_of, written_in};
