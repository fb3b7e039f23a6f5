//! The catalog resource (contract §5.1–§5.3).

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{StatusCode, Uri};
use serde_json::{Value, json};

use super::credentials::Caller;
use super::login::insert;
use super::params::{Params, decode};
use super::{ApiError, Shared};
use crate::catalog::{CREATED_AT, Catalog, Entity, Kind, Namespace, Origin, Source};

/// Matches of a search; more are not returned (contract §5.3).
const SEARCH_MAX: usize = 50;
/// Entities of a bulk request (contract §5.2).
const BULK_MAX: usize = 50;

/// `GET /api/v3/catalog`: the caller's home, spaces, sources.
pub(crate) async fn list(
    State(instance): Shared,
    Caller(user): Caller,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let mut counts = false;
    for include in params.all("include") {
        match include {
            "datasetCount" => counts = true,
            "tags" | "jobCount" | "children" => return Err(ApiError::internal("Not implemented")),
            other => {
                return Err(ApiError::bad_request(format!(
                    "No enum constant com.dremio.service.catalog.DetailType.{other}"
                )));
            }
        }
    }
    let namespace = instance.catalog.namespace();
    let home = format!("@{user}").to_lowercase();
    let rank = |entity: &Entity| match &entity.kind {
        Kind::Home if entity.name().to_lowercase() == home => Some(0),
        Kind::Space => Some(1),
        Kind::Source(source) if !source.is_internal => Some(2),
        _ => None,
    };
    let mut top: Vec<_> = namespace.entities().filter(|entity| rank(entity).is_some()).collect();
    top.sort_by_key(|entity| (rank(entity), entity.name().to_lowercase()));
    let data: Vec<Value> = top
        .into_iter()
        .map(|entity| {
            let mut item = item(entity);
            if counts {
                let count = namespace.datasets_below(&entity.path).count();
                let stats = json!({"datasetCount": count, "datasetCountBounded": false});
                insert(&mut item, "stats", Some(stats));
            }
            item
        })
        .collect();
    Ok(Json(json!({"data": data})))
}

/// `GET /api/v3/catalog/{id}`.
pub(crate) async fn by_id(
    State(instance): Shared,
    _caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let namespace = instance.catalog.namespace();
    let found = namespace.find_by_id(&id);
    let found = found
        .ok_or_else(|| ApiError::not_found(format!("Could not find entity with id [{id}]")))?;
    let page = Page::from(&params)?;
    entity(&namespace, found, &page).map(Json)
}

/// `GET /api/v3/catalog/by-path/{a}/{b}/…`: every segment is a name, decoded on its own.
pub(crate) async fn by_path(
    State(instance): Shared,
    _caller: Caller,
    uri: Uri,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let raw = uri.path().strip_prefix("/api/v3/catalog/by-path/").unwrap_or_default();
    let path: Vec<String> = raw
        .trim_end_matches('/')
        .split('/')
        // What follows a `;` is a matrix parameter and lost.
        .map(|segment| decode(segment.split(';').next().unwrap_or_default(), false))
        .filter(|name| !name.is_empty())
        .collect();
    if path.is_empty() {
        return Err(ApiError::bad_request("Catalog entity path cannot be empty."));
    }
    let namespace = instance.catalog.namespace();
    let found = namespace.find(&path).ok_or_else(|| missing(&namespace, &path))?;
    let page = Page::from(&params)?;
    entity(&namespace, found, &page).map(Json)
}

/// Only below spaces, homes and nothing is a missing path a plain 404 (contract §5.2).
fn missing(namespace: &Namespace, path: &[String]) -> ApiError {
    let root = path.get(..1).and_then(|root| namespace.find(root));
    match root.map(|entity| &entity.kind) {
        Some(Kind::Source(source)) if source.is_file_system => ApiError::internal(format!(
            "java.io.FileNotFoundException: PDFS file path not found: /{}",
            path.get(1..).unwrap_or_default().join("/")
        )),
        Some(Kind::Source(source)) => ApiError::bad_request(format!(
            "Can not get internal item from non-filesystem source [{}] of type [{}]",
            path.first().map_or("", String::as_str),
            source.plugin
        )),
        _ => {
            ApiError::not_found(format!("Could not find entity with path [[{}]]", path.join(", ")))
        }
    }
}

