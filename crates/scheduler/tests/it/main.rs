//! The scheduler from outside: inputs in, plans out. One module per subject.

#![allow(clippy::unwrap_used, missing_docs)]

mod clear;
mod harness;
mod limits;
mod operators;
mod restart;
mod runs;
mod tasks;
