//! The way to Dremio, step by step: name and port, certificate, API, first user, clock; then, with
//! the token, version and a query. What fails ends the way, and the rest says so.

mod address;
mod api;
mod query;
mod tls;

use std::time::Duration;

use self::api::Api;
use super::accounts::{self, Held};
use super::finding::{Cure, Finding, Verdict};
use super::policy::Policy;
use super::{CHECK_MAX, Doctor};
use dremio_client::{DremioClient, Transport};
use jiff::SignedDuration;

/// Clocks that differ by so much are worth a word; the header `Date` has whole seconds, and the
/// answer may be on its way for some.
const SKEW_NOTED: SignedDuration = SignedDuration::from_secs(30);

/// Clocks that differ by so much make tokens and certificates end at the wrong time.
const SKEW_MAX: SignedDuration = SignedDuration::from_mins(5);

/// The checks of the way, in its order.
const WAY: [&str; 7] = ["address", "tls", "api", "first_user", "clock", "version", "query"];

/// What is used of the way in the end.
struct Arrived {
    client: DremioClient,
    findings: Vec<Finding>,
    /// Whether the API answers, and has a user.
    is_ready: bool,
}

pub(super) async fn check(doctor: &Doctor, policy: &Policy) -> Vec<Finding> {
    let (arrived, (mut findings, held)) =
        tokio::join!(arrive(doctor), accounts::look(doctor, policy));
    match (arrived, held.as_slice()) {
        (Ok(Arrived { client, findings: way, is_ready: true }), [first, rest @ ..]) => {
            findings.extend(way);
            let (seen, refused) = tokio::join!(
                as_user(doctor, &client, first),
                accounts::try_all(doctor, &client, rest),
            );
            findings.extend(seen);
            if !refused.is_empty() {
                let is_good = |it: &Finding| it.check == "accounts" && it.verdict == Verdict::Good;
                findings.retain(|finding| !is_good(finding));
            }
            findings.extend(refused);
        }
        (Ok(Arrived { findings: way, is_ready, .. }), _) => {
            findings.extend(way);
            let why = if is_ready { "there is no token to ask with" } else { "see above" };
            findings.extend([Finding::not_checked("version", why)]);
            findings.extend([Finding::not_checked("query", why)]);
        }
        (Err(way), _) => {
            findings.extend(way);
            let seen = |check| findings.iter().any(|finding: &Finding| finding.check == check);
            let rest: Vec<_> = WAY.into_iter().filter(|check| !seen(*check)).collect();
            let why = "Dremio is not reached, see above";
            findings.extend(rest.into_iter().map(|check| Finding::not_checked(check, why)));
        }
    }
    let text = "every user of a Dremio Community Edition is an administrator: what agents can \
                read, only the credentials of the data sources limit";
    findings.push(Finding::warning("rights", text));
    findings
}

/// As far as one gets without a token.
///
/// # Errors
/// The findings, of which the last one is wrong.
async fn arrive(doctor: &Doctor) -> Result<Arrived, Vec<Finding>> {
    if doctor.is_wrong(&["DREMIO_URI"]) {
        let why = "DREMIO_URI is wrong, see above";
        return Err(WAY.map(|check| Finding::not_checked(check, why)).into());
    }
    let mut findings = address::check(doctor).await?;
    let transport = match Transport::connect(&doctor.config.dremio) {
        Ok(transport) => transport,
        Err(cause) => {
            findings.push(tls::unusable(doctor, cause));
            return Err(findings);
        }
    };
    let client = DremioClient::new(transport).within(CHECK_MAX);
    let Api { findings: said, greeting } = api::check(doctor, &client).await;
    findings.extend(said);
    let Some(greeting) = greeting else { return Err(findings) };
    let (soon, users) = tokio::join!(tls::check(doctor), client.has_user());
    findings.extend(soon);
    findings.push(clock(doctor, greeting.date));
    let has_user = !matches!(users, Ok(false));
    findings.push(match users {
        Ok(true) => Finding::good("first_user", "it has users"),
        Ok(false) => Finding::bad(
            "first_user",
            "this Dremio has no user yet, so nobody can log in",
            doctor.site.make_first_user(),
        ),
        Err(cause) => Finding::not_checked("first_user", format!("{:#}", anyhow::anyhow!(cause))),
    });
    Ok(Arrived { client, findings, is_ready: has_user })
}

/// What only somebody with a token can ask. Both at once.
async fn as_user(doctor: &Doctor, client: &DremioClient, held: &Held) -> Vec<Finding> {
    let version = async {
        match client.version(&held.token).await {
            Ok(version) => Finding::good("version", format!("Dremio {version}")),
            Err(cause) => Finding::not_checked("version", cause.to_string()),
        }
    };
    let (version, query) = tokio::join!(version, query::check(doctor, client, held));
    vec![version, query]
}

fn clock(doctor: &Doctor, date: Option<jiff::Timestamp>) -> Finding {
    let Some(date) = date else {
        return Finding::not_checked("clock", "Dremio does not say what time it is");
    };
    let ahead = doctor.clock.now().duration_since(date);
    let (apart, seconds) = (ahead.abs(), ahead.abs().as_secs());
    let side = if ahead.is_negative() { "behind" } else { "ahead of" };
    let text = format!("this machine's clock is {seconds} s {side} Dremio's");
    // Which of the two is wrong cannot be seen, but most machines follow the network's time.
    let cure = Cure::Run("sudo timedatectl set-ntp true".to_owned());
    if apart >= SKEW_MAX {
        let text = format!("{text}: tokens and certificates end at the wrong time");
        Finding::bad("clock", text, cure)
    } else if apart >= SKEW_NOTED {
        Finding::warning("clock", text).with_cure(cure)
    } else {
        Finding::good("clock", format!("the clocks agree to within {} s", seconds + 1))
    }
}

/// A limit as people write it.
fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs())
}
