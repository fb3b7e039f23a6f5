use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;
use secrecy::SecretString;
use service_kit::Clock;
use service_kit::admin::Condition;
use token_file::Token;

use super::{page, spoken};
use crate::audit::Verdict;
use crate::conditions::ConditionName;
use crate::metrics::Metrics;
use crate::principal::Principal;
use crate::status::Recent;
use crate::status::connecting::entries;
use crate::status::facts::{AccountFacts, EngineFacts, Facts, SingleFacts, TokenFacts};

/// A gateway that has been up for an hour, with as much to show as there may be.
fn full(conditions: &[(ConditionName, Condition)]) -> Facts {
    let start = Timestamp::from_second(1_800_000_000).unwrap();
    let (clock, hand) = Clock::manual(start);
    let recent = Recent::new(clock);
    let expires_at = start + SignedDuration::from_hours(29);
    for second in 0..3600_u32 {
        let now = start + SignedDuration::from_secs(i64::from(second));
        hand.set(now);
        let client = Principal::of_key(&[u8::try_from(second % 150).unwrap(); 32]);
        for call in 0..1 + second / 400 % 5 {
            let forgotten = Verdict::Error("call_forgotten");
            let verdict = if second % 97 == call { forgotten } else { Verdict::Ok };
            let took = Duration::from_millis(u64::from(20 + second % 41 + 13 * call));
            recent.tool_called(&client, "GetDescriptionOfTableOrSchema", verdict, took);
        }
        let condition = match second % 600 {
            0..300 => Condition::met(),
            _ => Condition::unmet("not_dremio_api", "a web page answers"),
        };
        let conditions = BTreeMap::from([(ConditionName::Dremio, condition)]);
        let age = Duration::from_secs(3600 + u64::from(second));
        recent.look(conditions, Some(age));
    }
    let token = TokenFacts {
        id: Token::new(SecretString::from("a token"), expires_at).id(),
        expires_at,
        written_at: Some(start - SignedDuration::from_hours(1)),
    };
    let agents_url = "https://mcp.example.com/mcp".to_owned();
    Facts {
        now: hand.get(),
        version: "1.2.3",
        conditions: conditions.iter().cloned().collect(),
        dremio: "https://dremio.example.com:9047".to_owned(),
        single: Some(SingleFacts { token: Some(token) }),
        accounts: Vec::new(),
        engine: EngineFacts::Official {
            name: Some("<script>alert(1)</script>".repeat(2)),
            version: Some("\"'&<b>".to_owned()),
        },
        counts: Metrics::register(&mut Registry::default()).now(),
        places: 64,
        recent: recent.view(),
        entries: entries(&agents_url, true),
        agents_url,
        wants_key: true,
    }
}

#[test]
fn the_fullest_page_is_small() {
    let long = "a reason that is as long as they are ".repeat(5);
    let conditions = [
        ConditionName::Audit,
        ConditionName::Confinement,
        ConditionName::Dremio,
        ConditionName::Engine,
        ConditionName::GatewayKey,
        ConditionName::Guard,
        ConditionName::Keys,
        ConditionName::Policy,
        ConditionName::Token,
        ConditionName::TokenFolder,
    ]
    .map(|name| (name, Condition::unmet("unreadable", &long)));
    let mut facts = full(&conditions);
    facts.accounts = accounts(&facts, 200, 150);
    for account in &mut facts.accounts {
        account.name = format!("{:x<64}", account.name.as_str()).parse().unwrap();
    }
    let text = page(&facts).into_string();
    assert!(text.len() <= 50 * 1024, "{} bytes", text.len());
    for part in ["100 calls", "call_forgotten", "key:"] {
        assert_eq!(text.contains(part), part == "key:", "{part}");
    }
}

/// So many accounts with the token of `facts`; the last so many have none.
fn accounts(facts: &Facts, number: usize, troubled: usize) -> Vec<AccountFacts> {
    let account = |place: usize| {
        let failure = (place >= number - troubled).then(|| "missing".to_owned());
        let token = facts.single.and_then(|single| single.token).filter(|_| failure.is_none());
        AccountFacts { name: format!("team-{place:03}").parse().unwrap(), token, failure }
    };
    (0..number).map(account).collect()
}

