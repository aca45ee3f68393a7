//! Live updates: one task reads the store's feed and tells everybody, so that a hundred open pages
//! cost one query.

mod filter;
mod hub;
mod stream;

pub use filter::FeedFilter;
pub use hub::Hub;
pub use stream::{Message, follow};
