//! The real program: started, used over its API, killed, started again.

mod daemon;
mod dags;
mod operator;
mod refusals;
mod restarts;
