//! The engine's questions.

use serde_json::Value;
use updraft_model::{DataInterval, MapIndex, RunId, RunKey, RunState};
use updraft_store::{PreviousRun, PreviousSuccess, Question, StoreError, StoredRun, Verdict};

use crate::{
    Arg, Backend, Query,
    backend::{fetch_all, fetch_first, read_all},
    rows,
};

/// [`updraft_store::EngineStore::ask`].
pub async fn ask(backend: &dyn Backend, question: Question) -> Result<Verdict, StoreError> {
    match question {
        Question::Run { dag_id, run_id } => Ok(Verdict::Run(stored_run(backend, dag_id.as_str(), &run_id).await?.map(Box::new))),
        Question::PreviousRun { dag_id, before, include_manual } => {
            let manual = if include_manual { "" } else { " AND run_type <> 'manual'" };
            let query = Query::new("previous_run")
                .sql("SELECT id, run_id FROM dag_run WHERE dag_id = ")
                .arg(dag_id.as_str())
                .sql(" AND logical_date < ")
                .arg(before)
                .sql(format!("{manual} ORDER BY logical_date DESC LIMIT 1"));
            let found = fetch_first(backend, query, |mut row| Ok((RunKey(row.int()?), row.parse()?))).await?;
            let Some((run, run_id)) = found else { return Ok(Verdict::PreviousRun(None)) };
            let states = Query::new("previous_run_states")
                .sql("SELECT task_id, map_index, state FROM task_instance WHERE run = ")
                .arg(run.0)
                .sql(" ORDER BY task_id, map_index");
            let states = fetch_all(backend, states, |mut row| Ok((row.parse()?, MapIndex(row.narrow()?), row.parse()?))).await?;
            Ok(Verdict::PreviousRun(Some(PreviousRun { run, run_id, states })))
        }
        Question::Neighbours { dag_id, of, past } => {
            let query = Query::new("neighbours")
                .sql("SELECT run_id FROM dag_run WHERE dag_id = ")
                .arg(dag_id.as_str())
                .sql(if past { " AND logical_date < " } else { " AND logical_date > " })
                .arg(of)
                .sql(" ORDER BY logical_date");
            Ok(Verdict::Neighbours(fetch_all(backend, query, |mut row| row.parse()).await?))
        }
        Question::NewestRuns { dag_id, limit } => {
            let query = Query::new("newest_runs")
                .sql("SELECT state FROM dag_run WHERE dag_id = ")
                .arg(dag_id.as_str())
                .sql(" ORDER BY run_after DESC, id DESC LIMIT ")
                .arg(limit);
            Ok(Verdict::NewestRuns(fetch_all(backend, query, |mut row| row.parse()).await?))
        }
        Question::External { dag_id, task_id: None, logical_date } => {
            let query = run_state().arg(dag_id.as_str()).sql(" AND logical_date = ").arg(logical_date);
            Ok(Verdict::RunState(fetch_first(backend, query, |mut row| row.parse()).await?))
        }
        Question::External { dag_id, task_id: Some(task_id), logical_date } => {
            let query = Query::new("external_task")
                .sql("SELECT t.state FROM dag_run AS r JOIN task_instance AS t ON t.run = r.id WHERE r.dag_id = ")
                .arg(dag_id.as_str())
                .sql(" AND r.logical_date = ")
                .arg(logical_date)
                .sql(" AND t.task_id = ")
                .arg(task_id.as_str())
                .sql(" ORDER BY t.map_index LIMIT 1");
            Ok(Verdict::TaskState(fetch_first(backend, query, |mut row| row.parse()).await?))
        }
        Question::RunState { dag_id, run_id } => {
            let query = run_state().arg(dag_id.as_str()).sql(" AND run_id = ").arg(run_id.as_str());
            Ok(Verdict::RunState(fetch_first(backend, query, |mut row| row.parse()).await?))
        }
        Question::XCom { run, task_id, map_index, key } => {
            let query = Query::new("xcom_value").sql("SELECT x.value FROM xcom AS x WHERE x.run = ").arg(run.0);
            xcom(backend, query, task_id.as_str(), map_index, key).await.map(Verdict::XCom)
        }
        Question::XComOfRun { dag_id, run_id, task_id, map_index, key, include_prior_dates: true } => {
            let query = Query::new("xcom_value_up_to_run").sql("SELECT x.value FROM xcom AS x WHERE x.run = ");
            let query = newest_run_with_xcom(query, dag_id.as_str(), &run_id, task_id.as_str(), map_index, &key);
            xcom(backend, query, task_id.as_str(), map_index, key).await.map(Verdict::XCom)
        }
        Question::XComOfRun { dag_id, run_id, task_id, map_index, key, include_prior_dates: false } => {
            let query = Query::new("xcom_value_of_run")
                .sql("SELECT x.value FROM dag_run AS r JOIN xcom AS x ON x.run = r.id WHERE r.dag_id = ")
                .arg(dag_id.as_str())
                .sql(" AND r.run_id = ")
                .arg(run_id.as_str());
            xcom(backend, query, task_id.as_str(), map_index, key).await.map(Verdict::XCom)
        }
        Question::Variable { key } => {
            let query = Query::new("variable_value").sql("SELECT value FROM variable WHERE key = ").arg(key);
            Ok(Verdict::Variable(fetch_first(backend, query, |mut row| row.text()).await?))
        }
        Question::PreviousSuccess { dag_id, before } => {
            let query = Query::new("previous_success")
                .sql("SELECT run_id, data_interval_start, data_interval_end, start_date, end_date FROM dag_run WHERE dag_id = ")
                .arg(dag_id.as_str())
                .sql(" AND logical_date < ")
                .arg(before)
                .sql(" AND state = ")
                .arg(RunState::Success.as_str())
                .sql(" ORDER BY logical_date DESC LIMIT 1");
            let found = fetch_first(backend, query, |mut row| {
                let run_id = row.parse()?;
                let interval = row.opt_time()?.zip(row.opt_time()?);
                let data_interval = interval.map(|(start, end)| DataInterval { start, end });
                Ok(PreviousSuccess { run_id, data_interval, start_date: row.opt_time()?, end_date: row.opt_time()? })
            });
            Ok(Verdict::PreviousSuccess(found.await?))
        }
        Question::DagExists { dag_id } => {
            let query = Query::new("dag_exists").sql("SELECT 1 FROM dag WHERE NOT is_stale AND dag_id = ").arg(dag_id.as_str());
            Ok(Verdict::DagExists(fetch_first(backend, query, |mut row| row.int()).await?.is_some()))
        }
    }
}