/// `POST /api/v3/catalog/by-ids?maxChildren=n`.
pub(crate) async fn by_ids(
    State(instance): Shared,
    _caller: Caller,
    params: Params,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let ids: Vec<String> = bulk(&body)?;
    bulk_answer(&instance.catalog, &params, &ids, |namespace, id| namespace.find_by_id(id).cloned())
}

/// `POST /api/v3/catalog/by-paths?maxChildren=n`.
pub(crate) async fn by_paths(
    State(instance): Shared,
    _caller: Caller,
    params: Params,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let paths: Vec<Vec<String>> = bulk(&body)?;
    bulk_answer(&instance.catalog, &params, &paths, |namespace, path| namespace.find(path).cloned())
}

fn bulk<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<Vec<T>, ApiError> {
    let value: Value =
        serde_json::from_slice(body).map_err(|cause| ApiError::Malformed(cause.to_string()))?;
    serde_json::from_value(value)
        .map_err(|_| ApiError::by_hand(StatusCode::BAD_REQUEST, "Invalid value."))
}

fn bulk_answer<K: serde::Serialize>(
    catalog: &Catalog,
    params: &Params,
    keys: &[K],
    find: impl Fn(&Namespace, &K) -> Option<std::sync::Arc<Entity>>,
) -> Result<Json<Value>, ApiError> {
    let max_children = params.integer("maxChildren")?.filter(|count| (1..=20).contains(count));
    let Some(max_children) = max_children else {
        return Err(ApiError::bad_request("maxChildren must be between 1 and 20"));
    };
    if keys.len() > BULK_MAX {
        return Err(ApiError::bad_request(format!("At most {BULK_MAX} entities can be requested")));
    }
    let namespace = catalog.namespace();
    let page = Page { max_children: usize::try_from(max_children).ok(), token: None };
    let mut data = Vec::new();
    let mut errors = Vec::new();
    for key in keys {
        match find(&namespace, key) {
            Some(found) => data.push(entity(&namespace, &found, &page)?),
            None => {
                let name = json!(key).to_string().replace('"', "");
                errors.push(json!({"errorMessage": format!("'{name}' was not found")}));
            }
        }
    }
    let mut body = json!({"data": data});
    insert(&mut body, "errors", (!errors.is_empty()).then_some(errors));
    Ok(Json(body))
}

/// `GET /api/v3/catalog/search?query=`: names, path parts, tags and columns, without regard to
/// case.
pub(crate) async fn search(State(instance): Shared, _caller: Caller, params: Params) -> Response {
    let query = params.text("query").unwrap_or_default().to_lowercase();
    let words: Vec<&str> = query.split_whitespace().collect();
    let namespace = instance.catalog.namespace();
    let matches = |entity: &Entity| {
        let columns = entity.dataset().into_iter().flat_map(|dataset| &dataset.columns);
        let tags = instance.catalog.notes().tags(entity).tags;
        let texts: Vec<String> = entity
            .path
            .iter()
            .chain(columns.map(|column| &column.name))
            .chain(&tags)
            .map(|text| text.to_lowercase())
            .collect();
        words.iter().all(|word| texts.iter().any(|text| text.contains(word)))
    };
    let is_internal = |entity: &Entity| {
        let root = entity.path.get(..1).and_then(|root| namespace.find(root));
        root.is_some_and(|root| matches!(&root.kind, Kind::Source(source) if source.is_internal))
    };
    let data: Vec<Value> = namespace
        .entities()
        .filter(|entity| !is_internal(entity) && matches(entity))
        .take(SEARCH_MAX)
        .map(|entity| item(entity))
        .collect();
    Json(json!({"data": data})).into_response()
}

