//! What is found without a run.
#![allow(missing_docs)]

use std::collections::BTreeSet;

use updraft_template::{Kind, check};

fn report(kind: Kind, templates: &[&str]) -> String {
    let params: BTreeSet<String> = ["day".to_owned(), "region".to_owned()].into();
    templates.iter().fold(String::new(), |mut out, template| {
        out += &format!("{template:?}\n");
        for problem in check(template, kind, &params) {
            out += &format!("    {:?}: {}", &template[problem.range.clone()], problem.message);
            out += &problem.help.map_or(String::new(), |help| format!(" ({help})"));
            out += "\n";
        }
        out
    })
}

fn snapshot(name: &str, report: &str) {
    insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(name, report) });
}

#[test]
fn texts() {
    snapshot(
        "texts",
        &report(
            Kind::Text,
            &[
                "plain }} text",
                "{{ ds }} {{ params.day }} {{ params['region'] }} {{ params.get('x') }} {{ dag_run.conf.anything }}",
                "{{ dss }} {{ execution_date }} {{ whatever }}",
                "{{ params.dya }} {{ params['regoin'] }} {{ params.zzz }}",
                "{{ params.zzz | default('x') }} {{ nope is defined and nope.x }} {{ params.qq is defined and params.qq > 1 }}",
                "{% set x = 1 %}{% for a, b in [] %}{{ a }}{{ b }}{{ loop.index }}{{ x }}{% endfor %}{% macro m(q) %}{{ q }}{% endmacro %}{{ m(1) }}{{ range(3) }}",
                "{{ ti.xcom_pul('a') }} {{ ti.xcom_pull('a').x.y }} {{ dag_run.execution_date }} {{ var.valu.x }} {{ macros.ds_ad(ds, 1) }} {{ task.foo }}",
                "{{ ds | uper }} {{ ds is strin }} {{ ds | upper | tojson }} {% if ds is string %}{% endif %}",
                "{{ conn.dw.host }} {{ conn.get('dw') | default('x') }} {% set conn = 1 %}",
                "{{ conn.dw.host }}{{ conn['dw'] | default('x') }}",
                "{{ 1 + }}",
                "a\n{{ 'x' ",
                "{% if x %}",
                "{% include 'a' %}",
                "{{ {'a': ds}['a'] }} {{ [nope][0] }} {{ ds[nope2:] }} {{ 1 if nope3 else nope4 }} {{ not nope5 }}",
            ],
        ),
    );
}

#[test]
fn expressions() {
    snapshot(
        "expressions",
        &report(
            Kind::Expression,
            &["params.day == ds", "{{ params.day }}", "  {{ parms.day }}", "nope > 1", "1 +", "{% if nope %}x{% endif %}", "'false'"],
        ),
    );
}

#[test]
fn scripts() {
    snapshot(
        "scripts",
        &report(
            Kind::Bash,
            &[
                "echo '{{ no template',",
                "echo {{ ds }} \"{{ ds }}\" {{ ds | raw }} '{{ ds | raw }}' # '{{ ds }}'",
                "echo 'a {{ ds }} b' {{ dss }}",
                "cat <<'EOF'\n{{ ds }}\nEOF\ncat <<EOF\n{{ ds }}\nEOF",
                "{% if params.day %}echo '{{ ds }}'{% else %}echo `{{ ts }}`{% endif %}",
                "{% for x in [1] %}'{{ x }}'{% endfor %} \"{{ [1] | sh_split }}\"",
                "{% set x %}'{{ ds }}'{% endset %}echo {{ x }}",
                "echo ${#a[@]} {{ ds }} $(( {{ params.day }} ))",
                "eval {{ ds }}; bash -c \"echo {{ ds }}\"",
            ],
        ),
    );
}

#[test]
fn without_declared_params_any_may_come_from_the_conf() {
    assert_eq!(check("{{ params.x }}", Kind::Text, &BTreeSet::new()), []);
}
