//! `dags validate`, through the real binary.

use std::fs;

use nix::{sys::stat::Mode, unistd::mkfifo};

use crate::{BROKEN, SALES, place::Place};

#[test]
fn validate_reports_all_files_and_fails() {
    let place = Place::new(&[("dags/sales.yaml", SALES), ("dags/team/broken.yaml", BROKEN), ("dags/notes.txt", "no DAG")]);
    insta::assert_snapshot!(place.story(&["dags", "validate", "dags"]), @"
      × unknown key `upstraem` in task `a`
       ╭─[dags/team/broken.yaml:3:21]
     2 │ tasks:
     3 │   a: {bash: 'true', upstraem: [b]}
       ·                     ────────
       ╰────
      help: did you mean `upstream`?

    2 files, 1 DAG: 1 error
    --- stderr
    --- exit code 1
    ");
    insta::assert_snapshot!(place.story(&["dags", "validate", "dags/sales.yaml"]), @"
    1 file, 1 DAG: no errors
    --- stderr
    --- exit code 0
    ");
    insta::assert_snapshot!(place.story(&["dags", "validate", "missing.yaml"]), @"
    --- stderr
    updraft: can't read missing.yaml: No such file or directory (os error 2)
    --- exit code 1
    ");
}

#[test]
fn validate_goes_on_after_a_file_that_cannot_be_read() {
    let place = Place::new(&[("dags/sales.yaml", SALES), ("dags/z.yaml", BROKEN)]);
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, place.path().join(name)).unwrap();
    link("nowhere.yaml", "dags/a.yaml");
    link("c.yaml", "dags/b.yaml");
    link("b.yaml", "dags/c.yaml");
    let story = place.story(&["dags", "validate", "dags"]);
    for said in ["a link to a file that does not exist", "a symbolic link that leads to itself (dags/b.yaml", "unknown key `upstraem`"] {
        assert!(story.contains(said), "{said}: {story}");
    }
    assert!(story.ends_with("5 files, 1 DAG: 4 errors\n--- stderr\n--- exit code 1"), "{story}");
    insta::assert_snapshot!(place.story(&["dags", "validate", "dags/b.yaml"]), @"
    --- stderr
    updraft: can't read dags/b.yaml: a symbolic link that leads to itself
    --- exit code 1
    ");
    assert_eq!(place.json(&["dags", "validate", "dags", "-o", "json"]).as_array().unwrap().len(), 5);
}

#[test]
fn validate_warns_of_images_that_nothing_can_run() {
    let dag = "\
default_args: {image: 'python:3.12'}
tasks:
  build: {bash: 'true'}
  elsewhere: {bash: 'true', executor: kubernetes}
  nothing: {empty: }
";
    let place = Place::new(&[("dags/images.yaml", dag)]);
    insta::assert_snapshot!(place.story(&["dags", "validate", "dags/images.yaml"]), @"
      ⚠ executor `kubernetes` is not configured: what is to run there waits until it is
       ╭─[dags/images.yaml:4:39]
     3 │   build: {bash: 'true'}
     4 │   elsewhere: {bash: 'true', executor: kubernetes}
       ·                                       ──────────
     5 │   nothing: {empty: }
       ╰────
      help: configured: `local`; without `executor`, it is the default one

      ⚠ task `build` has the image python:3.12, and its executor `local` runs no containers: it fails when it is launched
       ╭─[dags/images.yaml:3:3]
     2 │ tasks:
     3 │   build: {bash: 'true'}
       ·   ─────
     4 │   elsewhere: {bash: 'true', executor: kubernetes}
       ╰────
      help: remove `image` to run it as a process, or name another executor where there is one

    1 file, 1 DAG: 0 errors, 2 warnings
    --- stderr
    --- exit code 0
    ");
}

#[test]
fn validate_warns_of_executors_that_are_not_configured() {
    let dag = "\
executor: local
default_args: {executor: celery}
tasks:
  a: {bash: 'true'}
  b: {bash: 'true', executor: kubernetes}
  c: {bash: 'true', executor: null}
";
    let place = Place::new(&[("dags/executors.yaml", dag)]);
    insta::assert_snapshot!(place.story(&["dags", "validate", "dags/executors.yaml"]), @"
      ⚠ executor `celery` is not configured: what is to run there waits until it is
       ╭─[dags/executors.yaml:2:26]
     1 │ executor: local
     2 │ default_args: {executor: celery}
       ·                          ──────
     3 │ tasks:
       ╰────
      help: configured: `local`; without `executor`, it is the default one

      ⚠ executor `kubernetes` is not configured: what is to run there waits until it is
       ╭─[dags/executors.yaml:5:31]
     4 │   a: {bash: 'true'}
     5 │   b: {bash: 'true', executor: kubernetes}
       ·                               ──────────
     6 │   c: {bash: 'true', executor: null}
       ╰────
      help: configured: `local`; without `executor`, it is the default one

    1 file, 1 DAG: 0 errors, 2 warnings
    --- stderr
    --- exit code 0
    ");
}

#[test]
fn validate_tells_programs_the_same() {
    let place = Place::new(&[("dags/sales.yaml", SALES), ("dags/broken.yaml", BROKEN)]);
    let files = place.json(&["dags", "validate", "--output", "json"]);
    let valid: Vec<_> = files
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["file"].as_str().unwrap().ends_with("sales.yaml"), file["valid"].clone()))
        .collect();
    assert_eq!(valid, [(false, false.into()), (true, true.into())]);
    assert_eq!(files[0]["diagnostics"][0]["line"], 3);
}

#[test]
fn validate_finds_a_dag_that_two_files_have() {
    let place = Place::new(&[("dags/one.yaml", SALES), ("dags/two.yaml", SALES)]);
    insta::assert_snapshot!(place.story(&["dags", "validate"]), @r#"
      × DAG "sales" is already defined in ~/dags/one.yaml, which keeps it
       ╭─[~/dags/two.yaml:1:9]
     1 │ dag_id: sales
       ·         ─────
     2 │ schedule: {cron: '0 2 * * *', timezone: Europe/Berlin, data_interval: true}
       ╰────
      help: give one of them another `dag_id`

    2 files, 1 DAG: 1 error
    --- stderr
    --- exit code 1
    "#);
}

#[test]
fn doctor_sees_a_dag_that_two_files_have() {
    let place = Place::new(&[("dags/one.yaml", SALES), ("dags/two.yaml", SALES)]);
    let checks = place.json(&["doctor", "-o", "json"]);
    let dags = checks.as_array().unwrap().iter().find(|check| check["name"] == "dags").unwrap();
    assert_eq!(dags["level"], "warning", "{dags}");
    let found = dags["found"].as_str().unwrap();
    assert!(
        found.ends_with(r#"2 files, 1 DAGs; with errors: two.yaml (DAG "sales" is already defined in one.yaml, which keeps it)"#),
        "{found}"
    );
}

#[test]
fn what_is_no_file_is_said_and_not_waited_for() {
    let place = Place::new(&[("dags/good.yaml", SALES)]);
    mkfifo(&place.path().join("dags/pipe.yaml"), Mode::S_IRWXU).unwrap();
    // Each of these waited without end for somebody to write into the pipe.
    insta::assert_snapshot!(place.story(&["dags", "validate", "dags/pipe.yaml"]), @"
      × it can't be read: it is not a regular file, but a named pipe (dags/pipe.yaml, line 1)
      help: remove it, make it readable for the user that runs updraft, or name it in .updraftignore

    1 file, 0 DAGs: 1 error
    --- stderr
    --- exit code 1
    ");
    insta::assert_snapshot!(place.story(&["dags", "show", "dags/pipe.yaml"]), @"
    --- stderr
    updraft: dags/pipe.yaml: it can't be read: it is not a regular file, but a named pipe
    --- exit code 1
    ");
    insta::assert_snapshot!(place.story(&["dags", "validate", "dags"]), @"
      × it can't be read: it is not a regular file, but a named pipe (dags/pipe.yaml, line 1)
      help: remove it, make it readable for the user that runs updraft, or name it in .updraftignore

    2 files, 1 DAG: 1 error
    --- stderr
    --- exit code 1
    ");
    insta::assert_snapshot!(place.story(&["dags", "validate", "/dev/null"]), @"
      × it can't be read: it is not a regular file, but a device (/dev/null, line 1)
      help: remove it, make it readable for the user that runs updraft, or name it in .updraftignore

    1 file, 0 DAGs: 1 error
    --- stderr
    --- exit code 1
    ");
}

#[test]
fn python_files_of_airflow_are_not_read_and_that_is_said() {
    let place =
        Place::new(&[("dags/good.yaml", SALES), ("dags/old.py", "from airflow import DAG\n"), ("dags/helper.py", "def f(): pass\n")]);
    insta::assert_snapshot!(place.story(&["dags", "validate", "dags/old.py"]), @r#"
      × Updraft reads DAG files in YAML, not in Python (dags/old.py, line 1)
      help: write the DAG in YAML (`updraft schema` says how); a task can call the code: python: "module:function"

    1 file, 0 DAGs: 1 error
    --- stderr
    --- exit code 1
    "#);
    insta::assert_snapshot!(place.story(&["dags", "validate", "dags"]), @"
    1 file, 1 DAG: no errors
    --- stderr
    not read, since Updraft reads DAG files in YAML, not in Python: old.py
    --- exit code 0
    ");
    insta::assert_snapshot!(place.story(&["dags", "test", "dags/helper.py"]), @"
    --- stderr
    updraft: dags/helper.py: Updraft reads DAG files in YAML, not in Python
    --- exit code 1
    ");
}

#[test]
fn a_file_that_is_too_long_is_said_to_be_as_long_as_it_is() {
    let place = Place::new(&[]);
    fs::File::create(place.path().join("long.yaml")).unwrap().set_len(115_000_024).unwrap();
    insta::assert_snapshot!(place.story(&["dags", "validate", "long.yaml"]), @"
      × the file is 115000024 bytes long; a DAG file may have at most 16777216 (long.yaml, line 1)
      help: split it into several DAGs, or move data out of it

    1 file, 0 DAGs: 1 error
    --- stderr
    --- exit code 1
    ");
}

#[test]
fn a_connection_is_found_before_it_fails() {
    let place = Place::new(&[("d.yaml", "tasks: {a: {bash: 'psql {{ conn.dw.host }}'}}\n")]);
    insta::assert_snapshot!(place.story(&["dags", "validate", "d.yaml"]), @"
      × connections are not supported yet
       ╭─[d.yaml:1:28]
     1 │ tasks: {a: {bash: 'psql {{ conn.dw.host }}'}}
       ·                            ────
       ╰────
      help: use variables: {{ var.value.NAME }}, or {{ var.json.NAME.host }} for one that is JSON

    1 file, 0 DAGs: 1 error
    --- stderr
    --- exit code 1
    ");
}
