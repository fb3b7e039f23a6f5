//! The page at `/` of the admin address, which says in plain words how the gateway is. One request,
//! no script, nothing from elsewhere; it shows no secret and nothing that a client wrote.
//!
//! - `recent`: what is kept of calls and conditions, and `minutes`, the hour in it
//! - `facts`: all that the page says, as it stands now
//! - `words`: conditions in plain words, with what helps
//! - `outcomes`: what has become of calls, in plain words
//! - `charts`: the hour as SVG
//! - `connecting`: how agents are set up
//! - `page`: the HTML, with `style.css`

mod charts;
mod connecting;
mod facts;
mod minutes;
mod outcomes;
mod page;
mod recent;
mod words;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use service_kit::lifecycle::Shutdown;
use tokio::time::MissedTickBehavior;

pub(crate) use self::connecting::agents_url;
use self::facts::Facts;
pub(crate) use self::recent::Recent;
use crate::conditions::Readiness;
use crate::dremio::Tokens;
use crate::engine::Engine;
use crate::metrics::Metrics;

/// How often the conditions are looked at for changes.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What the page is made from.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) readiness: Readiness,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) tokens: Tokens,
    pub(crate) engine: Engine,
    pub(crate) recent: Arc<Recent>,
    /// Where Dremio is.
    pub(crate) dremio: String,
    /// Where agents connect, as far as this process can know.
    pub(crate) agents_url: String,
    /// Whether agents need a key.
    pub(crate) wants_key: bool,
}

impl Status {
    /// The page.
    pub(crate) fn router(self: Arc<Self>) -> Router {
        Router::new().route("/", get(answer)).with_state(self)
    }

    /// Notes changes of the conditions, and the age of the oldest token, until `shutdown` drains.
    pub(crate) async fn follow(self: Arc<Self>, shutdown: Shutdown) {
        let mut ticks = tokio::time::interval(LOOK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = shutdown.draining() => return,
            }
            self.look();
        }
    }

    fn look(&self) {
        let now = self.recent.now();
        let ages = self
            .tokens
            .all()
            .into_iter()
            .filter_map(|(_, source)| facts::TokenFacts::of(&source)?.age(now));
        let age = ages.max();
        self.recent.look(self.readiness.conditions(), age);
    }
}

async fn answer(State(status): State<Arc<Status>>) -> Response {
    // What has changed a moment ago belongs on the page, too.
    status.look();
    let page = page::page(&Facts::of(&status));
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, page::content_security_policy()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, page.into_string()).into_response()
}
