//! The clock of leases, fences and heartbeats.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

#[cfg(target_os = "linux")]
const BOOT: ClockId = ClockId::CLOCK_BOOTTIME;
/// macOS has no `CLOCK_BOOTTIME`; its `CLOCK_MONOTONIC` counts suspended time.
#[cfg(not(target_os = "linux"))]
const BOOT: ClockId = ClockId::CLOCK_MONOTONIC;

/// Since the machine started, suspended time included. No change of the wall clock moves it.
pub fn boot_clock() -> Duration {
    // It can't fail for a clock that exists, and this one does since Linux 2.6.39. Zero would be before
    // everything: nobody is heard of then.
    clock_gettime(BOOT).map(Duration::from).unwrap_or_default()
}
