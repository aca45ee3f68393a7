//! What Airflow refuses at import because of the schedule.

use updraft_model::{Dag, Schedule};

use crate::{Restriction, Timetable, TimetableError};

/// Everything wrong with when `dag` is to run; empty means that [`Timetable::new`] succeeds and the
/// DAG can be scheduled.
///
/// Whether a param's default fits its JSON Schema is not looked at here.
pub fn validate(dag: &Dag) -> Vec<TimetableError> {
    let mut problems = Vec::new();
    problems.extend(Timetable::new(&dag.schedule).err());
    if dag.schedule == Schedule::Continuous && dag.max_active_runs > 1 {
        problems.push(TimetableError::ContinuousInParallel { max_active_runs: dag.max_active_runs });
    }
    if dag.schedule != Schedule::Never {
        // Airflow looks at `default_args` for a start date; here those are in the tasks already.
        if dag.catchup && Restriction::of(dag).earliest.is_none() {
            problems.push(TimetableError::CatchupWithoutStart);
        }
        let required = dag.params.iter().filter(|(_, param)| param.default.is_none());
        problems.extend(required.map(|(name, _)| TimetableError::RequiredParam { param: name.clone() }));
    }
    problems
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use updraft_model::{DagId, Param};

    use super::*;

    fn dag(schedule: Schedule) -> Dag {
        Dag { schedule, ..Dag::new(DagId::new("d").unwrap()) }
    }

    fn cron(expressions: &[&str], timezone: &str, data_interval: bool) -> Schedule {
        let expressions = expressions.iter().map(|e| (*e).to_owned()).collect();
        Schedule::Cron { expressions, timezone: timezone.to_owned(), data_interval }
    }

    fn problems(dag: &Dag) -> Vec<String> {
        validate(dag).iter().map(|p| format!("{}: {p}", p.key())).collect()
    }

    #[test]
    fn what_is_wrong_with_a_schedule() {
        let mut all = Vec::new();
        for schedule in [
            cron(&["0 25 * * *"], "UTC", false),
            cron(&["0 0 31 2 *"], "UTC", false),
            cron(&["0 6 * * *"], "Europe/Atlantis", false),
            cron(&["0 6 * * *", "0 7 * * *"], "UTC", true),
            cron(&[], "UTC", false),
            Schedule::Delta { every: SignedDuration::ZERO, data_interval: false },
            Schedule::Continuous,
        ] {
            all.extend(problems(&dag(schedule)));
        }
        let required = Param { default: None, description: None, schema: serde_json::json!({}) };
        let mut without_values = dag(Schedule::Once);
        without_values.catchup = true;
        without_values.params.insert("day".to_owned(), required);
        all.extend(problems(&without_values));
        insta::assert_snapshot!(all.join("\n"));

        without_values.schedule = Schedule::Never;
        assert_eq!(validate(&without_values), []);
    }

    #[test]
    fn what_is_right() {
        let mut daily = dag(cron(&["0 6 * * *", "0 7 * * *"], "europe/london", false));
        assert_eq!(validate(&daily), []);
        daily.start_date = Some(updraft_model::Timestamp::EPOCH);
        daily.catchup = true;
        assert_eq!(validate(&daily), []);
        let mut continuous = dag(Schedule::Continuous);
        continuous.max_active_runs = 1;
        assert_eq!(validate(&continuous), []);
    }
}
