//! Whatever the bytes are, the answer comes soon and nothing panics.
#![allow(clippy::unwrap_used)]

use std::{
    fmt::Write as _,
    sync::LazyLock,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use updraft_dagfile::{MAX_FILE, ParsedFile, parse, report};

/// Of processor time. Unoptimised builds must stay below it too: it tells linear from quadratic.
const SOON: Duration = Duration::from_secs(20);

/// What this thread has used of a processor, which a busy machine does not change; where the system
/// does not say, the time on the clock.
fn time_used() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedstat.split(' ').next().and_then(|on_processor| on_processor.parse().ok());
    nanoseconds.map_or_else(|| STARTED.elapsed(), Duration::from_nanos)
}

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

fn soon(bytes: &[u8]) -> ParsedFile {
    let start = time_used();
    let parsed = parse("x.yaml", bytes);
    let text = report("x.yaml", &String::from_utf8_lossy(bytes), &parsed.diagnostics, true);
    let took = time_used().saturating_sub(start);
    assert!(took < SOON, "took {took:?}");
    assert!(text.len() < 1 << 20, "the report has {} bytes", text.len());
    parsed
}

#[test]
fn fifty_thousand_tasks() {
    let mut yaml = "default_args: {retries: 2, owner: data, env: {A: 1}}\ntasks:\n".to_owned();
    for n in 0..50_000 {
        let upstream = if n == 0 { String::new() } else { format!("task_{}", n - 1) };
        let _ = writeln!(yaml, "  task_{n}:\n    bash: echo \"{{{{ ds }}}}\" {n}\n    upstream: [{upstream}]");
    }
    let parsed = soon(yaml.as_bytes());
    assert_eq!(parsed.diagnostics, []);
    assert_eq!(parsed.dags[0].dag.tasks.len(), 50_000);
}

#[test]
fn a_cycle_of_fifty_thousand_tasks() {
    let mut yaml = "tasks:\n".to_owned();
    for n in 0..50_000 {
        let _ = writeln!(yaml, "  t{n}: {{empty: , upstream: t{}}}", (n + 1) % 50_000);
    }
    let parsed = soon(yaml.as_bytes());
    assert_eq!(parsed.diagnostics.len(), 1);
    assert!(parsed.diagnostics[0].message.ends_with("-> ... (49960 more) -> t0"), "{}", parsed.diagnostics[0].message);
}

#[test]
fn fifty_thousand_mistakes_give_a_hundred_diagnostics() {
    let mut yaml = "tasks:\n".to_owned();
    for n in 0..50_000 {
        let _ = writeln!(yaml, "  t{n}: {{bsh: ls, upstream: nobody}}");
    }
    let parsed = soon(yaml.as_bytes());
    assert!((100..=101).contains(&parsed.diagnostics.len()));
}

#[test]
fn too_large() {
    let parsed = soon(&vec![b'a'; MAX_FILE + 1]);
    assert!(parsed.diagnostics[0].message.starts_with("the file is longer than 16777216 bytes"));
    soon(&vec![b'a'; 100 << 20]);
}

#[test]
fn large_files_of_one_kind() {
    let fill = |unit: &str| unit.repeat((1 << 19) / unit.len());
    for unit in [
        "a", "[", "{", "- ", "a: ", "---\n", "\n", " ", "\"", "'a' ", "[],", "? ", "&a ", "*a ", "# x\n", "a: 1\n", "{{", "%", "\t", "é",
        "!!str ",
    ] {
        soon(fill(unit).as_bytes());
    }
    soon(format!("tasks: {{a: {{bash: \"{}\"}}}}", fill("x")).as_bytes());
    soon(format!("tasks:\n  a:\n    bash: |\n{}", "      echo {{ dss }}\n".repeat(3_000)).as_bytes());
    soon(format!("tasks: {{a: {{cmd: [{}]}}}}", fill("a,")).as_bytes());
}

#[test]
fn a_template_of_a_million_mistakes() {
    let parsed = soon(format!("tasks:\n  a:\n    bash: |\n{}", "      echo {{ dss }}\n".repeat(700_000)).as_bytes());
    assert_eq!(parsed.diagnostics.len(), 1);
    assert!(parsed.diagnostics[0].message.starts_with("this template is"));
}

