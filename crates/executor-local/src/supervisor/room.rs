//! A disk that has no room, or takes nothing, at the moment: what a start needs is tried again.

use std::{io, path::Path, thread, time::Duration};

use nix::errno::Errno;
use updraft_model::HowEnded;

use crate::place;

/// How often it is tried, a second apart, before the attempt is handed back to be launched again: that
/// shows the reason to people, which a process that only waits does not.
const TRIES: u32 = 20;

/// Whether the same may work later, without anyone changing the task.
fn may_pass(error: &io::Error) -> bool {
    use io::ErrorKind::{OutOfMemory, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let by_kind = matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem | OutOfMemory);
    by_kind || error.raw_os_error().is_some_and(|code| [Errno::EIO, Errno::EMFILE, Errno::ENFILE].iter().any(|e| *e as i32 == code))
}

/// Does `work`, again and again while there is no room for it; not for ever, and not if the attempt
/// shall end.
pub(super) fn when_there_is_room<T>(mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 1..TRIES {
        match work() {
            Err(error) if may_pass(&error) && !Path::new(place::TERMINATE).exists() => thread::sleep(Duration::from_secs(1)),
            other => return other,
        }
    }
    work()
}

/// The end of an attempt whose program was not started because of `error`; `why`, in words. For want of
/// room it is not the task's failure.
pub(super) fn not_started(error: &io::Error, why: String) -> HowEnded {
    if may_pass(error) { HowEnded::PlaceLost { started: false, why } } else { HowEnded::CouldNotStart { error: why } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_want_of_room_is_waited_out() {
        let mut tries = 0;
        let mut fail_once = |errno: Errno| {
            tries = 0;
            let result = when_there_is_room(|| {
                tries += 1;
                if tries == 1 { Err(io::Error::from(errno)) } else { Ok(()) }
            });
            (result.is_ok(), tries)
        };
        assert_eq!(fail_once(Errno::ENOSPC), (true, 2));
        assert_eq!(fail_once(Errno::EACCES), (false, 1));
        let how = |errno: Errno| not_started(&io::Error::from(errno), "its log".to_owned());
        assert!(matches!(how(Errno::EROFS), HowEnded::PlaceLost { started: false, .. }));
        assert!(matches!(how(Errno::EACCES), HowEnded::CouldNotStart { error } if error == "its log"));
    }
}
