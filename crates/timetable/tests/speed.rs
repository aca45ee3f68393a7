//! `next` is asked for every DAG again and again; no expression may make that slow. The bounds are
//! wide: what they catch is a search that walks through centuries, not a slow machine.

#![allow(clippy::unwrap_used)] // helpers of tests are not marked as tests

use std::time::{Duration, Instant};

use updraft_model::{Schedule, Timestamp};
use updraft_timetable::{Restriction, Timetable, TimetableError};

fn cron(expression: &str, zone: &str) -> Result<Timetable, TimetableError> {
    Timetable::new(&Schedule::Cron { expressions: vec![expression.to_owned()], timezone: zone.to_owned(), data_interval: false })
}

#[test]
fn no_expression_is_slow() {
    let now: Timestamp = "2026-10-25T00:50:00Z".parse().unwrap();
    let r = Restriction { earliest: None, latest: None, catchup: false };
    let expressions = [
        "0 6 * * *",
        "* * * * *",
        "* * * * * 30",
        "0 0 29 2 *",
        "0 * 29 2 *",
        "*/7 * * * * *",
        "0 0 * * 1#5",
        "0 0 31W 2 *",
        "0 0 1 1 * 0 2020",
    ];
    for expression in expressions {
        for zone in ["UTC", "Europe/Zurich"] {
            let timetable = cron(expression, zone).unwrap();
            const TIMES: u32 = 20;
            let start = Instant::now();
            for _ in 0..TIMES {
                std::hint::black_box(timetable.next(None, &r, now));
            }
            let each = start.elapsed() / TIMES;
            println!("{expression:<20} {zone:<14} {each:?}");
            assert!(each < Duration::from_millis(50), "`{expression}` in {zone} takes {each:?}");
        }
    }
}

#[test]
fn an_expression_that_never_fires_is_found_out_quickly() {
    let start = Instant::now();
    cron("0 0 30 2 *", "UTC").unwrap_err();
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
}
