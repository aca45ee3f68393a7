//! What daemon and nursery say to each other: fixed-size messages over one SOCK_SEQPACKET pair.
//!
//! No version: a nursery only ever speaks with the daemon that forked or spawned it from its own
//! binary. What must outlive a daemon is in files (see `place`).

use nix::unistd::Pid;
use updraft_model::AttemptId;
use uuid::Uuid;

/// "Fork a supervisor for this attempt"; the locked folder comes along as a file descriptor.
pub(crate) const REQUEST_LEN: usize = 16;
/// The length of a [`Reply`].
pub(crate) const REPLY_LEN: usize = 21;

/// What the nursery says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The supervisor exists.
    Forked { attempt: AttemptId, supervisor: Pid },
    /// It could not be forked; nothing was started.
    NotForked { attempt: AttemptId, errno: i32 },
    /// A supervisor died without writing an end; what its task left behind is killed.
    Gone { attempt: AttemptId },
}

impl Reply {
    pub(crate) fn encode(self) -> [u8; REPLY_LEN] {
        let (kind, attempt, number) = match self {
            Self::Forked { attempt, supervisor } => (0, attempt, supervisor.as_raw()),
            Self::NotForked { attempt, errno } => (1, attempt, errno),
            Self::Gone { attempt } => (2, attempt, 0),
        };
        let mut bytes = [0; REPLY_LEN];
        bytes[0] = kind;
        bytes[1..17].copy_from_slice(attempt.0.as_bytes());
        bytes[17..].copy_from_slice(&number.to_ne_bytes());
        bytes
    }

    /// `None` for what no nursery sends.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; REPLY_LEN] = bytes.try_into().ok()?;
        let attempt = AttemptId(Uuid::from_slice(&bytes[1..17]).ok()?);
        let number = i32::from_ne_bytes(bytes[17..].try_into().ok()?);
        match bytes[0] {
            0 => Some(Self::Forked { attempt, supervisor: Pid::from_raw(number) }),
            1 => Some(Self::NotForked { attempt, errno: number }),
            2 => Some(Self::Gone { attempt }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_come_back_as_they_were() {
        let attempt = AttemptId(Uuid::from_u128(7));
        for reply in
            [Reply::Forked { attempt, supervisor: Pid::from_raw(42) }, Reply::NotForked { attempt, errno: 11 }, Reply::Gone { attempt }]
        {
            assert_eq!(Reply::decode(&reply.encode()), Some(reply));
        }
        assert_eq!(Reply::decode(&[9; REPLY_LEN]), None);
        assert_eq!(Reply::decode(&[0; 3]), None);
    }
}
