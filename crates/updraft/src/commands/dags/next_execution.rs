//! `dags next-execution`: the runs that a schedule gives from a time on. Needs no daemon for a file.

use clap::Args;
use jiff::SignedDuration;
use serde_json::{Value, json};
use updraft_model::{Dag, DataInterval, NextRun, Schedule, Timestamp};
use updraft_timetable::{Restriction, Timetable};

use crate::{
    commands::{Context, args, dag_file},
    output::note,
};

/// Which runs of which DAG.
#[derive(Debug, Args)]
pub struct NextExecution {
    /// A DAG file, or the id of a DAG that a daemon has
    file_or_dag: String,
    /// How many
    #[arg(long, short = 'n', visible_alias = "num-executions", default_value_t = 1, value_name = "N")]
    num: usize,
    /// Only runs whose run_after is later than this [default: now]
    #[arg(long, value_parser = args::time, value_name = "TIME")]
    after: Option<Timestamp>,
    /// Which DAG of a file that has several
    #[arg(long)]
    dag_id: Option<String>,
}

const COLUMNS: [&str; 4] = ["run_after", "logical_date", "data_interval_start", "data_interval_end"];

impl NextExecution {
    /// Prints them.
    pub async fn run(&self, cx: &Context) -> anyhow::Result<()> {
        let dag = dag_file::find(cx, &self.file_or_dag, self.dag_id.as_deref()).await?;
        let after = self.after.unwrap_or_else(|| jiff::Timestamp::now().into());
        let runs = next_runs(&dag, after, self.num)?;
        if runs.len() < self.num {
            note(format_args!("{}", why_no_more(&dag)));
        }
        cx.out.list(&COLUMNS, &runs.iter().map(show).collect::<Vec<_>>())
    }
}

fn show(run: &NextRun) -> Value {
    json!({
        "run_after": run.run_after,
        "logical_date": run.logical_date,
        "data_interval_start": run.data_interval.start,
        "data_interval_end": run.data_interval.end,
    })
}

fn why_no_more(dag: &Dag) -> String {
    let why = match dag.schedule {
        Schedule::Never => "it has no schedule",
        Schedule::Once => "its schedule is @once",
        Schedule::Continuous => "@continuous: each run starts when the one before it ends, which can't be foretold",
        Schedule::Cron { .. } | Schedule::Delta { .. } => "its end_date or its schedule ends it",
    };
    format!("DAG {} has no more runs: {why}", dag.dag_id)
}

/// The first `count` runs with a `run_after` later than `after`, as if all before had been created
/// in their time, whatever `catchup` says.
pub fn next_runs(dag: &Dag, after: Timestamp, count: usize) -> anyhow::Result<Vec<NextRun>> {
    let timetable = Timetable::new(&dag.schedule)?;
    let mut restriction = Restriction::of(dag);
    // Catching up from the start date gives the runs that were made in their time. Without a start
    // date there is nothing to catch up with.
    restriction.catchup = restriction.earliest.is_some();
    let mut last = newest_before(dag, &timetable, restriction.earliest, after);
    let mut runs = Vec::new();
    while runs.len() < count {
        let Some(run) = timetable.next(last, &restriction, after) else { break };
        if last == Some(run.data_interval) {
            break;
        }
        last = Some(run.data_interval);
        // One that is due already is not later: at most the first of a schedule without a start date.
        if run.run_after > after {
            runs.push(run);
        } else if matches!(dag.schedule, Schedule::Once | Schedule::Continuous) {
            break;
        }
    }
    Ok(runs)
}

