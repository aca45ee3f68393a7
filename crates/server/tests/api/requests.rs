//! What happens when the scheduler does not answer, or too late.

use std::time::Duration;

use axum::{body::Body, http::Request};
use futures::StreamExt;
use serde_json::json;
use tokio::time::{Instant, sleep_until};
use updraft_model::{Answer, AnsweredRequest, Batch, RequestId};
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

/// A scheduler that takes the first request there is, as one that needs several commits.
async fn take(world: &World) -> RequestId {
    let mut hints = world.store.hints();
    let id = loop {
        match world.store.pending_requests(10).await.unwrap().first() {
            Some(pending) => break pending.id,
            None => hints.next().await,
        };
    };
    world.commit(Batch { taken_requests: vec![id], ..Batch::default() }).await;
    id
}

#[tokio::test]
async fn what_has_begun_is_not_withdrawn() {
    let world = World::with(|config| config.answer_timeout = Duration::from_millis(500)).await;
    let (reply, id) = tokio::join!(world.patch("/api/v2/dags/sales", json!({ "is_paused": true })), take(&world));
    reply.expect(503);
    assert!(reply.detail().contains("a part of this is done"), "{}", reply.detail());
    assert_eq!(world.store.pending_requests(10).await.unwrap()[0].id, id, "the scheduler goes on with it");
}

#[tokio::test]
async fn the_late_answer_to_what_has_begun_is_heard() {
    let timeout = Duration::from_secs(2);
    let world = World::with(|config| config.answer_timeout = timeout).await;
    let scheduler = async {
        let id = take(&world).await;
        // Now it could be withdrawn if it were not taken.
        sleep_until(Instant::now() + timeout).await;
        world.commit(Batch { answers: vec![AnsweredRequest { id, answer: Answer::Done }], ..Batch::default() }).await;
    };
    let (reply, ()) = tokio::join!(world.patch("/api/v2/dags/sales", json!({ "is_paused": true })), scheduler);
    reply.expect(200);
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
