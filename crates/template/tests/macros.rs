//! Macros that look at a clock or throw dice in Airflow, and are pure here.
#![allow(clippy::unwrap_used, missing_docs)]
mod support;

use std::collections::BTreeSet;

use support::{context, text_in};
use updraft_template::{Facts, Kind, check, render_text};

#[test]
fn random_values_follow_from_the_attempt() {
    let template = "{{ macros.random() }} {{ macros.uuid.uuid4() }} {{ macros.uuid.uuid4().hex }}";
    let first = text_in(template, &context(), &Facts::new());
    assert_eq!(first, text_in(template, &context(), &Facts::new()));
    let words: Vec<&str> = first.split(' ').collect();
    assert!((0.0..1.0).contains(&words[0].parse::<f64>().unwrap()), "{first}");
    // Version 4, variant 1.
    assert!(words[1].len() == 36 && &words[1][14..15] == "4" && "89ab".contains(&words[1][19..20]), "{first}");
    assert!(words[2].len() == 32 && words[1].replace('-', "") != words[2], "{first}");
    let mut other = context();
    other.attempt_id.push('x');
    assert_ne!(first, text_in(template, &other, &Facts::new()));
}

#[test]
fn two_templates_of_an_attempt_get_different_values() {
    let context = context();
    let draw = || render_text("{{ macros.uuid.uuid4() }}", &context, &Facts::new()).unwrap();
    assert_ne!(draw(), draw());
}

#[test]
fn differences_are_said_as_pendulum_says_them() {
    // From pendulum 3, seen from 2026-01-31T06:00:07Z.
    for (at, words) in [
        ("2026-01-31T06:00:02+00:00", "a few seconds before"),
        ("2026-01-31T05:59:56+00:00", "11 seconds before"),
        ("2026-01-31T05:59:07+00:00", "1 minute before"),
        ("2026-01-31T05:00:08+00:00", "59 minutes before"),
        ("2026-02-01T05:00:07+00:00", "23 hours after"),
        ("2026-01-29T09:00:07+00:00", "1 day before"),
        ("2026-01-29T08:00:07+00:00", "2 days before"),
        ("2026-01-24T06:00:07+00:00", "1 week before"),
        ("2026-02-11T06:00:07+00:00", "2 weeks after"),
        ("2026-01-02T06:00:07+00:00", "4 weeks before"),
        ("2026-03-01T06:00:07+00:00", "1 month after"),
        ("2026-03-30T06:00:07+00:00", "2 months after"),
        ("2025-02-28T06:00:07+00:00", "11 months before"),
        ("2025-02-08T06:00:07+00:00", "1 year before"),
        ("2024-07-31T06:00:07+00:00", "1 year before"),
        ("2024-06-30T06:00:07+00:00", "2 years before"),
    ] {
        let date = format!("macros.datetime.fromisoformat('{at}')");
        let template = format!("{{{{ macros.datetime_diff_for_humans({date}, macros.datetime.now()) }}}}");
        assert_eq!(text_in(&template, &context(), &Facts::new()), words, "{at}");
    }
    let from_now = |template: &str| text_in(template, &context(), &Facts::new());
    assert_eq!(from_now("{{ macros.datetime_diff_for_humans(data_interval_start) }}"), "1 day ago");
    assert_eq!(from_now("{{ macros.datetime_diff_for_humans(logical_date.add(days=3, minutes=1)) }}"), "in 3 days");
    assert!(from_now("{{ macros.datetime_diff_for_humans('2026') }}").contains("wants a date, not a string"));
}

#[test]
fn values_are_written_as_json_and_yaml() {
    let json = |arguments: &str| text_in(&format!("{{{{ macros.json.dumps({arguments}) }}}}"), &context(), &Facts::new());
    assert_eq!(json("{'b': [1, none], 'a': 'x'}"), r#"{"b": [1, null], "a": "x"}"#);
    assert_eq!(json("{'b': [1], 'a': true}, indent=4, sort_keys=true"), "{\n    \"a\": true,\n    \"b\": [\n        1\n    ]\n}");
    assert!(json("1, indent=1000000000000").contains("indent is 64 at most"));
    let yaml = |arguments: &str| text_in(&format!("{{{{ macros.yaml.dump({arguments}) }}}}"), &context(), &Facts::new());
    assert_eq!(
        yaml("{'b': [1, none, {'no': 'no'}], 'a': logical_date}"),
        "a: \"2026-01-31T06:00:00.500000+00:00\"\nb:\n- 1\n- null\n- \"no\": \"no\"\n"
    );
    assert_eq!(yaml("{'b': 1, 'a': 2}, sort_keys=false, default_flow_style=false"), "b: 1\na: 2\n");
    assert_eq!(text_in("{{ macros.yaml.safe_dump(params.list) }}", &context(), &Facts::new()), "- \"a b\"\n- c\n");
    assert!(yaml("1, default_flow_style=true").contains("JSON is YAML too"));
    assert!(yaml("1, width=80").contains("width"));
}

#[test]
fn a_macro_that_is_not_here_says_what_is() {
    let error = |template: &str| text_in(template, &context(), &Facts::new());
    let locale = error("{{ macros.ds_format_locale(ds, '%Y-%m-%d', 'EEEE', 'de') }}");
    assert!(locale.contains("macros.ds_format_locale does not exist here") && locale.contains("use macros.ds_format"), "{locale}");
    assert!(error("{{ macros.yml.dump(1) }}").contains("yaml"));
    assert!(error("{{ macros.ds_ad(ds, 1) }}").contains("ds_add"));
    let check = |template| check(template, Kind::Text, &BTreeSet::new()).into_iter().map(|p| (p.message, p.help)).collect::<Vec<_>>();
    assert_eq!(check("{{ macros.yaml.dump(1) }}"), []);
    assert!(format!("{:?}", check("{{ macros.ds_format_locale(ds) }}")).contains("use macros.ds_format"));
}