/// The data interval of the newest run that is not later than `after`; absent if the first is. Found
/// without going through all runs since the start date, which may be millions.
fn newest_before(dag: &Dag, timetable: &Timetable, earliest: Option<Timestamp>, after: Timestamp) -> Option<DataInterval> {
    match &dag.schedule {
        Schedule::Never | Schedule::Once | Schedule::Continuous => None,
        _ if earliest.is_some_and(|earliest| after < earliest) => None,
        Schedule::Cron { .. } => Some(timetable.manual_interval(after)),
        Schedule::Delta { every, data_interval } => {
            // Without a start date intervals lie on a grid from 1970, and triggers begin now.
            let origin = earliest.unwrap_or(if *data_interval { Timestamp::EPOCH } else { after });
            let step = i64::try_from(every.as_micros()).ok().filter(|step| *step > 0)?;
            let passed = (after.micros() - origin.micros()).div_euclid(step);
            let end = Timestamp::from_micros(origin.micros() + passed * step);
            let start = if *data_interval { end.saturating_add(SignedDuration::ZERO - *every) } else { end };
            Some(DataInterval { start, end })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dag(text: &str) -> Dag {
        let parsed = updraft_dagfile::parse("d.yaml", format!("{text}\ntasks: {{a: {{bash: 'true'}}}}\n").as_bytes());
        assert!(!parsed.has_errors(), "{:?}", parsed.diagnostics);
        parsed.dags.into_iter().next().unwrap().dag
    }

    fn runs(text: &str, after: &str, count: usize) -> String {
        let runs = next_runs(&dag(text), after.parse().unwrap(), count).unwrap();
        let line =
            |run: &NextRun| format!("{} for {} ({} - {})", run.run_after, run.logical_date, run.data_interval.start, run.data_interval.end);
        runs.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn runs_are_later_than_the_time_itself() {
        insta::assert_snapshot!(runs("schedule: '0 6 * * *'", "2026-01-01T06:00:00Z", 2), @"
        2026-01-02T06:00:00Z for 2026-01-02T06:00:00Z (2026-01-02T06:00:00Z - 2026-01-02T06:00:00Z)
        2026-01-03T06:00:00Z for 2026-01-03T06:00:00Z (2026-01-03T06:00:00Z - 2026-01-03T06:00:00Z)
        ");
        insta::assert_snapshot!(runs("schedule: '0 6 * * *'", "2026-01-01T05:59:59.999999Z", 1), @"2026-01-01T06:00:00Z for 2026-01-01T06:00:00Z (2026-01-01T06:00:00Z - 2026-01-01T06:00:00Z)");
    }

    #[test]
    fn a_spring_gap_moves_a_run_and_an_autumn_fold_does_not_double_it() {
        let schedule = "schedule: '30 2 * * *'\ntimezone: Europe/Berlin";
        insta::assert_snapshot!(runs(schedule, "2026-03-27T12:00:00Z", 3), @"
        2026-03-28T01:30:00Z for 2026-03-28T01:30:00Z (2026-03-28T01:30:00Z - 2026-03-28T01:30:00Z)
        2026-03-29T01:30:00Z for 2026-03-29T01:30:00Z (2026-03-29T01:30:00Z - 2026-03-29T01:30:00Z)
        2026-03-30T00:30:00Z for 2026-03-30T00:30:00Z (2026-03-30T00:30:00Z - 2026-03-30T00:30:00Z)
        ");
        insta::assert_snapshot!(runs(schedule, "2026-10-23T12:00:00Z", 3), @"
        2026-10-24T00:30:00Z for 2026-10-24T00:30:00Z (2026-10-24T00:30:00Z - 2026-10-24T00:30:00Z)
        2026-10-25T01:30:00Z for 2026-10-25T01:30:00Z (2026-10-25T01:30:00Z - 2026-10-25T01:30:00Z)
        2026-10-26T01:30:00Z for 2026-10-26T01:30:00Z (2026-10-26T01:30:00Z - 2026-10-26T01:30:00Z)
        ");
    }

    #[test]
    fn data_intervals_end_where_the_run_begins() {
        let schedule = "schedule: {cron: '0 0 * * *', data_interval: true}\nstart_date: 2026-01-01";
        insta::assert_snapshot!(runs(schedule, "2026-01-10T00:00:00Z", 2), @"
        2026-01-11T00:00:00Z for 2026-01-10T00:00:00Z (2026-01-10T00:00:00Z - 2026-01-11T00:00:00Z)
        2026-01-12T00:00:00Z for 2026-01-11T00:00:00Z (2026-01-11T00:00:00Z - 2026-01-12T00:00:00Z)
        ");
        insta::assert_snapshot!(runs(schedule, "2020-01-01T00:00:00Z", 2), @"
        2026-01-02T00:00:00Z for 2026-01-01T00:00:00Z (2026-01-01T00:00:00Z - 2026-01-02T00:00:00Z)
        2026-01-03T00:00:00Z for 2026-01-02T00:00:00Z (2026-01-02T00:00:00Z - 2026-01-03T00:00:00Z)
        ");
    }

    #[test]
    fn catchup_makes_no_difference_and_costs_nothing() {
        let of = |catchup| runs(&format!("schedule: '* * * * *'\nstart_date: 1970-01-01\ncatchup: {catchup}"), "2026-01-01T00:00:30Z", 2);
        assert_eq!(of(true), of(false));
        insta::assert_snapshot!(of(true), @"
        2026-01-01T00:01:00Z for 2026-01-01T00:01:00Z (2026-01-01T00:01:00Z - 2026-01-01T00:01:00Z)
        2026-01-01T00:02:00Z for 2026-01-01T00:02:00Z (2026-01-01T00:02:00Z - 2026-01-01T00:02:00Z)
        ");
    }

    #[test]
    fn distances_count_from_the_start_date() {
        insta::assert_snapshot!(runs("schedule: 7h\nstart_date: 2026-01-01T01:00:00Z", "2026-01-02T00:00:00Z", 3), @"
        2026-01-02T05:00:00Z for 2026-01-02T05:00:00Z (2026-01-02T05:00:00Z - 2026-01-02T05:00:00Z)
        2026-01-02T12:00:00Z for 2026-01-02T12:00:00Z (2026-01-02T12:00:00Z - 2026-01-02T12:00:00Z)
        2026-01-02T19:00:00Z for 2026-01-02T19:00:00Z (2026-01-02T19:00:00Z - 2026-01-02T19:00:00Z)
        ");
        insta::assert_snapshot!(runs("schedule: 7h\nstart_date: 2026-01-01T01:00:00Z", "2025-06-01T00:00:00Z", 2), @"
        2026-01-01T01:00:00Z for 2026-01-01T01:00:00Z (2026-01-01T01:00:00Z - 2026-01-01T01:00:00Z)
        2026-01-01T08:00:00Z for 2026-01-01T08:00:00Z (2026-01-01T08:00:00Z - 2026-01-01T08:00:00Z)
        ");
        insta::assert_snapshot!(runs("schedule: 1h", "2026-01-01T00:10:00Z", 2), @"
        2026-01-01T01:10:00Z for 2026-01-01T01:10:00Z (2026-01-01T01:10:00Z - 2026-01-01T01:10:00Z)
        2026-01-01T02:10:00Z for 2026-01-01T02:10:00Z (2026-01-01T02:10:00Z - 2026-01-01T02:10:00Z)
        ");
    }

    #[test]
    fn ends_are_respected_and_nothing_loops_for_ever() {
        assert_eq!(runs("schedule: '@daily'\nstart_date: 2026-01-01\nend_date: 2026-01-03", "2026-01-01T00:00:00Z", 9).lines().count(), 2);
        assert_eq!(
            runs("schedule: '@once'\nstart_date: 2026-01-01", "2025-01-01T00:00:00Z", 9),
            "2026-01-01T00:00:00Z for 2026-01-01T00:00:00Z (2026-01-01T00:00:00Z - 2026-01-01T00:00:00Z)"
        );
        assert_eq!(runs("schedule: '@once'\nstart_date: 2026-01-01", "2026-01-01T00:00:00Z", 9), "");
        assert_eq!(runs("schedule: '@continuous'\nmax_active_runs: 1", "2026-01-01T00:00:00Z", 9), "");
        assert_eq!(runs("schedule: null", "2026-01-01T00:00:00Z", 9), "");
    }

    #[test]
    fn several_expressions_are_one_sequence() {
        insta::assert_snapshot!(runs("schedule: ['0 6 * * *', '0 18 * * *']", "2026-01-01T12:00:00Z", 3), @"
        2026-01-01T18:00:00Z for 2026-01-01T18:00:00Z (2026-01-01T18:00:00Z - 2026-01-01T18:00:00Z)
        2026-01-02T06:00:00Z for 2026-01-02T06:00:00Z (2026-01-02T06:00:00Z - 2026-01-02T06:00:00Z)
        2026-01-02T18:00:00Z for 2026-01-02T18:00:00Z (2026-01-02T18:00:00Z - 2026-01-02T18:00:00Z)
        ");
    }
}
