//! Who may do what.

use axum::{
    body::Body,
    http::{Request, request::Builder},
};
use serde_json::json;
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
