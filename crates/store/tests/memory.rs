//! The store in memory passes the engine's suite. (It has no readers.)

use updraft_store::conformance::Subject;

updraft_store::engine_suite!(async { Some(Subject::memory()) });
