//! Instants at which a test can kill the process it runs in. Compiled to nothing without the
//! feature `failpoints`.

/// Dies of SIGKILL here if the test's variable names this point: `UPDRAFT_FAILPOINT` in the daemon.
#[cfg(feature = "failpoints")]
pub(crate) fn hit(point: &str) {
    die_if_named("UPDRAFT_FAILPOINT", point);
}

/// The same in a supervisor, by `UPDRAFT_SUPERVISOR_FAILPOINT`.
#[cfg(feature = "failpoints")]
pub(crate) fn hit_in_supervisor(point: &str) {
    die_if_named("UPDRAFT_SUPERVISOR_FAILPOINT", point);
}

#[cfg(feature = "failpoints")]
fn die_if_named(variable: &str, point: &str) {
    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };
    if std::env::var(variable).is_ok_and(|wanted| wanted == point) {
        let _ = kill(Pid::this(), Signal::SIGKILL);
        // SIGKILL needs no return to user space to act, but nothing may happen meanwhile.
        std::process::abort();
    }
}

#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub(crate) fn hit(_point: &str) {}

#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub(crate) fn hit_in_supervisor(_point: &str) {}
