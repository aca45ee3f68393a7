//! A batch as a list of bulk statements, one a kind of row: what a store carries out between BEGIN
//! and COMMIT. Nothing is executed here.

use std::collections::{BTreeMap, BTreeSet};

use updraft_model::{Batch, RunKey, Term, Upsert};
use updraft_store::{CommitError, check_text};

use crate::{
    Cell, Column, Dialect, Kind, Query, Shape,
    shapes::{self, ATTEMPT, DAG, DAG_SOURCE, DAG_VERSION, IMPORT_ERROR, POOL, RUN, SETTING, TASK_INSTANCE, TRY, XCOM},
};

/// The setting that has the highest key of a run.
pub(crate) const LAST_RUN: &str = "last_run";

/// What a step does with its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Each is new, or the commit fails.
    Insert,
    /// Each is there afterwards; what was there stays.
    InsertIfAbsent,
    /// Each is there afterwards, as given.
    Upsert,
    /// Each is there in the state that its last cell (beyond the shape's columns) names, or the
    /// commit fails. Everything but the shape's fixed columns is written.
    Update,
    /// Each open request gets its answer, or the commit fails.
    Answer,
    /// Each open request can't be withdrawn any more, or the commit fails. One that is taken already stays so.
    Take,
    /// What matches the key is gone afterwards.
    Delete,
}

/// One statement, for all of its rows.
#[derive(Debug)]
pub struct Step {
    /// What it does.
    pub action: Action,
    /// To which table.
    pub shape: Shape,
    /// With what. At least one row.
    pub rows: Vec<Vec<Cell>>,
}

/// The steps of `batch`, in order.
///
/// # Errors
/// [`CommitError::Poisoned`] if it holds a text that no database takes.
pub fn steps(batch: &Batch) -> Result<Vec<Step>, CommitError> {
    check_text(batch)?;
    let Batch {
        deleted_runs,
        deleted_dags,
        last_run,
        versions,
        dags,
        import_errors,
        pools,
        new_runs,
        runs,
        new_task_instances,
        task_instances,
        archived_tries,
        attempts,
        deleted_xcoms,
        xcoms,
        answers,
        taken_requests,
    } = batch;
    let mut steps = Steps::default();
    let deleted: Vec<Vec<Cell>> = deleted_dags.iter().map(|dag| vec![dag.as_str().into()]).collect();
    steps.add(Action::Delete, shapes::RUN_KEY, deleted_runs.iter().map(|run| vec![run.0.into()]));
    steps.add(Action::Delete, shapes::RUNS_OF, deleted.iter().cloned());
    steps.add(Action::Delete, shapes::VERSIONS_OF, deleted.iter().cloned());
    steps.add(Action::Delete, shapes::DAG_KEY, deleted);
    steps.add(Action::Upsert, SETTING, last_run.iter().map(|run| vec![LAST_RUN.into(), run.0.to_string().into()]));
    steps.add(Action::InsertIfAbsent, DAG_VERSION, versions.iter().map(shapes::version));
    steps.add(Action::InsertIfAbsent, DAG_SOURCE, versions.iter().map(shapes::source));
    steps.add(Action::Upsert, DAG, dags.iter().map(shapes::dag));
    steps.upserts(import_errors, |row| row.file.as_str(), String::as_str, shapes::IMPORT_ERROR_KEY, IMPORT_ERROR, shapes::import_error);
    steps.upserts(pools, |row| row.name.as_str(), |name| name.as_str(), shapes::POOL_KEY, POOL, shapes::pool);
    steps.add(Action::Insert, RUN, new_runs.iter().map(shapes::run));
    steps.add(Action::Update, RUN, runs.iter().map(|update| with(shapes::run(&update.row), update.from.as_str())));
    steps.add(Action::Insert, TASK_INSTANCE, new_task_instances.iter().map(shapes::task_instance));
    let updates = task_instances.iter().map(|update| with(shapes::task_instance(&update.row), update.from.as_str()));
    steps.add(Action::Update, TASK_INSTANCE, updates);
    steps.add(Action::Upsert, TRY, archived_tries.iter().map(shapes::task_instance));
    steps.add(Action::Upsert, ATTEMPT, attempts.iter().map(shapes::attempt));
    steps.add(Action::Delete, shapes::XCOMS_OF, deleted_xcoms.iter().map(shapes::key));
    steps.add(Action::Upsert, XCOM, xcoms.iter().map(shapes::xcom));
    steps.add(Action::Answer, shapes::REQUEST, answers.iter().map(|a| vec![a.id.0.into(), shapes::json(&a.answer).into()]));
    steps.add(Action::Take, shapes::REQUEST_KEY, taken_requests.iter().map(|id| vec![id.0.into()]));
    Ok(steps.0)
}

