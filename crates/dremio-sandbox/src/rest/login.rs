//! Login, probe, logout and the first user (contract §1, §3.1).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::body::Fields;
use super::credentials::{self, Caller};
use super::{ApiError, Shared};
use crate::accounts::User;
use crate::instance::{CLUSTER_ID, VERSION};

/// When the pretended cluster was created: 2024-11-01.
const CLUSTER_CREATED_AT_MS: i64 = 1_730_419_200_000;

const USER_FORM: [&str; 11] = [
    "uid",
    "userName",
    "firstName",
    "lastName",
    "email",
    "createdAt",
    "modifiedAt",
    "version",
    "extra",
    "active",
    "password",
];

/// `GET /apiv2/login`: whether the token is good.
pub(crate) async fn probe(_caller: Caller) -> Json<bool> {
    Json(true)
}

/// `POST /apiv2/login`.
pub(crate) async fn log_in(State(instance): Shared, body: Bytes) -> Result<Json<Value>, ApiError> {
    let Some(fields) = Fields::parse(&body, &["userName", "password"])? else {
        return Err(ApiError::internal(""));
    };
    let unauthorized = |message: String| ApiError::by_hand(StatusCode::UNAUTHORIZED, message);
    let typed = fields.string("userName")?.unwrap_or_default();
    let password = fields.string("password")?.unwrap_or_default();
    if typed.is_empty() || password.is_empty() {
        return Err(unauthorized("user name or password cannot be null or empty".to_owned()));
    }
    if typed.contains(['"', ':']) {
        return Err(unauthorized("Invalid username: can not contain quotes or colons.".to_owned()));
    }
    let user =
        instance.accounts.find(&typed).filter(|user| user.has_password(&password)).ok_or_else(
            || unauthorized(format!("Login failed: Invalid username or password, user {typed}")),
        )?;
    instance.catalog.ensure_home(&user.name);
    let (token, expires_at) = instance
        .tokens
        .issue(&user.name)
        .map_err(|cause| ApiError::by_hand(StatusCode::INTERNAL_SERVER_ERROR, cause.to_string()))?;
    let mut session = json!({"token": token, "userName": typed});
    insert(&mut session, "firstName", user.first_name);
    insert(&mut session, "lastName", user.last_name);
    insert(&mut session, "expires", Some(expires_at.as_millisecond()));
    insert(&mut session, "email", user.email);
    insert(&mut session, "userId", Some(user.id));
    insert(&mut session, "admin", Some(true));
    insert(&mut session, "clusterId", Some(CLUSTER_ID));
    insert(&mut session, "clusterCreatedAt", Some(CLUSTER_CREATED_AT_MS));
    insert(&mut session, "version", Some(VERSION));
    insert(&mut session, "permissions", Some(permissions()));
    insert(&mut session, "userCreatedAt", Some(user.created_at.as_millisecond()));
    Ok(Json(session))
}

/// `DELETE /apiv2/login`: 204 whatever the token was; without a header the handler stumbles over
/// `null`.
pub(crate) async fn log_out(
    State(instance): Shared,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let token = credentials::to_log_out(&headers).ok_or_else(|| ApiError::internal(""))?;
    instance.tokens.log_out(&token);
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /apiv2/bootstrap/firstuser`, once.
pub(crate) async fn create_first_user(
    State(instance): Shared,
    body: Bytes,
) -> Result<Response, ApiError> {
    let Some(fields) = Fields::parse(&body, &USER_FORM)? else {
        return Err(ApiError::internal(""));
    };
    if !instance.accounts.is_empty() {
        return Err(not_the_first());
    }
    let name = fields.string("userName")?.unwrap_or_default();
    let password = fields.string("password")?.unwrap_or_default();
    if name.is_empty() || name.contains(['"', ':']) {
        return Err(ApiError::User(
            "Invalid username: can not contain quotes or colons.".to_owned(),
        ));
    }
    if !is_good_password(&password) {
        return Err(ApiError::User(
            "Invalid password: must be at least 8 letters long, must contain at least one number \
                and one letter"
                .to_owned(),
        ));
    }
    let mut user = User::new(&name, &password);
    user.first_name = fields.string("firstName")?;
    user.last_name = fields.string("lastName")?;
    user.email = fields.string("email")?;
    if !instance.accounts.put_first(user.clone()) {
        return Err(not_the_first());
    }
    instance.catalog.ensure_home(&name);
    Ok(Json(user_ui(&user)).into_response())
}

fn not_the_first() -> ApiError {
    ApiError::User("First user can only be created when no user is already registered".to_owned())
}

fn is_good_password(password: &str) -> bool {
    password.chars().count() >= 8
        && password.chars().any(|char| char.is_ascii_digit())
        && password.chars().any(|char| char.is_ascii_alphabetic())
}

fn user_ui(user: &User) -> Value {
    let path = format!("/user/{}", user.name);
    let mut config = json!({"uid": {"id": user.id}, "userName": user.name});
    insert(&mut config, "firstName", user.first_name.clone());
    insert(&mut config, "lastName", user.last_name.clone());
    insert(&mut config, "email", user.email.clone());
    insert(&mut config, "createdAt", Some(user.created_at.as_millisecond()));
    insert(&mut config, "active", Some(true));
    json!({
        "resourcePath": path,
        "userName": user.name,
        "userConfig": config,
        "name": user.name,
        "id": user.id,
        "links": {"self": path},
    })
}

/// Adds a property unless it is null: Dremio's mapper leaves nulls out (contract §0.2).
pub(crate) fn insert(object: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(name.to_owned(), value.into());
    }
}

fn permissions() -> Value {
    json!({
        "canUploadProfiles": true,
        "canDownloadProfiles": true,
        "canEmailForSupport": true,
        "canChatForSupport": false,
        "canViewAllJobs": true,
        "canCreateUser": true,
        "canCreateRole": true,
        "canCreateSource": true,
        "canUploadFile": true,
        "canManageNodeActivity": true,
        "canManageEngines": true,
        "canManageQueues": true,
        "canManageEngineRouting": true,
        "canManageSupportSettings": true,
        "canConfigureSecurity": true,
        "canRunDiagnostic": true,
    })
}
