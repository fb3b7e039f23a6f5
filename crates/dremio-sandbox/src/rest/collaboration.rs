//! Tags and wikis (contract §5.4). An unknown id is a 400 here, not a 404.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use bytes::Bytes;
use serde_json::{Value, json};

use super::body::Fields;
use super::credentials::Caller;
use super::login::insert;
use super::{ApiError, Shared};
use crate::catalog::{Catalog, Entity, Tags, Wiki};

/// `GET …/collaboration/tag`.
pub(crate) async fn tags(
    State(instance): Shared,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let entity = taggable(&instance.catalog, &id)?;
    Ok(Json(tags_json(instance.catalog.notes().tags(&entity))))
}

/// `POST …/collaboration/tag`: replaces the whole list.
pub(crate) async fn set_tags(
    State(instance): Shared,
    _caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let fields =
        Fields::parse(&body, &["tags", "version"])?.ok_or_else(|| ApiError::internal(""))?;
    let entity = taggable(&instance.catalog, &id)?;
    let tags = fields.strings("tags")?.unwrap_or_default();
    let version = fields.string("version")?;
    let stored = instance.catalog.notes().set_tags(&entity.id, tags, version.as_deref());
    stored.map(|tags| Json(tags_json(tags))).map_err(|stored| {
        conflict(version.as_deref().unwrap_or("null"), stored.version.as_deref().unwrap_or("null"))
    })
}

/// `GET …/collaboration/wiki`.
pub(crate) async fn wiki(
    State(instance): Shared,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let entity = known(&instance.catalog, &id)?;
    Ok(Json(wiki_json(instance.catalog.notes().wiki(&entity))))
}

/// `POST …/collaboration/wiki`.
pub(crate) async fn set_wiki(
    State(instance): Shared,
    _caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let fields =
        Fields::parse(&body, &["text", "version"])?.ok_or_else(|| ApiError::internal(""))?;
    let entity = known(&instance.catalog, &id)?;
    let text = fields.string("text")?.unwrap_or_default();
    let version = fields.integer("version")?;
    let stored = instance.catalog.notes().set_wiki(&entity.id, text, version);
    let provided = version.map_or_else(|| "null".to_owned(), |version| version.to_string());
    stored
        .map(|wiki| Json(wiki_json(wiki)))
        .map_err(|stored| conflict(&provided, &stored.to_string()))
}

fn known(catalog: &Catalog, id: &str) -> Result<Arc<Entity>, ApiError> {
    let namespace = catalog.namespace();
    let entity = namespace.find_by_id(id).cloned();
    entity.ok_or_else(|| ApiError::bad_request(format!("Could not find entity with id [{id}].")))
}

fn taggable(catalog: &Catalog, id: &str) -> Result<Arc<Entity>, ApiError> {
    let entity = known(catalog, id)?;
    if entity.is_container() {
        return Err(ApiError::bad_request("Labels may only be set on views and tables."));
    }
    Ok(entity)
}

fn tags_json(tags: Tags) -> Value {
    let mut body = json!({"tags": tags.tags});
    insert(&mut body, "version", tags.version);
    body
}

fn wiki_json(wiki: Wiki) -> Value {
    let mut body = json!({"text": wiki.text});
    insert(&mut body, "version", wiki.version);
    body
}

fn conflict(provided: &str, stored: &str) -> ApiError {
    ApiError::Conflict(format!(
        "The provided version [{provided}] does not match the stored version [{stored}]."
    ))
}
