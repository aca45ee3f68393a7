//! What becomes of a task when its attempt is prepared: from its templates to a workload, or to an end.

mod fixture;
mod params;
mod rendered;
mod secrets;
mod xcoms;
