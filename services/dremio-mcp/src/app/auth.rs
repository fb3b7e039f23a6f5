//! Who may use the gateway, as configured: keys, a policy file, or everybody.

use std::sync::Arc;

use service_kit::Clock;
use service_kit::lifecycle::{Shutdown, Tasks};
use service_kit::wording::counted;

use super::StartError;
use crate::access::{Auth, KeyRing};
use crate::conditions::{ConditionName, Readiness};
use crate::config::{AuthConfig, Config, policy_tools};
use crate::dremio::Tokens;
use crate::metrics::Metrics;
use crate::policy::{Identity, PolicyStore, check_file};
use crate::principal::Principal;

/// The conditions of readiness that access control has.
pub(super) fn conditions(auth: &AuthConfig) -> &'static [ConditionName] {
    match auth {
        AuthConfig::Keys(_) => &[ConditionName::Keys],
        AuthConfig::Policy { keys: Some(_), .. } => &[ConditionName::Keys, ConditionName::Policy],
        AuthConfig::Policy { keys: None, .. } => &[ConditionName::Policy],
        AuthConfig::Open => &[],
    }
}

/// What access control asks, and the tasks that follow the files of keys and of the policy.
///
/// # Errors
/// When one of the files became unusable after the configuration was checked.
pub(super) fn start(
    config: &Config,
    clock: &Clock,
    metrics: &Arc<Metrics>,
    tokens: &Tokens,
    readiness: &Readiness,
    back: &Shutdown,
    tasks: &mut Tasks,
) -> Result<Auth, StartError> {
    let mut ring = |source| -> Result<Arc<KeyRing>, StartError> {
        let ring = Arc::new(KeyRing::load(source)?);
        tasks.spawn("keys", Arc::clone(&ring).follow(readiness.clone(), back.clone()));
        Ok(ring)
    };
    match &config.auth {
        AuthConfig::Open => Ok(Auth::Open(Identity::unlimited(Principal::anyone()))),
        AuthConfig::Keys(source) => Ok(Auth::Keys(ring(source.clone())?)),
        AuthConfig::Policy { file, keys } => {
            let ring = keys.clone().map(ring).transpose()?;
            let (tools, metrics) = (policy_tools(), Arc::clone(metrics));
            let policy = Arc::new(PolicyStore::load(file, tools, clock.clone(), metrics)?);
            // A key that the policy names, or no longer serves, is nobody by itself any more.
            let (asked, renewed, tokens) = (Arc::clone(&policy), ring.clone(), tokens.clone());
            tokens.use_only(&policy.accounts());
            let changed = move || {
                tokens.use_only(&asked.accounts());
                if let Some(ring) = &renewed {
                    ring.renew(|digest| asked.serves_other(digest));
                }
            };
            let following = Arc::clone(&policy).follow(readiness.clone(), back.clone(), changed);
            tasks.spawn("policy", following);
            Ok(Auth::Policy(policy, ring))
        }
    }
}

/// What a policy would hold clients to, in a sentence; `None` without one.
///
/// # Errors
/// When one of the files cannot be used.
pub(super) fn policy_summary(config: &Config) -> Result<Option<String>, StartError> {
    let AuthConfig::Policy { file, keys } = &config.auth else { return Ok(None) };
    let found = check_file(file, policy_tools())?;
    let (clients, named) = (counted(found.clients, "client"), counted(found.keys.len(), "key"));
    let mut text = format!("{} ({clients}, {named})", file.display());
    if let Some(source) = keys {
        let outside = KeyRing::load(source.clone())?.count_not(|key| found.keys.contains(key));
        let (others, is_one) = (counted(outside, "other key"), outside == 1);
        let what_of_them = match (found.has_default, is_one) {
            (true, true) => "is configured, which has the rights of its client `default`",
            (true, false) => "are configured, which have the rights of its client `default`",
            (false, true) => "is configured, which is REFUSED: it has no client `default`",
            (false, false) => "are configured, which are REFUSED: it has no client `default`",
        };
        text += &format!("\n           {others} {what_of_them}");
    }
    Ok(Some(text))
}
