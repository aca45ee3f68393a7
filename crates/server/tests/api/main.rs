//! The API against a real store, in process. Every answer is checked against the shapes of
//! Airflow's own description (`airflow.json`).

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod auth;
mod cursors;
mod dag_runs;
mod dags;
mod description;
mod feed;
mod fixture;
mod logs;
mod nodes;
mod page;
mod requests;
mod scheduler;
mod shapes;
mod small;
mod task_instances;
mod world;
