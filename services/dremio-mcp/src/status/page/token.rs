//! The card of the tokens: the one of the account without a name in full, and a line for each other
//! account, those that need attention first.

use jiff::SignedDuration;
use maud::{Markup, html};
use service_kit::settings;

use super::{date, spoken};
use crate::status::facts::{AccountFacts, Facts, TokenFacts};
use crate::status::words;

/// How many accounts have a line of their own. More are counted, so that the page stays small.
const ACCOUNTS_MAX: usize = 5;

pub(super) fn card(facts: &Facts) -> Markup {
    let Facts { now, single, accounts, .. } = facts;
    html! {
        div.card {
            h3 { @if accounts.is_empty() { "Token" } @else { "Tokens" } }
            @if let Some(single) = single {
                dl {
                    @match single.token {
                        Some(token) => {
                            dt { "Name" } dd { (token.id.to_string()) }
                            dt { "Age" } dd { (token.age(*now).map_or_else(
                                || "unknown".to_owned(),
                                |age| age.try_into().map_or_else(|_| String::new(), spoken),
                            )) }
                            dt { "Expires" } dd { (expiry(token, facts)) ", "
                                (date(token.expires_at)) " UTC" }
                            dt { "Renewed" } dd { (renewal(token.left(*now))) }
                        }
                        None => { dt { "Name" } dd { "there is none" } }
                    }
                }
            }
            @if !accounts.is_empty() { (lines(facts)) }
        }
    }
}

fn lines(facts: &Facts) -> Markup {
    // Those whose token cannot be sent come first, each kind by name.
    let mut accounts: Vec<_> = facts.accounts.iter().collect();
    accounts.sort_by_key(|account| account.failure.is_none());
    let rest = accounts.split_off(accounts.len().min(ACCOUNTS_MAX));
    let troubled = rest.iter().filter(|account| account.failure.is_some()).count();
    html! {
        dl.accounts {
            @for account in accounts {
                dt { (account.name) }
                @match account.failure.as_deref() {
                    Some(reason) => { dd.bad { (words::token(reason)) } }
                    None => { dd { "good, " (state(account, facts)) } }
                }
            }
        }
        @if !rest.is_empty() {
            p.dim {
                "and " (rest.len()) " more"
                @if troubled == 0 { ", all good" } @else { ", " (troubled) " of them in trouble" }
            }
        }
    }
}

fn state(account: &AccountFacts, facts: &Facts) -> String {
    match account.token {
        Some(token) => format!("expires {}", expiry(token, facts)),
        None => "is being read".to_owned(),
    }
}

fn expiry(token: TokenFacts, facts: &Facts) -> String {
    let left = token.left(facts.now);
    left.map_or_else(|| "has expired".to_owned(), |left| format!("in {}", spoken(left)))
}

/// When the token is replaced. Only token-refresher knows its setting, so this names it.
fn renewal(left: Option<SignedDuration>) -> String {
    let name = settings::TOKEN_REFRESH_BEFORE.name;
    let settings::Default::Is(before) = settings::TOKEN_REFRESH_BEFORE.default else {
        return format!("by token-refresher, before it expires ({name})");
    };
    let early = service_kit::parse_duration(before).ok().and_then(|it| it.try_into().ok());
    match left.and_then(|left| left.checked_sub(early?)).filter(SignedDuration::is_positive) {
        Some(wait) => format!("in {}, if {name} is {before}, as by default", spoken(wait)),
        None => format!("by token-refresher, before it expires ({name})"),
    }
}
