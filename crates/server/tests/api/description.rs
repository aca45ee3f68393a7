//! The OpenAPI description: committed, and Airflow's where Airflow has the same.

use std::{collections::BTreeSet, fmt::Write, path::Path};

use serde_json::Value;

use crate::shapes::airflow;

fn ours() -> Value {
    serde_json::from_str(&updraft_server::openapi()).unwrap()
}

fn operations(api: &Value) -> BTreeSet<(String, String)> {
    let paths = api["paths"].as_object().unwrap();
    let of = |(path, methods): (&String, &Value)| -> Vec<(String, String)> {
        methods.as_object().unwrap().keys().map(|method| (path.clone(), method.to_uppercase())).collect()
    };
    paths.iter().flat_map(of).collect()
}

fn names(of: &Value) -> BTreeSet<String> {
    of.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default()
}

/// Set `UPDRAFT_BLESS=1` to write it anew.
#[test]
fn the_committed_description_is_the_codes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("UPDRAFT_BLESS").is_some() {
        std::fs::write(&path, updraft_server::openapi()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == updraft_server::openapi(), "docs/openapi.json is not what the code says; run this test with UPDRAFT_BLESS=1");
}

#[test]
fn which_of_airflows_operations_are_here() {
    let (ours, theirs) = (operations(&ours()), operations(airflow()));
    let mut text = String::new();
    for (title, set) in [
        ("Airflow's, here", ours.intersection(&theirs).collect::<Vec<_>>()),
        ("Airflow's, not here", theirs.difference(&ours).collect()),
        ("Updraft's own", ours.difference(&theirs).collect()),
    ] {
        writeln!(text, "{title}: {}", set.len()).unwrap();
        for (path, method) in set {
            writeln!(text, "  {method} {path}").unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

/// What our shapes have that Airflow's do not, and the other way round (which must be nothing).
#[test]
fn shapes_are_airflows_and_more() {
    let (ours, theirs) = (&ours()["components"]["schemas"], &airflow()["components"]["schemas"]);
    let mut text = String::new();
    for name in names(ours).intersection(&names(theirs)) {
        let mut mine = names(&ours[name]["properties"]);
        for part in ours[name]["allOf"].as_array().into_iter().flatten() {
            mine.extend(names(&part["properties"]));
            let referred = part["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
            mine.extend(names(&ours[referred]["properties"]));
        }
        let their = names(&theirs[name]["properties"]);
        // Fields of bodies that Updraft refuses are not described.
        let missing: Vec<_> = their.difference(&mine).filter(|_| !name.ends_with("Body")).collect();
        assert!(missing.is_empty(), "{name} lacks {missing:?}");
        let more: Vec<_> = mine.difference(&their).cloned().collect();
        if !more.is_empty() {
            writeln!(text, "{name}: {}", more.join(", ")).unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn parameters_are_airflows() {
    let ours = ours();
    for (path, method) in operations(&ours).intersection(&operations(airflow())) {
        let operation = &ours["paths"][path][method.to_lowercase()];
        let theirs = &airflow()["paths"][path][method.to_lowercase()]["query"];
        for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|parameter| parameter["in"] == "query") {
            assert!(theirs.as_array().unwrap().contains(&parameter["name"]), "{method} {path} has no parameter {}", parameter["name"]);
        }
    }
}
