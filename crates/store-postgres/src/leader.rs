//! The lease, and the connection that the term's commits go through.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};
use updraft_model::{Batch, Term};
use updraft_store::{Acquired, CommitError, StoreError};
use updraft_store_sql::{Backend, Dialect, Query, commit::Step, engine};

use crate::{
    at_once::{self, AtOnce},
    commit::{self, Connection, Last},
    connect::{self, LEADER},
    lost::{LEADERS_STATEMENT, RENEWAL, ROUND_TRIP, within},
    store::PostgresStore,
    values::{fetch, store_error},
};

/// The connection of a term.
pub(crate) struct Leader {
    connection: PgConnection,
    term: Term,
    commits: u32,
    /// When the server last answered.
    heard: Instant,
}

/// A session that was idle for longer may be dead without our knowing: it is asked to begin a transaction
/// first, so that nothing is at stake if it is.
const FRESH: Duration = Duration::from_secs(1);

/// After so many commits the session forgets its plans: a table that was small when a plan was made
/// may be large by now.
const PLANS_LIVE: u32 = 64;

impl Leader {
    fn new(connection: PgConnection, term: Term) -> Self {
        Self { connection, term, commits: 0, heard: Instant::now() }
    }

    async fn commit(&mut self, batch: &Batch, steps: &[Step], last: Last) -> (Result<i64, CommitError>, Connection) {
        self.commits += 1;
        if self.commits.is_multiple_of(PLANS_LIVE)
            && let Err(error) = within(ROUND_TRIP, self.connection.execute("DISCARD PLANS")).await
        {
            return (Err(CommitError::NotCommitted(format!("discard plans: {error}"))), Connection::Lost);
        }
        let is_fresh = self.heard.elapsed() < FRESH;
        if last == Last::Commit && is_fresh && at_once::is_possible(steps) {
            match at_once::commit(&mut self.connection, self.term, batch, steps).await {
                AtOnce::Committed(seq) => {
                    self.heard = Instant::now();
                    return (Ok(seq), Connection::Clean);
                }
                AtOnce::NotThisWay => {}
                AtOnce::Lost(error) => return (Err(error), Connection::Lost),
            }
        }
        let ended = commit::commit(&mut self.connection, self.term, batch, steps, last).await;
        self.heard = Instant::now();
        ended
    }
}

/// Waits for a commit under way, which holds the row `FOR KEY SHARE`. A renewal, which changes no key, does
/// not: a commit may take longer than the lease.
const ALONE: &str = "FOR UPDATE";
/// The lease can be had by the holder in the argument that this is appended to.
const FREE: &str = "(holder IS NULL OR expires_at <= clock_timestamp() OR holder = ";

impl PostgresStore {
    pub(crate) async fn acquire(&self, holder: &str, address: Option<&str>, ttl: SignedDuration) -> Result<Acquired, StoreError> {
        let found = self.lease_row().await?;
        if let Some(lease) = found.held.filter(|lease| lease.holder != holder && lease.remaining > SignedDuration::ZERO) {
            return Ok(Acquired::HeldBy(lease));
        }
        let mut slot = self.leader.lock().await;
        // If this process led before, its old session ends here, whatever it was doing.
        *slot = None;
        self.end_backend(holder, found.term).await?;
        let failed = |error| store_error("acquire_lease", error);
        let mut connection = connect::leader(&self.options).await.map_err(failed)?;
        let take = Query::new("acquire_lease")
            .sql("WITH free AS (SELECT id FROM scheduler_lease WHERE term = ")
            .arg(found.term.0)
            .sql(format!(" AND {FREE}"))
            .arg(holder)
            .sql(format!(") {ALONE}) UPDATE scheduler_lease AS l SET term = term + 1, backend_pid = pg_backend_pid(), holder = "))
            .arg(holder)
            .sql(", address = ")
            .arg(address.map(str::to_owned))
            .sql(", expires_at = clock_timestamp() + ")
            .arg(micros(ttl))
            .sql(" * interval '1 microsecond' FROM free WHERE l.id = free.id RETURNING term");
        // Waits for a commit of the term before that is under way, if its session could not be ended.
        let taken = within(LEADERS_STATEMENT, fetch(&mut connection, &take)).await.map_err(failed)?;
        if let Some(term) = taken.into_iter().next().and_then(|mut row| row.int().ok()).map(Term) {
            *slot = Some(Leader::new(connection, term));
            return Ok(Acquired::Yes(term));
        }
        match self.lease_row().await?.held {
            Some(lease) => Ok(Acquired::HeldBy(lease)),
            None => Err(StoreError::Unavailable("another daemon took the lease and gave it back at the same time".to_owned())),
        }
    }

