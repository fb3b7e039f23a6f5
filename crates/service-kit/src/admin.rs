//! The admin listener: `/healthz`, `/readyz`, `/metrics`, and what a service adds. It is for
//! operators and orchestrators; agents never reach it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};

pub use crate::admin_hosts::AdminHosts;

/// Content type of the `OpenMetrics` text format, version 1.0.0.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One reason for which a service is ready or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Whether this condition holds.
    pub ready: bool,
    /// A stable word for machines, such as `token_expired`; absent when all is well.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// A sentence for people: what is wrong and what helps.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
}

impl Condition {
    /// It holds.
    #[must_use]
    pub fn met() -> Self {
        Self { ready: true, reason: None, message: None }
    }

    /// It holds, and this is what holds.
    #[must_use]
    pub fn met_by(message: impl Into<String>) -> Self {
        Self { ready: true, reason: None, message: Some(message.into()) }
    }

    /// It holds, and there is something to say all the same (for example that TLS is not verified).
    #[must_use]
    pub fn met_with_warning(reason: &str, message: impl Into<String>) -> Self {
        Self { ready: true, reason: Some(reason.to_owned()), message: Some(message.into()) }
    }

    /// It does not hold.
    #[must_use]
    pub fn unmet(reason: &str, message: impl Into<String>) -> Self {
        Self { ready: false, reason: Some(reason.to_owned()), message: Some(message.into()) }
    }
}

/// The body of `/readyz` on the admin address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Whether all conditions hold.
    pub ready: bool,
    /// Each condition by name.
    pub conditions: BTreeMap<String, Condition>,
}

/// The name of a condition: a word, or an enum of all that a service has, where something must
/// know each of them.
pub trait ConditionName: Copy + Debug + Ord + Send + Sync + 'static {
    /// The word in `/readyz` and in the log.
    fn as_str(self) -> &'static str;
}

impl ConditionName for &'static str {
    fn as_str(self) -> &'static str {
        self
    }
}

/// The conditions of a service, shared by the tasks that know them. Readiness falls again when its
/// reason does.
#[derive(Clone, Debug)]
pub struct Readiness<N = &'static str>(Arc<Mutex<BTreeMap<N, Condition>>>);

impl<N: ConditionName> Readiness<N> {
    /// All of `names` start unmet, with reason `starting`.
    #[must_use]
    pub fn new(names: &[N]) -> Self {
        let starting =
            |&name| (name, Condition::unmet("starting", "the service is still starting"));
        Self(Arc::new(Mutex::new(names.iter().map(starting).collect())))
    }

    /// Sets a condition, and logs it when it changes between met and unmet or changes its reason.
    pub fn set(&self, name: N, condition: Condition) {
        let before = self.0.lock().insert(name, condition.clone());
        let name = name.as_str();
        if before.as_ref().is_some_and(|before| {
            before.ready == condition.ready && before.reason == condition.reason
        }) {
            return;
        }
        let reason = condition.reason.as_deref().unwrap_or_default();
        let detail = condition.message.as_deref().unwrap_or_default();
        match (condition.ready, before.is_some_and(|before| before.ready)) {
            (true, _) if reason.is_empty() => {
                tracing::info!(condition = name, detail, "condition met");
            }
            (true, _) => tracing::warn!(condition = name, reason, detail, "condition met"),
            (false, false) => {
                tracing::info!(condition = name, reason, detail, "condition not met yet");
            }
            (false, true) => {
                tracing::warn!(condition = name, reason, detail, "condition no longer met");
            }
        }
    }

    /// All conditions as they stand.
    #[must_use]
    pub fn conditions(&self) -> BTreeMap<N, Condition> {
        self.0.lock().clone()
    }

    /// Whether all of them hold, and what there is to say of each.
    #[must_use]
    pub fn report(&self) -> Report {
        let conditions = self.0.lock();
        Report {
            ready: conditions.values().all(|condition| condition.ready),
            conditions: conditions
                .iter()
                .map(|(name, condition)| (name.as_str().to_owned(), condition.clone()))
                .collect(),
        }
    }
}

/// The three endpoints every service has.
pub fn router<N: ConditionName>(readiness: Readiness<N>, registry: Registry) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz::<N>))
        .with_state(readiness)
        .merge(Router::new().route("/metrics", get(metrics)).with_state(Arc::new(registry)))
}

async fn readyz<N: ConditionName>(State(readiness): State<Readiness<N>>) -> Response {
    let report = readiness.report();
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(report)).into_response()
}

async fn metrics(State(registry): State<Arc<Registry>>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
