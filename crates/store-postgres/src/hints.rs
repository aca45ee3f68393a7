//! Hints across processes. NOTIFY is sent by a task of its own, after the commit and not in it
//! (inside, PostgreSQL lets only one commit at a time pass), and many become one. A hint that is
//! lost does no harm: what is true is read, not told.

use std::{sync::Arc, time::Duration};

use futures::stream::{self, BoxStream, StreamExt};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

use crate::lost::{Losses, ROUND_TRIP, within};

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
    pub(crate) async fn start(pool: &PgPool, options: &PgConnectOptions, losses: &Losses) -> Result<Self, sqlx::Error> {
        let (feed, requests) = (Channel::new(), Channel::new());
        let listener = listener(options).await?;
        let ears = Ears { options: options.clone(), losses: losses.clone(), feed: Arc::clone(&feed), requests: Arc::clone(&requests) };
        let tasks = vec![
            tokio::spawn(send(pool.clone(), FEED, Arc::clone(&feed))),
            tokio::spawn(send(pool.clone(), REQUESTS, Arc::clone(&requests))),
            tokio::spawn(ears.receive(listener)),
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
        if let Err(error) = notify(&pool, name).await {
            tracing::debug!(%error, name, "a hint was not sent");
        }
    }
}

async fn notify(pool: &PgPool, name: &str) -> Result<(), sqlx::Error> {
    let mut session = pool.acquire().await?;
    let sent = within(ROUND_TRIP, sqlx::query("SELECT pg_notify($1, '')").bind(name).execute(&mut *session)).await;
    if sent.is_err() {
        // The pool would wait for a sign of life from it.
        drop(session.detach());
    }
    sent.map(drop)
}

/// A session that listens, in a pool of its own: when it is dropped it says goodbye, which one that is
/// dead may take long to do.
async fn listener(options: &PgConnectOptions) -> Result<PgListener, sqlx::Error> {
    let own = PgPoolOptions::new().max_connections(1).acquire_timeout(ROUND_TRIP).max_lifetime(None).idle_timeout(None);
    let own = own.connect_with(options.clone()).await?;
    let mut listener = PgListener::connect_with(&own).await?;
    within(ROUND_TRIP, listener.listen_all([FEED, REQUESTS])).await?;
    Ok(listener)
}

/// What hears the other processes.
struct Ears {
    options: PgConnectOptions,
    losses: Losses,
    feed: Arc<Channel>,
    requests: Arc<Channel>,
}

impl Ears {
    async fn receive(self, mut listener: PgListener) {
        loop {
            if let Some(why) = self.hear(listener).await {
                tracing::warn!(why, "the database can't be listened to; trying until it can, and looking regularly meanwhile");
            }
            listener = self.listen_again().await;
            // Who knows what was said meanwhile.
            self.tell_all();
        }
    }

    /// Hears until the connection is lost, and why; or until another one is: this one may then be as dead, and
    /// would not say so.
    async fn hear(&self, mut listener: PgListener) -> Option<String> {
        let mut losses = self.losses.subscribe();
        loop {
            tokio::select! {
                heard = listener.try_recv() => match heard {
                    Ok(Some(notification)) if notification.channel() == FEED => self.feed.local.send_replace(()),
                    Ok(Some(_)) => self.requests.local.send_replace(()),
                    Ok(None) => return Some("the connection is lost".to_owned()),
                    Err(error) => return Some(error.to_string()),
                },
                _ = losses.changed() => return None,
            }
        }
    }

    async fn listen_again(&self) -> PgListener {
        loop {
            match listener(&self.options).await {
                Ok(listener) => return listener,
                Err(error) => {
                    tracing::debug!(%error, "can't listen to the database yet");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    fn tell_all(&self) {
        self.feed.local.send_replace(());
        self.requests.local.send_replace(());
    }
}
