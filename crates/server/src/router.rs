//! Which path leads to which handler, and what each group of paths asks of whoever calls.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, Method, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::Response,
    routing::get,
};
use serde_json::Value;
use tower_http::{compression::CompressionLayer, cors::CorsLayer, trace::TraceLayer};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api::{dag_runs, dags, feed, import_errors, logs as log_api, monitor, nodes, pools, task_instances, users, variables, xcoms},
    app::App,
    auth::{self, Authority, Role},
    config::{Deps, ServerConfig},
    logs, metrics, openapi, page,
};

/// Larger bodies are refused: a conf is a few values, not a file.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// Where nodes ask each other for logs. Signed, and in no description.
const LOG_PART: &str = "/internal/attempts/{attempt}/log";

type Routes = OpenApiRouter<Arc<App>>;

/// The whole server as one service.
///
/// Must be called inside a tokio runtime: it starts the task that reads the feed.
pub fn router(deps: Deps, config: ServerConfig) -> Router {
    let cors = cors(&config);
    let app = App::new(deps, config);
    let behind = |routes: Routes, at_least, without_database| {
        let authority = Authority { app: app.clone(), at_least, without_database };
        routes.route_layer(from_fn_with_state(authority, auth::require))
    };
    let gate = |routes: Routes, at_least| behind(routes, at_least, false);
    let (router, api) = OpenApiRouter::with_openapi(openapi::Description::openapi())
        .merge(open())
        .merge(behind(measuring(), Role::Viewer, true))
        .merge(gate(reading(), Role::Viewer))
        .merge(gate(operating(), Role::User))
        .merge(gate(administering(), Role::Op))
        .merge(gate(owning(), Role::Admin))
        .split_for_parts();
    let description: Arc<Value> = Arc::new(openapi::complete(api));
    router
        .route(LOG_PART, get(logs::node::read_part))
        .route("/openapi.json", get(move || async move { Json((*description).clone()) }))
        .method_not_allowed_fallback(|| async {
            (axum::http::StatusCode::METHOD_NOT_ALLOWED, Json(serde_json::json!({ "detail": "Method Not Allowed" })))
        })
        .fallback(page::serve)
        .layer(from_fn(decorate))
        .layer(from_fn_with_state(app.clone(), metrics::observe))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CompressionLayer::new())
        .layer(cors)
        .layer(TraceLayer::new_for_http())
        .with_state(app)
}

/// What a node that has no API answers: the parts of logs that lie there, to other nodes.
pub fn node_router(deps: Deps, config: ServerConfig) -> Router {
    Router::new().route(LOG_PART, get(logs::node::read_part)).with_state(App::new(deps, config))
}

/// The description of the API, as `/openapi.json` gives it.
pub fn description() -> Value {
    let routes = [open(), measuring(), reading(), operating(), administering(), owning()];
    let all = routes.into_iter().fold(OpenApiRouter::with_openapi(openapi::Description::openapi()), OpenApiRouter::merge);
    openapi::complete(all.into_openapi())
}

/// For everybody.
fn open() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(auth::token))
        .routes(routes!(auth::token_cli))
        .routes(routes!(auth::login))
        .routes(routes!(auth::logout))
        .routes(routes!(monitor::health::get_health))
        .routes(routes!(monitor::version::get_version))
}

