//! What holds for every schedule.

#![allow(clippy::unwrap_used)] // helpers of tests are not marked as tests

use jiff::SignedDuration;
use proptest::{prelude::*, test_runner::FileFailurePersistence};
use updraft_model::{DataInterval, Schedule, Timestamp};
use updraft_timetable::{Restriction, Timetable};

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Zurich",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Cairo",
    "America/Havana",
    "Africa/Casablanca",
];

fn field(max: u16) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("*".to_owned()),
        3 => (0..=max).prop_map(|v| v.to_string()),
        1 => (1..=max).prop_map(|step| format!("*/{step}")),
        1 => (0..=max, 0..=max).prop_map(|(a, b)| format!("{a}-{b}")),
        1 => (0..=max, 0..=max).prop_map(|(a, b)| format!("{a},{b}")),
    ]
}

/// Every expression made here fires at least once in four years.
fn expression() -> impl Strategy<Value = String> {
    let day = prop_oneof![3 => Just("*".to_owned()), 1 => (1_u8..=28).prop_map(|d: u8| d.to_string()), 1 => Just("L".to_owned())];
    let weekday = prop_oneof![3 => Just("*".to_owned()), 1 => (0_u8..=6).prop_map(|d: u8| d.to_string())];
    let month = prop_oneof![4 => Just("*".to_owned()), 1 => (1_u8..=12).prop_map(|m: u8| m.to_string())];
    (field(59), field(23), day, month, weekday)
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

/// Moments close to changes of the clock more often than chance would have it.
fn moment() -> impl Strategy<Value = Timestamp> {
    let changes = [
        "2026-03-29T01:00:00Z",
        "2026-10-25T01:00:00Z",
        "2026-10-03T15:30:00Z",
        "2026-04-04T15:00:00Z",
        "2026-04-23T22:00:00Z",
        "2026-10-29T21:00:00Z",
    ];
    let near = (proptest::sample::select(changes.to_vec()), -10_800_i64..10_800)
        .prop_map(|(at, seconds)| at.parse::<Timestamp>().unwrap().saturating_add(SignedDuration::from_secs(seconds)));
    let any = (1_600_000_000_000_000_i64..1_900_000_000_000_000).prop_map(Timestamp::from_micros);
    prop_oneof![near, any]
}

fn cron(expression: &str, zone: &str, data_interval: bool) -> Timetable {
    let schedule = Schedule::Cron { expressions: vec![expression.to_owned()], timezone: zone.to_owned(), data_interval };
    Timetable::new(&schedule).unwrap()
}

fn catchup(from: Timestamp) -> Restriction {
    Restriction { earliest: Some(from), latest: None, catchup: true }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/properties.proptest-regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn runs_strictly_increase_and_intervals_leave_no_hole(
        expression in expression(), zone in proptest::sample::select(ZONES.to_vec()), from in moment()
    ) {
        let timetable = cron(&expression, zone, true);
        let mut last: Option<DataInterval> = None;
        for _ in 0..40 {
            let run = timetable.next(last, &catchup(from), from).unwrap();
            prop_assert!(run.data_interval.start < run.data_interval.end);
            prop_assert!(run.data_interval.start >= from);
            if let Some(last) = last {
                prop_assert_eq!(run.data_interval.start, last.end);
            }
            last = Some(run.data_interval);
        }
    }

    #[test]
    fn the_previous_tick_is_the_inverse_of_the_next(
        expression in expression(), zone in proptest::sample::select(ZONES.to_vec()), at in moment()
    ) {
        let timetable = cron(&expression, zone, true);
        // A manual run at `at` is for the last complete interval ...
        let complete = timetable.manual_interval(at);
        prop_assert!(complete.start < complete.end && complete.end <= at);
        // ... which is the one that follows a run up to its start, and no other fits before `at`.
        let before = DataInterval { start: Timestamp::from_micros(complete.start.micros() - 1), end: complete.start };
        let unbounded = Restriction { earliest: None, latest: None, catchup: true };
        let run = timetable.next(Some(before), &unbounded, at).unwrap();
        prop_assert_eq!(run.data_interval, complete);
        let following = timetable.next(Some(complete), &unbounded, at).unwrap();
        prop_assert!(following.data_interval.end > at);
    }

    #[test]
    fn with_catchup_every_slot_gets_a_run(
        expression in expression(), zone in proptest::sample::select(ZONES.to_vec()), from in moment(), later in 0_i64..200_000
    ) {
        // Whenever one starts to look, the next run is one of those that catchup makes.
        let timetable = cron(&expression, zone, false);
        let look = from.saturating_add(SignedDuration::from_secs(later));
        let first = timetable.next(None, &catchup(look), from).unwrap().logical_date;
        let mut runs = timetable.between(from, first).map(|run| run.logical_date).skip_while(|at| *at < look);
        prop_assert_eq!(runs.next(), Some(first));
    }

    #[test]
    fn without_catchup_the_newest_due_slot_runs_once(
        expression in expression(), zone in proptest::sample::select(ZONES.to_vec()), from in moment(), later in 0_i64..200_000
    ) {
        let timetable = cron(&expression, zone, false);
        let now = from.saturating_add(SignedDuration::from_secs(later));
        let r = Restriction { earliest: Some(from), latest: None, catchup: false };
        let first = timetable.next(None, &r, now).unwrap();
        prop_assert_eq!(timetable.next(None, &r, now), Some(first), "the same question has the same answer");
        let newest = timetable.between(from, now).last();
        let expected = newest.or_else(|| timetable.next(None, &catchup(from), now));
        prop_assert_eq!(Some(first), expected);
        let second = timetable.next(Some(first.data_interval), &r, now).unwrap();
        prop_assert!(second.logical_date > first.logical_date && second.logical_date > now);
    }
}
