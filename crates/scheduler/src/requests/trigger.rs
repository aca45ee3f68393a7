//! A person or program triggers a run.

use serde_json::Value;
use updraft_model::{Answer, RunType, TriggerRun};

use super::No;
use crate::{
    create::{NewRunSpec, run_id},
    scheduler::{Cx, Scheduler},
};

impl Scheduler {
    pub(super) fn trigger(&mut self, cx: &mut Cx<'_>, trigger: &TriggerRun, user: Option<String>) -> Result<Answer, No> {
        let dag_id = &trigger.dag_id;
        self.known_dag(dag_id)?;
        if self.dags.get(dag_id).is_some_and(|d| d.row.is_stale) {
            return Err(No::conflict(format!("DAG with dag_id: '{dag_id}' has no file any more and cannot be triggered")));
        }
        let run_after = trigger.run_after.unwrap_or(cx.now);
        let id = match &trigger.run_id {
            None => run_id(RunType::Manual, run_after).ok_or_else(|| No::invalid("the run id could not be made"))?,
            Some(id) => match RunType::of_run_id(id.as_str()) {
                None | Some(RunType::Manual) => id.clone(),
                // Airflow's rule: the name must not lie about what made the run.
                Some(other) => {
                    let prefix = other.as_str();
                    return Err(No::invalid(format!(
                        "a manual run can't be named \"{id}\": names that start with \"{prefix}__\" are kept for {prefix} runs"
                    )));
                }
            },
        };
        if self.run_names.contains_key(&(dag_id.clone(), id.clone())) {
            return Err(No::conflict(format!("DagRun with dag_id \"{dag_id}\" and run_id \"{id}\" already exists")));
        }
        let conf = match &trigger.conf {
            Value::Null => Value::Object(serde_json::Map::new()),
            conf @ Value::Object(_) => conf.clone(),
            other => return Err(No::invalid(format!("conf must be an object, not {other}"))),
        };
        let data_interval = self.interval_of(dag_id, trigger.logical_date, trigger.data_interval);
        let spec = NewRunSpec {
            run_id: id,
            run_type: RunType::Manual,
            logical_date: trigger.logical_date,
            data_interval,
            run_after,
            conf,
            triggered_by: trigger.triggered_by,
            triggering_user: user,
            note: trigger.note.clone(),
        };
        let run = self.create_run(cx, dag_id, spec).ok_or_else(|| No::not_found(format!("The Dag with ID: `{dag_id}` was not found")))?;
        Ok(Answer::Run { run })
    }
}
