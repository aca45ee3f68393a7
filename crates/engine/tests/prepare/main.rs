//! What becomes of a task when its attempt is prepared: from its templates to a workload, or to an end.

// Helpers of tests are tests, which clippy sees only for functions marked as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fixture;
mod params;
mod rendered;
mod secrets;
mod xcoms;
