//! Changes of the clock, where the rules are ours or easy to get wrong.

use jiff::tz::TimeZoneDatabase;

use super::*;

fn ticks(expression: &str, zone: &str) -> Ticks {
    Ticks::new(expression, TimeZoneDatabase::bundled().get(zone).unwrap()).unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The ticks from `from` on, as the zone's clock shows them.
fn shown(expression: &str, zone: &str, from: &str, count: usize) -> String {
    let ticks = ticks(expression, zone);
    let found = std::iter::successors(ticks.at_or_after(time(from)), |at| ticks.next(*at)).take(count);
    found
        .map(|at| ticks.zone.to_datetime(at.jiff()).strftime("%a %m-%d %H:%M").to_string() + &format!("{}", ticks.offset(at.jiff())))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn half_hours_through_the_fold() {
    insta::assert_snapshot!(shown("*/30 * * * *", "Europe/Zurich", "2026-10-24T23:30:00Z", 7));
}

#[test]
fn a_time_in_the_gap_is_moved_and_one_in_the_fold_fires_at_its_second_occurrence() {
    insta::assert_snapshot!(shown("30 2 * * *", "Europe/Zurich", "2026-03-27T12:00:00Z", 3));
    insta::assert_snapshot!(shown("30 2 * * *", "Europe/Zurich", "2026-10-23T12:00:00Z", 3));
}

#[test]
fn asked_in_the_middle_of_a_change() {
    let daily = ticks("30 2 * * *", "Europe/Zurich");
    // 03:10 in spring: today's 02:30 is still to come, at 03:30.
    assert_eq!(daily.next(time("2026-03-29T01:10:00Z")), Some(time("2026-03-29T01:30:00Z")));
    assert_eq!(daily.prev(time("2026-03-29T01:10:00Z")), Some(time("2026-03-28T01:30:00Z")));
    // 02:45 for the first time in autumn: 02:30 is still to come, the second time.
    assert_eq!(daily.next(time("2026-10-25T00:45:00Z")), Some(time("2026-10-25T01:30:00Z")));
    assert_eq!(daily.prev(time("2026-10-25T00:45:00Z")), Some(time("2026-10-24T00:30:00Z")));
}

#[test]
fn hourly_on_mondays_stays_on_mondays() {
    insta::assert_snapshot!(shown("0 * * * 1", "Europe/Zurich", "2026-03-23T22:00:00Z", 3));
    insta::assert_snapshot!(shown("0 * * * 1", "Europe/Zurich", "2026-10-19T21:00:00Z", 3));
}

#[test]
fn hourly_on_the_day_of_the_fold() {
    // Cairo goes back from Friday 00:00 to Thursday 23:00.
    insta::assert_snapshot!(shown("0 * * * 4", "Africa/Cairo", "2026-10-29T18:00:00Z", 5));
    insta::assert_snapshot!(shown("0 * * * 5", "Africa/Cairo", "2026-10-29T18:00:00Z", 2));
}

#[test]
fn a_skipped_day() {
    // Samoa had no 30 December 2011; its run falls together with that of the 31st.
    insta::assert_snapshot!(shown("0 6 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 4));
}

#[test]
fn two_times_in_half_an_hours_gap() {
    insta::assert_snapshot!(shown("15,40 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", 3));
}
