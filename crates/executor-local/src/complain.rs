//! What nursery and supervisors have to say, on their standard error: `logs/nursery.log`.

use std::{
    fmt,
    io::{self, Write as _},
};

/// Says it if that is possible. `eprintln!` would panic on a full disk, which is when there is most to say.
pub(crate) fn complain(what: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "updraft {what}");
}
