//! The control handle over HTTP, for demos and for tests that run the sandbox in a container.
//!
//! Off by default, and without any protection: bind it to loopback or a private network. JSON
//! in, JSON out; durations have a unit (`5s`, `30h`).
//!
//! | call | body | effect |
//! |---|---|---|
//! | `GET /healthz` | | 200 while the process works |
//! | `POST /token-lifetime` | `{"duration":"5s"}` | lifetime of tokens issued from now on |
//! | `POST /revoke-tokens` | | every token is invalid; answers `{"revoked":n}` |
//! | `POST /refuse` | `{"on":true}` | close the listener, or with `false` open it again |
//! | `POST /fault` | see below | inject a fault into requests |
//! | `DELETE /faults` | | end all faults |
//! | `POST /job-duration` | `{"duration":"10s"}` | how long jobs take from now on |
//! | `POST /slow-query` | `{"containing":"Sales.orders","duration":"30s"}` | their jobs are slow |
//! | `DELETE /slow-queries` | | no query is slow any more |
//! | `POST /generated-tables` | `{"count":5000}` | the source `Lake` has so many tables |
//! | `POST /large-tables` | | the source `Large`: 100 000 rows, cells of 5 MB |
//! | `POST /rare-entries` | | broken views, a function, a file that is no table |
//! | `POST /bare-syntax-errors` | `{"on":true}` | no more than "Failure parsing the query." |
//! | `POST /expire-results` | | results of finished jobs are gone |
//! | `POST /password` | `{"user":"dremio","password":"…"}` | change a password, or add the user |
//! | `GET /requests`, `DELETE /requests` | | what was asked, oldest first; forget it |
//! | `GET /jobs` | | the jobs |
//!
//! A fault is `{"kind":"status","status":503,"path":"/apiv2/login","method":"POST","times":2}`;
//! `path` is a prefix, and `path`, `method` and `times` may be left out. Kinds and their members:
//! `stall`, `delay` (`duration`), `drip` (`bytes_per_chunk`, `interval`), `reset_mid_answer`,
//! `status` (`status`), `html`, `unauthorized`, `bad_json`, `oversized` (`bytes`).

use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use service_kit::parse_duration;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::accept;
use crate::clock;
use crate::control::Control;
use crate::faults::{Fault, Scope};
use crate::gate::Gate;
use crate::jobs::SlowQuery;
use crate::lifetime::parse_token_lifetime;

/// A running control port; dropping it stops it.
#[derive(Debug)]
pub struct ControlPort {
    addr: SocketAddr,
    server: JoinHandle<()>,
    stop: DropGuard,
}

impl ControlPort {
    /// Serves `control` on `addr`. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub fn start(addr: SocketAddr, control: Control) -> io::Result<Self> {
        let gate = Arc::new(Gate::listen(addr)?);
        let addr = gate.addr();
        let stop = CancellationToken::new();
        let server = tokio::spawn(accept::serve_router(gate, router(control), stop.clone()));
        Ok(Self { addr, server, stop: stop.drop_guard() })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops it and waits until its task has ended.
    pub async fn stop(self) {
        drop(self.stop);
        self.server.await.ok();
    }
}

fn router(control: Control) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/token-lifetime", post(token_lifetime))
        .route("/revoke-tokens", post(revoke_tokens))
        .route("/refuse", post(switch(Control::set_refusing)))
        .route("/fault", post(fault))
        .route("/faults", delete(plain(Control::clear_faults)))
        .route("/job-duration", post(job_duration))
        .route("/slow-query", post(slow_query))
        .route("/slow-queries", delete(plain(Control::end_slow_queries)))
        .route("/generated-tables", post(generated_tables))
        .route("/large-tables", post(plain(Control::add_large_tables)))
        .route("/rare-entries", post(plain(Control::add_rare_entries)))
        .route("/bare-syntax-errors", post(switch(Control::set_bare_syntax_errors)))
        .route("/expire-results", post(plain(Control::expire_results)))
        .route("/password", post(password))
        .route("/requests", get(requests).delete(plain(Control::clear_requests)))
        .route("/jobs", get(jobs))
        .with_state(control)
}

/// A request that makes no sense: 400 and why.
struct Refused(String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({"error": self.0}))).into_response()
    }
}

