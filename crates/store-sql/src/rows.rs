//! How rows of a result become values: each function reads the columns that its constant (or the
//! shape it names) selects, in that order.

use updraft_model::{
    AttemptId, AttemptRow, ContentHash, DagRow, DagVersion, DataInterval, ImportErrorRow, MapIndex, NextRun, PoolRow, RunKey, RunRow,
    TaskInstanceId, TaskInstanceKey, TaskInstanceRow, Timestamp, VersionId, XComRow,
};

use crate::{
    Row,
    cell::Unreadable,
    shapes::{ATTEMPT, DAG, POOL, RUN, TASK_INSTANCE, XCOM},
};

/// The keys of the runs that a leader holds: active ones, and others with something alive. What is
/// queued or running is in one of them, whatever the length of the history.
pub(crate) const HELD: &str = "(SELECT h.id FROM dag_run AS h WHERE h.state IN ('queued', 'running') \
     UNION SELECT o.run FROM attempt AS o WHERE o.ended_at IS NULL)";

type Read<T> = Result<T, Unreadable>;

/// Of `dag_version AS v`.
pub(crate) const VERSION: &str = "v.id, v.number, v.hash, v.created_at, v.dag";

/// Of `dag AS d`.
pub(crate) fn dag_columns() -> String {
    DAG.list("d.")
}

/// Of `dag_run AS r`.
pub(crate) fn run_columns() -> String {
    RUN.list("r.")
}

/// Of `task_instance AS t JOIN dag_run AS r`.
pub(crate) fn task_instance_columns() -> String {
    format!("r.dag_id, r.run_id, {}", TASK_INSTANCE.list("t."))
}

/// Of `attempt AS a`.
pub(crate) fn attempt_columns() -> String {
    ATTEMPT.list("a.")
}

/// Of `xcom AS x`.
pub(crate) fn xcom_columns() -> String {
    XCOM.list("x.")
}

/// Of `pool AS p`.
pub(crate) fn pool_columns() -> String {
    POOL.list("p.")
}

/// Of `import_error AS e`.
pub(crate) const IMPORT_ERROR: &str = "e.file, e.timestamp, e.stack_trace, e.diagnostics";

fn interval(start: Option<Timestamp>, end: Option<Timestamp>) -> Option<DataInterval> {
    start.zip(end).map(|(start, end)| DataInterval { start, end })
}

pub(crate) fn version(row: &mut Row) -> Read<DagVersion> {
    Ok(DagVersion {
        id: VersionId(row.uuid()?),
        number: row.narrow()?,
        hash: ContentHash(row.text()?),
        created_at: row.time()?,
        dag: row.packed_json()?,
    })
}

pub(crate) fn dag(row: &mut Row) -> Read<DagRow> {
    Ok(DagRow {
        dag_id: row.parse()?,
        is_paused: row.bool()?,
        is_stale: row.bool()?,
        latest: VersionId(row.uuid()?),
        file: row.text()?,
        last_parsed_at: row.time()?,
        last_automated: interval(row.opt_time()?, row.opt_time()?),
        next: next_run(row)?,
    })
}

fn next_run(row: &mut Row) -> Read<Option<NextRun>> {
    let (run_after, logical_date) = (row.opt_time()?, row.opt_time()?);
    let data_interval = interval(row.opt_time()?, row.opt_time()?);
    Ok(match (run_after, logical_date, data_interval) {
        (Some(run_after), Some(logical_date), Some(data_interval)) => Some(NextRun { run_after, logical_date, data_interval }),
        _ => None,
    })
}

pub(crate) fn run(row: &mut Row) -> Read<RunRow> {
    Ok(RunRow {
        key: RunKey(row.int()?),
        dag_id: row.parse()?,
        run_id: row.parse()?,
        run_type: row.parse()?,
        state: row.parse()?,
        version: VersionId(row.uuid()?),
        logical_date: row.opt_time()?,
        data_interval: interval(row.opt_time()?, row.opt_time()?),
        run_after: row.time()?,
        queued_at: row.opt_time()?,
        start_date: row.opt_time()?,
        end_date: row.opt_time()?,
        conf: row.json()?,
        triggered_by: row.parse()?,
        triggering_user: row.opt_text()?,
        end_reason: row.opt_text()?,
        note: row.opt_text()?,
    })
}

pub(crate) fn task_instance(row: &mut Row) -> Read<TaskInstanceRow> {
    Ok(TaskInstanceRow {
        dag_id: row.parse()?,
        run_id: row.parse()?,
        run: RunKey(row.int()?),
        task_id: row.parse()?,
        map_index: MapIndex(row.narrow()?),
        id: TaskInstanceId(row.uuid()?),
        version: VersionId(row.uuid()?),
        state: row.parse()?,
        try_number: row.narrow()?,
        max_tries: row.narrow()?,
        attempt: row.opt_uuid()?.map(AttemptId),
        relaunches: row.narrow()?,
        executor: row.opt_parse()?,
        node: row.opt_parse()?,
        pid: row.opt_narrow()?,
        scheduled_at: row.opt_time()?,
        queued_at: row.opt_time()?,
        start_date: row.opt_time()?,
        end_date: row.opt_time()?,
        first_start: row.opt_time()?,
        next_at: row.opt_time()?,
        awaits: row.opt_json()?,
        decision: row.opt_json()?,
        pool: row.parse()?,
        pool_slots: row.narrow()?,
        priority_weight: row.int()?,
        operator: row.text()?.into(),
        exit_code: row.opt_narrow()?,
        reason: row.opt_text()?,
        note: row.opt_text()?,
    })
}

fn key(row: &mut Row) -> Read<TaskInstanceKey> {
    Ok(TaskInstanceKey { run: RunKey(row.int()?), task_id: row.parse()?, map_index: MapIndex(row.narrow()?) })
}

pub(crate) fn attempt(row: &mut Row) -> Read<AttemptRow> {
    Ok(AttemptRow {
        id: AttemptId(row.uuid()?),
        key: key(row)?,
        try_number: row.narrow()?,
        executor: row.parse()?,
        node: row.opt_parse()?,
        queued_at: row.time()?,
        started_at: row.opt_time()?,
        ended_at: row.opt_time()?,
        outcome: row.opt_text()?,
        exit_code: row.opt_narrow()?,
        waiting: row.opt_text()?,
    })
}

pub(crate) fn xcom(row: &mut Row) -> Read<XComRow> {
    Ok(XComRow { owner: key(row)?, key: row.text()?, value: row.json()?, timestamp: row.time()? })
}

pub(crate) fn pool(row: &mut Row) -> Read<PoolRow> {
    Ok(PoolRow { name: row.parse()?, slots: row.narrow()?, description: row.opt_text()?, include_deferred: row.bool()? })
}

pub(crate) fn import_error(row: &mut Row) -> Read<ImportErrorRow> {
    Ok(ImportErrorRow { file: row.text()?, timestamp: row.time()?, stack_trace: row.text()?, diagnostics: row.json()? })
}
