//! The egress proxy: the child's only way to Dremio. A loopback listener that accepts tickets of
//! calls that go on, which are useless anywhere else, and forwards with the current token over
//! verified TLS. So a token rotation restarts nothing, and the child never holds a credential.
//!
//! - `target`: parses the requested URL and writes it in one unambiguous spelling
//! - `activity`: whether the child is using Dremio
//! - `calls`: which call of which client a request is for
//! - `rules`: the calls that the child may make
//! - `sql`: statements pass the guard and are sent as the guard read them
//! - `forward`: one request, repeated once with a new token if Dremio rejects the first
//! - `pages`: limits how many bytes of a result pass
//! - `jobs`: waits for jobs on the child's behalf, so that its slow polling costs nothing, and
//!   cancels those that it abandons

mod activity;
mod calls;
mod forward;
mod jobs;
mod pages;
mod rules;
mod sql;
mod target;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use service_kit::http::{Limits, serve};
use service_kit::lifecycle::Shutdown;
use tokio::net::TcpListener;

pub(crate) use self::activity::Activity;
use self::calls::CallRecord;
pub(crate) use self::calls::{Calls, OpenCall, Submitted, Waits};
use self::forward::Incoming;
use self::jobs::Jobs;
pub(crate) use self::pages::{Pages, result_bytes_max};
use self::sql::{SqlError, Submission};
use self::target::Target;
use crate::dremio::DremioCaller;
use crate::policy::Gate;
use crate::rpc::json_response;

/// Largest request of the child: SQL text. Dremio itself keeps 32,000 characters of a query.
const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The egress proxy, bound but not yet serving.
pub(crate) struct Egress {
    listener: TcpListener,
    proxy: Arc<Proxy>,
}

/// What a request of the child needs.
struct Proxy {
    dremio: DremioCaller,
    jobs: Arc<Jobs>,
    calls: Calls,
    gate: Gate,
    pages: Pages,
    activity: Activity,
}

impl Egress {
    /// Binds a free loopback port. `pages` limits the results that pass.
    ///
    /// # Errors
    /// When there is no free port.
    pub(crate) async fn bind(
        dremio: DremioCaller,
        gate: Gate,
        pages: Pages,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let jobs = Jobs::new(dremio.clone());
        let running = Arc::clone(&jobs);
        let activity = Activity::of(move || running.any_runs());
        let proxy = Proxy { dremio, jobs, calls: Calls::default(), gate, pages, activity };
        Ok(Self { listener, proxy: Arc::new(proxy) })
    }

    /// The address for the child.
    ///
    /// # Errors
    /// When the socket has no address; the operating system does not let this happen.
    pub(crate) fn uri(&self) -> std::io::Result<String> {
        Ok(format!("http://{}", self.listener.local_addr()?))
    }

    /// The child's activity here.
    pub(crate) fn activity(&self) -> Activity {
        self.proxy.activity.clone()
    }

    /// The calls whose requests come here.
    pub(crate) fn calls(&self) -> Calls {
        self.proxy.calls.clone()
    }

    /// Serves the child until `shutdown` drains.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let router = Router::new().fallback(receive).with_state(Arc::clone(&self.proxy));
        tokio::join!(
            serve(self.listener, router, Limits::default(), shutdown.clone()),
            self.proxy.jobs.sweep(shutdown)
        );
    }
}

async fn receive(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let open = proxy.activity.open();
    let response = match presented(request.headers()).and_then(|ticket| proxy.calls.find(ticket)) {
        Some(call) => {
            let open = call.activity().open();
            tokio::select! {
                biased;
                // Whatever the child still wanted for it: nobody waits for that any more.
                () = call.ended() => unknown_ticket(),
                response = call.scope(handle(&proxy, &call, request)) => open.answered(response),
            }
        }
        None => unknown_ticket(),
    };
    open.answered(response)
}

/// The ticket that a request presents.
fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(header::AUTHORIZATION)?.as_bytes().strip_prefix(b"Bearer ")
}

