//! token-refresher: whether it is reached, and what it says of itself.

use reqwest::StatusCode;
use service_kit::admin::{Condition, Report};
use url::Url;

use super::finding::{Cure, Finding, Verdict};
use super::{Doctor, http};

/// What it may find in Dremio that the way to Dremio finds, too.
const OF_DREMIO: [&str; 8] = [
    "unreachable",
    "interrupted",
    "timeout",
    "tls",
    "server_status",
    "not_dremio_api",
    "bad_answer",
    "no_user_yet",
];

/// What was found, and whether that may only repeat what the way to Dremio finds.
pub(super) struct Refresher {
    finding: Finding,
    is_of_dremio: bool,
}

impl Refresher {
    /// The finding, beside those of the way to Dremio.
    pub(super) fn beside(self, way: &[Finding]) -> Finding {
        let way_is_bad = way.iter().any(|finding| {
            finding.verdict == Verdict::Bad
                && ["address", "tls", "api", "first_user"].contains(&finding.check)
        });
        if self.is_of_dremio && way_is_bad {
            let text = format!("{}; that is the same as above", self.finding.text);
            return Finding::warning("refresher", text);
        }
        self.finding
    }
}

impl From<Finding> for Refresher {
    fn from(finding: Finding) -> Self {
        Self { finding, is_of_dremio: false }
    }
}

pub(super) async fn check(doctor: &Doctor) -> Refresher {
    let Some(url) = &doctor.config.refresher_url else {
        let why = if doctor.is_wrong(&["REFRESHER_URL"]) {
            "REFRESHER_URL is wrong, see above"
        } else {
            "REFRESHER_URL is not set: after a rejected token, the next one is only waited for"
        };
        return Finding::not_checked("refresher", why).into();
    };
    let shown = url.as_str().trim_end_matches('/');
    let bad = |text: String, cure| Refresher::from(Finding::bad("refresher", text, cure));
    let address = || Cure::Set(format!("REFRESHER_URL={}", likely(doctor, url)));
    let ready = url.join("readyz").ok().zip(http::client(doctor, url));
    let Some((ready, http)) = ready else {
        return bad(format!("{shown} cannot be called"), address());
    };
    let response = match http.get(ready).send().await {
        Ok(response) => response,
        Err(cause) if cause.is_timeout() => {
            let text = format!("token-refresher at {shown} does not answer");
            return bad(text, doctor.site.run_refresher(RESTART, "token-refresher run"));
        }
        Err(cause) if cause.is_connect() => {
            let text = format!("token-refresher is not reached at {shown}: does it run?");
            return bad(text, doctor.site.run_refresher(UP, "token-refresher run"));
        }
        Err(_) => {
            let text = format!("what answers at {shown} does not speak HTTP");
            return bad(text, address());
        }
    };
    let status = response.status();
    let said = http::body(response).await;
    match serde_json::from_slice::<Report>(&said) {
        Ok(report) if report.conditions.contains_key("engine") => {
            let text = format!("{shown} is a gateway, and no token-refresher");
            bad(text, address())
        }
        Ok(report) => judge(doctor, &report),
        Err(_) if status == StatusCode::FORBIDDEN => {
            let host = url.host_str().unwrap_or_default();
            let text = format!("token-refresher does not know itself by the name {host}");
            bad(text, Cure::Set(format!("ADMIN_ALLOWED_HOSTS={host}")))
        }
        Err(_) => bad(format!("what answers at {shown} is no token-refresher"), address()),
    }
}

const UP: &str = "docker compose up --detach token-refresher";
const RESTART: &str = "docker compose restart token-refresher";

/// Where it usually is.
fn likely(doctor: &Doctor, url: &Url) -> &'static str {
    let usual = if doctor.site.in_container {
        "http://token-refresher:9465"
    } else {
        "http://127.0.0.1:9465"
    };
    if url.as_str().trim_end_matches('/') == usual { "http://HOST:9465" } else { usual }
}

fn judge(doctor: &Doctor, report: &Report) -> Refresher {
    let unmet = |name: &str| report.conditions.get(name).filter(|condition| !condition.ready);
    let (dremio, token) = (unmet("dremio"), unmet("token"));
    let Some(worst) = dremio.or(token) else {
        let warned = report.conditions.values().find(|condition| condition.reason.is_some());
        return match warned.and_then(|condition| condition.message.as_deref()) {
            Some(message) => Finding::warning("refresher", format!("it says: {message}")).into(),
            None => {
                Finding::good("refresher", "token-refresher answers, and all is well there").into()
            }
        };
    };
    let reason = worst.reason.as_deref().unwrap_or_default();
    let message = worst.message.as_deref().unwrap_or("it is not ready");
    let text = format!("token-refresher says: {message}");
    let finding = match token {
        // It still has a token: agents are served.
        None => Finding::warning("refresher", text),
        Some(token) => Finding::bad("refresher", text, cure(doctor, reason, token)),
    };
    Refresher { finding, is_of_dremio: OF_DREMIO.contains(&reason) }
}

fn cure(doctor: &Doctor, reason: &str, token: &Condition) -> Cure {
    let site = &doctor.site;
    let folder = token_file::folder_of(&doctor.config.token_file);
    match (reason, token.reason.as_deref().unwrap_or_default()) {
        ("rejected_credentials", _) if site.in_container => {
            Cure::Run("scripts/setup.sh".to_owned())
        }
        ("rejected_credentials", _) => {
            Cure::Set("DREMIO_PASSWORD_FILE=/file/with/the/right/password".to_owned())
        }
        ("no_user_yet", _) => site.make_first_user(),
        // The gateway's way to Dremio has findings of its own, if it has the same trouble.
        ("tls", _) if site.in_container => {
            Cure::Run("scripts/setup.sh --ca-bundle FILE".to_owned())
        }
        (reason, _) if OF_DREMIO.contains(&reason) => {
            Cure::Set(format!("DREMIO_URI={}", doctor.config.dremio.uri))
        }
        (_, "disk_full") => site.make_room(&folder),
        (_, "permission_denied" | "read_only") => {
            site.renew_token_volume(format!("ls -ld {}", folder.display()))
        }
        _ => site.refresh(),
    }
}