#[test]
fn each_account_has_a_line_and_trouble_comes_first() {
    let mut facts = full(&[]);
    let shown = |facts: &Facts| {
        let text = page(facts).into_string();
        let card = text.split("<dl class=\"accounts\">").nth(1).unwrap_or_default();
        let lines = card.split("</dl>").next().unwrap();
        let names = lines.split("<dt>").skip(1).map(|it| it.split("</dt>").next().unwrap());
        let rest = card.split("</dl>").nth(1).unwrap_or_default();
        let rest = rest.strip_prefix("<p class=\"dim\">").and_then(|it| it.split("</p>").next());
        let names = names.map(str::to_owned).collect::<Vec<_>>();
        (names, rest.unwrap_or_default().to_owned(), text)
    };
    let (none, _, text) = shown(&facts);
    assert!(none.is_empty() && text.contains("<h3>Token</h3>"));

    facts.accounts = accounts(&facts, 3, 1);
    let (names, rest, text) = shown(&facts);
    assert_eq!(
        (names, rest.as_str()),
        (["team-002", "team-000", "team-001"].map(str::to_owned).into(), "")
    );
    let good = "<dt>team-000</dt><dd>good, expires in 28h</dd>";
    let bad = "<dt>team-002</dt><dd class=\"bad\">has no token</dd>";
    assert!(text.contains(good) && text.contains(bad), "{text}");
    assert!(text.contains("<h3>Tokens</h3><dl><dt>Name</dt>"), "the one without a name, too");

    facts.single = None;
    let (.., text) = shown(&facts);
    assert!(text.contains("<h3>Tokens</h3><dl class=\"accounts\">"), "no client uses that one");

    for (troubled, first, expected) in [
        (0, "team-000", "and 195 more, all good"),
        (2, "team-198", "and 195 more, all good"),
        (150, "team-050", "and 195 more, 145 of them in trouble"),
    ] {
        facts.accounts = accounts(&full(&[]), 200, troubled);
        let (names, rest, _) = shown(&facts);
        assert_eq!((names.len(), names[0].as_str(), rest.as_str()), (5, first, expected));
    }
}

#[test]
fn every_value_is_escaped() {
    let hostile = "</style><script>alert(1)</script><img src=x onerror=alert(1)>";
    let condition = Condition::unmet("\"><b>", hostile);
    let mut facts = full(&[(ConditionName::Dremio, condition)]);
    facts.dremio = hostile.to_owned();
    facts.agents_url = hostile.to_owned();
    let text = page(&facts).into_string();
    for tag in ["<script", "<img", "<b>"] {
        assert!(!text.contains(tag), "{tag}");
    }
    assert_eq!(text.matches("</style>").count(), 1);
}

#[test]
fn the_state_in_one_sentence() {
    let unmet = |reason| Condition::unmet(reason, "a message");
    for (condition, class, expected) in [
        (Condition::met(), "good", "Ready: agents can work"),
        (Condition::met_by("all is well"), "good", "Ready: agents can work"),
        (Condition::met_with_warning("w", "x"), "warn", "Ready, with something to look at"),
        (unmet("starting"), "warn", "Starting"),
        (unmet("stopping"), "warn", "Stopping: "),
        (unmet("engine_down"), "bad", "Not ready: "),
    ] {
        let facts =
            full(&[(ConditionName::Engine, condition), (ConditionName::Token, Condition::met())]);
        let text = page(&facts).into_string();
        let banner = format!("<div class=\"state {class}\" role=\"status\"><strong>{expected}");
        assert!(text.contains(&banner), "{banner}");
    }
}

#[test]
fn when_the_token_is_renewed() {
    let renewed = |hours| {
        let mut facts = full(&[]);
        let token = facts.single.as_mut().unwrap().token.as_mut().unwrap();
        token.expires_at = facts.now + SignedDuration::from_hours(hours);
        let text = page(&facts).into_string();
        let after = text.split("<dt>Renewed</dt><dd>").nth(1).unwrap();
        after.split("</dd>").next().unwrap().to_owned()
    };
    assert_eq!(renewed(29), "in 23h, if TOKEN_REFRESH_BEFORE is 6h, as by default");
    let before_it_ends = "by token-refresher, before it expires (TOKEN_REFRESH_BEFORE)";
    assert_eq!([renewed(5), renewed(-1)], [before_it_ends, before_it_ends]);
}

#[test]
fn durations_are_short() {
    for (seconds, expected) in
        [(0, "0s"), (59, "59s"), (119, "1m 59s"), (121, "2m"), (7_260, "2h 1m"), (108_000, "30h")]
    {
        assert_eq!(spoken(SignedDuration::from_secs(seconds)), expected);
    }
}
