//! The other gateways of this installation: whether they see the same token and the same gateway
//! key as this one, which they do if all mount one volume. In containers one name leads to all of
//! them, and each says on its admin address by which short names it knows what it sees. Elsewhere
//! nobody knows which gateways there are.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use service_kit::admin::{Condition, Report};
use token_file::gateway_key;
use url::Url;

use super::finding::{Cure, Finding};
use super::policy::Policy;
use super::{CHECK_MAX, Doctor, http, on_thread};

const CHECK: &str = "replicas";

/// How many gateways are asked: more are not told apart by a person anyway.
const GATEWAYS_MAX: usize = 16;

/// A token or a key that is being replaced is seen by all of them within this time, also where the
/// volume is a network's.
const SPREAD_MAX: Duration = Duration::from_secs(2);

/// By which names this process knows what lies in its volume; nothing where it sees none.
struct Own {
    token: Option<String>,
    key: Option<String>,
}

pub(super) async fn check(doctor: &Doctor, policy: &Policy) -> Vec<Finding> {
    if doctor.site.is_local {
        return vec![Finding::good(CHECK, "everything runs in this one program")];
    }
    let Some(name) = &doctor.site.gateways else {
        let why = "outside of containers it cannot be known which other gateways there are";
        return vec![Finding::not_checked(CHECK, why)];
    };
    if doctor.is_wrong(&["ADMIN_ADDR", "TOKEN_FILE"]) {
        return vec![Finding::not_checked(CHECK, "its settings are wrong, see above")];
    }
    let port = doctor.config.admin_addr.port();
    let lookup = tokio::net::lookup_host((name.as_str(), port));
    let found = match tokio::time::timeout(CHECK_MAX, lookup).await {
        Ok(Ok(found)) => found.collect::<BTreeSet<SocketAddr>>(),
        Ok(Err(_)) | Err(_) => BTreeSet::new(),
    };
    if found.is_empty() {
        let why = format!("no gateway runs: the name {name} leads nowhere");
        return vec![Finding::not_checked(CHECK, why)];
    }
    let mut findings = compare(doctor, policy, &found).await;
    if findings.iter().any(|finding| finding.cure.is_some()) {
        tokio::time::sleep(SPREAD_MAX).await;
        findings = compare(doctor, policy, &found).await;
    }
    findings
}

async fn compare(doctor: &Doctor, policy: &Policy, found: &BTreeSet<SocketAddr>) -> Vec<Finding> {
    let file = doctor.config.token_file.clone();
    // Gateways say nothing of the single account where no client uses it.
    let now = doctor.clock.now();
    let is_single_used = policy.accounts().contains(&None);
    let read = move || Own {
        token: token_file::read(&file)
            .ok()
            .filter(|token| is_single_used && !token.is_expired(now))
            .map(|token| token.id().to_string()),
        key: gateway_key::read(&file).ok().map(|key| key.id().to_string()),
    };
    let Some(own) = on_thread(CHECK_MAX, read).await else {
        return vec![Finding::not_checked(CHECK, "the token's volume hangs, see above")];
    };
    let asked = found.iter().take(GATEWAYS_MAX);
    let answers = join_all(asked.map(async |at| (at.ip(), ask(doctor, *at).await))).await;
    let (mut findings, mut same) = (Vec::new(), 0_usize);
    for (at, answer) in answers {
        let Some(report) = answer else {
            let text = format!("the gateway at {at} does not say how it is: it starts, or hangs");
            findings.push(Finding::warning(CHECK, text));
            continue;
        };
        match difference(&own, &report) {
            Some(what) => {
                let text = format!("the gateway at {at} {what}: they do not share a volume");
                findings.push(Finding::bad(CHECK, text, cure(doctor)));
            }
            None => same += 1,
        }
    }
    if findings.is_empty() {
        let which = if same == 1 { "the gateway that runs sees" } else { "all gateways see" };
        let text = format!("{which} the same token and gateway key as this one ({same} asked)");
        findings.push(Finding::good(CHECK, text));
    }
    findings
}

/// What a gateway says of itself; nothing if it does not answer as one.
async fn ask(doctor: &Doctor, at: SocketAddr) -> Option<Report> {
    let url: Url = format!("http://{at}/readyz").parse().ok()?;
    let response = http::client(doctor, &url)?.get(url).send().await.ok()?;
    serde_json::from_slice(&http::body(response).await).ok()
}

/// What a gateway sees and this process does not, or the other way round.
fn difference(own: &Own, report: &Report) -> Option<&'static str> {
    let of = |name: &str| report.conditions.get(name);
    let token = match of("token")? {
        // It has one; what it says is of other accounts.
        Condition { ready: true, reason: Some(_), .. } => Seen::NoDifference,
        condition => seen(condition, own.token.as_deref()),
    };
    let key = seen(of("gateway_key")?, own.key.as_deref());
    match (token, key) {
        (Seen::Nothing, _) if own.token.is_some() => Some("sees no token, and there is one here"),
        (Seen::Other, _) if own.token.is_none() => Some("sees a token, and there is none here"),
        (Seen::Other, _) => Some("sees another token"),
        (_, Seen::Nothing) if own.key.is_some() => {
            Some("sees no gateway key, and there is one here")
        }
        (_, Seen::Other) if own.key.is_none() => Some("sees a gateway key, and there is none here"),
        (_, Seen::Other) => Some("signs sessions with another gateway key"),
        _ => None,
    }
}

/// What a gateway sees of a file, against what this process sees.
enum Seen {
    Nothing,
    Other,
    /// The same, or it cannot be told: it starts, may not read the file, or is of a version that
    /// does not say.
    NoDifference,
}

fn seen(condition: &Condition, own: Option<&str>) -> Seen {
    let message = condition.message.as_deref().unwrap_or_default();
    let mut words = message.split([' ', ',', ';']);
    match condition.reason.as_deref() {
        Some("missing") => Seen::Nothing,
        Some("token_expired") if own.is_some() => Seen::Other,
        // Both name it.
        None | Some("token_rejected") if !message.is_empty() => {
            let is_same = own.is_some_and(|own| words.any(|word| word == own));
            if is_same { Seen::NoDifference } else { Seen::Other }
        }
        _ => Seen::NoDifference,
    }
}

fn cure(doctor: &Doctor) -> Cure {
    if doctor.site.in_container {
        return Cure::Run("scripts/deploy.sh swarm --shared-tokens".to_owned());
    }
    let folder = token_file::folder_of(&doctor.config.token_file);
    Cure::Change(format!("mount one volume at {} for all gateways", folder.display()))
}