fn unknown_ticket() -> Response {
    refusal(
        StatusCode::UNAUTHORIZED,
        "this address is for the MCP server process of dremio-mcp only, and for calls that go on",
    )
}

async fn handle(proxy: &Proxy, call: &Arc<CallRecord>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = match Target::parse(parts.uri.path(), parts.uri.query()) {
        Ok(target) => target,
        Err(why) => {
            tracing::warn!(
                method = %parts.method,
                %why,
                "the MCP server process asked Dremio for something that could be read in two ways",
            );
            return refusal(
                StatusCode::FORBIDDEN,
                &format!("dremio-mcp does not let the MCP server do this: {why}"),
            );
        }
    };
    let names = target.segments();
    if !rules::allows(&parts.method, &names) {
        tracing::warn!(
            method = %parts.method,
            "the MCP server process asked Dremio for something that it may not",
        );
        return refusal(StatusCode::FORBIDDEN, "dremio-mcp does not let the MCP server do this");
    }
    let Ok(body) = axum::body::to_bytes(body, REQUEST_BYTES_MAX).await else {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than 4 MiB");
    };
    if rules::any_job_id(&names).is_some_and(|id| !call.may_ask_about(id)) {
        tracing::warn!("the MCP server process asked about a job of another call");
        return refusal(StatusCode::FORBIDDEN, "this job is of another call");
    }
    let results = rules::results_job_id(&parts.method, &names);
    let path_and_query = target.path_and_query();
    let incoming = Incoming {
        method: parts.method,
        path_and_query,
        headers: parts.headers,
        body,
        is_bulk: results.is_some(),
        dremio: proxy.dremio.of(call.identity().and_then(|identity| identity.account())),
    };
    if let Some(id) = results {
        return proxy.pages.fetch(id, target.parameter("offset"), incoming).await;
    }
    match rules::job_id(&incoming.method, &names) {
        Some(id) if proxy.calls.gateway_waits_for(id) => done_without_rows(),
        Some(id) => proxy.jobs.wait(id, incoming).await,
        None if incoming.method == Method::POST && names == ["sql"] => {
            submit(proxy, call, incoming).await
        }
        None => incoming.forward().await,
    }
}

async fn submit(proxy: &Proxy, asker: &Arc<CallRecord>, incoming: Incoming) -> Response {
    let refused = |cause: SqlError| refusal(StatusCode::BAD_REQUEST, &cause.to_string());
    let submission = match Submission::read(&proxy.gate, &proxy.calls, asker, &incoming.body) {
        Ok(submission) => submission,
        Err(cause) => return refused(cause),
    };
    let call = Arc::clone(submission.call());
    // Over stdio, only the mark says for which call it is.
    let submitted = async {
        let body = match submission.guarded(&proxy.gate) {
            Ok(body) => body,
            Err(cause) => return refused(cause),
        };
        match proxy.pages.room(body.len()).await {
            Ok(room) => {
                let incoming = Incoming { body, headers: sql::headers(), ..incoming };
                proxy.jobs.submit(incoming, room, Arc::clone(&call)).await
            }
            Err(cause) => refusal(StatusCode::SERVICE_UNAVAILABLE, &cause.to_string()),
        }
    };
    call.scope(submitted).await
}

/// The status of a job that the gateway waits for, for the child, which must not: as in contract
/// §4.2, with what the child cannot do without.
fn done_without_rows() -> Response {
    let body = r#"{"jobState":"COMPLETED","rowCount":0,"queryType":"REST"}"#;
    json_response(StatusCode::OK, body)
}

/// An answer of the egress proxy itself, in the form of Dremio's errors. The official server shows
/// only the *reason phrase* of a failed call, so the explanation is there as well.
fn refusal(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({ "errorMessage": message, "moreInfo": "" }).to_string();
    let mut response = json_response(status, body);
    if let Ok(reason) = hyper::ext::ReasonPhrase::try_from(message.to_owned()) {
        response.extensions_mut().insert(reason);
    }
    response
}
