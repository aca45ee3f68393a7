//! What happens when the scheduler does not answer, or too late.

use std::time::Duration;

use axum::{body::Body, http::Request};
use serde_json::json;
use updraft_store::EngineStore;

use crate::world::World;

#[tokio::test]
async fn an_unanswered_request_is_withdrawn() {
    let world = World::with(|config| config.answer_timeout = Duration::from_millis(50)).await;
    let reply = world.patch("/api/v2/dags/sales", json!({ "is_paused": true })).await;
    reply.expect(503);
    assert!(reply.detail().contains("nothing has happened"));
    assert_eq!(world.store.pending_requests(10).await.unwrap(), []);
    assert_eq!(world.get("/api/v2/dags/sales").await.json()["is_paused"], false);
}

#[tokio::test]
async fn the_user_stands_in_the_request() {
    let world = World::with(|config| config.answer_timeout = Duration::from_secs(30)).await;
    let call = world.patch("/api/v2/dags/sales", json!({ "is_paused": true }));
    let look = async {
        loop {
            let pending = world.store.pending_requests(10).await.unwrap();
            if let Some(first) = pending.into_iter().next() {
                crate::scheduler::start(world.store.clone(), world.term);
                return first.user;
            }
            tokio::task::yield_now().await;
        }
    };
    let (reply, user) = tokio::join!(call, look);
    reply.expect(200);
    assert_eq!(user.as_deref(), Some("anonymous"));
}

#[tokio::test]
async fn bodies_are_checked_before_anything_is_asked() {
    let world = World::with(|_| ()).await;
    let reply = world.patch("/api/v2/dags/sales", json!({ "is_paused": "perhaps" })).await.expect(422);
    assert_eq!(reply["detail"][0]["loc"], json!(["body", "is_paused"]));
    assert_eq!(world.store.pending_requests(10).await.unwrap(), []);
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let world = World::with(|_| ()).await;
    let patch = |name: &str, value: &str| {
        let body = Body::from(r#"{"is_paused": true}"#);
        Request::patch("/api/v2/dags/sales").header(name, value).body(body).unwrap()
    };
    let reply = world.call(patch("content-type", "text/plain")).await.expect(422);
    assert_eq!(reply["detail"][0]["type"], "model_attributes_type");
    world.call(patch("sec-fetch-site", "cross-site")).await.expect(403);
    assert_eq!(world.store.pending_requests(10).await.unwrap(), []);
}
