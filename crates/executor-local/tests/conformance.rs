//! The local executor keeps every executor's promises.

mod support;

updraft_executor::conformance_tests!(support::Daemon::start());
