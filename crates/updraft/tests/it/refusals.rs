//! A daemon that can't start says what, where and what to do, and exits with 1.

use std::{fs, net::TcpListener};

use crate::daemon::{Site, failure};

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let site = Site::new();
    let text = failure(site.command(&["standalone"]).args(["--port", &port]));
    assert!(text.contains(&format!("listens on 127.0.0.1:{port} already")) && text.contains("--port"), "{text}");
}

#[test]
fn a_home_in_use() {
    let site = Site::new();
    let _daemon = site.start();
    let text = failure(&mut site.command(&["scheduler"]));
    assert!(text.contains("is in use by process") && text.contains("--home"), "{text}");
}

#[test]
fn an_impossible_home() {
    let site = Site::new();
    fs::write(site.path("home"), "a file").unwrap();
    let text = failure(&mut site.command(&["standalone"]));
    assert!(text.contains("can't be created") && text.contains("--home"), "{text}");
}

#[test]
fn an_api_server_on_sqlite() {
    let text = failure(&mut Site::new().command(&["api-server"]));
    assert!(text.contains("belongs to one process") && text.contains("--database-url"), "{text}");
}

#[test]
fn a_database_that_is_not_there() {
    let site = Site::new();
    let text = failure(&mut site.command(&["--database-url", "postgres://me:secret@127.0.0.1:1/updraft", "scheduler"]));
    assert!(text.contains("postgres://me:***@127.0.0.1:1/updraft") && !text.contains("secret"), "{text}");
}

#[test]
fn a_database_of_a_newer_release() {
    let site = Site::new();
    fs::create_dir(site.path("home")).unwrap();
    assert!(site.command(&["db", "migrate"]).status().unwrap().success());
    let database = fs::read(site.path("home/updraft.db")).unwrap();
    // `user_version` is the big-endian number at byte 60 of the file's header.
    let mut newer = database;
    newer[60..64].copy_from_slice(&999_u32.to_be_bytes());
    fs::write(site.path("home/updraft.db"), newer).unwrap();
    let text = failure(&mut site.command(&["standalone"]));
    assert!(text.contains("version 999") && text.contains("newer release"), "{text}");
}

#[test]
fn an_option_that_is_no_option() {
    let site = Site::new();
    let text = failure(site.command(&["standalone"]).env("UPDRAFT_RETENTION", "soon"));
    assert!(text.contains("UPDRAFT_RETENTION") && text.contains("90d"), "{text}");
}