type Answer = Result<Json<Value>, Refused>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DurationBody {
    duration: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowQueryBody {
    containing: String,
    duration: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CountBody {
    count: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SwitchBody {
    on: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordBody {
    user: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultBody {
    kind: String,
    path: Option<String>,
    method: Option<String>,
    times: Option<u32>,
    duration: Option<String>,
    interval: Option<String>,
    bytes_per_chunk: Option<usize>,
    bytes: Option<usize>,
    status: Option<u16>,
}

/// Handles a call without a body.
fn plain(act: fn(&Control)) -> impl Fn(State<Control>) -> Ready<Answer> + Clone {
    move |State(control)| {
        act(&control);
        ready(done())
    }
}

/// Handles a call that turns something on or off.
fn switch(turn: fn(&Control, bool)) -> impl Fn(State<Control>, Bytes) -> Ready<Answer> + Clone {
    move |State(control), body| {
        ready(read(&body).and_then(|SwitchBody { on }| {
            turn(&control, on);
            done()
        }))
    }
}

async fn token_lifetime(State(control): State<Control>, body: Bytes) -> Answer {
    let body: DurationBody = read(&body)?;
    let lifetime = parse_token_lifetime(&body.duration).map_err(Refused)?;
    control.set_token_lifetime(lifetime);
    done()
}

async fn revoke_tokens(State(control): State<Control>) -> Json<Value> {
    Json(json!({"revoked": control.revoke_all_tokens()}))
}

async fn fault(State(control): State<Control>, body: Bytes) -> Answer {
    let body: FaultBody = read(&body)?;
    let fault = body.fault()?;
    let mut scope = Scope::path(body.path.unwrap_or_default());
    scope.times = body.times;
    if let Some(method) = body.method {
        let method: Method =
            method.parse().map_err(|_| Refused(format!("{method:?} is not a method")))?;
        scope.method = Some(method);
    }
    control.inject(fault, scope);
    done()
}

async fn job_duration(State(control): State<Control>, body: Bytes) -> Answer {
    let body: DurationBody = read(&body)?;
    control.set_job_duration(duration(&body.duration)?);
    done()
}

async fn slow_query(State(control): State<Control>, body: Bytes) -> Answer {
    let body: SlowQueryBody = read(&body)?;
    let duration = duration(&body.duration)?;
    control.slow_down(SlowQuery { containing: body.containing, duration });
    done()
}

async fn generated_tables(State(control): State<Control>, body: Bytes) -> Answer {
    let body: CountBody = read(&body)?;
    control.add_generated_tables(body.count);
    done()
}

async fn password(State(control): State<Control>, body: Bytes) -> Answer {
    let body: PasswordBody = read(&body)?;
    control.set_password(&body.user, &body.password);
    done()
}

async fn requests(State(control): State<Control>) -> Json<Value> {
    let requests: Vec<Value> = control
        .requests()
        .into_iter()
        .map(|request| {
            json!({
                "method": request.method.as_str(),
                "path": request.path,
                "token": request.token,
                "status": request.status,
                "body": request.body,
                "at": clock::iso(request.at),
            })
        })
        .collect();
    Json(Value::Array(requests))
}

async fn jobs(State(control): State<Control>) -> Json<Value> {
    let jobs: Vec<Value> = control
        .jobs()
        .into_iter()
        .map(|job| {
            json!({
                "id": job.id,
                "sql": job.sql,
                "context": job.context,
                "user": job.user,
                "state": job.state.as_str(),
                "cancel_requested": job.cancel_requested,
                "polls": job.polls,
                "row_count": job.row_count,
                "error": job.error,
                "submitted_at": clock::iso(job.submitted_at),
                "finished_at": job.finished_at.map(clock::iso),
            })
        })
        .collect();
    Json(Value::Array(jobs))
}

impl FaultBody {
    fn fault(&self) -> Result<Fault, Refused> {
        let missing = |member: &str| Refused(format!("{} needs {member:?}", self.kind));
        let time = |text: &Option<String>, member: &str| {
            let text = text.as_deref().ok_or_else(|| missing(member))?;
            duration(text)
        };
        Ok(match self.kind.as_str() {
            "stall" => Fault::Stall,
            "delay" => Fault::Delay(time(&self.duration, "duration")?),
            "drip" => Fault::Drip {
                bytes_per_chunk: self.bytes_per_chunk.ok_or_else(|| missing("bytes_per_chunk"))?,
                interval: time(&self.interval, "interval")?,
            },
            "reset_mid_answer" => Fault::ResetMidAnswer,
            "status" => Fault::Status(self.status.ok_or_else(|| missing("status"))?),
            "html" => Fault::Html,
            "unauthorized" => Fault::Unauthorized,
            "bad_json" => Fault::BadJson,
            "oversized" => Fault::Oversized(self.bytes.ok_or_else(|| missing("bytes"))?),
            other => return Err(Refused(format!("{other:?} is not a kind of fault"))),
        })
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|cause| Refused(cause.to_string()))
}

fn duration(text: &str) -> Result<std::time::Duration, Refused> {
    parse_duration(text.trim()).map_err(Refused)
}

#[expect(clippy::unnecessary_wraps, reason = "the handlers' answers have one type")]
fn done() -> Answer {
    Ok(Json(json!({"ok": true})))
}
