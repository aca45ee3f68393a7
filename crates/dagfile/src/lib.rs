//! dagfile
