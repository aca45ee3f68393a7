//! executor-local
