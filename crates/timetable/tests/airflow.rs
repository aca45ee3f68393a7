//! The answers of genuine Airflow 3.3.2, as `airflow/generate.py` wrote them down.

#![allow(clippy::unwrap_used)] // helpers of tests are not marked as tests

use serde::{Deserialize, de::DeserializeOwned};
use updraft_model::{DataInterval, NextRun, Schedule, Timestamp};
use updraft_timetable::{Restriction, Timetable};

/// A schedule as the generator writes it.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Asked {
    Once,
    Continuous,
    Delta { seconds: f64, data_interval: bool },
    Cron { expressions: Vec<String>, timezone: String, data_interval: bool },
}

impl Asked {
    fn timetable(&self) -> Timetable {
        let schedule = match self {
            Self::Once => Schedule::Once,
            Self::Continuous => Schedule::Continuous,
            Self::Delta { seconds, data_interval } => {
                Schedule::Delta { every: jiff::SignedDuration::from_secs_f64(*seconds), data_interval: *data_interval }
            }
            Self::Cron { expressions, timezone, data_interval } => {
                Schedule::Cron { expressions: expressions.clone(), timezone: timezone.clone(), data_interval: *data_interval }
            }
        };
        Timetable::new(&schedule).unwrap()
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Vec<T> {
    let rows: Vec<T> = serde_json::from_str(text).unwrap();
    assert!(!rows.is_empty());
    rows
}

fn interval((start, end): (Timestamp, Timestamp)) -> DataInterval {
    DataInterval { start, end }
}

/// Prints every row that differs before failing, because the pattern among them is the finding.
fn check(differences: Vec<String>) {
    assert!(differences.is_empty(), "{} rows differ from Airflow:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn runs_in_order_over_changes_of_the_clock() {
    #[derive(Debug, Deserialize)]
    struct Row {
        schedule: Asked,
        start: Timestamp,
        runs: Vec<Timestamp>,
    }
    let differences = read::<Row>(include_str!("airflow/sequences.json")).into_iter().filter_map(|row| {
        let timetable = row.schedule.timetable();
        let r = Restriction { earliest: Some(row.start), latest: None, catchup: true };
        let first = timetable.next(None, &r, row.start);
        let runs = std::iter::successors(first, |run| timetable.next(Some(run.data_interval), &r, row.start));
        let runs: Vec<_> = runs.map(|run| run.run_after).take(row.runs.len()).collect();
        (runs != row.runs).then(|| format!("{:?}\n  from    {}\n  ours    {runs:?}\n  Airflow {:?}", row.schedule, row.start, row.runs))
    });
    check(differences.collect());
}

#[test]
fn single_questions() {
    #[derive(Debug, Deserialize)]
    struct Row {
        schedule: Asked,
        last: Option<(Timestamp, Timestamp)>,
        earliest: Option<Timestamp>,
        latest: Option<Timestamp>,
        catchup: bool,
        now: Timestamp,
        run: Option<(Timestamp, Timestamp, Timestamp)>,
    }
    let differences = read::<Row>(include_str!("airflow/questions.json")).into_iter().filter_map(|row| {
        let r = Restriction { earliest: row.earliest, latest: row.latest, catchup: row.catchup };
        let run = row.schedule.timetable().next(row.last.map(interval), &r, row.now);
        let expected =
            row.run.map(|(run_after, start, end)| NextRun { run_after, logical_date: start, data_interval: interval((start, end)) });
        (run != expected).then(|| format!("{row:?}\n  ours {run:?}"))
    });
    check(differences.collect());
}

#[test]
fn croniters_dialect() {
    #[derive(Debug, Deserialize)]
    struct Row {
        expression: String,
        start: Timestamp,
        after: Vec<Timestamp>,
        before: Vec<Timestamp>,
    }
    let differences = read::<Row>(include_str!("airflow/dialect.json")).into_iter().filter_map(|row| {
        let schedule = |data_interval| Asked::Cron { expressions: vec![row.expression.clone()], timezone: "UTC".to_owned(), data_interval };
        let r = Restriction { earliest: None, latest: None, catchup: true };
        let timetable = schedule(false).timetable();
        let last = interval((row.start, row.start));
        let runs =
            std::iter::successors(timetable.next(Some(last), &r, row.start), |run| timetable.next(Some(run.data_interval), &r, row.start));
        let after: Vec<_> = runs.map(|run| run.run_after).take(row.after.len()).collect();
        // The end of a manual run's interval is the last tick that is not later.
        let timetable = schedule(true).timetable();
        let earlier = |at: Timestamp| timetable.manual_interval(Timestamp::from_micros(at.micros() - 1)).end;
        let before: Vec<_> = std::iter::successors(Some(row.start), |at| Some(earlier(*at))).skip(1).take(row.before.len()).collect();
        ((&after, &before) != (&row.after, &row.before)).then(|| format!("{row:?}\n  ours {after:?}\n       {before:?}"))
    });
    check(differences.collect());
}

#[test]
fn manual_runs() {
    #[derive(Debug, Deserialize)]
    struct Row {
        schedule: Asked,
        date: Timestamp,
        interval: (Timestamp, Timestamp),
        summary: String,
    }
    let differences = read::<Row>(include_str!("airflow/manual.json")).into_iter().filter_map(|row| {
        let timetable = row.schedule.timetable();
        let ours = (timetable.manual_interval(row.date), timetable.summary());
        (ours != (interval(row.interval), row.summary.clone())).then(|| format!("{row:?}\n  ours {ours:?}"))
    });
    check(differences.collect());
}
