//! Import errors, pools, variables, users, nodes, settings.

use std::time::Duration;

use serde_json::Value;
use updraft_model::{ImportErrorRow, PoolName};
use updraft_store::{ImportErrorFilter, Listed, NodeRow, Page, Pattern, PoolView, StoreError, UserRow, VariableRow};

use super::list::List;
use crate::{
    Backend, Query, Row,
    backend::{fetch_all, fetch_first, unreadable},
    cell::Unreadable,
    query::Conditions,
    rows::{self, HELD},
};

/// [`updraft_store::Reader::import_errors`].
pub async fn import_errors(
    backend: &dyn Backend,
    filter: ImportErrorFilter,
    page: Page,
) -> Result<Listed<(i64, ImportErrorRow)>, StoreError> {
    let list = List {
        names: ("import_errors", "import_errors_count"),
        columns: format!("e.id, {}", rows::IMPORT_ERROR),
        from: "FROM import_error AS e",
        counted: "FROM import_error AS e",
        orders: &[("id", "e.id"), ("filename", "e.file"), ("timestamp", "e.timestamp"), ("stack_trace", "e.stack_trace")],
        key: &["e.id"],
        places: None,
        shown: None,
    };
    let ImportErrorFilter { file, files } = filter;
    let mut conditions = Conditions::new(backend.dialect());
    conditions.one_of("e.file", file.as_ref().map(std::slice::from_ref));
    conditions.like("e.file", &files);
    list.fetch(backend, &conditions, &page, |mut row| Ok((row.int()?, rows::import_error(&mut row)?))).await
}

/// [`updraft_store::Reader::import_error`].
pub async fn import_error(backend: &dyn Backend, id: i64) -> Result<Option<ImportErrorRow>, StoreError> {
    let query = Query::new("import_error").sql(format!("SELECT {} FROM import_error AS e WHERE e.id = ", rows::IMPORT_ERROR)).arg(id);
    fetch_first(backend, query, |mut row| rows::import_error(&mut row)).await
}

/// A pool and the slots taken in each state, of [`pools_from`].
fn pool_columns() -> String {
    let sum = |states: &str| format!("coalesce(u.{states}, 0)");
    format!("{}, {}, {}, {}, {}", rows::pool_columns(), sum("running"), sum("queued"), sum("scheduled"), sum("deferred"))
}

/// Only the slots of active runs are looked at. A task instance that is `restarting` still runs.
fn pools_from() -> String {
    let slots = |state: &str| format!("CAST(sum(CASE WHEN t.state IN ({state}) THEN t.pool_slots ELSE 0 END) AS bigint)");
    format!(
        "FROM pool AS p LEFT JOIN (
             SELECT t.pool, {} AS running, {} AS queued, {} AS scheduled, {} AS deferred FROM task_instance AS t
             WHERE t.run IN {HELD} AND t.state IN ('scheduled', 'queued', 'running', 'restarting', 'deferred') GROUP BY t.pool
         ) AS u ON u.pool = p.name",
        slots("'running', 'restarting'"),
        slots("'queued'"),
        slots("'scheduled'"),
        slots("'deferred'"),
    )
}

fn pool_view(mut row: Row) -> Result<PoolView, Unreadable> {
    Ok(PoolView { row: rows::pool(&mut row)?, running: row.int()?, queued: row.int()?, scheduled: row.int()?, deferred: row.int()? })
}

/// [`updraft_store::Reader::pools`].
pub async fn pools(backend: &dyn Backend, name: Vec<Pattern>, page: Page) -> Result<Listed<PoolView>, StoreError> {
    let mut conditions = Conditions::new(backend.dialect());
    conditions.like("p.name", &name);
    let list = List {
        names: ("pools", "pools_count"),
        columns: pool_columns(),
        from: &pools_from(),
        counted: "FROM pool AS p",
        orders: &[("name", "p.name"), ("slots", "p.slots")],
        key: &["p.name"],
        places: None,
        shown: None,
    };
    list.fetch(backend, &conditions, &page, pool_view).await
}

/// [`updraft_store::Reader::pool`].
pub async fn pool(backend: &dyn Backend, name: PoolName) -> Result<Option<PoolView>, StoreError> {
    let select = format!("SELECT {} {} WHERE p.name = ", pool_columns(), pools_from());
    fetch_first(backend, Query::new("pool").sql(select).arg(name.as_str()), pool_view).await
}

const VARIABLE: &str = "v.key, v.value, v.description";
const VARIABLES: &str = "FROM variable AS v";

fn read_variable(mut row: Row) -> Result<VariableRow, Unreadable> {
    Ok(VariableRow { key: row.text()?, value: row.text()?, description: row.opt_text()? })
}

/// [`updraft_store::Reader::variables`].
pub async fn variables(backend: &dyn Backend, key: Vec<Pattern>, page: Page) -> Result<Listed<VariableRow>, StoreError> {
    let mut conditions = Conditions::new(backend.dialect());
    conditions.like("v.key", &key);
    let list = List {
        names: ("variables", "variables_count"),
        columns: VARIABLE.to_owned(),
        from: VARIABLES,
        counted: VARIABLES,
        orders: &[("key", "v.key"), ("description", "v.description")],
        key: &["v.key"],
        places: None,
        shown: None,
    };
    list.fetch(backend, &conditions, &page, read_variable).await
}