fn with(mut cells: Vec<Cell>, state: &str) -> Vec<Cell> {
    cells.push(state.into());
    cells
}

#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn add(&mut self, action: Action, shape: Shape, rows: impl IntoIterator<Item = Vec<Cell>>) {
        let mut rows: Vec<_> = rows.into_iter().collect();
        if matches!(action, Action::Upsert | Action::InsertIfAbsent) && rows.len() > 1 {
            rows = last_of_each_key(&shape, rows);
        }
        let rounds = if action == Action::Update { rounds(&shape, rows) } else { vec![rows] };
        self.0.extend(rounds.into_iter().filter(|rows| !rows.is_empty()).map(|rows| Step { action, shape, rows }));
    }

    /// The last word about each key counts: first what goes, then what is set.
    fn upserts<R, K>(
        &mut self,
        changes: &[Upsert<R, K>],
        key_of: impl Fn(&R) -> &str,
        text_of: impl Fn(&K) -> &str,
        key_shape: Shape,
        shape: Shape,
        cells: impl Fn(&R) -> Vec<Cell>,
    ) {
        let mut last: BTreeMap<&str, Option<&R>> = BTreeMap::new();
        for change in changes {
            match change {
                Upsert::Set(row) => last.insert(key_of(row), Some(row)),
                Upsert::Delete(key) => last.insert(text_of(key), None),
            };
        }
        let gone = last.iter().filter(|(_, row)| row.is_none()).map(|(key, _)| vec![(*key).into()]);
        self.add(Action::Delete, key_shape, gone);
        self.add(Action::Upsert, shape, last.values().flatten().map(|row| cells(row)));
    }
}

fn key_of(shape: &Shape, row: &[Cell]) -> Vec<Cell> {
    shape.columns.iter().zip(row).filter(|(column, _)| shape.is_key(column)).map(|(_, cell)| cell.clone()).collect()
}

/// The rows in as many lists as needed for no key to come twice in one: PostgreSQL updates a row
/// once in a statement, and a second update expects what the first one left.
fn rounds(shape: &Shape, rows: Vec<Vec<Cell>>) -> Vec<Vec<Vec<Cell>>> {
    let mut times: BTreeMap<Vec<Cell>, usize> = BTreeMap::new();
    let mut rounds: Vec<Vec<Vec<Cell>>> = vec![Vec::with_capacity(rows.len())];
    for row in rows {
        let time = times.entry(key_of(shape, &row)).or_default();
        if *time == rounds.len() {
            rounds.push(Vec::new());
        }
        rounds[*time].push(row);
        *time += 1;
    }
    rounds
}

/// PostgreSQL does not upsert a row twice in one statement.
fn last_of_each_key(shape: &Shape, rows: Vec<Vec<Cell>>) -> Vec<Vec<Cell>> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<Vec<Cell>> = Vec::with_capacity(rows.len());
    for row in rows.into_iter().rev() {
        if seen.insert(key_of(shape, &row)) {
            kept.push(row);
        }
    }
    kept.reverse();
    kept
}

/// Whether `term` leads; in PostgreSQL nobody can take the lease before this transaction ends.
pub fn lock_lease(dialect: Dialect, term: Term) -> Query {
    let mut query = Query::new("lock_lease");
    let term = query.placeholder(term.0);
    query.sql(lease_text(dialect, &term))
}

/// [`lock_lease`] as a part of a larger statement, which has the term at this placeholder.
pub fn lease_text(dialect: Dialect, term: &str) -> String {
    let lock = match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR KEY SHARE",
    };
    format!("SELECT term FROM scheduler_lease WHERE holder IS NOT NULL AND term = {term}{lock}")
}

/// The commit's row of the feed: returns its number.
pub fn insert_feed(dialect: Dialect, term: Term, batch: &Batch) -> Query {
    let mut query = Query::new("insert_feed");
    let (term, changes) = (query.placeholder(term.0), query.placeholder(feed_changes(batch)));
    query.sql(feed_text(dialect, &term, &changes))
}

/// [`insert_feed`] as a part of a larger statement, which has the term and the
/// [changes](feed_changes) at these placeholders.
pub fn feed_text(dialect: Dialect, term: &str, changes: &str) -> String {
    let now = dialect.now();
    format!(
        "INSERT INTO feed (seq, term, created_at, changes) \
         SELECT coalesce(max(seq), 0) + 1, {term}, {now}, {changes} FROM feed RETURNING seq"
    )
}

/// What the feed says of a batch.
pub fn feed_changes(batch: &Batch) -> String {
    shapes::json(&batch.feed())
}

