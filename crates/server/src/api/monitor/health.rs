//! `GET /api/v2/monitor/health`: always 200, as in Airflow; what is wrong stands in the answer.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use jiff::SignedDuration;
use serde::Serialize;
use tokio::time::timeout;
use updraft_store::Lease;
use utoipa::ToSchema;

use crate::app::App;

const HEALTHY: &str = "healthy";
const UNHEALTHY: &str = "unhealthy";
/// How long a lease runs from its last renewal: the leader's last sign of life was so long before its end.
const LEASE: SignedDuration = SignedDuration::from_secs(3);

/// Whoever asks how we are wants to hear it soon, above all if the database does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The database.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct BaseInfoResponse {
    status: Option<&'static str>,
}

/// The scheduler: whoever holds the lease.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct SchedulerInfoResponse {
    status: Option<&'static str>,
    latest_scheduler_heartbeat: Option<String>,
}

/// Updraft has no triggerer: the scheduler itself waits.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct TriggererInfoResponse {
    status: Option<&'static str>,
    latest_triggerer_heartbeat: Option<String>,
}

/// DAG files are read by the leader.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct DagProcessorInfoResponse {
    status: Option<&'static str>,
    latest_dag_processor_heartbeat: Option<String>,
}

/// How Updraft is.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct HealthInfoResponse {
    metadatabase: BaseInfoResponse,
    scheduler: SchedulerInfoResponse,
    triggerer: TriggererInfoResponse,
    dag_processor: Option<DagProcessorInfoResponse>,
}

/// Whether the database answers and takes what the scheduler here decides, and whether a scheduler leads.
#[utoipa::path(get, path = "/api/v2/monitor/health", tag = "Monitor", operation_id = "get_health",
    responses((status = 200, body = HealthInfoResponse)))]
pub async fn get_health(State(app): State<Arc<App>>) -> Json<HealthInfoResponse> {
    let answers = timeout(PATIENCE, app.reader.ping()).await.is_ok_and(|ping| ping.is_ok());
    let lease = if answers { timeout(PATIENCE, app.reader.lease()).await.ok().and_then(Result::ok).flatten() } else { None };
    let trouble = app.engine().is_some_and(|engine| engine.store_trouble);
    Json(health(answers, trouble, lease.as_ref()))
}

/// `trouble`: a write of this process's scheduler has failed.
fn health(answers: bool, trouble: bool, lease: Option<&Lease>) -> HealthInfoResponse {
    let status = |well| Some(if well { HEALTHY } else { UNHEALTHY });
    let leads = lease.is_some_and(|lease| !lease.remaining.is_negative());
    // A full disk is read as well as ever; and a lease that is fresh was written just now, whatever failed before.
    let database = answers && (leads || !trouble);
    let heartbeat = lease.map(|lease| lease.expires_at.saturating_add(-LEASE).isoformat());
    HealthInfoResponse {
        metadatabase: BaseInfoResponse { status: status(database) },
        scheduler: SchedulerInfoResponse { status: status(leads), latest_scheduler_heartbeat: heartbeat.clone() },
        triggerer: TriggererInfoResponse { status: None, latest_triggerer_heartbeat: None },
        dag_processor: Some(DagProcessorInfoResponse { status: status(leads), latest_dag_processor_heartbeat: heartbeat }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use updraft_model::Term;

    #[test]
    fn an_expired_lease_is_no_scheduler() {
        let lease = |remaining| Lease {
            holder: "n".into(),
            term: Term(1),
            expires_at: "2026-01-01T00:00:03Z".parse().unwrap(),
            address: None,
            remaining: SignedDuration::from_secs(remaining),
        };
        let scheduler = |lease: Option<&Lease>| health(true, false, lease).scheduler;
        assert_eq!(scheduler(Some(&lease(2))).status, Some("healthy"));
        assert_eq!(scheduler(Some(&lease(2))).latest_scheduler_heartbeat.as_deref(), Some("2026-01-01T00:00:00+00:00"));
        assert_eq!(scheduler(Some(&lease(-1))).status, Some("unhealthy"));
        assert_eq!(scheduler(None).status, Some("unhealthy"));
        let database = |answers, trouble, remaining| health(answers, trouble, Some(&lease(remaining))).metadatabase.status;
        assert_eq!(database(true, true, 2), Some("healthy"));
        assert_eq!(database(true, true, -1), Some("unhealthy"), "it can be read and not written");
        assert_eq!(database(true, false, -1), Some("healthy"), "nobody leads");
        assert_eq!(database(false, false, 2), Some("unhealthy"));
    }
}
