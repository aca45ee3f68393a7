//! Who may do what.

use std::{io::Write, time::Duration};

use axum::{
    body::Body,
    http::{Request, request::Builder},
};
use http_body_util::BodyExt;
use serde_json::json;
use tokio::time::timeout;
use updraft_server::{Authentication, hash_password};
use updraft_store::{Reader, UserRow};

use crate::{fixture::at, scheduler, shapes::assert_shape, world::World};

async fn world() -> World {
    let world = World::with(|config| config.authentication = Authentication::Required).await;
    scheduler::start(world.store.clone(), world.term);
    // One hash for all: it takes its time.
    let password_hash = hash_password("secret").unwrap();
    for role in ["viewer", "user", "admin"] {
        let row = UserRow {
            username: role.into(),
            password_hash: password_hash.clone(),
            role: role.into(),
            created_at: at("2026-01-01T00:00:00Z"),
        };
        world.store.set_user(row).await.unwrap();
    }
    world
}

async fn token(world: &World, user: &str) -> String {
    let reply = world.post("/auth/token", json!({ "username": user, "password": "secret" })).await.expect(201);
    assert_shape("LoginResponse", &reply);
    reply["access_token"].as_str().unwrap().to_owned()
}

fn with(method: &str, path: &str, token: &str) -> Builder {
    Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"))
}

#[tokio::test]
async fn nearly_everything_needs_a_login() {
    let world = world().await;
    for path in ["/api/v2/dags", "/api/v2/me", "/api/v2/feed", "/metrics", "/api/v2/variables"] {
        let reply = world.get(path).await;
        reply.expect(401);
        assert_shape("HTTPExceptionResponse", &reply.json());
        assert_eq!(reply.headers["www-authenticate"], "Bearer");
    }
    for path in ["/api/v2/version", "/api/v2/monitor/health", "/openapi.json"] {
        world.get(path).await.expect(200);
    }
    assert_ne!(world.get("/").await.status, 401);
}

