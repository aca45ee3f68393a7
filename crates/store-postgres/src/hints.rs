//! Hints across processes. NOTIFY is sent by a task of its own, after the commit and not in it
//! (inside, PostgreSQL lets only one commit at a time pass), and many become one. A hint that is
//! lost does no harm: what is true is read, not told.

use std::{sync::Arc, time::Duration};

use futures::stream::{self, BoxStream, StreamExt};
use sqlx::{PgPool, postgres::PgListener};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

const FEED: &str = "updraft_feed";
const REQUESTS: &str = "updraft_requests";
/// Between two tries to listen again.
const RETRY: Duration = Duration::from_secs(1);

/// One sort of hint.
struct Channel {
    /// For those who listen in this process.
    local: watch::Sender<()>,
    /// There is something to tell the other processes.
    outgoing: Notify,
}

impl Channel {
    fn new() -> Arc<Self> {
        Arc::new(Self { local: watch::Sender::new(()), outgoing: Notify::new() })
    }

    fn hint(&self) {
        self.local.send_replace(());
        self.outgoing.notify_one();
    }
}

/// The hints of a store, and the tasks that carry them.
pub(crate) struct Hints {
    feed: Arc<Channel>,
    requests: Arc<Channel>,
    tasks: Vec<JoinHandle<()>>,
}

impl Hints {
    pub(crate) async fn start(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let (feed, requests) = (Channel::new(), Channel::new());
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen_all([FEED, REQUESTS]).await?;
        let tasks = vec![
            tokio::spawn(send(pool.clone(), FEED, Arc::clone(&feed))),
            tokio::spawn(send(pool.clone(), REQUESTS, Arc::clone(&requests))),
            tokio::spawn(receive(listener, Arc::clone(&feed), Arc::clone(&requests))),
        ];
        Ok(Self { feed, requests, tasks })
    }

    pub(crate) fn hint_feed(&self) {
        self.feed.hint();
    }

    pub(crate) fn hint_requests(&self) {
        self.requests.hint();
    }

    pub(crate) fn feed(&self) -> BoxStream<'static, ()> {
        listen(&self.feed)
    }

    pub(crate) fn requests(&self) -> BoxStream<'static, ()> {
        listen(&self.requests)
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

fn listen(channel: &Channel) -> BoxStream<'static, ()> {
    stream::unfold(channel.local.subscribe(), |mut hints| async { hints.changed().await.ok().map(|()| ((), hints)) }).boxed()
}

async fn send(pool: PgPool, name: &'static str, channel: Arc<Channel>) {
    loop {
        channel.outgoing.notified().await;
        if let Err(error) = sqlx::query("SELECT pg_notify($1, '')").bind(name).execute(&pool).await {
            tracing::debug!(%error, name, "a hint was not sent");
        }
    }
}

async fn receive(mut listener: PgListener, feed: Arc<Channel>, requests: Arc<Channel>) {
    loop {
        match listener.try_recv().await {
            Ok(Some(notification)) if notification.channel() == FEED => feed.local.send_replace(()),
            Ok(Some(_)) => requests.local.send_replace(()),
            // The connection was lost and made again: who knows what was said meanwhile.
            Ok(None) => {
                feed.local.send_replace(());
                requests.local.send_replace(());
            }
            Err(error) => {
                tracing::warn!(%error, "can't listen to the database; trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
