//! Users, read again when what is known of them is some seconds old: deleting a user, or changing
//! a role or password, ends what their tokens allow within [`FRESH`], and streams that they have
//! open [`LOOK`] later: within 5 s.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, timeout};
use updraft_store::{Reader, StoreError, UserRow};

/// How old the knowledge may be.
const FRESH: Duration = Duration::from_secs(4);
/// How often an open stream asks whether it may stay open.
pub const LOOK: Duration = Duration::from_secs(1);
/// How long [`Directory::find_or_last`] waits for the database.
const PATIENCE: Duration = Duration::from_secs(2);

type Users = Arc<HashMap<String, UserRow>>;

/// The users, as lately read.
#[derive(Default)]
pub struct Directory {
    /// Held while reading, so that a burst of calls costs one query.
    reading: tokio::sync::Mutex<()>,
    known: Mutex<Option<(Instant, Users)>>,
}

impl Directory {
    /// The user of that name, as of at most [`FRESH`] ago.
    pub async fn find(&self, reader: &dyn Reader, username: &str) -> Result<Option<UserRow>, StoreError> {
        let _reading = self.reading.lock().await;
        if let Some((at, users)) = self.known()
            && at.elapsed() < FRESH
        {
            return Ok(users.get(username).cloned());
        }
        self.read(reader, username).await
    }

    /// The user of that name as of now: for a login.
    pub async fn find_now(&self, reader: &dyn Reader, username: &str) -> Result<Option<UserRow>, StoreError> {
        let _reading = self.reading.lock().await;
        self.read(reader, username).await
    }

    /// Like [`Directory::find`]; if the database does not answer, the user as last known, however long ago.
    pub async fn find_or_last(&self, reader: &dyn Reader, username: &str) -> Result<Option<UserRow>, StoreError> {
        let silent = || Err(StoreError::Unavailable(format!("no answer within {} s", PATIENCE.as_secs())));
        match (timeout(PATIENCE, self.find(reader, username)).await.unwrap_or_else(|_| silent()), self.known()) {
            (Err(_), Some((_, users))) => Ok(users.get(username).cloned()),
            (found, _) => found,
        }
    }

    /// Reads again at the next call: somebody was changed.
    pub async fn forget(&self) {
        // Not in the middle of a reading that began before the change.
        let _reading = self.reading.lock().await;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn read(&self, reader: &dyn Reader, username: &str) -> Result<Option<UserRow>, StoreError> {
        // What is found is as old as the question: others may change users while it is answered.
        let asked = Instant::now();
        let users: Users = Arc::new(reader.users().await?.into_iter().map(|user| (user.username.clone(), user)).collect());
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((asked, users.clone()));
        Ok(users.get(username).cloned())
    }

    fn known(&self) -> Option<(Instant, Users)> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
