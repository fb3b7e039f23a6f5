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
use axum::routing::{MethodRouter, get, post, put};
use axum::{Json, Router};
use http::{StatusCode, Uri};

pub(crate) use error::ApiError;

use crate::instance::Instance;

type Shared = State<Arc<Instance>>;

pub(crate) fn router(instance: Arc<Instance>) -> Router {
    let needs_a_user =
        resources([("/apiv2/login", get(login::probe).post(login::log_in).delete(login::log_out))])
            .route_layer(middleware::from_fn_with_state(
                Arc::clone(&instance),
                refuse_without_users,
            ));
    let bootstrap = resources([
        ("/apiv2/bootstrap/firstuser", put(login::create_first_user)),
        ("/apiv2/server_status", get(async || Json("OK"))),
    ]);
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
    resources([
        ("/api/v3/info", get(directory::info)),
        ("/api/v3/sql", post(job::submit)),
        ("/api/v3/job/{id}", get(job::status)),
        ("/api/v3/job/{id}/results", get(job::results)),
        ("/api/v3/job/{id}/cancel", post(job::cancel)),
        ("/api/v3/catalog", get(catalog::list)),
        ("/api/v3/catalog/search", get(catalog::search)),
        ("/api/v3/catalog/by-ids", post(catalog::by_ids)),
        ("/api/v3/catalog/by-paths", post(catalog::by_paths)),
        ("/api/v3/catalog/{id}", get(catalog::by_id)),
        (
            "/api/v3/catalog/{id}/collaboration/tag",
            get(collaboration::tags).post(collaboration::set_tags),
        ),
        (
            "/api/v3/catalog/{id}/collaboration/wiki",
            get(collaboration::wiki).post(collaboration::set_wiki),
        ),
        ("/api/v3/source", get(directory::sources)),
        ("/api/v3/source/{id}", get(directory::source)),
        // Creating a reflection is not offered, so that listing is what it is in Dremio: a wrong
        // method (contract §5.7).
        ("/api/v3/reflection", post(directory::no_reflection)),
        ("/api/v3/reflection/{id}", get(directory::reflection)),
        ("/api/v3/dataset/{id}/reflection", get(directory::reflections_of)),
        ("/api/v3/user/{id}", get(directory::user)),
        ("/api/v3/user/by-name/{name}", get(directory::user_by_name)),
    ])
    .route("/api/v3/catalog/by-path/", get(catalog::by_path))
    .route("/api/v3/catalog/by-path/{*path}", get(catalog::by_path))
}

/// Resources that also answer with one slash more at the end of their path, as JAX-RS has it
/// (section 3.7.2 of JSR 370).
fn resources<const COUNT: usize>(
    resources: [(&str, MethodRouter<Arc<Instance>>); COUNT],
) -> Router<Arc<Instance>> {
    resources.into_iter().fold(Router::new(), |router, (path, methods)| {
        router.route(path, methods.clone()).route(&format!("{path}/"), methods)
    })
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