impl Step {
    /// Its name in logs and in the statement's comment.
    pub fn name(&self) -> String {
        let action = match self.action {
            Action::Insert | Action::InsertIfAbsent => "insert",
            Action::Upsert => "upsert",
            Action::Update => "update",
            Action::Answer => "answer",
            Action::Take => "take",
            Action::Delete => "delete",
        };
        format!("commit_{action}_{}", self.shape.table)
    }

    /// Whether every row must have taken effect.
    pub fn is_counted(&self) -> bool {
        matches!(self.action, Action::Insert | Action::Update | Action::Answer | Action::Take)
    }

    /// Whether the rows that took effect must be known, not only how many they are.
    pub fn returns_key(&self) -> bool {
        self.action == Action::Insert && self.shape.table == RUN.table
    }

    /// The statement for one row: `?1` is its first cell.
    pub fn text_for_one(&self) -> String {
        let (table, shape) = (self.shape.table, &self.shape);
        let place = |name: &str| shape.columns.iter().position(|column| column.name == name).map_or(0, |at| at + 1);
        let key = and(shape.key.iter().map(|name| format!("{name} = ?{}", place(name))));
        let values = (1..=shape.columns.len()).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
        let set = |column: &Column| format!("{} = ?{}", column.name, place(column.name));
        let text = match self.action {
            Action::Insert => format!("INSERT INTO {table} ({}) VALUES ({values}) ON CONFLICT DO NOTHING", shape.list("")),
            Action::InsertIfAbsent => {
                format!("INSERT INTO {table} ({}) VALUES ({values}) ON CONFLICT ({}) DO NOTHING", shape.list(""), shape.key.join(", "))
            }
            Action::Upsert => self.upsert(&format!("VALUES ({values})")),
            Action::Update => {
                let sets = commas(self.written().map(set));
                format!("UPDATE {table} SET {sets} WHERE {key} AND state = ?{}", shape.columns.len() + 1)
            }
            Action::Answer => {
                let now = Dialect::Sqlite.now();
                format!(
                    "UPDATE request SET answer = ?2, answered_at = {now} WHERE id = ?1 AND answered_at IS NULL AND withdrawn_at IS NULL"
                )
            }
            Action::Take => {
                let now = Dialect::Sqlite.now();
                format!("UPDATE request SET taken_at = {now} WHERE id = ?1 AND answered_at IS NULL AND withdrawn_at IS NULL")
            }
            Action::Delete => format!("DELETE FROM {table} WHERE {key}"),
        };
        format!("-- {}\n{text}", self.name())
    }

    /// For an update: a statement that takes effect only if no indexed column changes, and touches
    /// none. Where it takes none, [`Step::text_for_one`] decides.
    pub fn text_for_one_unindexed(&self) -> Option<String> {
        if self.action != Action::Update {
            return None;
        }
        let place = |name: &str| self.shape.columns.iter().position(|column| column.name == name).map_or(0, |at| at + 1);
        let is_indexed = |column: &Column| self.shape.indexed.contains(&column.name);
        let sets = commas(self.written().filter(|c| !is_indexed(c)).map(|c| format!("{} = ?{}", c.name, place(c.name))));
        let key = self.shape.key.iter().map(|name| format!("{name} = ?{}", place(name)));
        let same = self.shape.indexed.iter().map(|name| format!("{name} IS ?{}", place(name)));
        let expected = format!("state = ?{}", self.shape.columns.len() + 1);
        let table = self.shape.table;
        Some(format!("-- {}_unindexed\nUPDATE {table} SET {sets} WHERE {}", self.name(), and(key.chain(same).chain([expected]))))
    }

    /// The statement for all rows at once: `$1` is the array of their first cells.
    pub fn text_for_all(&self) -> String {
        format!("-- {}\n{}", self.name(), self.part_for_all(0))
    }

    /// The same as a part of a larger statement, which has so many parameters before.
    pub fn part_for_all(&self, parameters_before: usize) -> String {
        let (table, shape) = (self.shape.table, &self.shape);
        let source = self.arrays(parameters_before);
        let key = and(shape.key.iter().map(|name| format!("t.{name} = b.{name}")));
        match self.action {
            Action::Insert => {
                let returning = if self.returns_key() { " RETURNING id" } else { "" };
                format!("INSERT INTO {table} ({}) SELECT * FROM {source} ON CONFLICT DO NOTHING{returning}", shape.list(""))
            }
            Action::InsertIfAbsent => {
                format!("INSERT INTO {table} ({}) SELECT * FROM {source} ON CONFLICT ({}) DO NOTHING", shape.list(""), shape.key.join(", "))
            }
            Action::Upsert => self.upsert(&format!("SELECT * FROM {source}")),
            Action::Update => {
                let sets = commas(self.written().map(|column| format!("{0} = b.{0}", column.name)));
                format!("UPDATE {table} AS t SET {sets} FROM {source} WHERE {key} AND t.state = b.expected")
            }
            Action::Answer => format!(
                "UPDATE request AS t SET answer = b.answer, answered_at = {} FROM {source} \
                 WHERE t.id = b.id AND t.answered_at IS NULL AND t.withdrawn_at IS NULL",
                Dialect::Postgres.now()
            ),
            Action::Take => format!(
                "UPDATE request AS t SET taken_at = {} FROM {source} \
                 WHERE t.id = b.id AND t.answered_at IS NULL AND t.withdrawn_at IS NULL",
                Dialect::Postgres.now()
            ),
            Action::Delete => format!("DELETE FROM {table} AS t USING {source} WHERE {key}"),
        }
    }