#[test]
fn bombs() {
    let laughs: String =
        ('b'..='j').zip('a'..='i').map(|(to, from)| format!("{to}: &{to} [{}]\n", vec![format!("*{from}"); 9].join(","))).collect();
    assert!(soon(format!("a: &a [x,x,x,x,x,x,x,x,x]\n{laughs}").as_bytes()).has_errors());
    // Merges instead of lists.
    let mut merges = "x0: &x0 {a: 1}\n".to_owned();
    for n in 1..40 {
        let _ = writeln!(merges, "x{n}: &x{n} {{k{n}a: *x{m}, k{n}b: *x{m}, <<: *x{m}}}", m = n - 1);
    }
    assert!(soon(merges.as_bytes()).has_errors());
    // A long chain of aliases, each a level deeper.
    let mut chain = "x0: &x0 []\n".to_owned();
    for n in 1..50_000 {
        let _ = writeln!(chain, "x{n}: &x{n} [*x{}]", n - 1);
    }
    assert!(soon(chain.as_bytes()).has_errors());
    // One long text, many times.
    let long = format!("x: &x \"{}\\n\"\ny: [{}]\n", "a".repeat(1 << 20), "*x,".repeat(100_000));
    assert!(soon(long.as_bytes()).has_errors());
    // A copy of `default_args` for each task.
    let mut copies = format!("default_args: {{doc_md: \"{}\"}}\ntasks:\n", "a".repeat(1 << 20));
    for n in 0..50_000 {
        let _ = writeln!(copies, "  t{n}: {{empty: }}");
    }
    assert!(soon(copies.as_bytes()).has_errors());
}

/// Texts that get further into the parser than arbitrary bytes do.
fn pieces() -> impl Strategy<Value = String> {
    let words = [
        "tasks",
        "a",
        "bash",
        "upstream",
        "schedule",
        "params",
        "default_args",
        "sensor",
        "python",
        "file",
        "retries",
        "start_date",
        "type",
        ": ",
        ":",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "\"",
        "'",
        "|\n      ",
        ">",
        "&x ",
        "*x",
        "<<: ",
        "{{ ds }}",
        "{{",
        "}}",
        "{% if",
        "#",
        "---\n",
        "...\n",
        "@daily",
        "*/5 * * * *",
        "0 6 * * *",
        "1.10",
        "-1",
        "30m",
        "P1D",
        "2026-01-01",
        "null",
        "true",
        "é",
        "\u{feff}",
        "\t",
        "!!str ",
        "!x ",
        "%YAML 1.2\n",
        "? ",
        "\r\n",
        "\\",
        "\u{1f600}",
        "EOF",
        "<<'EOF'\n",
        "0",
        "module:f",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..60).prop_map(|words| words.concat())
}

/// A good file with a few bytes changed.
fn mutations() -> impl Strategy<Value = Vec<u8>> {
    let files = [include_str!("files/operators.yaml"), include_str!("files/arguments.yaml"), include_str!("files/sales_daily.yaml")];
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..6);
    (prop::sample::select(files.to_vec()), edits).prop_map(|(file, edits)| {
        let mut bytes = file.as_bytes().to_vec();
        for (at, byte, edit) in edits {
            let at = at.index(bytes.len());
            match edit {
                0 => bytes[at] = byte % 128,
                1 => bytes.insert(at, byte % 128),
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    })
}

fn is_sound(bytes: &[u8]) {
    let parsed = parse("x.yaml", bytes);
    assert!(!parsed.dags.is_empty() || parsed.has_errors(), "neither a DAG nor an error");
    if let Ok(text) = std::str::from_utf8(bytes) {
        for diagnostic in &parsed.diagnostics {
            let span = diagnostic.span.clone().unwrap_or(0..0);
            assert!(text.get(span.clone()).is_some(), "{diagnostic:?} is not in the file");
        }
        let _ = report("x.yaml", text, &parsed.diagnostics, false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        is_sound(&bytes);
    }

    #[test]
    fn arbitrary_text(text in "\\PC{0,200}") {
        is_sound(text.as_bytes());
    }

    #[test]
    fn arbitrary_pieces(text in pieces()) {
        is_sound(text.as_bytes());
    }

    #[test]
    fn mutated_files(bytes in mutations()) {
        is_sound(&bytes);
    }
}
