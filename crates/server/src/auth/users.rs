//! Users, read again when what is known of them is some seconds old: deleting a user, or changing
//! a role or password, ends what their tokens allow within that time.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::Instant};
use updraft_store::{Reader, StoreError, UserRow};

/// How old the knowledge may be.
const FRESH: Duration = Duration::from_secs(5);

type Users = Arc<HashMap<String, UserRow>>;

/// The users, as lately read.
#[derive(Default)]
pub struct Directory {
    read: Mutex<Option<(Instant, Users)>>,
}

impl Directory {
    /// The user of that name, as of at most [`FRESH`] ago.
    pub async fn find(&self, reader: &dyn Reader, username: &str) -> Result<Option<UserRow>, StoreError> {
        // Held while reading, so that a burst of calls costs one query.
        let mut read = self.read.lock().await;
        if let Some((at, users)) = &*read
            && at.elapsed() < FRESH
        {
            return Ok(users.get(username).cloned());
        }
        let users: Users = Arc::new(reader.users().await?.into_iter().map(|user| (user.username.clone(), user)).collect());
        *read = Some((Instant::now(), users.clone()));
        Ok(users.get(username).cloned())
    }

    /// Reads again at the next call.
    pub async fn forget(&self) {
        *self.read.lock().await = None;
    }

    /// The user of that name as of now: for a login.
    pub async fn find_now(&self, reader: &dyn Reader, username: &str) -> Result<Option<UserRow>, StoreError> {
        self.forget().await;
        self.find(reader, username).await
    }
}
