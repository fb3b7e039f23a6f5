//! The Dremio accounts of the policy's clients: whether each has a token that can be sent, and that
//! Dremio accepts.

use dremio_client::{DremioClient, Error};
use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use secrecy::SecretString;
use service_kit::wording::{FEW, list};
use token_file::AccountName;

use super::finding::{Finding, Verdict};
use super::policy::Policy;
use super::{CHECK_MAX, Doctor, token};

/// How many tokens Dremio is asked about at a time.
const ASKED_AT_ONCE: usize = 8;

/// A token that can be sent.
pub(super) struct Held {
    /// `None` for the single one.
    pub(super) account: Option<AccountName>,
    pub(super) token: SecretString,
}

/// What is to be said of the tokens of all accounts in use, that of the single one included; and
/// those that can be sent.
pub(super) async fn look(doctor: &Doctor, policy: &Policy) -> (Vec<Finding>, Vec<Held>) {
    let accounts = policy.accounts();
    let (mut findings, mut held) = (Vec::new(), Vec::new());
    if accounts.contains(&None) {
        let (found, token) = token::look(doctor, None).await;
        findings = found;
        held.extend(token.map(|token| Held { account: None, token }));
    } else {
        let text = "no client of the policy uses the account without a name";
        findings.push(Finding::not_checked("token", text));
    }
    let named: Vec<_> = accounts.into_iter().flatten().collect();
    let mut said = Vec::new();
    // A few at once: each takes its whole time if their volume hangs, and the rest is like them.
    for some in named.chunks(FEW + 1) {
        let looks = some.iter().map(|account| token::look(doctor, Some(account)));
        for (account, (found, token)) in some.iter().zip(join_all(looks).await) {
            held.extend(token.map(|token| Held { account: Some(account.clone()), token }));
            said.extend(found.into_iter().filter(|finding| finding.verdict != Verdict::Good));
        }
        if said.len() > FEW {
            break;
        }
    }
    if said.is_empty() {
        findings.push(good(policy, &named));
    }
    let has_more = said.len() > FEW;
    said.truncate(FEW);
    if let Some(last) = said.last_mut().filter(|_| has_more) {
        last.text += "; there are more like these, which are not shown";
    }
    findings.extend(said);
    (findings, held)
}

/// Those of the accounts' tokens that Dremio does not accept, whatever their files say.
pub(super) async fn try_all(doctor: &Doctor, client: &DremioClient, held: &[Held]) -> Vec<Finding> {
    let asked = held.iter().filter_map(|Held { account, token }| {
        let account = account.as_ref()?;
        Some(async move { (account.as_str(), client.probe(token).await) })
    });
    let (mut rejected, mut unknown) = (Vec::new(), None);
    let mut answers = stream::iter(asked).buffered(ASKED_AT_ONCE);
    let all = async {
        while let Some((account, answer)) = answers.next().await {
            match answer {
                Ok(()) => {}
                Err(Error::RejectedCredentials { .. }) => rejected.push(account),
                Err(cause) => unknown = unknown.take().or(Some(cause.to_string())),
            }
        }
    };
    if tokio::time::timeout(CHECK_MAX, all).await.is_err() {
        let late = "Dremio needs too long to say whether it accepts all of their tokens";
        unknown.get_or_insert_with(|| late.to_owned());
    }
    let mut findings = Vec::new();
    if !rejected.is_empty() {
        let (one, names) = (rejected.len() == 1, list(&rejected, FEW));
        let text = if one {
            format!("account {names}: Dremio does not accept its token any more")
        } else {
            format!("accounts {names}: Dremio does not accept their tokens any more")
        };
        findings.push(Finding::bad("accounts", text, doctor.site.refresh()));
    }
    findings.extend(unknown.map(|why| Finding::not_checked("accounts", why)));
    findings
}

fn good(policy: &Policy, named: &[AccountName]) -> Finding {
    if !policy.is_known() {
        return Finding::not_checked("accounts", "which there are stands in the policy");
    }
    let names = list(named.iter().map(AccountName::as_str), FEW);
    Finding::good(
        "accounts",
        match named.len() {
            0 => "calls use the account without a name".to_owned(),
            1 => format!("{names} has a token"),
            number => format!("{number} have a token each: {names}"),
        },
    )
}
