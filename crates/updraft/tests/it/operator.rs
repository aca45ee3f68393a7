//! `updraft operator`, as the scheduler starts it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    process::{Command, Stdio},
    thread,
};

use serde_json::{Value, json};

/// Exit code, what it printed, and its outputs.
fn run(spec: &Value) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let outputs = dir.path().join("outputs");
    let mut child = Command::new(env!("CARGO_BIN_EXE_updraft"))
        .arg("operator")
        .env("UPDRAFT_OUTPUT", &outputs)
        .current_dir(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(spec.to_string().as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
    (done.status.code(), said, fs::read_to_string(outputs).unwrap_or_default())
}

/// A server that answers one request; its address, and the request it got.
fn server(answer: &'static str) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut request).unwrap(), 0);
        }
        let length = request.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body).unwrap();
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
        request + &String::from_utf8(body).unwrap()
    });
    (address, serving)
}

fn http(operator: &str, url: &str, expected_status: &[u16]) -> Value {
    json!({"operator": operator, "url": url, "method": "POST", "headers": {"X-Key": "secret"}, "body": {"a": 1}, "expected_status": expected_status, "timeout_seconds": 20.0})
}

#[test]
fn an_answer_becomes_the_return_value() {
    let (url, served) = server("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{\"b\": 2}");
    let (code, said, outputs) = run(&http("http", &format!("{url}/path?key=secret"), &[]));
    assert_eq!((code, outputs.as_str()), (Some(0), "return_value:={\"b\":2}\n"), "{said}");
    assert!(said.contains("POST http://127.0.0.1") && said.contains("200 OK") && !said.contains("secret"), "{said}");
    let request = served.join().unwrap().to_lowercase();
    assert!(request.starts_with("post /path?key=secret ") && request.contains("content-type: application/json"), "{request}");
    assert!(request.ends_with("{\"a\":1}"), "{request}");
}

#[test]
fn an_unexpected_status_fails_and_says_what_was_expected() {
    let (url, _served) = server("HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\nno dragon");
    let (code, said, outputs) = run(&http("http", &url, &[200, 201]));
    assert_eq!((code, outputs.as_str()), (Some(1), ""));
    assert!(said.contains("404") && said.contains("200 or 201 was expected") && said.contains("no dragon"), "{said}");
}

#[test]
fn a_sensor_waits_for_the_status() {
    let (url, _served) = server("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(run(&http("http_answers", &url, &[])).0, Some(75));
    let (url, _served) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(run(&http("http_answers", &url, &[])).0, Some(0));
    let (code, said, _) = run(&http("http_answers", "http://127.0.0.1:1/", &[]));
    assert_eq!(code, Some(75), "{said}");
    let (code, said, _) = run(&http("http_answers", "no url", &[]));
    assert_eq!(code, Some(1), "{said}");
}

#[test]
fn a_file_sensor_waits_for_a_file() {
    assert_eq!(run(&json!({"operator": "file_exists", "path": "*.csv"})).0, Some(75));
    assert_eq!(run(&json!({"operator": "file_exists", "path": "/dev/null"})).0, Some(0));
}
