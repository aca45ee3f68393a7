//! Templates to texts: the context, dates, filters, macros and errors.
#![allow(clippy::unwrap_used, missing_docs)]
mod support;

use std::fmt::Write;

use support::{context, text, text_in};
use updraft_template::{Facts, evaluate, render_value, truthy};

/// Each template with what it gives.
fn table(templates: &[&str]) -> String {
    templates.iter().fold(String::new(), |mut out, template| {
        writeln!(out, "{template:<60} => {}", text(template)).unwrap();
        out
    })
}

fn snapshot(name: &str, table: &str) {
    insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(name, table) });
}

#[test]
fn the_context_has_airflows_names() {
    snapshot(
        "the_context_has_airflows_names",
        &table(&[
            "no template $x { }",
            "{{ ds }} {{ ds_nodash }} {{ ts }} {{ ts_nodash }} {{ ts_nodash_with_tz }}",
            "{{ logical_date }}",
            "{{ data_interval_start }} - {{ data_interval_end }}",
            "{{ data_interval_start | ds }} {{ data_interval_end | ts }} {{ logical_date | ts_nodash }}",
            "{{ run_id }} {{ dag_run.run_id }} {{ dag_run.run_type }} {{ dag_run.conf.region }}",
            "{{ dag_run.conf['nested']['a'][1] }} {{ dag_run.conf.get('none', 'x') }}",
            "{{ dag_run.start_date }} {{ dag_run.run_after }}",
            "{{ params.day }} {{ params['n'] }} {{ params.get('zz', 1) }}",
            "{{ params.n + 1 }} {{ params.ratio }} {{ params.flag }} {{ params.none }} {{ params.list }} {{ params.dict }}",
            "{{ params.list | join(',') }} {{ params.dict | tojson }}",
            "{{ ti.task_id }} {{ ti.try_number }} {{ ti.map_index }} {{ task_instance.dag_id }} {{ ti.max_tries }}",
            "{{ dag.dag_id }} {{ dag.tags | join }} {{ dag }} {{ task }} {{ task.upstream_task_ids | sort | join(',') }}",
            "{{ task_instance_key_str }} {{ test_mode }}",
            "{% for x in params.list %}[{{ x }}]{% endfor %}{% if params.flag %}yes{% endif %}",
            "{{ 'a' if false }}|{{ missing | default('d') }}|{{ missing is defined }}",
            "{{ 'x'.upper() }} {{ 'a-b'.split('-')[1] }} {{ params.day[:4] }}",
            "{# comment #}x",
            "kept newline {{ 1 }}\n",
        ]),
    );
}

#[test]
fn dates_behave_as_pendulum() {
    snapshot(
        "dates_behave_as_pendulum",
        &table(&[
            "{{ logical_date.strftime('%d.%m.%y %H:%M:%S.%f %z %j') }}",
            "{{ logical_date.isoformat() }} {{ logical_date.isoformat(' ') }}",
            "{{ (logical_date - macros.timedelta(days=1)).strftime('%Y-%m-%d') }}",
            "{{ logical_date + macros.timedelta(hours=1.5) }}",
            "{{ macros.timedelta(days=1) + logical_date }}",
            "{{ (data_interval_end - data_interval_start) }} {{ (data_interval_end - data_interval_start).total_seconds() }}",
            "{{ data_interval_start - data_interval_end }}",
            "{{ macros.timedelta(days=-1, seconds=3.5) * 2 }} {{ -macros.timedelta(1) }}",
            "{{ logical_date.add(months=1) }} {{ logical_date.subtract(days=31, hours=1) }}",
            "{{ logical_date + macros.dateutil.relativedelta.relativedelta(months=1) }}",
            "{{ logical_date.in_timezone('Europe/London') }} {{ logical_date.in_tz('Asia/Kolkata').isoformat() }}",
            "{{ logical_date.add(months=5).in_timezone('America/New_York') }}",
            "{{ logical_date.year }} {{ logical_date.month }} {{ logical_date.day }} {{ logical_date.hour }} {{ logical_date.microsecond }}",
            "{{ logical_date.day_of_week }} {{ logical_date.weekday() }} {{ logical_date.week_of_year }} {{ logical_date.quarter }}",
            "{{ logical_date.int_timestamp }} {{ logical_date.timestamp() }}",
            "{{ logical_date.date() }} {{ logical_date.to_date_string() }} {{ logical_date.to_datetime_string() }}",
            "{{ logical_date.format('YYYY-MM-DD HH:mm:ss.SSS [at] dddd Do MMM Z ZZ z A') }}",
            "{{ logical_date.start_of('month') }} {{ logical_date.end_of('week') }} {{ logical_date.start_of('hour') }}",
            "{{ logical_date.replace(day=1, hour=0) }}",
            "{{ logical_date > data_interval_start }} {{ logical_date == data_interval_end }} {{ data_interval_start >= logical_date }}",
            "{{ [data_interval_end, data_interval_start] | sort | first }}",
            "{{ macros.ds_add(ds, -31) }} {{ macros.ds_format(ds, '%Y-%m-%d', '%d/%m/%Y') }}",
            "{{ macros.datetime(2026, 2, 3, 4) }} {{ macros.datetime.strptime('03.02.26', '%d.%m.%y') }}",
            "{{ macros.datetime.now() }} {{ macros.datetime.fromisoformat('2026-01-01T00:00:00+02:00') }}",
            "{{ macros.json.dumps(params.dict) }} {{ macros.json.loads('[1]')[0] }} {{ params.list | tojson }}",
            "{{ macros.time.time() }} {{ macros.dateutil.parser.parse('2026-01-01') }}",
            "{{ logical_date | tojson }} {{ {'d': logical_date} | tojson }}",
        ]),
    );
}

