//! What others look at to know whether Updraft is well.

pub mod health;
pub mod version;