    /// The columns that an update writes.
    fn written(&self) -> impl Iterator<Item = &'static Column> + '_ {
        self.shape.columns.iter().filter(|column| !self.shape.is_key(column) && !self.shape.fixed.contains(&column.name))
    }

    fn upsert(&self, source: &str) -> String {
        let Shape { table, key, columns, .. } = self.shape;
        let others = columns.iter().filter(|column| !self.shape.is_key(column));
        let sets = commas(others.map(|column| format!("{0} = excluded.{0}", column.name)));
        format!("INSERT INTO {table} ({}) {source} ON CONFLICT ({}) DO UPDATE SET {sets}", self.shape.list(""), key.join(", "))
    }

    /// `unnest(..)` over one array a column, as the table `b`.
    fn arrays(&self, parameters_before: usize) -> String {
        let expected = Column { name: "expected", kind: Kind::Text };
        let columns: Vec<Column> = self.shape.columns.iter().copied().chain((self.action == Action::Update).then_some(expected)).collect();
        let arrays = commas(columns.iter().enumerate().map(|(at, column)| {
            let kind = match column.kind {
                Kind::Int => "bigint",
                Kind::Bool => "boolean",
                Kind::Text => "text",
                Kind::Time => "timestamptz",
                Kind::Uuid => "uuid",
            };
            format!("${}::{kind}[]", parameters_before + at + 1)
        }));
        format!("unnest({arrays}) AS b({})", commas(columns.iter().map(|column| column.name.to_owned())))
    }

    /// Where a step [returns keys](Step::returns_key): the rows whose key is not among `took`. Of two
    /// rows with one key the first took effect.
    pub fn missing(&self, took: &[i64]) -> Vec<usize> {
        let mut took: BTreeSet<i64> = took.iter().copied().collect();
        let missing = |row: &Vec<Cell>| !matches!(row.first(), Some(Cell::Int(Some(key))) if took.remove(key));
        self.rows.iter().map(missing).enumerate().filter(|(_, missing)| *missing).map(|(at, _)| at).collect()
    }

    /// The error if the rows at `missed` took no effect, though each must have.
    pub fn missed(&self, missed: &[usize]) -> CommitError {
        if self.returns_key() {
            let key = |at: &usize| match self.rows.get(*at).and_then(|row| row.first()) {
                Some(Cell::Int(Some(key))) => Some(RunKey(*key)),
                _ => None,
            };
            return CommitError::Refused { runs: missed.iter().filter_map(key).collect() };
        }
        let first = missed.first().and_then(|at| self.rows.get(*at)).map(|row| format!(", the first is {}", self.describe(row)));
        self.stale(missed.len(), &first.unwrap_or_default())
    }

    /// The error if only `took` of the rows took effect, and it is not known which.
    pub fn missed_some(&self, took: u64) -> CommitError {
        let missed = self.rows.len().saturating_sub(usize::try_from(took).unwrap_or(usize::MAX));
        self.stale(missed, "")
    }

    fn stale(&self, missed: usize, which: &str) -> CommitError {
        let (all, table) = (self.rows.len(), self.shape.table);
        let problem = match self.action {
            Action::Insert => "exist already",
            Action::Answer | Action::Take => "are answered, withdrawn or unknown",
            _ => "are not in the state they should be in",
        };
        CommitError::Stale(format!("{missed} of {all} rows of {table} {problem}{which}"))
    }

    fn describe(&self, row: &[Cell]) -> String {
        let show = |cell: &Cell| match cell {
            Cell::Int(Some(value)) => value.to_string(),
            Cell::Text(Some(value)) => value.clone(),
            other => format!("{other:?}"),
        };
        let keys = self.shape.columns.iter().zip(row).filter(|(column, _)| self.shape.is_key(column));
        let key = commas(keys.map(|(column, cell)| format!("{} {}", column.name, show(cell))));
        match (self.action, row.last()) {
            (Action::Update, Some(expected)) => format!("{key}, expected {}", show(expected)),
            _ => key,
        }
    }
}

fn commas(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

fn and(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" AND ")
}
