//! The HTML of the page. `maud` escapes every value; only drawings of our own go in as they are.

mod token;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, SignedDurationRound, Timestamp, Unit};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use service_kit::admin::Condition;
use service_kit::wording::counted;
use sha2::{Digest, Sha256};

use super::facts::{EngineFacts, Facts};
use super::minutes::MinuteView;
use super::outcomes::outcome;
use super::{charts, words};
use crate::conditions::ConditionName;

const STYLE: &str = include_str!("style.css");

/// How many clients are shown.
const CLIENTS_MAX: usize = 15;

/// The page may load nothing, and be loaded into nothing; its one style sheet is known by its hash
/// (Content Security Policy Level 3).
pub(super) fn content_security_policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'"
        )
    });
    &POLICY
}

pub(super) fn page(facts: &Facts) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (headline(facts).1) " · dremio-mcp" }
                // No request for a picture.
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "dremio-mcp " span.dim { (facts.version) } }
                    span.dim { "as of " (clock(facts.now)) " UTC, up for "
                        (spoken(facts.now.duration_since(facts.recent.started))) }
                }
                (state(facts))
                (cards(facts))
                h2 { "The last hour" }
                (hour(facts))
                h2 { "Calls by client" }
                (clients(facts))
                h2 { "Last errors of calls" }
                (errors(facts))
                h2 { "What has changed" }
                (changes(facts))
                h2 { "Connect an agent" }
                (connecting(facts))
                footer {
                    "For programs: " a href="/readyz" { "/readyz" } ", " a href="/metrics" {
                        "/metrics" } ", " a href="/healthz" { "/healthz" }
                    ". Reload for newer figures."
                }
            }
        }
    }
}

/// The class of the state, and the state in one sentence.
fn headline(facts: &Facts) -> (&'static str, &'static str) {
    let conditions = &facts.conditions;
    let engine = conditions.get(&ConditionName::Engine);
    if engine.is_some_and(|it| it.reason.as_deref() == Some("stopping")) {
        return ("warn", "Stopping: calls under way are finished, new ones are not taken");
    }
    let unmet: Vec<_> = conditions.iter().filter(|(_, condition)| !condition.ready).collect();
    match unmet.as_slice() {
        [] if conditions.values().any(|condition| condition.reason.is_some()) => {
            ("warn", "Ready, with something to look at")
        }
        [] => ("good", "Ready: agents can work"),
        all if all.iter().all(|(_, it)| it.reason.as_deref() == Some("starting")) => {
            ("warn", "Starting")
        }
        _ => ("bad", "Not ready: agents cannot work, or not with everything"),
    }
}

fn state(facts: &Facts) -> Markup {
    let (class, sentence) = headline(facts);
    let of_interest = facts.conditions.iter().filter(|(_, it)| it.reason.is_some());
    // What does not hold comes first, and what only starts behind it.
    let mut of_interest: Vec<_> = of_interest.collect();
    let starts = |condition: &Condition| condition.reason.as_deref() == Some("starting");
    of_interest.sort_by_key(|(_, condition)| (condition.ready, starts(condition)));
    html! {
        div class={ "state " (class) } role="status" { strong { (sentence) } }
        @for (name, condition) in of_interest {
            @let reason = condition.reason.as_deref().unwrap_or_default();
            div class={ "card problem " (if condition.ready { "warn" } else { "bad" }) } {
                h3 { (words::title(*name)) " " span.dim { (reason) } }
                @if let Some(message) = condition.message.as_ref().filter(|_| !starts(condition)) {
                    p { (message) }
                }
                p { strong { "What helps: " } (words::cure(*name, reason)) }
            }
        }
    }
}

fn cards(facts: &Facts) -> Markup {
    let Facts { counts, recent, .. } = facts;
    let calls: u64 = recent.clients.iter().map(|(_, calls)| calls.count).sum();
    let errors: u64 = recent.clients.iter().map(|(_, calls)| calls.errors).sum();
    html! {
        div.grid {
            (token::card(facts))
            div.card {
                h3 { "Engine" }
                dl {
                    @match &facts.engine {
                        EngineFacts::Native => { dt { "Kind" } dd { "native, in this process" } }
                        EngineFacts::Official { name, version } => {
                            dt { "Kind" } dd { "official: one MCP server process" }
                            dt { "Server" } dd {
                                (name.as_deref().unwrap_or("not known yet")) " "
                                (version.as_deref().unwrap_or_default())
                            }
                            dt { "Running" } dd {
                                (counts.children_ready) " now, " (counts.children_started)
                                " started since the gateway is up"
                            }
                        }
                    }
                    dt { "Dremio" } dd { (facts.dremio) }
                }
            }
            div.card {
                h3 { "Calls" }
                dl {
                    dt { "At work" } dd { (counts.places_held) " of " (facts.places) " places" }
                    dt { "Waiting" } dd { (counts.calls_waiting) }
                    dt { "Since start" } dd {
                        (counted(calls, "call")) ", " (counted(errors, "error"))
                    }
                    dt { "Sessions" } dd { (counts.sessions) " open" }
                }
            }
        }
    }
}