/// [`updraft_store::Reader::variable`].
pub async fn variable(backend: &dyn Backend, key: String) -> Result<Option<VariableRow>, StoreError> {
    let query = Query::new("variable").sql(format!("SELECT {VARIABLE} {VARIABLES} WHERE v.key = ")).arg(key);
    fetch_first(backend, query, read_variable).await
}

/// [`updraft_store::Reader::set_variable`].
pub async fn set_variable(backend: &dyn Backend, row: VariableRow) -> Result<(), StoreError> {
    let VariableRow { key, value, description } = row;
    let query = Query::new("set_variable")
        .sql("INSERT INTO variable (key, value, description) VALUES (")
        .arg(key)
        .sql(", ")
        .arg(value)
        .sql(", ")
        .arg(description)
        .sql(") ON CONFLICT (key) DO UPDATE SET value = excluded.value, description = excluded.description");
    backend.write(query).await?;
    Ok(())
}

/// [`updraft_store::Reader::delete_variable`].
pub async fn delete_variable(backend: &dyn Backend, key: String) -> Result<bool, StoreError> {
    let query = Query::new("delete_variable").sql("DELETE FROM variable WHERE key = ").arg(key).sql(" RETURNING key");
    Ok(!backend.write(query).await?.is_empty())
}

/// [`updraft_store::Reader::users`].
pub async fn users(backend: &dyn Backend) -> Result<Vec<UserRow>, StoreError> {
    let query = Query::new("users").sql("SELECT username, password_hash, role, created_at FROM app_user ORDER BY username");
    let read = |mut row: Row| Ok(UserRow { username: row.text()?, password_hash: row.text()?, role: row.text()?, created_at: row.time()? });
    fetch_all(backend, query, read).await
}

/// [`updraft_store::Reader::set_user`]. The time of creation stays that of the first call.
pub async fn set_user(backend: &dyn Backend, row: UserRow) -> Result<(), StoreError> {
    let UserRow { username, password_hash, role, created_at } = row;
    let query = Query::new("set_user")
        .sql("INSERT INTO app_user (username, password_hash, role, created_at) VALUES (")
        .arg(username)
        .sql(", ")
        .arg(password_hash)
        .sql(", ")
        .arg(role)
        .sql(", ")
        .arg(created_at)
        .sql(") ON CONFLICT (username) DO UPDATE SET password_hash = excluded.password_hash, role = excluded.role");
    backend.write(query).await?;
    Ok(())
}

/// [`updraft_store::Reader::delete_user`].
pub async fn delete_user(backend: &dyn Backend, username: String) -> Result<bool, StoreError> {
    let query = Query::new("delete_user").sql("DELETE FROM app_user WHERE username = ").arg(username).sql(" RETURNING username");
    Ok(!backend.write(query).await?.is_empty())
}

/// [`updraft_store::Reader::nodes`].
pub async fn nodes(backend: &dyn Backend) -> Result<Vec<NodeRow>, StoreError> {
    let query = Query::new("nodes").sql("SELECT node, address, last_seen, bundle_digest, lost_after_ms FROM node ORDER BY node");
    let read = |mut row: Row| {
        Ok(NodeRow {
            node: row.parse()?,
            address: row.opt_text()?,
            last_seen: row.time()?,
            bundle_digest: row.opt_text()?,
            lost_after: row.opt_narrow()?.map(Duration::from_millis),
        })
    };
    fetch_all(backend, query, read).await
}

/// [`updraft_store::Reader::node_seen`].
pub async fn node_seen(backend: &dyn Backend, node: NodeRow) -> Result<(), StoreError> {
    let NodeRow { node, address, last_seen: _, bundle_digest, lost_after } = node;
    // One that does not fit would be over after centuries.
    let lost_after = lost_after.and_then(|after| i64::try_from(after.as_millis()).ok());
    let query = Query::new("node_seen")
        .sql("INSERT INTO node (node, address, last_seen, bundle_digest, lost_after_ms) VALUES (")
        .arg(node.as_str())
        .sql(", ")
        .arg(address)
        .sql(format!(", {}, ", backend.dialect().now()))
        .arg(bundle_digest)
        .sql(", ")
        .arg(lost_after)
        .sql(
            ") ON CONFLICT (node) DO UPDATE SET address = excluded.address, last_seen = excluded.last_seen,
             bundle_digest = excluded.bundle_digest, lost_after_ms = excluded.lost_after_ms",
        );
    backend.write(query).await?;
    Ok(())
}

/// [`updraft_store::Reader::setting`]: of two first users, one value wins for both.
pub async fn setting(backend: &dyn Backend, name: String, initial: Value) -> Result<Value, StoreError> {
    let select = || Query::new("setting").sql("SELECT value FROM setting WHERE name = ").arg(&name);
    if let Some(value) = fetch_first(backend, select(), |mut row| row.json()).await? {
        return Ok(value);
    }
    let insert = Query::new("insert_setting")
        .sql("INSERT INTO setting (name, value) VALUES (")
        .arg(&name)
        .sql(", ")
        .arg(initial.to_string())
        .sql(") ON CONFLICT (name) DO NOTHING");
    backend.write(insert).await?;
    let missing = || unreadable("setting", Unreadable(format!("{name} was deleted while it was made")));
    fetch_first(backend, select(), |mut row| row.json()).await?.ok_or_else(missing)
}

/// [`updraft_store::Reader::ping`].
pub async fn ping(backend: &dyn Backend) -> Result<(), StoreError> {
    fetch_first(backend, Query::new("ping").sql("SELECT 1"), |mut row| row.int()).await?;
    Ok(())
}