fn run_state() -> Query {
    Query::new("run_state").sql("SELECT state FROM dag_run WHERE dag_id = ")
}

async fn stored_run(backend: &dyn Backend, dag_id: &str, run_id: &RunId) -> Result<Option<StoredRun>, StoreError> {
    let named = |query: Query| query.sql(" WHERE r.dag_id = ").arg(dag_id).sql(" AND r.run_id = ").arg(run_id.as_str());
    let run = Query::new("stored_run").sql(format!("SELECT {} FROM dag_run AS r", rows::run_columns()));
    let task_instances = Query::new("stored_run_task_instances")
        .sql(format!("SELECT {} FROM dag_run AS r JOIN task_instance AS t ON t.run = r.id", rows::task_instance_columns()));
    let versions = Query::new("stored_run_versions").sql(format!(
        "SELECT {} FROM dag_version AS v WHERE v.id IN (
             SELECT version FROM dag_run AS r WHERE r.dag_id = $1 AND r.run_id = $2
             UNION SELECT t.version FROM dag_run AS r JOIN task_instance AS t ON t.run = r.id",
        rows::VERSION
    ));
    let queries = vec![named(run), named(task_instances).sql(" ORDER BY t.task_id, t.map_index"), named(versions).sql(") ORDER BY v.id")];
    let mut results = backend.snapshot(queries).await?.into_iter();
    let mut next = || results.next().unwrap_or_default();
    let runs = read_all("stored_run", next(), |mut row| rows::run(&mut row))?;
    let task_instances = read_all("stored_run_task_instances", next(), |mut row| rows::task_instance(&mut row))?;
    let versions = read_all("stored_run_versions", next(), |mut row| rows::version(&mut row))?;
    Ok(runs.into_iter().next().map(|run| StoredRun { run, task_instances, versions }))
}

/// The newest of a run and those before it that has the XCom. Those with a logical date and those without
/// are looked for apart, since each has an index in its order.
fn newest_run_with_xcom(query: Query, dag_id: &str, run_id: &RunId, task_id: &str, map_index: Option<MapIndex>, key: &str) -> Query {
    let half = |query: Query, date: &str, condition: &str| {
        let query = query
            .sql(format!("SELECT * FROM (SELECT r.id, r.{date} AS moment FROM dag_run AS r WHERE{condition} r.dag_id = "))
            .arg(dag_id)
            .sql(format!(" AND r.{date} <= (SELECT COALESCE(n.logical_date, n.run_after) FROM dag_run AS n WHERE n.dag_id = "))
            .arg(dag_id)
            .sql(" AND n.run_id = ")
            .arg(run_id.as_str())
            .sql(") AND EXISTS (SELECT 1 FROM xcom AS h WHERE h.run = r.id AND h.task_id = ")
            .arg(task_id)
            .sql(" AND h.key = ")
            .arg(key);
        let query = match map_index {
            Some(map_index) => query.sql(" AND h.map_index = ").arg(map_index.0),
            None => query,
        };
        query.sql(format!(") ORDER BY r.{date} DESC, r.id DESC LIMIT 1) AS newest_by_{date}"))
    };
    let dated = half(query.sql("(SELECT id FROM ("), "logical_date", "");
    let both = half(dated.sql(" UNION ALL "), "run_after", " r.logical_date IS NULL AND");
    both.sql(") AS newest ORDER BY moment DESC, id DESC LIMIT 1)")
}

/// The value, of the XComs `x` of one run.
async fn xcom(
    backend: &dyn Backend,
    of_run: Query,
    task_id: &str,
    map_index: Option<MapIndex>,
    key: String,
) -> Result<Option<Value>, StoreError> {
    let mut query = of_run.sql(" AND x.task_id = ").arg(task_id).sql(" AND x.key = ").arg(key);
    if let Some(map_index) = map_index {
        query = query.sql(" AND x.map_index = ").arg(Arg::from(map_index.0));
    }
    let mut values: Vec<Value> = fetch_all(backend, query.sql(" ORDER BY x.map_index"), |mut row| row.json()).await?;
    Ok(match map_index {
        Some(_) => values.pop(),
        None => (!values.is_empty()).then_some(Value::Array(values)),
    })
}
