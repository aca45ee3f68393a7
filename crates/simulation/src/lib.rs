//! Updraft in virtual time, with everything going wrong: one seed is one reproducible story.
//!
//! The real engine and scheduler run against the store in memory and an executor of events. The
//! plot makes DAGs, people's requests and faults from the seed; after every step the checks demand
//! safety, and when all faults are healed they demand that everything comes to its end.
//!
//! Nothing here sleeps, and nothing is random but the seed.

mod check;
mod dice;
mod place;
mod plot;
mod world;

pub use world::{Outcome, run};
