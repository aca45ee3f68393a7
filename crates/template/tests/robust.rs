//! Whatever the text: an answer, never a panic; and the instructions that are put between others
//! change nothing but what they are for.
#![allow(clippy::unwrap_used, missing_docs)]
mod support;

use std::{collections::BTreeSet, time::Instant};

use proptest::prelude::*;
use support::{context, text};
use updraft_template::{Facts, Kind, check, evaluate, render_bash, render_text};

/// Pieces of templates and scripts, in any order.
fn soup() -> impl Strategy<Value = String> {
    let pieces = vec![
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "{{-",
        "-%}",
        " ds ",
        " params.n ",
        "logical_date",
        "+",
        "-",
        "*",
        "<",
        "|",
        "upper",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "'",
        "\"",
        "if ",
        "else",
        "endif",
        "for x in ",
        "endfor",
        "set y = ",
        "macro m(a)",
        "endmacro",
        ".add(days=1)",
        "macros.timedelta(1)",
        "1",
        "0.5",
        "none",
        "\n",
        "\\",
        "$",
        "$(",
        "${x:-",
        "<<E",
        "E\n",
        "case a in ",
        "esac",
        "`",
        "# ",
        "[[ ",
        " -eq ",
        "]]",
        "é",
        "\u{FDD0}0\u{FDD1}",
        " ",
        ";",
        "eval ",
        "raw",
        "sh_split",
        "ti.xcom_pull(",
        ",",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_gets_an_answer(text in soup()) {
        let params = BTreeSet::from(["n".to_owned()]);
        for kind in [Kind::Text, Kind::Bash, Kind::Expression] {
            for problem in check(&text, kind, &params) {
                prop_assert!(text.get(problem.range.clone()).is_some(), "{:?} is no range of {:?}", problem.range, text);
            }
        }
        let (context, facts) = (context(), Facts::new());
        let _ = render_text(&text, &context, &facts);
        let _ = evaluate(&text, &context, &facts);
        let _ = render_bash(&text, &context, &facts);
        // Whatever stands in an expression, too.
        let _ = render_bash(&format!("echo {{{{ {text} }}}}"), &context, &facts);
    }
}

#[test]
fn control_flow_survives_the_rewriting() {
    let table = [
        ("{% for i in range(3) %}{% if i == 1 %}one{% elif i == 2 %}two{% else %}{{ i }}{% endif %},{% endfor %}", "0,one,two,"),
        ("{% for i in [] %}{{ i }}{% else %}{{ 'empty' }}{% endfor %}", "empty"),
        ("{% for i in range(9) if i > 6 %}{{ loop.index }}:{{ i - 1 }} {% endfor %}", "1:6 2:7 "),
        ("{% for i in range(9) %}{% if i == 2 %}{% continue %}{% elif i == 4 %}{% break %}{% endif %}{{ i * 2 }} {% endfor %}", "0 2 6 "),
        ("{% for n in [[1, [2]], 3] recursive %}{% if n is sequence %}({{ loop(n) }}){% else %}{{ n }}{% endif %}{% endfor %}", "(1(2))3"),
        ("{% macro m(a, b=1 + 1) %}{{ a }}{{ b }}{% if a > 1 %}!{% endif %}{% endmacro %}{{ m(1) }} {{ m(2, b=3) }}", "12 23!"),
        ("{% macro w() %}<{{ caller() }}>{% endmacro %}{% call w() %}{{ params.n }}{% endcall %}", "<3>"),
        ("{% set x %}{% for i in range(2) %}{{ i }}{% endfor %}{% endset %}{{ x }}{{ x | length }}", "012"),
        ("{% filter upper %}a{{ 'b' }}{% endfilter %}{{ 'c' }}", "ABc"),
        ("{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ 1 if params.n > 2 else 0 }}{{ (1 and 0) or 'x' }}", "31x"),
        (
            "{{ 1 < 2 < 3 }} {{ 'a' ~ (1 + 2) }} {{ -params.n }} {{ 7 // 2 }} {{ 2 ** 3 }} {{ 'ab' * 2 }} {{ [1] + [2] }}",
            "True a3 -3 3 8 abab [1, 2]",
        ),
    ];
    for (template, expected) in table {
        assert_eq!(text(template), expected, "{template}");
        // The same through bash: all of it in an unquoted here-document, so that cat writes it.
        let script = render_bash(&format!("cat <<EOF\n{template}\nEOF"), &context(), &Facts::new()).unwrap();
        let output = std::process::Command::new("bash").args(["-c", &script.text]).envs(&script.env).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{expected}\n"), "{template}\n{}", script.text);
    }
}

/// `cargo test --release -p updraft-template --test robust -- --ignored --nocapture`
#[test]
#[ignore = "a measurement, not a test"]
fn how_long_a_rendering_takes() {
    let (context, facts) = (context(), Facts::new());
    let time = |what: &str, run: &dyn Fn()| {
        run();
        let start = Instant::now();
        (0..10_000).for_each(|_| run());
        println!("{what}: {:?}", start.elapsed() / 10_000);
    };
    time("plain text", &|| drop(render_text("./load.sh --day today", &context, &facts)));
    time("{{ ds }}", &|| drop(render_text("./load.sh --day {{ ds }}", &context, &facts)));
    time("arithmetic", &|| drop(render_text("{{ (logical_date - macros.timedelta(days=1)).strftime('%Y-%m-%d') }}", &context, &facts)));
    time("bash", &|| drop(render_bash("set -e\n./load.sh --day {{ ds }} \"{{ params.day }}\"\n", &context, &facts)));
    time("evaluate", &|| drop(evaluate("params.n > 1", &context, &facts)));
    time("check", &|| drop(check("./load.sh --day {{ ds }} \"{{ params.day }}\"", Kind::Bash, &BTreeSet::new())));
}
