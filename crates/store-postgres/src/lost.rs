//! Connections that are gone: how one that only falls silent is found out, and that the others of the
//! same age are not trusted any more.
//!
//! TCP says nothing of a server that has lost its power, or of a firewall that has forgotten a
//! connection: without a limit of our own a statement would wait for its answer for a quarter of an hour.

use std::{io, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

/// For what takes no time on the server: connecting, BEGIN, COMMIT, ROLLBACK, a small commit at once.
pub(crate) const ROUND_TRIP: Duration = Duration::from_secs(10);
/// For a statement of the leader's; above the server's own limit, whose error says more.
pub(crate) const LEADERS_STATEMENT: Duration = Duration::from_secs(35);
/// For a statement of the pool's, likewise.
pub(crate) const STATEMENT: Duration = Duration::from_secs(65);
/// For the renewal of a lease, which is of no use later.
pub(crate) const RENEWAL: Duration = Duration::from_secs(5);

/// The result of `work`, or an error once `limit` has passed without an answer.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let silent = || io::Error::new(io::ErrorKind::TimedOut, format!("the database did not answer within {} s", limit.as_secs()));
    timeout(limit, work).await.unwrap_or_else(|_| Err(sqlx::Error::Io(silent())))
}

/// Whether the connection is gone: broken off, silent, or ended by the server (57P01 to 57P03: an
/// administrator's command, a crash, a start that is not done).
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_)) || crate::values::sqlstate(error).is_some_and(|code| code.starts_with("57P0"))
}

/// Whether it was given up because it was silent.
pub(crate) fn is_silent(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}

/// When a connection was last lost. One loss is rarely alone: whatever was connected before it is
/// connected anew, rather than found dead one by one.
#[derive(Debug, Clone)]
pub(crate) struct Losses {
    last: watch::Sender<Option<Instant>>,
}

impl Losses {
    pub(crate) fn none() -> Self {
        Self { last: watch::Sender::new(None) }
    }

    /// Looks at an error of a statement.
    pub(crate) fn note(&self, error: &sqlx::Error) {
        if is_lost(error) {
            self.happened();
        }
    }

    /// A connection was lost.
    pub(crate) fn happened(&self) {
        self.last.send_replace(Some(Instant::now()));
    }

    /// Whether no connection was lost since one of this age was made.
    pub(crate) fn none_in(&self, age: Duration) -> bool {
        self.last.borrow().is_none_or(|at| at.elapsed() > age)
    }

    /// Tells of each loss.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Option<Instant>> {
        self.last.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_older_than_a_loss_is_not_trusted() {
        let losses = Losses::none();
        assert!(losses.none_in(Duration::from_secs(100)));
        losses.note(&sqlx::Error::RowNotFound);
        assert!(losses.none_in(Duration::from_secs(100)), "not a lost connection");
        let lost = within(Duration::from_millis(1), std::future::pending::<Result<(), _>>()).await.unwrap_err();
        assert!(is_silent(&lost) && is_lost(&lost));
        losses.note(&lost);
        assert!(!losses.none_in(Duration::from_secs(100)));
        // One that is made from now on is trusted as soon as the clock has moved.
        while !losses.none_in(Duration::ZERO) {
            tokio::task::yield_now().await;
        }
    }
}
