//! Which changes a page wants to hear of.

use updraft_model::{DagId, FeedChange, RunId};

use crate::extract::{FromQuery, QueryReader};

/// Changes of one DAG, or of one run of it; of everything if empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeedFilter {
    pub dag_id: Option<DagId>,
    pub run_id: Option<RunId>,
}

impl FromQuery for FeedFilter {
    fn from_query(q: &mut QueryReader) -> Self {
        Self { dag_id: q.id("dag_id"), run_id: q.id("run_id") }
    }
}

impl FeedFilter {
    /// Whether a page that asked for this wants to hear of `change`.
    pub fn wants(&self, change: &FeedChange) -> bool {
        let dag = |id: &DagId| self.dag_id.as_ref().is_none_or(|wanted| wanted == id);
        let run = |id: &RunId| self.run_id.as_ref().is_none_or(|wanted| wanted == id);
        match change {
            FeedChange::Dag { dag_id } => dag(dag_id),
            FeedChange::Run { dag_id, run_id, .. } | FeedChange::TaskInstance { dag_id, run_id, .. } => dag(dag_id) && run(run_id),
            // It names a key only, and pools concern every waiting task instance: whoever is not
            // concerned has asked once too often, whoever is must hear of it.
            FeedChange::RunDeleted { .. } | FeedChange::Pools => true,
            FeedChange::ImportErrors => self.dag_id.is_none() && self.run_id.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use updraft_model::RunState;

    #[test]
    fn a_run_is_told_to_those_who_asked_for_it() {
        let change = FeedChange::Run { dag_id: "d".parse().unwrap(), run_id: "r".parse().unwrap(), state: RunState::Queued };
        let filter = |dag: Option<&str>, run: Option<&str>| FeedFilter {
            dag_id: dag.map(|d| d.parse().unwrap()),
            run_id: run.map(|r| r.parse().unwrap()),
        };
        assert!(filter(None, None).wants(&change));
        assert!(filter(Some("d"), Some("r")).wants(&change));
        assert!(!filter(Some("d"), Some("other")).wants(&change));
        assert!(!filter(Some("other"), None).wants(&change));
        assert!(!filter(Some("d"), None).wants(&FeedChange::ImportErrors));
    }
}