    /// Ends the session that the term `term` commits through: it may be stopped in the middle of a
    /// transaction, with the lease locked. Its name is compared, since the number may be another's by now.
    async fn end_backend(&self, holder: &str, term: Term) -> Result<(), StoreError> {
        let end = Query::new("end_backend")
            .sql(
                "SELECT pg_terminate_backend(a.pid) FROM scheduler_lease AS l JOIN pg_stat_activity AS a ON a.pid = l.backend_pid
                 WHERE a.datname = current_database() AND a.application_name = ",
            )
            .arg(LEADER)
            .sql(" AND l.term = ")
            .arg(term.0)
            .sql(format!(" AND {FREE}"))
            .arg(holder)
            .sql(")");
        self.write(end).await.map(drop)
    }

    pub(crate) async fn write_batch(&self, term: Term, batch: &Batch, steps: &[Step], last: Last) -> Result<i64, CommitError> {
        let mut slot = self.leader.lock().await;
        // Taken out: if this future is dropped on the way, the connection is closed with it.
        let mut leader = match slot.take() {
            Some(leader) if leader.term == term => leader,
            other => {
                let resumed = self.resume(term).await;
                if matches!(resumed, Err(CommitError::Superseded { .. })) {
                    *slot = other;
                }
                resumed?
            }
        };
        let (outcome, connection) = leader.commit(batch, steps, last).await;
        match connection {
            Connection::Clean => *slot = Some(leader),
            Connection::Lost => self.losses.happened(),
        }
        outcome
    }

    /// A new connection for `term`, after its last one was lost with nothing committed.
    async fn resume(&self, term: Term) -> Result<Leader, CommitError> {
        let failed = |error: sqlx::Error| CommitError::NotCommitted(format!("connect: {error}"));
        let mut connection = connect::leader(&self.options).await.map_err(failed)?;
        let end = "SELECT pg_terminate_backend(a.pid) FROM scheduler_lease AS l JOIN pg_stat_activity AS a ON a.pid = l.backend_pid \
                   WHERE a.datname = current_database() AND a.application_name = $1 AND l.term = $2";
        within(ROUND_TRIP, sqlx::query(end).bind(LEADER).bind(term.0).execute(&mut connection)).await.map_err(failed)?;
        let mine = format!(
            "WITH mine AS (SELECT id FROM scheduler_lease WHERE holder IS NOT NULL AND term = $1 {ALONE}) \
             UPDATE scheduler_lease AS l SET backend_pid = pg_backend_pid() FROM mine WHERE l.id = mine.id"
        );
        let mine = within(LEADERS_STATEMENT, sqlx::query(&mine).bind(term.0).execute(&mut connection)).await.map_err(failed)?;
        if mine.rows_affected() == 0 {
            return Err(CommitError::Superseded { term });
        }
        Ok(Leader::new(connection, term))
    }

    pub(crate) async fn renew(&self, term: Term, ttl: SignedDuration) -> Result<bool, StoreError> {
        let query = Query::new("renew_lease")
            .sql("UPDATE scheduler_lease SET expires_at = clock_timestamp() + ")
            .arg(micros(ttl))
            .sql(" * interval '1 microsecond' WHERE holder IS NOT NULL AND term = ")
            .arg(term.0)
            .sql(" RETURNING term");
        Ok(!self.write_within(query, RENEWAL).await?.is_empty())
    }

    pub(crate) async fn release(&self, term: Term) -> Result<(), StoreError> {
        let query = Query::new("release_lease")
            // The session stays known: whoever takes the lease may have to end it.
            .sql("UPDATE scheduler_lease SET holder = NULL, address = NULL, expires_at = NULL WHERE term = ")
            .arg(term.0);
        self.write(query).await?;
        let mut slot = self.leader.lock().await;
        if let Some(leader) = slot.take_if(|leader| leader.term == term) {
            within(ROUND_TRIP, leader.connection.close()).await.map_err(|e| store_error("release_lease", e))?;
        }
        Ok(())
    }

    async fn lease_row(&self) -> Result<LeaseRow, StoreError> {
        let term = Query::new("lease_term").sql("SELECT term FROM scheduler_lease");
        let mut results = self.snapshot(vec![engine::select_lease(Dialect::Postgres), term]).await?.into_iter();
        let held = results.next().and_then(|rows| rows.into_iter().next()).map(engine::read_lease).transpose()?.flatten();
        let term = results.next().and_then(|rows| rows.into_iter().next()).and_then(|mut row| row.int().ok());
        let none = || StoreError::Broken { what: "lease".to_owned(), why: "the table scheduler_lease has no row".to_owned() };
        Ok(LeaseRow { held, term: Term(term.ok_or_else(none)?) })
    }

    /// The process id of the session that the leader commits through, for tests that end it.
    #[doc(hidden)]
    pub async fn leader_backend(&self) -> Result<Option<i32>, sqlx::Error> {
        sqlx::query("SELECT backend_pid FROM scheduler_lease").fetch_one(&self.pool).await?.try_get(0)
    }
}

struct LeaseRow {
    held: Option<updraft_store::Lease>,
    term: Term,
}

fn micros(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
