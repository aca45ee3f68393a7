//! Readers that go away: no error, and no panic.

use std::{io::pipe, process::Output};

use crate::place::Place;

/// What a command ends with whose standard output and standard error nobody reads.
fn unread(place: &Place, args: &[&str]) -> Output {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    place.command(args).stdout(writer.try_clone().unwrap()).stderr(writer).output().unwrap()
}

#[test]
fn a_reader_that_has_gone_away_changes_no_exit_code() {
    let place = Place::new(&[("broken.yaml", "tasks: {a: {bsh: x}}\n"), ("good.yaml", "tasks: {a: {bash: 'echo hi'}}\n")]);
    assert!(place.run(&["db", "migrate"]).status.success());
    let code = |args: &[&str]| unread(&place, args).status.code();
    // An error, a note beside a success, a report, and an answer that no format is asked for.
    assert_eq!(code(&["dags", "trigger", "nosuch"]), Some(1));
    assert_eq!(code(&["variables", "set", "a", "b"]), Some(0));
    assert_eq!(code(&["dags", "show", "broken.yaml"]), Some(1));
    assert_eq!(code(&["db", "check"]), Some(0));
    assert_eq!(code(&["variables", "export", "-"]), Some(0));
    assert_eq!(code(&["dags", "test", "good.yaml"]), Some(0));
}