#[test]
fn errors_say_where_and_what_to_do() {
    snapshot(
        "errors_say_where_and_what_to_do",
        &table(&[
            "{{ dss }}",
            "a\n  {{ 1 }} {{ lgical_date }}",
            "{{ execution_date }} ",
            "{{ params.dya }}",
            "{{ dag_run.conf.zone }}",
            "{{ dag_run.logcal_date }}",
            "{{ ti.xcom_push('a', 1) }}",
            "{{ ti.pull() }}",
            "{{ missing.x }}",
            "{{ missing + 1 }}",
            "{% if missing %}{% endif %}",
            "{% for x in missing %}{% endfor %}",
            "{{ 1 + }}",
            "{{ 'open }}",
            "{% include 'x' %}",
            "{{ 1 | nofilter }}",
            "{{ logical_date > '2026-01-01' }}",
            "{{ logical_date - macros.datetime(2026, 1, 1) }}",
            "{{ '5' > 3 }} ",
            "{{ 'a' + 1 }}",
            "{{ macros.uuid.uuid1() }}",
            "{{ macros.uuid() }}",
            "{{ macros.ds_add('31.01.2026', 1) }}",
            "{{ logical_date.in_timezone('Mars/Base') }}",
            "{{ logical_date.foo() }}",
            "{{ logical_date.foo }}",
            "{{ 'x' | ds }}",
            "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
            "{{ 'x' * 2000000 }}",
        ]),
    );
}

#[test]
fn without_a_logical_date_its_names_are_errors_that_say_why() {
    let mut context = context();
    (context.logical_date, context.data_interval) = (None, None);
    let render = |template: &str| text_in(template, &context, &Facts::new());
    insta::assert_snapshot!(render("{{ ds }}"), @r#"!template line 1, column 4: "ds" is undefined: the run was triggered without a logical date (use {{ run_after | ds }}, which every run has, or trigger the run with a logical date)"#);
    insta::assert_snapshot!(render("x {{ data_interval_start | ts }}"), @r#"!template line 1, column 28: "data_interval_start" is undefined: the run was triggered without a logical date (use {{ run_after }}, which every run has, or trigger the run with a logical date)"#);
    assert_eq!(render("{{ ds | default('none') }} {{ ds is defined }} {{ dag_run.logical_date }}"), "none False None");
    assert_eq!(render("{{ run_after | ds }} {{ run_id }}"), "2026-01-31 scheduled__2026-01-31T06:00:00+00:00");
}

#[test]
fn values_are_rendered_recursively_but_not_their_keys() {
    let value = serde_json::json!({"{{ ds }}": ["{{ ds }}", 1, {"a": "{{ params.n }}"}], "b": true});
    let rendered = render_value(&value, &context(), &Facts::new()).unwrap();
    assert_eq!(rendered, serde_json::json!({"{{ ds }}": ["2026-01-31", 1, {"a": "3"}], "b": true}));
}

#[test]
fn expressions_have_values() {
    let value = |expression: &str| match evaluate(expression, &context(), &Facts::new()) {
        Ok(value) => value.to_string(),
        Err(error) => format!("!{error}"),
    };
    let all = [
        "params.n > 1",
        "{{ params.n > 1 }}",
        "  {{- params.list -}} ",
        "params.dict",
        "logical_date",
        "none",
        "'a' if false",
        "a {{ params.n }}",
        "{% if params.flag %}go{% endif %}",
        "{{ ds }}{{ ds }}",
        "params.m",
        "dss",
        "params.m | default(1)",
        "[] | first",
        "params.n >",
        "{{ 1 + }}",
        "['a', params.n]",
    ];
    let table = all.iter().fold(String::new(), |out, e| out + &format!("{e:<36} => {}\n", value(e)));
    snapshot("expressions_have_values", &table);
}

#[test]
fn truth_is_pythons_and_words_of_falsehood_are_false() {
    use serde_json::json;
    for no in [
        json!(null),
        json!(false),
        json!(0),
        json!(0.0),
        json!(""),
        json!([]),
        json!({}),
        json!("False"),
        json!(" no "),
        json!("0"),
        json!("None"),
    ] {
        assert!(!truthy(&no), "{no}");
    }
    for yes in [json!(true), json!(1), json!(-0.5), json!("x"), json!([0]), json!({"a": 0}), json!("true"), json!("00")] {
        assert!(truthy(&yes), "{yes}");
    }
}
