//! The small resources: server information, sources, users, reflections (contract §3.3, §5.7).

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::catalog::source as source_json;
use super::credentials::Caller;
use super::login::insert;
use super::{ApiError, Shared};
use crate::accounts::User;
use crate::catalog::{Entity, Kind};
use crate::instance::VERSION;

/// `GET /api/v3/info`.
pub(crate) async fn info(_caller: Caller) -> Json<Value> {
    Json(json!({
        "version": VERSION,
        "buildTime": "2024-10-24T14:28:10.000Z",
        "commit": {"hash": "a963b970", "builder": "dremio-sandbox",
            "time": "2024-10-24T12:00:00.000Z"},
        "clusterType": "null",
    }))
}

/// `GET /api/v3/source`.
pub(crate) async fn sources(State(instance): Shared, _caller: Caller) -> Json<Value> {
    let namespace = instance.catalog.namespace();
    let data: Vec<Value> =
        namespace.entities().filter_map(|entity| legacy_source(entity)).collect();
    Json(json!({"data": data}))
}

/// `GET /api/v3/source/{id}`.
pub(crate) async fn source(
    State(instance): Shared,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let namespace = instance.catalog.namespace();
    let found = namespace.find_by_id(&id).and_then(|entity| legacy_source(entity));
    found
        .map(Json)
        .ok_or_else(|| ApiError::not_found(format!("Could not find source with id [{id}]")))
}

/// A source with the member by which the old resource marked its type.
fn legacy_source(entity: &Entity) -> Option<Value> {
    let Kind::Source(source) = &entity.kind else {
        return None;
    };
    let mut body = source_json(entity, source);
    insert(&mut body, "_type", Some("source"));
    (!source.is_internal).then_some(body)
}

/// `POST /api/v3/reflection`: the demo has none and makes none.
pub(crate) async fn no_reflection(_caller: Caller) -> ApiError {
    ApiError::bad_request("This stand-in for Dremio has no reflections.")
}

/// `GET /api/v3/reflection/{id}`.
pub(crate) async fn reflection(_caller: Caller, Path(id): Path<String>) -> ApiError {
    ApiError::not_found(format!("reflection at with id [{id}] not found"))
}

/// `GET /api/v3/dataset/{id}/reflection`.
pub(crate) async fn reflections_of(_caller: Caller) -> Json<Value> {
    Json(json!({"data": []}))
}

/// `GET /api/v3/user/{id}`.
pub(crate) async fn user(
    State(instance): Shared,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let user = instance.accounts.find_by_id(&id);
    let user =
        user.ok_or_else(|| ApiError::not_found(format!("User with given id '{id}' not found")))?;
    Ok(Json(user_json(user)))
}

/// `GET /api/v3/user/by-name/{name}`.
pub(crate) async fn user_by_name(
    State(instance): Shared,
    _caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let user = instance.accounts.find(&name);
    let not_found =
        || ApiError::by_hand(http::StatusCode::NOT_FOUND, format!("User '{name}' not found"));
    Ok(Json(user_json(user.ok_or_else(not_found)?)))
}

fn user_json(user: User) -> Value {
    let mut body = json!({"id": user.id, "name": user.name});
    insert(&mut body, "firstName", user.first_name);
    insert(&mut body, "lastName", user.last_name);
    insert(&mut body, "email", user.email);
    insert(&mut body, "tag", Some("1"));
    insert(&mut body, "active", Some(true));
    body
}
