//! What fields are read, and what is refused. That they fire when Airflow's do is tested in
//! `tests/airflow.rs`.

use super::*;

fn spelled(text: &str) -> String {
    match read(text) {
        Ok(expression) => expression.spelled_for_croner(),
        Err(e) => format!("{:?}: {}", &e.expression[e.span.clone()], e.why),
    }
}

fn table(texts: &[&str]) -> String {
    texts.iter().map(|t| format!("{t:<24} {}", spelled(t))).collect::<Vec<_>>().join("\n")
}

#[test]
fn airflows_dialect_in_plain_values() {
    insta::assert_snapshot!(table(&[
        "@midnight",
        "@Quarterly",
        "5/15 * * * *",
        "59/15 * * * *",
        "0 22-2 * * *",
        "0 21-3/2 * * *",
        "0 5-5 * * *",
        "0 0 * * fri-mon",
        "0 0 * * 0-7",
        "0 0 * * 5-7",
        "0 0 * * L5",
        "0 0 * * fri#2,WED#1",
        "0 0 * * mon-wed#1",
        "0 0 L * ?",
        "0 0 1,L * *",
        "0 0 15-L * *",
        "0 0 15W * *",
        "0 0 W29 1,2 *",
        "0 0 30W 2 *",
        "0 0 31W * *",
        "0 0 1 * MON",
        "0 0 */1 * mon",
        "0 0 */1 * *",
        "0 0 */2 * */1",
        "0 0-23 * nov-feb *",
        "* * * * * 30",
        "0 0 1 1 * 0 2026-2030/2",
    ]));
}

#[test]
fn refusals_point_at_the_part_and_say_what_to_do() {
    insta::assert_snapshot!(table(&[
        "0 6 * *",
        "0 6 * * * * * *",
        "",
        "@fortnightly",
        "@once",
        "60 6 * * *",
        "0 24 * * *",
        "0 0 0 * *",
        "0 0 1 13 *",
        "0 0 * * 8",
        "0 0 * * friday",
        "*/0 * * * *",
        "5/x * * * *",
        "1,,2 * * * *",
        "-5 * * * *",
        "H * * * *",
        "? * * * *",
        "0 0 LW * *",
        "0 0 15W,16 * *",
        "0 0 * * 5L",
        "0 0 * * 5#6",
        "0 0 * * 5#2,1",
        "0 0 10 * 5#2",
        "0 0 15W * 1",
        "0 0 L-3 * *",
        "0 0 1 1 * 0 1969",
    ]));
}