/// Which children are asked for.
struct Page {
    max_children: Option<usize>,
    token: Option<String>,
}

impl Page {
    fn from(params: &Params) -> Result<Self, ApiError> {
        let excluded = params.all("exclude").any(|word| word == "children");
        let max_children =
            params.integer("maxChildren")?.map(|count| usize::try_from(count).unwrap_or(0));
        Ok(Self {
            max_children: if excluded { Some(0) } else { max_children },
            token: params.text("pageToken").map(ToOwned::to_owned),
        })
    }
}

/// An entity with a page of its children.
fn entity(namespace: &Namespace, entity: &Entity, page: &Page) -> Result<Value, ApiError> {
    let mut body = match &entity.kind {
        Kind::Dataset(_) => return Ok(dataset(entity)),
        Kind::Home => {
            let (name, tag) = (entity.name(), tag(entity));
            json!({"entityType": "home", "id": entity.id, "name": name, "tag": tag})
        }
        Kind::Space => {
            let (name, tag) = (entity.name(), tag(entity));
            json!({"entityType": "space", "id": entity.id, "name": name, "tag": tag,
                "createdAt": CREATED_AT})
        }
        Kind::Folder => {
            let (path, tag) = (&entity.path, tag(entity));
            json!({"entityType": "folder", "id": entity.id, "path": path, "tag": tag})
        }
        Kind::Source(kind) => source(entity, kind),
        Kind::File => {
            return Ok(json!({"entityType": "file", "id": entity.id, "path": entity.path}));
        }
        Kind::Function(function) => {
            return Ok(json!({"entityType": "function", "id": entity.id, "path": entity.path,
                "tag": tag(entity), "createdAt": CREATED_AT, "lastModified": CREATED_AT,
                "isScalar": true, "functionArgList": function.arguments,
                "functionBody": function.body, "returnType": function.returns}));
        }
    };
    let root = entity.path.get(..1).and_then(|root| namespace.find(root));
    let pages = !root
        .is_some_and(|root| matches!(&root.kind, Kind::Source(source) if source.is_file_system));
    let children = namespace.children(&entity.path);
    let mut start = 0;
    let mut limit = children.len();
    if pages {
        start = match &page.token {
            Some(token) => page_start(entity, &children, token)?,
            None => 0,
        };
        limit = page.max_children.unwrap_or(limit);
    } else if page.max_children == Some(0) {
        limit = 0;
    }
    let shown: Vec<Value> =
        children.iter().skip(start).take(limit).map(|child| item(child)).collect();
    let next = children.get(start.saturating_add(limit)).filter(|_| limit > 0);
    insert(&mut body, "children", Some(shown));
    insert(&mut body, "nextPageToken", next.map(|next| page_token(entity, next)));
    Ok(body)
}

/// The entity of a source, without its children.
pub(super) fn source(entity: &Entity, source: &Source) -> Value {
    json!({
        "entityType": "source",
        "id": entity.id,
        "name": entity.name(),
        "type": source.ty,
        "tag": tag(entity),
        "createdAt": CREATED_AT,
        "config": {},
        "state": {"status": "good", "suggestedUserAction": "", "messages": []},
        "metadataPolicy": {
            "authTTLMs": 86_400_000,
            "namesRefreshMs": 3_600_000,
            "datasetRefreshAfterMs": 3_600_000,
            "datasetExpireAfterMs": 10_800_000,
            "datasetUpdateMode": "PREFETCH_QUERIED",
            "deleteUnavailableDatasets": true,
            "autoPromoteDatasets": false,
        },
        "accelerationGracePeriodMs": 10_800_000,
        "accelerationRefreshPeriodMs": 3_600_000,
        "accelerationActivePolicyType": "PERIOD",
        "accelerationNeverExpire": false,
        "accelerationNeverRefresh": false,
        "allowCrossSourceSelection": false,
        "disableMetadataValidityCheck": false,
    })
}

