//! The engine: whether the official server starts and lists its tools. It is started once, as the
//! gateway would start it, and ended.

use std::sync::Arc;
use std::time::Instant;

use dremio_client::{DremioClient, Transport};
use prometheus_client::registry::Registry;
use service_kit::lifecycle::Shutdown;
use service_kit::wording::counted;

use super::finding::{Cure, Finding};
use super::{CHILD_MAX, Doctor};
use crate::app::{App, StartError, launch};
use crate::budget::Budget;
use crate::conditions::Readiness;
use crate::config::EngineConfig;
use crate::dremio::{DremioCaller, DremioHealth, Tokens};
use crate::egress::{Egress, Pages, result_bytes_max};
use crate::engine::official::{Repair, Supervisor};
use crate::engine::{CALL_LIMITS, FairQueue};
use crate::metrics::Metrics;
use crate::policy::Gate;

pub(super) async fn check(doctor: &Doctor) -> Vec<Finding> {
    if doctor.is_wrong(&["MCP_ENGINE", "MCP_SERVER_COMMAND", "MCP_SERVER_WRITABLE"]) {
        return vec![Finding::not_checked("engine", "its settings are wrong, see above")];
    }
    let EngineConfig::Official(command) = &doctor.config.engine else {
        return vec![Finding::good("engine", "the native engine needs no other program")];
    };
    if let Err(cause @ StartError::NoSuchProgram { .. }) = App::check_program(&doctor.config) {
        let cure = if doctor.site.in_container {
            Cure::Run("docker compose build dremio-mcp".to_owned())
        } else {
            let line = "MCP_SERVER_COMMAND='/full/path/dremio-mcp-server run --no-log-to-file \
                        --enable-json-logging'";
            Cure::Set(line.to_owned())
        };
        return vec![Finding::bad("engine", cause.to_string(), cure)];
    }
    let started = Instant::now();
    let readiness = Readiness::new(&[]);
    let trial = tokio::time::timeout(CHILD_MAX, trial(doctor, command, readiness.clone())).await;
    let native = || {
        let line = if doctor.site.in_container { "DREMIO_MCP_TARGET" } else { "MCP_ENGINE" };
        Cure::Set(format!("{line}=native"))
    };
    let mut findings = vec![match trial {
        Err(_) => {
            let text = format!(
                "the official server does not introduce itself within {} s; the native engine has \
                 the same tools and needs no second program",
                CHILD_MAX.as_secs()
            );
            Finding::bad("engine", text, native())
        }
        Ok(Err(why)) => {
            let text = format!(
                "the official server does not start: {why}; the native engine has the same tools \
                 and needs no second program"
            );
            Finding::bad("engine", text, native())
        }
        Ok(Ok(0)) => {
            let text = "the official server starts, and lists no tool";
            let mode = "DREMIOAI_TOOLS__SERVER_MODE=FOR_DATA_PATTERNS";
            Finding::bad("engine", text, Cure::Set(mode.to_owned()))
        }
        Ok(Ok(tools)) => {
            let took = started.elapsed().as_secs_f64();
            let tools = counted(tools, "tool");
            let text = format!("the official server starts in {took:.1} s and lists {tools}");
            Finding::good("engine", text)
        }
    }];
    if let Some(condition) = readiness.report().conditions.get("confinement")
        && condition.reason.is_some()
    {
        let message = condition.message.as_deref().unwrap_or("it is not confined");
        findings.push(Finding::warning("engine", message));
    }
    findings
}

/// Starts a child, as [`App::start`] would, and counts its tools.
async fn trial(doctor: &Doctor, command: &[String], readiness: Readiness) -> Result<usize, String> {
    let config = &doctor.config;
    let failed = |cause: anyhow::Error| format!("{cause:#}");
    let transport = Transport::connect(&config.dremio)
        .map_err(|_| "the settings for TLS cannot be used, see above".to_owned())?;
    let (tokens, _requester) = Tokens::watch(config.token_file.clone(), doctor.clock.clone(), None);
    let metrics = Arc::new(Metrics::register(&mut Registry::default()));
    let health =
        DremioHealth::new(Readiness::new(&[]), Arc::clone(&metrics), config.dremio.tls_verify);
    let dremio = DremioCaller::new(DremioClient::new(transport), tokens.of(None), health);
    let gate = Gate::new(config.guard, "official", Arc::clone(&metrics));
    let pages = Pages::new(Budget::new(&metrics), result_bytes_max(&config.child_environment));
    let egress = Egress::bind(dremio, gate, pages).await.map_err(failed)?;
    let launch = launch(config, command, &egress).map_err(failed)?;
    let repair = Repair::of_guard(config.guard, egress.calls());
    let queue = FairQueue::new(CALL_LIMITS, None);
    let (supervisor, _official) = Supervisor::new(launch, queue, repair, readiness, metrics);
    let stop = Shutdown::new();
    tokio::select! {
        tools = supervisor.trial() => tools,
        () = egress.run(stop) => Err("the proxy to Dremio has ended".to_owned()),
    }
}
