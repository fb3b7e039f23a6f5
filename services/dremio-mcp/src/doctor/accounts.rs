//! The Dremio accounts of the policy's clients: whether each has a token that can be sent.

use futures_util::future::join_all;
use secrecy::SecretString;
use service_kit::wording::{FEW, list};
use token_file::AccountName;

use super::finding::{Finding, Verdict};
use super::policy::Policy;
use super::{Doctor, token};

/// What is to be said of the tokens of all accounts in use, that of the single one included; and
/// the first that can be sent.
pub(super) async fn look(doctor: &Doctor, policy: &Policy) -> (Vec<Finding>, Option<SecretString>) {
    let accounts = policy.accounts();
    let (mut findings, mut usable) = (Vec::new(), None);
    if accounts.contains(&None) {
        (findings, usable) = token::look(doctor, None).await;
    } else {
        let text = "no client of the policy uses the account without a name";
        findings.push(Finding::not_checked("token", text));
    }
    let named: Vec<_> = accounts.into_iter().flatten().collect();
    let mut said = Vec::new();
    // A few at once: each takes its whole time if their volume hangs, and the rest is like them.
    for some in named.chunks(FEW + 1) {
        let looks = some.iter().map(|account| token::look(doctor, Some(account)));
        for (found, token) in join_all(looks).await {
            usable = usable.or(token);
            said.extend(found.into_iter().filter(|finding| finding.verdict != Verdict::Good));
        }
        if said.len() > FEW {
            break;
        }
    }
    if said.is_empty() {
        findings.push(good(policy, &named));
    }
    findings.extend(said.into_iter().take(FEW));
    (findings, usable)
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
