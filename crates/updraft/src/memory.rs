//! How the C library's allocator gives memory back.

// One call of the C library, which has no safe name.
#![allow(unsafe_code)]

/// Large blocks are given back to the system as soon as they are free. By default glibc keeps what
/// was asked for twice (`mallopt(3)`: the threshold rises with each large block that is freed), and so
/// the 19 MiB in which a password is checked stayed with the daemon for good: 51 MB of it instead of 32.
///
/// The process must not have any other thread yet.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn give_back_large_blocks() {
    const LARGE: i32 = 1024 * 1024;
    // SAFETY: a plain call with two numbers. It only fails for values out of range, and then
    // everything stays as it is.
    unsafe { nix::libc::mallopt(nix::libc::M_MMAP_THRESHOLD, LARGE) };
}

/// Other allocators do so by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back_large_blocks() {}
