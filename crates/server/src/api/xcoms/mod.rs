//! XComs: read only. They are what tasks told each other; writing them from outside is not supported.

pub mod get;
pub mod list;
