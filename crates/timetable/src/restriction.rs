//! The bounds within which a DAG is scheduled.

use updraft_model::{Dag, Timestamp};

/// Airflow's `TimeRestriction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restriction {
    /// No run before; absent means "from now on".
    pub earliest: Option<Timestamp>,
    /// No run after (inclusive). Trigger timetables compare the run's time, interval timetables the
    /// *start* of the data interval.
    pub latest: Option<Timestamp>,
    /// Whether every slot since `earliest` gets a run, or only the newest one.
    pub catchup: bool,
}

impl Restriction {
    /// Airflow's `SerializedDAG._time_restriction`: the earliest start date of the DAG and its
    /// tasks; the DAG's end date, or the latest of all end dates if every task has one.
    pub fn of(dag: &Dag) -> Self {
        let earliest = dag.tasks.values().filter_map(|t| t.start_date).chain(dag.start_date).min();
        let every_task_ends = dag.tasks.values().all(|t| t.end_date.is_some());
        let latest = if every_task_ends { dag.tasks.values().filter_map(|t| t.end_date).chain(dag.end_date).max() } else { dag.end_date };
        Self { earliest, latest, catchup: dag.catchup }
    }
}

#[cfg(test)]
mod tests {
    use updraft_model::{DagId, Operator, Task, TaskId};

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn bounds_come_from_the_dag_and_its_tasks() {
        let mut dag = Dag::new(DagId::new("d").unwrap());
        dag.start_date = Some(time("2026-02-01T00:00:00Z"));
        dag.end_date = Some(time("2026-03-01T00:00:00Z"));
        for (id, start, end) in [("a", None, Some("2026-04-01T00:00:00Z")), ("b", Some("2026-01-01T00:00:00Z"), None)] {
            let mut task = Task::new(TaskId::new(id).unwrap(), Operator::Empty);
            task.start_date = start.map(time);
            task.end_date = end.map(time);
            dag.tasks.insert(task.task_id.clone(), task);
        }
        let expected = Restriction { earliest: Some(time("2026-01-01T00:00:00Z")), latest: dag.end_date, catchup: false };
        assert_eq!(Restriction::of(&dag), expected, "`b` has no end, so the DAG's counts");

        let b = dag.tasks.values_mut().last().unwrap();
        b.end_date = Some(time("2026-02-15T00:00:00Z"));
        let expected = Restriction { latest: Some(time("2026-04-01T00:00:00Z")), ..expected };
        assert_eq!(Restriction::of(&dag), expected, "every task has an end, so the last one counts");
    }
}
