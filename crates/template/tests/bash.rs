//! Scripts, run by the real bash: a value must arrive as the one literal argument it is, wherever
//! its expression stands.
#![allow(clippy::unwrap_used, missing_docs)]
mod support;

use std::process::Command;

use proptest::prelude::*;
use serde_json::json;
use support::context;
use updraft_template::{BashScript, Context, Facts, RenderError, render_bash};

fn render(script: &str, value: &str) -> Result<BashScript, RenderError> {
    render_bash(script, &with_value(value), &Facts::new())
}

fn with_value(value: &str) -> Context {
    let mut context = context();
    context.params.insert("v".to_owned(), json!(value));
    context
}

/// What bash writes, with nothing in the environment but the values.
fn run(script: &BashScript) -> String {
    let output = Command::new("bash")
        .args(["--norc", "-c", &script.text])
        .env_clear()
        .envs(&script.env)
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    if !output.stderr.is_empty() {
        return format!("bash complains: {}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).unwrap()
}

/// Scripts in which `V` stands for the expression, and what they must write for a value.
/// `args` writes each of its arguments behind its number.
#[allow(clippy::type_complexity)]
const PLACES: &[(&str, fn(&str) -> String)] = &[
    ("p V", |v| format!("<{v}>")),
    ("p V V", |v| format!("<{v}><{v}>")),
    ("p a{ V }b", |v| format!("<a{{><{v}><}}b>")),
    ("p pre-V-post", |v| format!("<pre-{v}-post>")),
    ("p \"V\"", |v| format!("<{v}>")),
    ("p \"a $HOME V ${HOME}V\"", |v| format!("<a  {v} {v}>")),
    ("p 'single'V'quotes'", |v| format!("<single{v}quotes>")),
    ("x=V; p \"$x\"", |v| format!("<{v}>")),
    ("x=V p2 V", |v| format!("<{v}>")),
    ("a=(V \"V\" x); p \"${a[@]}\"", |v| format!("<{v}><{v}><x>")),
    ("p \"$(printf %s V; printf x)\"", |v| format!("<{v}x>")),
    ("p \"$(printf %s \"V\"; printf x)\"", |v| format!("<{v}x>")),
    ("p \"$( (case a in b) ;; a) printf %s V;; esac); printf x )\"", |v| format!("<{v}x>")),
    ("p \"$(case a in a) printf %s \"V)\" ;; esac)\"", |v| format!("<{v})>")),
    ("p \"${unset:-V}\"", |v| format!("<{v}>")),
    ("p ${unset:-V}", |v| format!("<{v}>")),
    ("p \"${unset:-'V'}\"", |v| format!("<'{v}'>")),
    ("p \"${unset-a \"V\" b}\"", |v| format!("<a {v} b>")),
    ("x=aV; p \"${x#a}\" \"${x%V}\" \"${x##*V}\"", |v| format!("<{v}><a><>")),
    ("x=a.b; p \"${x/./V}\"", |v| format!("<a{v}b>")),
    ("x=a.b; y=${x/./V}; p \"$y\"", |v| format!("<a{v}b>")),
    ("case V in \"V\") p yes;; *) p no;; esac", |_| "<yes>".to_owned()),
    ("case aV in aV) p yes;; *) p no;; esac", |_| "<yes>".to_owned()),
    ("case V in a) p no;; (V|b) p V;; esac", |v| format!("<{v}>")),
    ("if [[ V == V ]]; then p yes; fi", |_| "<yes>".to_owned()),
    ("if [[ xV =~ ^xV$ && V != aV ]]; then p yes; fi", |_| "<yes>".to_owned()),
    ("if [ V = \"V\" ]; then p yes; fi", |_| "<yes>".to_owned()),
    ("for i in V b; do p \"$i\"; done", |v| format!("<{v}><b>")),
    ("f() { p \"$1\" V; }; f V", |v| format!("<{v}><{v}>")),
    ("( p V ) | cat; { p V; }", |v| format!("<{v}><{v}>")),
    ("p \\\n  V # a comment with V and 'V' \"\np x", |v| format!("<{v}><x>")),
    ("cat <<EOF\na V \"V\" 'V' $(printf %s V; printf x)\nEOF\np x", |v| format!("a {v} \"{v}\" '{v}' {v}x\n<x>")),
    ("cat <<-A; cat <<B\n\tV\n\tA\n${unset:-V}\nB\np V", |v| format!("{v}\n{v}\n<{v}>")),
    ("cat <<'A'; p V\nit's $x\nA\np V", |v| format!("it's $x\n<{v}><{v}>")),
    ("cat <<<V", |v| format!("{v}\n")),
    ("cat < <(printf %s V; printf x)", |v| format!("{v}x")),
    ("p \"a\\\\V\\\"V\"", |v| format!("<a\\{v}\"{v}>")),
    ("p $'it\\'s'V", |v| format!("<it's{v}>")),
    ("bash -c 'printf \"<%s>\" \"$1\"' _ V", |v| format!("<{v}>")),
    ("case xV in @(a|xV)) p V;; esac", |v| format!("<{v}>")),
    ("p $((1 + 2))V $(( (1) ))", |v| format!("<3{v}><1>")),
    ("((1)) && p V", |v| format!("<{v}>")),
    ("declare x=V; local_() { local y=V; p \"$y\"; }; local_; p \"$x\"", |v| format!("<{v}><{v}>")),
    ("p V 2>&1 >&1 &>/dev/stdout; p V", |v| format!("<{v}><{v}>")),
    ("bash /dev/stdin x <<< 'printf %s \"$1\"' V", |_| "x".to_owned()),
    ("bash /dev/fd/3 3<<< 'cat' <<E\nV\nE", |v| format!("{v}\n")),
    ("p {b,V}", |v| format!("<b><{v}>")),
    ("p ~V *V", |v| format!("<~{v}><*{v}>")),
];

/// The helpers that the scripts use, in front of them.
const PRELUDE: &str = "p() { [ $# = 0 ] || printf '<%s>' \"$@\"; }; p2() { p \"$x\"; }; set -f; shopt -s extglob\n";

/// The places where the value does not arrive, with the script that bash saw.
fn failures(value: &str) -> Vec<String> {
    let failure = |(script, expected): &(&str, fn(&str) -> String)| {
        let script = format!("{PRELUDE}{}", script.replace('V', "{{ params.v }}"));
        let rendered = match render(&script, value) {
            Ok(rendered) => rendered,
            Err(error) => return Some(format!("{script}\n{error}")),
        };
        let (written, expected) = (run(&rendered), expected(value));
        (written != expected).then(|| format!("{}\nwrote    {written:?}\nexpected {expected:?}", rendered.text))
    };
    PLACES.iter().filter_map(failure).collect()
}

#[test]
fn hostile_values_stay_data() {
    for value in [
        "",
        "plain",
        "two words",
        "$(touch /tmp/updraft_template_pwned)",
        "`id`",
        "${HOME}$HOME$$",
        "'",
        "\"",
        "'; echo hacked; '",
        "\"; echo hacked; \"",
        "a\nb\n\nEOF\nA\nB",
        "\\",
        "\\\\n\\'",
        "*",
        "?[a-z]{1,2}",
        "~",
        "-n -e",
        "& && | ; < > ( ) # !",
        "é 漢字 🎉",
        "\u{FDD0}0\u{FDD1}",
        "{{ ds }}",
        "x[$(id)]",
        "\t \n",
    ] {
        let failures = failures(value);
        assert!(failures.is_empty(), "{value:?}\n{}", failures.join("\n\n"));
    }
}

/// Words that nest the constructs of the shell, with what they expand to; `V` stands for the expression.
fn word() -> impl Strategy<Value = (String, String)> {
    let leaf =
        prop::sample::select(vec![("V", "V"), ("\"V\"", "V"), ("a'b'V", "abV"), ("\"it's V\"", "it's V"), ("\\$V", "$V"), ("x#V", "x#V")]);
    let leaf = leaf.prop_map(|(script, expected)| (script.to_owned(), expected.to_owned()));
    leaf.prop_recursive(4, 16, 1, |inner| {
        (inner, 0..12_usize).prop_map(|((word, expected), shape)| match shape {
            0 => (format!("\"$(printf %s {word}; printf x)\""), format!("{expected}x")),
            1 => (format!("\"a $(printf %s {word}; printf x) V\""), format!("a {expected}x V")),
            2 => (format!("\"${{unset:-$(printf %s {word}; printf x)V}}\""), format!("{expected}xV")),
            3 => (
                {
                    // A delimiter of its own: bash looks for it line by line.
                    let end = format!("E{}", word.len());
                    format!("\"$(cat <<{end}\nV \"$(printf %s {word}; printf x)\"\n{end}\nprintf x)\"")
                },
                format!("V \"{expected}x\"\nx"),
            ),
            4 => (format!("\"$(cat <<-'E'\n\tit's )\n\tE\nprintf %s {word}\nprintf x)\""), format!("it's )\n{expected}x")),
            5 => (format!("\"$(case a in (b) ;; a|c) printf %s {word} ;; esac; printf x)\""), format!("{expected}x")),
            6 => (format!("\"$(if [[ V == \"V\" ]]; then printf %s {word}; fi; printf x)\""), format!("{expected}x")),
            7 => (format!("\"$(a=(V {word}); printf %s \"${{a[1]}}\"; printf x)\""), format!("{expected}x")),
            8 => (format!("\"$( (f() {{ printf %s \"$1\"; }}; f {word}); printf x # it's V )\n)\""), format!("{expected}x")),
            9 => (format!("\"$(for i in {word}; do printf %s \"$i\"; done; printf $((1 + (2)))x)\""), format!("{expected}3x")),
            10 => (
                format!("\"$(x={word}; printf %s \"${{x#\"V\"}}\" >/dev/null; printf %s \"$x\" | cat; printf x)\""),
                format!("{expected}x"),
            ),
            _ => (format!("V{word}\"V\""), format!("V{expected}V")),
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_arrives_as_it_is(value in "[ -~\t\né€&\\\\'\"$`(){}\\[\\]*?!#;|<>]{0,24}") {
        let failures = failures(&value);
        prop_assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    }

    #[test]
    fn a_value_survives_any_nesting((script, expected) in word(), value in "[ -~\t\n]{0,16}") {
        let script = format!("{PRELUDE}p {}", script.replace('V', "{{ params.v }}"));
        let rendered = render(&script, &value).unwrap();
        prop_assert_eq!(run(&rendered), format!("<{}>", expected.replace('V', &value)), "{}", rendered.text);
    }

    #[test]
    fn a_script_without_expressions_comes_back_unchanged(script in "[ -~\n]{0,200}") {
        prop_assume!(!script.contains("{{") && !script.contains("{%") && !script.contains("{#"));
        let rendered = render_bash(&script, &context(), &Facts::new()).unwrap();
        prop_assert_eq!(rendered, BashScript { shown: script.clone(), text: script, env: Default::default() });
    }
}

#[test]
fn references_look_like_this() {
    let rendered = render("echo {{ params.v }} \"at {{ ds }}\" {{ params.v }} # {{ run_id }}", "a b").unwrap();
    insta::assert_snapshot!(rendered.text, @r#"echo "${UPDRAFT_VALUE_1}" "at ${UPDRAFT_VALUE_2}" "${UPDRAFT_VALUE_1}" # "#);
    insta::assert_debug_snapshot!(rendered.env, @r#"
    {
        "UPDRAFT_VALUE_1": "a b",
        "UPDRAFT_VALUE_2": "2026-01-31",
    }
    "#);
}

#[test]
fn statements_choose_what_the_shell_sees() {
    let script = "for f in{% for x in params.list %} {{ x }}{% endfor %}; do printf '<%s>' \"$f\"; done{% if params.flag %}; echo {{ ds }}{% endif %}";
    let rendered = render_bash(script, &context(), &Facts::new()).unwrap();
    assert_eq!(run(&rendered), "<a b><c>2026-01-31\n");
    // Captured text is a value; what is in it is no placeholder.
    let script = "{% set x %}{{ ds }} {{ params.quote }}{% endset %}{% macro m(a) %}--{{ a }}{% endmacro %}printf '<%s>' {{ x | upper }} {{ x | length }} {{ m('b c') }} {{ m(ds) | replace('-', '') }}";
    let rendered = render_bash(script, &context(), &Facts::new()).unwrap();
    assert_eq!(run(&rendered), "<2026-01-31 IT'S \"X\"><19><--b c><20260131>");
}

#[test]
fn sh_split_makes_words_and_raw_inserts_text() {
    let render = |script: &str, v: &str| render(script, v).map(|s| run(&s));
    let p = "printf '<%s>' ";
    assert_eq!(render(&format!("{p}{{{{ params.v | sh_split }}}}"), "a 'b c' $(x)").unwrap(), "<a><b c><$(x)>");
    assert_eq!(render(&format!("{p}{{{{ params.list | sh_split }}}} x{{{{ params.v | sh_split }}}}y"), "1 2").unwrap(), "<a b><c><x1><2y>");
    assert_eq!(render(&format!("{p}{{{{ params.v | raw }}}}"), "a \"b $((1+1))\"").unwrap(), "<a><b 2>");
    assert_eq!(render(&format!("{p}{{{{ params.v | raw | upper }}}}"), "a; b").unwrap(), "<A; B>");
}

#[test]
fn a_scripts_own_variables_are_left_alone() {
    let rendered = render("UPDRAFT_VALUE_1=own; printf '<%s>' \"$UPDRAFT_VALUE_1\" {{ params.v }}", "v").unwrap();
    assert_eq!(run(&rendered), "<own><v>");
}

#[test]
fn lengths_of_arrays_are_no_comments() {
    let rendered = render("a=(1 2 {{ params.v }}); echo ${#a[@]} #}", "v").unwrap();
    assert_eq!(run(&rendered), "3\n");
}

#[test]
fn arithmetic_takes_whole_numbers_only() {
    for script in [
        "echo $(( V + 1 ))",
        "(( x = V )); echo $x",
        "let x=V; echo $x",
        "if [[ V -gt 1 ]]; then echo 1; fi",
        "if [[ 1 -lt V ]]; then echo 1; fi",
        "x=abcdef; echo ${x:V}",
        "x=abcdef; echo \"${x:0:V}\"",
        "declare -i x=V; echo $x",
        "for ((i=0; i<V; i++)); do echo $i; done",
        "echo $[ V ]",
        "echo $(( $(echo 1) + ${y:-0} + V ))",
        "if [[ a == a && V -eq 5 ]]; then echo 1; fi",
        "echo \"$(( V ))\"",
    ] {
        let script = script.replace('V', "{{ params.v }}");
        let written = run(&render(&script, "5").unwrap_or_else(|e| panic!("{script}: {e}")));
        assert!(!written.starts_with("bash complains"), "{script}: {written}");
        for hostile in ["x[$(touch /tmp/updraft_template_pwned)]", "a=1", "", "1 ", "x"] {
            assert!(render(&script, hostile).is_err(), "{script}: {hostile}");
        }
    }
}

#[test]
fn names_and_subscripts_take_harmless_values_only() {
    let scripts = [
        "a[V]=1; echo \"${a[V]}\"",
        "declare -A m; m[V]=x; echo \"${m[V]}\"",
        "read V <<< 1",
        "printf -v V %s x",
        "unset V",
        "declare V=1",
        "export \"V=1\"",
        "declare -n ref=V",
        "unset a[V]",
    ];
    for script in scripts {
        let script = script.replace('V', "{{ params.v }}");
        let written = run(&render(&script, "x").unwrap_or_else(|e| panic!("{script}: {e}")));
        assert!(!written.starts_with("bash complains"), "{script}: {written}");
        for hostile in ["x[$(touch /tmp/updraft_template_pwned)]", "x[`id`]", ""] {
            assert!(render(&script, hostile).is_err(), "{script}: {hostile}");
        }
    }
}

#[test]
fn places_where_data_cannot_go_are_errors() {
    let scripts = [
        "echo 'it is V'",
        "echo $'V'",
        "cat <<'EOF'\nV\nEOF",
        "cat <<\\EOF\nV\nEOF",
        "cat <<V\nV",
        "echo `echo V`",
        "echo \"`echo V`\"",
        "echo \\V",
        "echo \"\\V\"",
        "echo $V",
        "echo \"$V\"",
        "echo ${x@V}",
        "eval V",
        "eval \"echo V\"",
        "bash -c \"echo V\"",
        "sudo -u x /bin/sh -ec V",
        "trap \"rm V\" EXIT",
        "bash <<EOF\necho V $(echo V)\nEOF",
        "ssh host bash -euo pipefail -s x <<EOF\nV\nEOF",
        "sh <<< V",
        "[[ -v V ]]",
        "test -v V",
        "echo \"{{ params.v | sh_split }}\"",
        "echo ${x#'V'}",
        "echo \"$(echo 'V')\"",
    ];
    let table = scripts.iter().fold(String::new(), |out, script| {
        let rendered = render(&script.replace('V', "{{ params.v }}"), "1");
        out + &format!("{script:?}\n    {}\n", rendered.map_or_else(|e| e.to_string(), |s| format!("ALLOWED {}", s.text)))
    });
    insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(table) });
}

#[test]
fn what_no_variable_can_hold_is_an_error() {
    insta::assert_snapshot!(render("echo {{ params.v }}", "a\0b").unwrap_err(), @"template line 1, column 9: the value contains a NUL byte, which no environment variable can hold (write the data to a file and pass its path)");
    insta::assert_snapshot!(render("echo {{ params.v }}", &"x".repeat(131_072)).unwrap_err(), @"template line 1, column 9: the value has 131072 bytes; an environment variable holds at most 131,072 with its name (write the data to a file and pass its path)");
    assert!(render("true # {{ params.v }}", &"x".repeat(131_072)).is_ok());
}
