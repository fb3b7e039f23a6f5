//! Dremio's REST surface: which paths exist, and what answers for those that do not (contract §0).
//!
//! Order of decisions, as in Jersey: no such path (404) → other method (405) → content type (415) →
//! `Accept` (406) → no user yet (403, `/apiv2` only) → token (401) → parameters (404) → body (400).

mod body;
mod catalog;
mod collaboration;
pub(crate) mod credentials;
mod directory;
mod error;
mod job;
mod login;
mod negotiation;
pub(crate) mod page;
mod params;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use http::{StatusCode, Uri};

pub(crate) use error::ApiError;

use crate::instance::Instance;

type Shared = State<Arc<Instance>>;

pub(crate) fn router(instance: Arc<Instance>) -> Router {
    let needs_a_user = Router::new()
        .route("/apiv2/login", get(login::probe).post(login::log_in).delete(login::log_out))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&instance), refuse_without_users));
    let bootstrap = Router::new()
        .route("/apiv2/bootstrap/firstuser", put(login::create_first_user))
        .route("/apiv2/server_status", get(async || Json("OK")));
    Router::new()
        .merge(needs_a_user)
        .merge(bootstrap)
        .merge(v3())
        .route_layer(middleware::from_fn(negotiation::negotiate))
        .method_not_allowed_fallback(async || {
            ApiError::mapped(StatusCode::METHOD_NOT_ALLOWED, "HTTP 405 Method Not Allowed")
        })
        .fallback(outside)
        .with_state(instance)
}

fn v3() -> Router<Arc<Instance>> {
    Router::new()
        .route("/api/v3/info", get(directory::info))
        .route("/api/v3/sql", post(job::submit))
        .route("/api/v3/job/{id}", get(job::status))
        .route("/api/v3/job/{id}/results", get(job::results))
        .route("/api/v3/job/{id}/cancel", post(job::cancel))
        .route("/api/v3/catalog", get(catalog::list))
        .route("/api/v3/catalog/", get(catalog::list))
        .route("/api/v3/catalog/search", get(catalog::search))
        .route("/api/v3/catalog/by-path/", get(catalog::by_path))
        .route("/api/v3/catalog/by-path/{*path}", get(catalog::by_path))
        .route("/api/v3/catalog/by-ids", post(catalog::by_ids))
        .route("/api/v3/catalog/by-paths", post(catalog::by_paths))
        .route("/api/v3/catalog/{id}", get(catalog::by_id))
        .route(
            "/api/v3/catalog/{id}/collaboration/tag",
            get(collaboration::tags).post(collaboration::set_tags),
        )
        .route(
            "/api/v3/catalog/{id}/collaboration/wiki",
            get(collaboration::wiki).post(collaboration::set_wiki),
        )
        .route("/api/v3/source", get(directory::sources))
        .route("/api/v3/source/{id}", get(directory::source))
        // Creating a reflection is not offered, so that listing is what it is in Dremio: a wrong
        // method (contract §5.7).
        .route("/api/v3/reflection", post(directory::no_reflection))
        .route("/api/v3/reflection/{id}", get(directory::reflection))
        .route("/api/v3/dataset/{id}/reflection", get(directory::reflections_of))
        .route("/api/v3/user/{id}", get(directory::user))
        .route("/api/v3/user/by-name/{name}", get(directory::user_by_name))
}

/// Answers for paths that no resource serves: a JSON 404 below the API roots, the UI page anywhere
/// else (contract §0.1).
async fn outside(uri: Uri) -> Response {
    let path = uri.path();
    let below = |root: &str| {
        path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if below("/apiv2") || below("/api/v3") {
        ApiError::mapped(StatusCode::NOT_FOUND, "HTTP 404 Not Found").into_response()
    } else {
        page::ui()
    }
}

/// 403 for every `/apiv2` resource that is not marked bootstrap, as long as there is no user
/// (contract §3.1).
async fn refuse_without_users(
    State(instance): Shared,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if instance.accounts.is_empty() {
        return Err(ApiError::by_hand(StatusCode::FORBIDDEN, "No User Available"));
    }
    Ok(next.run(request).await)
}
