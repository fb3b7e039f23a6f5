//! `doctor`: of what runs with a folder, or of what its settings would start, which is started for
//! it and stopped again.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use dremio_mcp::doctor::{Diagnosis, Doctor, Site};
use service_kit::Clock;
use service_kit::env::Env;

use crate::arguments::{Arguments, Folder};
use crate::config_dir::ConfigDir;
use crate::screen::{Facts, Screen};
use crate::stack::{Stack, gateway_config};
use crate::{instance, settings};

/// # Errors
/// When there is nothing to examine: it does not start, which says why.
pub(crate) async fn examine(folder: &Folder, screen: &Screen) -> anyhow::Result<Diagnosis> {
    let folder = ConfigDir::existing(folder.config_dir.as_deref())?;
    let mut arguments = match &folder {
        Some(folder) => settings::of(folder)?,
        None => Arguments::parse_from(["dremio-mcp-local"]),
    };
    if let Some(folder) = folder.as_ref().filter(|_| arguments.require_key) {
        arguments.api_keys_file = Some(folder.api_keys()?);
    }
    if let Some(folder) = &folder
        && let Some(running) = instance::running(folder)?
    {
        let state = running.state.context("it still starts; try again in a moment")?;
        return Ok(look(of_running(&arguments, folder, &state.facts)?).await);
    }
    let stack = Stack::start(&arguments, folder.as_ref(), screen).await?;
    let diagnosis = look(stack.config().clone()).await;
    stack.stop().await;
    Ok(diagnosis)
}

async fn look(config: dremio_mcp::Config) -> Diagnosis {
    let site = Site { in_container: false, is_local: true, ..Site::here(&Env::process()) };
    Doctor::of_config(config, Clock::system(), site).examine().await
}

/// The configuration of the gateway that runs. Where its token-refresher listens, nobody wrote
/// down.
fn of_running(
    arguments: &Arguments,
    folder: &ConfigDir,
    facts: &Facts,
) -> anyhow::Result<dremio_mcp::Config> {
    let addr = |uri: &str| -> anyhow::Result<SocketAddr> {
        let rest = uri.strip_prefix("http://").unwrap_or(uri);
        Ok(rest.split('/').next().unwrap_or_default().parse()?)
    };
    Ok(dremio_mcp::Config {
        mcp_addr: addr(&facts.mcp_uri)?,
        admin_addr: addr(&facts.status_uri)?,
        ..gateway_config(arguments, facts.dremio_uri.parse()?, folder.token_path())?
    })
}