fn dataset(entity: &Entity) -> Value {
    let Some(dataset) = entity.dataset() else {
        return Value::Null;
    };
    let ty = match dataset.origin {
        Origin::View { .. } => "VIRTUAL_DATASET",
        Origin::Table { .. } | Origin::System => "PHYSICAL_DATASET",
    };
    let mut body = json!({"entityType": "dataset", "id": entity.id, "type": ty, "path": entity.path,
        "createdAt": CREATED_AT, "tag": tag(entity)});
    match &dataset.origin {
        Origin::View { sql, context } => {
            insert(&mut body, "sql", Some(sql.clone()));
            insert(&mut body, "sqlContext", (!context.is_empty()).then(|| context.clone()));
        }
        Origin::Table { format } => {
            let policy = json!({"refreshPeriodMs": 3_600_000,
                "gracePeriodMs": 10_800_000, "method": "FULL",
                "neverExpire": false, "neverRefresh": false});
            insert(&mut body, "accelerationRefreshPolicy", Some(policy));
            insert(&mut body, "format", format.map(|format| json!({"type": format})));
            insert(&mut body, "approximateStatisticsAllowed", Some(false));
            insert(&mut body, "lastMetadataRefreshAt", Some(CREATED_AT));
        }
        Origin::System => insert(&mut body, "approximateStatisticsAllowed", Some(false)),
    }
    let fields: Vec<Value> = dataset.columns.iter().map(crate::catalog::Column::to_json).collect();
    insert(&mut body, "fields", Some(fields));
    insert(&mut body, "isMetadataExpired", Some(false));
    body
}

/// An entry of a list.
fn item(entity: &Entity) -> Value {
    let mut item = json!({"id": entity.id, "path": entity.path, "tag": tag(entity)});
    let container = |name| ("CONTAINER", "containerType", name);
    let (ty, member, name) = match &entity.kind {
        Kind::Home => container("HOME"),
        Kind::Space => container("SPACE"),
        Kind::Source(_) => container("SOURCE"),
        Kind::Folder => container("FOLDER"),
        Kind::File => {
            return json!({"id": entity.id, "path": entity.path, "type": "FILE"});
        }
        Kind::Function(_) => container("FUNCTION"),
        Kind::Dataset(dataset) => match dataset.origin {
            Origin::View { .. } => ("DATASET", "datasetType", "VIRTUAL"),
            Origin::Table { format: Some(_) } => ("DATASET", "datasetType", "PROMOTED"),
            Origin::Table { format: None } | Origin::System => ("DATASET", "datasetType", "DIRECT"),
        },
    };
    insert(&mut item, "type", Some(ty));
    insert(&mut item, member, Some(name));
    insert(&mut item, "createdAt", Some(CREATED_AT));
    item
}

/// The version tag of an entity that never changes.
fn tag(entity: &Entity) -> String {
    let head = entity.id.get(..8).unwrap_or_default();
    format!("{head}=")
}

fn page_token(parent: &Entity, next: &Entity) -> String {
    let token = json!({"path": parent.path.join("."), "pageToken": next.name()});
    URL_SAFE_NO_PAD.encode(token.to_string())
}

fn page_start(
    parent: &Entity,
    children: &[&std::sync::Arc<Entity>],
    token: &str,
) -> Result<usize, ApiError> {
    let broken = || ApiError::bad_request("Failed to parse pagination token.");
    let bytes = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).map_err(|_| broken())?;
    let token: Value = serde_json::from_slice(&bytes).map_err(|_| broken())?;
    let member = |name: &str| token.get(name).and_then(Value::as_str).ok_or_else(broken);
    let (path, name) = (member("path")?, member("pageToken")?);
    if path != parent.path.join(".") {
        return Err(ApiError::User(format!(
            "Passed path [[{}]] does not match previous path [[{}]]",
            parent.path.join(", "),
            path.replace('.', ", ")
        )));
    }
    Ok(children.iter().position(|child| child.name() == name).unwrap_or(children.len()))
}
