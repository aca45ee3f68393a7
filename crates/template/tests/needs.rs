//! Facts of the store: asked for, fetched, and used.
#![allow(clippy::unwrap_used, missing_docs)]
mod support;

use std::collections::BTreeSet;

use serde_json::json;
use support::{context, text_in};
use updraft_template::{FactValue, Facts, Need, PrevSuccess, RenderError, render_bash, render_text, render_value};

fn xcom(task_id: Option<&str>, key: &str, map_index: Option<i32>) -> Need {
    let task_id = task_id.map(str::to_owned);
    Need::XCom { task_id, run_id: None, dag_id: None, key: key.to_owned(), map_index, include_prior_dates: false }
}

fn needs(template: &str) -> BTreeSet<Need> {
    match render_text(template, &context(), &Facts::new()) {
        Err(RenderError::Needs(needs)) => needs,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_pass_finds_all_needs() {
    let template = "{{ ti.xcom_pull('extract').rows[0] | upper }} {{ var.value.bucket }} {{ var.json.conf.a.b }} \
                    {{ conn.db.host }} {{ prev_start_date_success }} {{ ti.xcom_pull(task_ids=['a', 'b'], key='k') }}";
    assert_eq!(
        needs(template),
        BTreeSet::from([
            xcom(Some("extract"), "return_value", None),
            xcom(Some("a"), "k", None),
            xcom(Some("b"), "k", None),
            Need::Variable("bucket".to_owned()),
            Need::Variable("conf".to_owned()),
            Need::Connection("db".to_owned()),
            Need::PrevSuccess,
        ])
    );
    let value = json!({"a": "{{ var.value.x }}", "b": ["{{ var.value.y }}"]});
    let Err(RenderError::Needs(needs)) = render_value(&value, &context(), &Facts::new()) else { panic!("needs expected") };
    assert_eq!(needs, BTreeSet::from([Need::Variable("x".to_owned()), Need::Variable("y".to_owned())]));
}

#[test]
fn a_template_is_rendered_once_its_needs_are_met() {
    let template = "{% for row in ti.xcom_pull('extract') %}{{ row.id }}={{ var.value['name_' ~ row.id] }};{% endfor %}";
    let mut facts = Facts::new();
    let mut rounds = 0;
    let text = loop {
        rounds += 1;
        match render_text(template, &context(), &facts) {
            Ok(text) => break text,
            Err(RenderError::Failed(error)) => panic!("{error}"),
            Err(RenderError::Needs(needs)) => {
                for need in needs {
                    let value = match &need {
                        Need::XCom { .. } => FactValue::Json(json!([{"id": 1}, {"id": 2}])),
                        Need::Variable(name) => FactValue::Text(name.to_uppercase()),
                        other => panic!("{other:?}"),
                    };
                    facts.insert(need, value);
                }
            }
        }
    };
    assert_eq!((text.as_str(), rounds), ("1=NAME_1;2=NAME_2;", 3));
}

#[test]
fn xcom_pull_returns_what_airflow_3_returns() {
    let need = |run_id: Option<&str>, dag_id: Option<&str>, include_prior_dates| Need::XCom {
        task_id: Some("t".into()),
        run_id: run_id.map(str::to_owned),
        dag_id: dag_id.map(str::to_owned),
        key: "k".into(),
        map_index: None,
        include_prior_dates,
    };
    let (far, prior) = (need(Some("r"), Some("d"), false), need(None, None, true));
    let facts = Facts::from_iter([
        (xcom(Some("one"), "return_value", None), FactValue::Json(json!({"a": 1}))),
        (xcom(Some("mapped"), "return_value", None), FactValue::List(vec![json!(1), json!(2)])),
        (xcom(Some("mapped"), "return_value", Some(1)), FactValue::Json(json!(2))),
        (xcom(Some("none"), "return_value", None), FactValue::Absent),
        (xcom(None, "state", None), FactValue::Json(json!("own"))),
        (far, FactValue::Json(json!("far"))),
        (prior, FactValue::Json(json!("prior"))),
    ]);
    let table = [
        ("ti.xcom_pull('one')", "{'a': 1}"),
        ("ti.xcom_pull('t', key='k', include_prior_dates=true)", "prior"),
        ("ti.xcom_pull('t', none, 'k', true)", "prior"),
        ("ti.xcom_pull(task_ids='one')['a']", "1"),
        ("ti.xcom_pull(task_ids=['one', 'none']) | tojson", r#"[{"a": 1}, null]"#),
        ("ti.xcom_pull('mapped')", "[1, 2]"),
        ("ti.xcom_pull('mapped', map_indexes=1)", "2"),
        ("ti.xcom_pull('mapped', map_indexes=[1])", "[2]"),
        ("ti.xcom_pull('none')", "None"),
        ("ti.xcom_pull('none', default='d')", "d"),
        ("ti.xcom_pull(key='state')", "own"),
        ("ti.xcom_pull('t', dag_id='d', key='k', run_id='r')", "far"),
    ];
    for (expression, expected) in table {
        assert_eq!(text_in(&format!("{{{{ {expression} }}}}"), &context(), &facts), expected, "{expression}");
    }
}

#[test]
fn variables_connections_and_previous_runs() {
    let at = "2026-01-29T06:00:00Z".parse().unwrap();
    let facts = Facts::from_iter([
        (Need::Variable("a".into()), FactValue::Text("text".into())),
        (Need::Variable("j".into()), FactValue::Text(r#"{"k": [1]}"#.into())),
        (Need::Variable("no".into()), FactValue::Absent),
        (Need::Connection("db".into()), FactValue::Json(json!({"host": "h", "port": 5432, "extra": "{\"ssl\": true}"}))),
        (Need::Connection("no".into()), FactValue::Absent),
        (
            Need::PrevSuccess,
            FactValue::PrevSuccess(PrevSuccess { run_id: "r".into(), data_interval: None, start_date: Some(at), end_date: None }),
        ),
    ]);
    let render = |template: &str| text_in(template, &context(), &facts);
    assert_eq!(render("{{ var.value.a }} {{ var.value.get('no', 'd') }} {{ var.json.j.k[0] }} {{ var.value['a'] }}"), "text d 1 text");
    assert_eq!(render("{{ conn.db.host }}:{{ conn.db.port }} {{ conn.db.extra_dejson.ssl }}"), "h:5432 True");
    assert_eq!(render("{{ prev_start_date_success | ds }} {{ prev_end_date_success }}"), "2026-01-29 None");
    insta::assert_snapshot!(render("{{ var.value.no }}"), @r#"!template line 1, column 4: the variable "no" does not exist (create it, or give a default: var.value.get("no", "..."))"#);
    insta::assert_snapshot!(render("{{ var.json.a }}"), @r#"!template line 1, column 7: the variable "a" is not JSON: expected ident at line 1 column 2"#);
    insta::assert_snapshot!(render("{{ conn.no.host }}"), @r#"!template line 1, column 8: the connection "no" does not exist (create it first)"#);
}

#[test]
fn a_script_has_needs_too() {
    let result = render_bash("echo {{ ti.xcom_pull('a') }} '{{ ds }}'", &context(), &Facts::new());
    assert_eq!(result, Err(RenderError::Needs(BTreeSet::from([xcom(Some("a"), "return_value", None)]))));
}
