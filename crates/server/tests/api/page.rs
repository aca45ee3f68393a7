//! What is neither API nor file.

use crate::world::World;

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_it() {
    let world = World::with(|_| ()).await;
    for path in ["/", "/dags/sales", "/api/v2/dags", "/nope.js"] {
        let reply = world.get(path).await;
        assert_eq!(reply.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(reply.headers["x-frame-options"], "DENY", "{path}");
        let policy = reply.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    }
    assert_eq!(world.get("/api/v2/dags").await.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn the_page_answers_where_no_route_does() {
    let world = World::with(|_| ()).await;
    let reply = world.get("/dags/sales/runs/r.1").await;
    assert!(reply.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(reply.text.contains("Updraft"), "{}", reply.text);
    let missing = world.get("/assets/nope-abc123.js").await;
    missing.expect(404);
    for path in ["/nosuch.js", "/robots.txt", "/assets/a/b"] {
        world.get(path).await.expect(404);
    }
    for path in ["/dags/sales.daily", "/dags"] {
        assert!(world.get(path).await.headers["content-type"].to_str().unwrap().starts_with("text/html"), "{path}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_of_the_api_are_json() {
    let world = World::with(|_| ()).await;
    let reply = world.get("/api/v2/nope").await;
    assert_eq!((reply.expect(404), reply.detail().as_str()), (serde_json::json!({ "detail": "Not Found" }), "Not Found"));
    let reply = world.delete("/api/v2/version").await;
    reply.expect(405);
    assert_eq!(reply.detail(), "Method Not Allowed");
}