/// For all who may log in.
fn reading() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(auth::me))
        .routes(routes!(dags::list::get_dags))
        .routes(routes!(dags::get::get_dag))
        .routes(routes!(dags::details::get_dag_details))
        .routes(routes!(dags::tasks::get_tasks))
        .routes(routes!(dags::task::get_task))
        .routes(routes!(dags::versions::get_dag_versions))
        .routes(routes!(dags::version::get_dag_version))
        .routes(routes!(dags::source::get_dag_source))
        .routes(routes!(dags::tags::get_dag_tags))
        .routes(routes!(dags::stats::get_dag_stats))
        .routes(routes!(dags::recent_runs::get_recent_runs))
        .routes(routes!(dag_runs::list::get_dag_runs))
        .routes(routes!(dag_runs::batch::get_list_dag_runs_batch))
        .routes(routes!(dag_runs::get::get_dag_run))
        .routes(routes!(dag_runs::wait::wait_dag_run))
        .routes(routes!(task_instances::list::get_task_instances))
        .routes(routes!(task_instances::list::get_mapped_task_instances))
        .routes(routes!(task_instances::batch::get_task_instances_batch))
        .routes(routes!(task_instances::get::get_task_instance))
        .routes(routes!(task_instances::get::get_mapped_task_instance))
        .routes(routes!(task_instances::tries::get_task_instance_tries))
        .routes(routes!(task_instances::tries::get_mapped_task_instance_tries))
        .routes(routes!(task_instances::tries::get_task_instance_try_details))
        .routes(routes!(task_instances::tries::get_mapped_task_instance_try_details))
        .routes(routes!(task_instances::dependencies::get_task_instance_dependencies))
        .routes(routes!(task_instances::dependencies::get_mapped_task_instance_dependencies))
        .routes(routes!(log_api::get::get_log))
        .routes(routes!(log_api::stream::stream_log))
        .routes(routes!(xcoms::list::get_xcom_entries))
        .routes(routes!(xcoms::get::get_xcom_entry))
        .routes(routes!(import_errors::list::get_import_errors))
        .routes(routes!(import_errors::get::get_import_error))
        .routes(routes!(pools::list::get_pools))
        .routes(routes!(pools::get::get_pool))
        .routes(routes!(nodes::list::get_nodes))
        .routes(routes!(feed::get_feed))
}

/// What says that the database is down, also while it is.
fn measuring() -> Routes {
    OpenApiRouter::new().routes(routes!(metrics::get_metrics))
}

/// For those who work with DAGs.
fn operating() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(dags::patch_many::patch_dags))
        .routes(routes!(dags::patch::patch_dag))
        .routes(routes!(dags::delete::delete_dag))
        .routes(routes!(dag_runs::trigger::trigger_dag_run))
        .routes(routes!(dag_runs::patch::patch_dag_run))
        .routes(routes!(dag_runs::delete::delete_dag_run))
        .routes(routes!(dag_runs::clear::clear_dag_run))
        .routes(routes!(task_instances::patch::patch_task_instance))
        .routes(routes!(task_instances::patch::patch_mapped_task_instance))
        .routes(routes!(task_instances::patch::patch_task_instance_dry_run))
        .routes(routes!(task_instances::patch::patch_mapped_task_instance_dry_run))
        .routes(routes!(task_instances::clear::post_clear_task_instances))
}

/// For those who look after the instance. Variables may hold secrets, so reading them is here too.
fn administering() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(pools::post::post_pool))
        .routes(routes!(pools::patch::patch_pool))
        .routes(routes!(pools::delete::delete_pool))
        .routes(routes!(nodes::forget::forget_node))
        .routes(routes!(variables::list::get_variables))
        .routes(routes!(variables::post::post_variable))
        .routes(routes!(variables::get::get_variable))
        .routes(routes!(variables::patch::patch_variable))
        .routes(routes!(variables::delete::delete_variable))
}

/// For those who say who may come in.
fn owning() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(users::list::get_users))
        .routes(routes!(users::post::post_user))
        .routes(routes!(users::patch::patch_user))
        .routes(routes!(users::delete::delete_user))
}

/// Adds the headers that every answer has. What the API says is never kept by browsers.
async fn decorate(request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api/") || request.uri().path().starts_with("/auth/");
    let mut response = next.run(request).await;
    for (name, value) in page::SECURITY_HEADERS {
        response.headers_mut().insert(name, value);
    }
    if is_api {
        response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

/// Nobody else's page, unless the configuration names it; never with cookies.
fn cors(config: &ServerConfig) -> CorsLayer {
    let origins: Vec<HeaderValue> = config.cors_origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return CorsLayer::new();
    }
    CorsLayer::new().allow_origin(origins).allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE]).allow_headers([
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::ACCEPT,
    ])
}