#[tokio::test]
async fn roles_are_what_they_may_do() {
    let world = world().await;
    let cases = [
        ("GET", "/api/v2/dags", [200, 200, 200]),
        ("PATCH", "/api/v2/dags/sales", [403, 200, 200]),
        ("GET", "/api/v2/pools", [200, 200, 200]),
        ("DELETE", "/api/v2/pools/warehouse", [403, 403, 204]),
        ("GET", "/api/v2/variables", [403, 403, 200]),
    ];
    let tokens = [token(&world, "viewer").await, token(&world, "user").await, token(&world, "admin").await];
    for (method, path, expected) in cases {
        for (token, expected) in tokens.iter().zip(expected) {
            let request = with(method, path, token).body(Body::from(r#"{"is_paused": true}"#)).unwrap();
            let reply = world.call(request).await;
            assert_eq!(reply.status.as_u16(), expected, "{method} {path}: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn wrong_passwords_and_forged_tokens_are_refused() {
    let world = world().await;
    for body in [json!({ "username": "admin", "password": "wrong" }), json!({ "username": "nobody", "password": "secret" })] {
        let reply = world.post("/auth/token", body).await;
        reply.expect(401);
        assert_eq!(reply.detail(), "Invalid credentials");
    }
    world.post("/auth/token", json!({ "username": "admin" })).await.expect(422);
    let good = token(&world, "viewer").await;
    for bad in ["", "x.y.z", &good[..good.len() - 2], &good.replacen('e', "f", 3)] {
        world.call(with("GET", "/api/v2/me", bad).body(Body::empty()).unwrap()).await.expect(401);
    }
    let me = world.call(with("GET", "/api/v2/me", &good).body(Body::empty()).unwrap()).await.expect(200);
    assert_eq!(me, json!({ "username": "viewer", "role": "viewer" }));
}

#[tokio::test]
async fn a_form_logs_in_too() {
    let world = world().await;
    let form =
        |kind: &str| Request::post("/auth/token").header("content-type", kind).body(Body::from("username=user&password=secret")).unwrap();
    world.call(form("application/x-www-form-urlencoded")).await.expect(201);
    world.call(form("text/plain")).await.expect(415);
}

#[tokio::test]
async fn the_cookie_is_guarded_against_other_sites() {
    let world = world().await;
    let login = world.post("/auth/login", json!({ "username": "user", "password": "secret" })).await;
    login.expect(200);
    let cookie = login.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax; Max-Age=86400"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    let patch = |name: &str, value: &str| {
        let request = Request::patch("/api/v2/dags/sales").header("cookie", pair).header(name, value);
        request.body(Body::from(r#"{"is_paused": true}"#)).unwrap()
    };
    let read = Request::get("/api/v2/me").header("cookie", format!("a=b; {pair}")).body(Body::empty()).unwrap();
    assert_eq!(world.call(read).await.expect(200)["username"], "user");
    world.call(patch("sec-fetch-site", "cross-site")).await.expect(403);
    world.call(patch("sec-fetch-site", "same-origin")).await.expect(200);
    world.call(patch("x-requested-with", "updraft")).await.expect(200);
    let logout = world.post("/auth/logout", json!({})).await;
    assert_eq!(logout.status, 204);
    assert!(logout.headers["set-cookie"].to_str().unwrap().starts_with("updraft_token=; "));
}

#[tokio::test]
async fn administrators_say_who_may_come_in() {
    let world = world().await;
    let (admin, user) = (token(&world, "admin").await, token(&world, "user").await);
    let call = |method: &str, path: &str, token: &str, body: &str| {
        world.call(with(method, path, token).body(Body::from(body.to_owned())).unwrap())
    };
    call("GET", "/auth/users", &user, "").await.expect(403);
    let made = call("POST", "/auth/users", &admin, r#"{"username": "eve", "password": "secret"}"#).await.expect(201);
    assert_eq!(made["role"], "viewer");
    call("POST", "/auth/users", &admin, r#"{"username": "eve", "password": "x"}"#).await.expect(409);
    call("POST", "/auth/users", &admin, r#"{"username": "", "password": ""}"#).await.expect(422);
    let eve = token(&world, "eve").await;
    call("GET", "/api/v2/me", &eve, "").await.expect(200);
    call("PATCH", "/auth/users/eve", &admin, r#"{"password": "new"}"#).await.expect(200);
    call("GET", "/api/v2/me", &eve, "").await.expect(401);
    assert_eq!(call("DELETE", "/auth/users/user", &admin, "").await.status, 204);
    call("GET", "/api/v2/me", &user, "").await.expect(401);
    call("DELETE", "/auth/users/nobody", &admin, "").await.expect(404);
    call("DELETE", "/auth/users/admin", &admin, "").await.expect(409);
    call("PATCH", "/auth/users/admin", &admin, r#"{"role": "viewer"}"#).await.expect(409);
    let all = call("GET", "/auth/users", &admin, "").await.expect(200);
    assert_eq!(all["total_entries"], 3);
    assert!(!all.to_string().contains("argon2"));
}

/// Opens the stream at `path` and reads its beginning.
async fn stream(world: &World, path: &str, token: &str) -> Body {
    let response = world.send(with("GET", path, token).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), 200, "{path}");
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    body
}

/// Reads a stream to its end.
async fn end(mut body: Body) {
    while let Some(frame) = body.frame().await {
        frame.unwrap();
    }
}

#[tokio::test]
async fn open_streams_end_with_what_let_them_in() {
    let world = world().await;
    let password_hash = hash_password("secret").unwrap();
    for name in ["deleted", "renewed", "demoted", "kept"] {
        let row = UserRow {
            username: name.into(),
            password_hash: password_hash.clone(),
            role: "viewer".into(),
            created_at: at("2026-01-01T00:00:00Z"),
        };
        world.store.set_user(row).await.unwrap();
    }
    crate::logs::file(&world, "live", 1).write_all(b"2026-01-31T06:00:02Z one\n").unwrap();
    let log = "/api/v2/dags/sales/dagRuns/live/taskInstances/extract/logs/1/stream";
    let mut ending = Vec::new();
    for name in ["deleted", "renewed", "demoted"] {
        let token = token(&world, name).await;
        for path in ["/api/v2/feed", log, "/api/v2/dags/sales/dagRuns/live/wait?interval=0.1"] {
            ending.push(stream(&world, path, &token).await);
        }
    }
    let kept = stream(&world, "/api/v2/feed", &token(&world, "kept").await).await;
    // As another server of the same database does it: this one is not told.
    world.store.delete_user("deleted").await.unwrap();
    for (name, password, role) in [("renewed", "new", "viewer"), ("demoted", "secret", "nobody")] {
        let password_hash = hash_password(password).unwrap();
        let row = UserRow { username: name.into(), password_hash, role: role.into(), created_at: at("2026-01-01T00:00:00Z") };
        world.store.set_user(row).await.unwrap();
    }
    // Within 5 s, and the time that a busy machine needs to see it.
    timeout(Duration::from_secs(10), futures::future::join_all(ending.into_iter().map(end))).await.expect("the streams end");
    assert!(timeout(Duration::from_millis(1), end(kept)).await.is_err(), "those of others do not");
}

#[tokio::test]
async fn an_open_stream_ends_with_its_token() {
    let world = World::with(|config| {
        config.authentication = Authentication::Required;
        config.token_lifetime = Duration::from_secs(2);
    })
    .await;
    let row = UserRow {
        username: "viewer".into(),
        password_hash: hash_password("secret").unwrap(),
        role: "viewer".into(),
        created_at: at("2026-01-01T00:00:00Z"),
    };
    world.store.set_user(row).await.unwrap();
    let body = stream(&world, "/api/v2/feed", &token(&world, "viewer").await).await;
    timeout(Duration::from_secs(10), end(body)).await.expect("the stream ends");
}

/// Takes a table away as a broken database would, and gives it back.
fn rename(world: &World, from: &str, to: &str) {
    let connection = rusqlite::Connection::open(world.dir.path().join("updraft.db")).unwrap();
    connection.execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}")).unwrap();
}

#[tokio::test]
async fn metrics_say_that_the_database_is_down_to_those_who_were_known() {
    let world = world().await;
    let (viewer, user) = (token(&world, "viewer").await, token(&world, "user").await);
    let metrics = |token: &str| world.call(with("GET", "/metrics", token).body(Body::empty()).unwrap());
    assert_eq!(metrics(&viewer).await.status, 200);
    world.store.delete_user("user").await.unwrap();
    token(&world, "viewer").await;
    for table in ["app_user", "dag_run"] {
        rename(&world, table, &format!("{table}_away"));
    }
    // What is known of users is some seconds old by then: a login asks anew, and fails.
    assert_eq!(world.post("/auth/token", json!({ "username": "viewer", "password": "secret" })).await.status, 500);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(60)).await;
    tokio::time::resume();
    assert_eq!(world.call(with("GET", "/api/v2/me", &viewer).body(Body::empty()).unwrap()).await.status, 500);
    let page = metrics(&viewer).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.lines().any(|line| line == "updraft_database_up 0"), "{}", page.text);
    assert_eq!(metrics(&user).await.status, 401, "a user who was deleted is not known");
    assert_eq!(metrics(&viewer[..viewer.len() - 2]).await.status, 401);
    assert_eq!(world.get("/metrics").await.status, 401);
}
