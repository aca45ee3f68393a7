//! Pools. They are part of what the scheduler holds, so each change is a request to it.

pub mod delete;
pub mod get;
pub mod list;
pub mod patch;
pub mod post;

use serde::Serialize;
use updraft_model::PoolName;
use updraft_store::PoolView;
use utoipa::ToSchema;

use crate::{app::App, error::ApiError, extract::BodyReader};

/// Airflow's limit for a pool's name.
pub const NAME_LIMIT: usize = 256;

/// A pool and how its slots are used.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct PoolResponse {
    name: String,
    slots: i32,
    description: Option<String>,
    include_deferred: bool,
    occupied_slots: i64,
    running_slots: i64,
    queued_slots: i64,
    scheduled_slots: i64,
    /// `-1` if the pool has no limit.
    open_slots: i64,
    deferred_slots: i64,
    team_name: Option<String>,
}

impl From<PoolView> for PoolResponse {
    fn from(view: PoolView) -> Self {
        let PoolView { row, running, queued, scheduled, deferred } = view;
        let occupied = running + queued + if row.include_deferred { deferred } else { 0 };
        Self {
            open_slots: if row.slots < 0 { -1 } else { i64::from(row.slots) - occupied },
            name: row.name.to_string(),
            slots: row.slots,
            description: row.description,
            include_deferred: row.include_deferred,
            occupied_slots: occupied,
            running_slots: running,
            queued_slots: queued,
            scheduled_slots: scheduled,
            deferred_slots: deferred,
            team_name: None,
        }
    }
}

async fn find(app: &App, name: &str) -> Result<PoolView, ApiError> {
    let found = match PoolName::new(name) {
        Ok(name) => app.reader.pool(&name).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| ApiError::not_found(format!("The Pool with name: `{name}` was not found")))
}

/// Slots as a row has them; more than fit are refused.
fn slots(b: &mut BodyReader, given: i64) -> i32 {
    i32::try_from(given).unwrap_or_else(|_| {
        b.value_error("slots", &format!("slots must be at most {}", i32::MAX));
        i32::MAX
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use updraft_model::PoolRow;

    #[test]
    fn open_slots_are_what_is_not_occupied() {
        let view = |slots, include_deferred| PoolView {
            row: PoolRow { name: PoolName::default_pool(), slots, description: None, include_deferred },
            running: 2,
            queued: 1,
            scheduled: 7,
            deferred: 3,
        };
        assert_eq!(PoolResponse::from(view(10, false)).open_slots, 7);
        assert_eq!(PoolResponse::from(view(10, true)).open_slots, 4);
        assert_eq!(PoolResponse::from(view(-1, true)).open_slots, -1);
    }
}
