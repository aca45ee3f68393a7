//! The OpenAPI description, made from the code: paths and shapes by utoipa, and here what is the
//! same for all of them (path parameters, errors, how to log in).

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::error::{ErrorBody, ValidationBody};

/// Paths that need no login.
const PUBLIC: [&str; 6] = ["/auth/token", "/auth/token/cli", "/auth/login", "/auth/logout", "/api/v2/version", "/api/v2/monitor/health"];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Updraft API",
        description = "Airflow's stable REST API, version 2, as far as Updraft has it: same paths, names and shapes. \
                       What Updraft adds says so.",
        version = "2",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ErrorBody, ValidationBody))
)]
pub struct Description;

/// Adds what all paths share.
pub fn complete(api: utoipa::openapi::OpenApi) -> Value {
    // The description is plain data, so this can't fail; an empty one would fail the test that compares it.
    let mut api = serde_json::to_value(api).unwrap_or_default();
    if let Some(paths) = api.get_mut("paths").and_then(Value::as_object_mut) {
        for (path, operations) in paths.iter_mut() {
            for operation in operations.as_object_mut().into_iter().flat_map(Map::values_mut) {
                complete_operation(path, operation);
            }
        }
    }
    if let Some(schemas) = api.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        for (name, schema) in schemas.iter_mut().filter(|(name, _)| !is_request(name)) {
            require_all(name, schema);
        }
    }
    if let Some(components) = api.get_mut("components") {
        components["securitySchemes"] = json!({
            "HTTPBearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            "Cookie": { "type": "apiKey", "in": "cookie", "name": "updraft_token" },
        });
    }
    api
}

fn complete_operation(path: &str, operation: &mut Value) {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let of_path = names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": type_of(name) } }));
    let mut parameters: Vec<Value> = of_path.collect();
    if let Some(given) = operation.get_mut("parameters").and_then(Value::as_array_mut) {
        given.retain(|parameter| parameter["in"] != "path");
        parameters.append(given);
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    let is_public = PUBLIC.contains(&path);
    let mut errors = vec![("422", "Validation Error", "HTTPValidationError")];
    if !is_public {
        operation["security"] = json!([{ "HTTPBearer": [] }, { "Cookie": [] }]);
        errors.extend([("401", "Unauthorized", ERROR), ("403", "Forbidden", ERROR)]);
    }
    if path.contains('{') {
        errors.extend([("400", "Bad Request", ERROR), ("404", "Not Found", ERROR)]);
    }
    for (status, description, schema) in errors {
        let response = json!({
            "description": description,
            "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } },
        });
        if operation["responses"].get(status).is_none() {
            operation["responses"][status] = response;
        }
    }
}

const ERROR: &str = "HTTPExceptionResponse";

fn type_of(parameter: &str) -> &'static str {
    match parameter {
        "map_index" | "try_number" | "task_try_number" | "import_error_id" | "version_number" => "integer",
        _ => "string",
    }
}

fn is_request(schema: &str) -> bool {
    schema.ends_with("Body")
}

/// Answers always have all their fields, be they `null`: utoipa only knows that they are optional.
fn require_all(name: &str, schema: &mut Value) {
    // These leave fields out.
    if matches!(name, "StructuredLogMessage" | "ValidationError") {
        return;
    }
    let parts = match schema.get_mut("allOf").and_then(Value::as_array_mut) {
        Some(parts) => parts.iter_mut().collect(),
        None => vec![schema],
    };
    for part in parts {
        if let Some(properties) = part.get("properties").and_then(Value::as_object) {
            let names: Vec<Value> = properties.keys().map(|name| name.as_str().into()).collect();
            part["required"] = names.into();
        }
    }
}
