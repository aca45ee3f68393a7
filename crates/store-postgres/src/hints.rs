//! Hints across processes. NOTIFY is sent by a task of its own, after the commit and not in it
//! (inside, PostgreSQL lets only one commit at a time pass), and many become one. Who sent a hint
//! knew it before, and does not listen to it. A hint that is lost does no harm: what is true is
//! read, not told.

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
use uuid::Uuid;

use crate::lost::{Losses, ROUND_TRIP, within};

const FEED: &str = "updraft_feed";
const REQUESTS: &str = "updraft_requests";
/// Between two tries to listen again.
const RETRY: Duration = Duration::from_secs(1);

/// Between two NOTIFYs that tell of commits: other processes' pages need no more of them, and each
/// costs a transaction and wakes every listener.
const FEED_PACE: Duration = Duration::from_millis(20);

/// One sort of hint.
struct Channel {
    name: &'static str,
    /// The least time between two NOTIFYs.
    pace: Duration,
    /// For those who listen in this process.
    local: watch::Sender<()>,
    /// There is something to tell the other processes.
    outgoing: Notify,
}

impl Channel {
    fn new(name: &'static str, pace: Duration) -> Arc<Self> {
        Arc::new(Self { name, pace, local: watch::Sender::new(()), outgoing: Notify::new() })
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
        let (feed, requests) = (Channel::new(FEED, FEED_PACE), Channel::new(REQUESTS, Duration::ZERO));
        let me = Uuid::new_v4().to_string();
        let listener = listener(options).await?;
        let ears = Ears {
            me: me.clone(),
            options: options.clone(),
            losses: losses.clone(),
            feed: Arc::clone(&feed),
            requests: Arc::clone(&requests),
        };
        let tasks = vec![
            tokio::spawn(send(pool.clone(), me.clone(), Arc::clone(&feed))),
            tokio::spawn(send(pool.clone(), me, Arc::clone(&requests))),
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

async fn send(pool: PgPool, me: String, channel: Arc<Channel>) {
    loop {
        channel.outgoing.notified().await;
        if let Err(error) = notify(&pool, channel.name, &me).await {
            tracing::debug!(%error, name = channel.name, "a hint was not sent");
        }
        tokio::time::sleep(channel.pace).await;
    }
}

/// A NOTIFY has a transaction number, so its commit would wait for the disk, for nothing.
const NOTIFY: &str = "-- notify
SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)";

async fn notify(pool: &PgPool, name: &str, me: &str) -> Result<(), sqlx::Error> {
    let mut session = pool.acquire().await?;
    let sent = within(ROUND_TRIP, sqlx::query(NOTIFY).bind(name).bind(me).execute(&mut *session)).await;
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
    /// What this process signs its own hints with.
    me: String,
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
                    Ok(Some(notification)) if notification.payload() == self.me => {}
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