fn hour(facts: &Facts) -> Markup {
    let minutes = facts.recent.minutes.as_slice();
    let total = |count: fn(&MinuteView) -> u32| minutes.iter().map(count).map(u64::from).sum();
    let (calls, errors): (u64, u64) = (total(|it| it.calls), total(|it| it.errors));
    let last = minutes.iter().rev().find_map(|minute| minute.took);
    let milliseconds =
        |took: std::time::Duration| charts::spoken_milliseconds(took.as_secs_f64() * 1000.0);
    html! {
        div.grid.charts {
            figure {
                figcaption { "Calls a minute " span { (calls) " in the hour" } }
                (PreEscaped(charts::calls(minutes)))
            }
            figure {
                figcaption { "Errors a minute " span { (errors) " in the hour" } }
                (PreEscaped(charts::errors(minutes)))
            }
            figure {
                figcaption {
                    "Time of a call "
                    @if let Some((half, most)) = last {
                        span {
                            "half within " span.half { (milliseconds(half)) } ", 95\u{a0}% within "
                            span.most { (milliseconds(most)) } " of late" }
                    } @else {
                        span { "no calls" }
                    }
                }
                (PreEscaped(charts::latency(minutes)))
            }
            figure {
                figcaption {
                    @if facts.accounts.is_empty() { "Age of the token" }
                    @else { "Age of the oldest token" }
                }
                (PreEscaped(charts::token_age(minutes)))
            }
        }
    }
}

fn clients(facts: &Facts) -> Markup {
    let clients = &facts.recent.clients;
    html! {
        @if clients.is_empty() { p.dim { "None has called since the gateway is up." } }
        @else {
            table.short {
                tr { th { "Client" } th.number { "Calls" } th.number { "Errors" }
                    th.number { "Last call" } }
                @for (client, calls) in clients.iter().take(CLIENTS_MAX) {
                    tr {
                        td { (client) }
                        td.number { (calls.count) }
                        td.number { (calls.errors) }
                        td.number { (spoken(facts.now.duration_since(calls.last))) " ago" }
                    }
                }
            }
            @if clients.len() > CLIENTS_MAX {
                p.dim { "and " (clients.len() - CLIENTS_MAX) " more" }
            }
        }
    }
}

fn errors(facts: &Facts) -> Markup {
    let errors = &facts.recent.errors;
    html! {
        @if errors.is_empty() { p.dim { "None since the gateway is up." } }
        @else {
            table.lines {
                tr { th { "UTC" } th { "Client" } th { "Tool" } th { "What happened" } }
                @for error in errors {
                    tr {
                        td.time { (clock(error.at)) }
                        td { (error.client) }
                        td { (error.tool) }
                        td { (outcome(error.verdict)) }
                    }
                }
            }
        }
    }
}

fn changes(facts: &Facts) -> Markup {
    let changes = &facts.recent.changes;
    html! {
        @if changes.is_empty() { p.dim { "Nothing since the gateway is up." } }
        @else {
            table.lines {
                tr { th { "UTC" } th { "What" } th { "How it became" } }
                @for change in changes {
                    tr {
                        td.time { (clock(change.at)) }
                        td { (words::title(change.name)) }
                        td {
                            @match (change.condition.ready, &change.condition.reason) {
                                (true, None) => { "well" }
                                (true, Some(reason)) => { "well, but " (reason) }
                                (false, reason) => {
                                    "not well"
                                    @if let Some(reason) = reason { ": " (reason) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn connecting(facts: &Facts) -> Markup {
    html! {
        div.card {
            p { "The address for agents is " strong { (facts.agents_url) }
                ", as far as the gateway can know; if they reach it by another, put that in its \
                 place." }
            @if facts.wants_key {
                p {
                    "An agent needs a key, which it reads from the variable "
                    (connect::VARIABLE) "."
                }
            }
            @for entry in &facts.entries {
                @if let Some(text) = &entry.text {
                    details { summary { (entry.title) } pre { (text) } }
                }
            }
            @let others: Vec<_> =
                facts.entries.iter().filter(|it| it.text.is_none()).map(|it| it.title).collect();
            @if !others.is_empty() {
                p { (others.join(", ")) ": dremio-mcp connect" }
            }
        }
    }
}

/// The time of day, in UTC.
fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// The date and the time of day, in UTC.
fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// A duration with as much detail as matters: seconds up to two minutes, minutes beyond.
fn spoken(duration: SignedDuration) -> String {
    let unit = if duration.as_secs() < 120 { Unit::Second } else { Unit::Minute };
    let round = SignedDurationRound::new().smallest(unit).mode(jiff::RoundMode::Trunc);
    format!("{:#}", duration.round(round).unwrap_or(duration))
}

#[cfg(test)]
mod tests;
