//! Which targets are forwarded, and how they are written.

use proptest::prelude::*;

use super::*;

#[test]
fn targets_are_normalised() {
    for (asked, sent) in [
        ("/api/v3/sql", "/api/v3/sql"),
        (
            "/api/v3/job/1-2/results?offset=0&limit=500",
            "/api/v3/job/1-2/results?offset=0&limit=500",
        ),
        ("/api/v3/c%61talog/by-path/%40ada/@ada", "/api/v3/catalog/by-path/%40ada/%40ada"),
        (
            "/api/v3/catalog/by-path/a%2fb/c d?removeCatalogName=true",
            "/api/v3/catalog/by-path/a%2Fb/c%20d?removeCatalogName=true",
        ),
        (
            "/api/v3/catalog/by-path/gr%c3%b6\u{df}e/%252e%252e",
            "/api/v3/catalog/by-path/gr%C3%B6%C3%9Fe/%252e%252e",
        ),
        ("/api/v3/catalog/by-path/a%3Bb/...", "/api/v3/catalog/by-path/a%3Bb/..."),
        (
            "/api/v3/catalog/dremio:%2FSource%2Fdir/graph",
            "/api/v3/catalog/dremio%3A%2FSource%2Fdir/graph",
        ),
        ("/api/v3/catalog/dremio:/Source/dir/graph", "/api/v3/catalog/dremio%3A/Source/dir/graph"),
        ("/api/v3/catalog?a=b+c%2B&&d&e=&f=g=h", "/api/v3/catalog?a=b%20c%2B&d&e=&f=g%3Dh"),
    ] {
        let (path, query) =
            asked.split_once('?').map_or((asked, None), |(path, query)| (path, Some(query)));
        assert_eq!(Target::parse(path, query).unwrap().path_and_query(), sent, "{asked}");
    }
}

#[test]
fn ambiguous_targets_are_refused() {
    for (path, query, why) in [
        (r"/api/v3/catalog/x\..\..\apiv2\users\all", "", Ambiguous::Backslash),
        ("/api/v3/catalog/x%5c..", "", Ambiguous::Backslash),
        ("/api/v3/catalog/../user", "", Ambiguous::Dots),
        ("/api/v3/catalog/%2e%2E/user", "", Ambiguous::Dots),
        ("/api/v3/./catalog", "", Ambiguous::Dots),
        ("/api/v3/catalog/by-path/a%2F..%2F..%2Fuser", "", Ambiguous::Dots),
        ("/api/v3/catalog/by-path/..%3Bx", "", Ambiguous::Dots),
        ("/api/v3/catalog/dremio:%2F..%2F..", "", Ambiguous::Dots),
        ("/api/v3/catalog/..;/..;/user", "", Ambiguous::Semicolon),
        ("/api/v3/catalog;a=b", "", Ambiguous::Semicolon),
        ("/api/v3/catalog/a%2Fb", "", Ambiguous::Slash),
        ("/api/v3%2Fuser/catalog", "", Ambiguous::Elsewhere),
        ("/api/v3/catalog%2Fby-path/a", "", Ambiguous::Slash),
        ("/api/v3/catalog/x/dremio:%2Fa", "", Ambiguous::Slash),
        ("/api/v3/job/dremio:%2Fa", "", Ambiguous::Slash),
        ("/api/v3/catalog/", "", Ambiguous::Empty),
        ("/api/v3//catalog", "", Ambiguous::Empty),
        ("//api/v3/catalog", "", Ambiguous::Empty),
        ("/api/v3/catalog/%", "", Ambiguous::Percent),
        ("/api/v3/catalog/%2", "", Ambiguous::Percent),
        ("/api/v3/catalog/%2g", "", Ambiguous::Percent),
        ("/api/v3/catalog/%+1", "", Ambiguous::Percent),
        ("/api/v3/catalog/%\u{e4}", "", Ambiguous::Percent),
        ("/api/v3/catalog/%c3%28", "", Ambiguous::NotUtf8),
        ("/api/v3/catalog/%c0%ae%c0%ae", "", Ambiguous::NotUtf8),
        ("/api/v3/catalog/%00", "", Ambiguous::Control),
        ("/api/v3/catalog/%0d%0aHost:x", "", Ambiguous::Control),
        ("/api/v3/catalog/%c2%85", "", Ambiguous::Control),
        ("/api/v3/catalog", "a=%0a", Ambiguous::Control),
        ("/api/v3/catalog", "a=%", Ambiguous::Percent),
        ("/api/v3/catalog", "a=%ff", Ambiguous::NotUtf8),
        ("/apiv2/login", "", Ambiguous::Elsewhere),
        ("/api/v3", "", Ambiguous::Elsewhere),
        ("/API/v3/catalog", "", Ambiguous::Elsewhere),
        ("*", "", Ambiguous::Elsewhere),
        ("", "", Ambiguous::Elsewhere),
    ] {
        assert_eq!(Target::parse(path, Some(query)), Err(why), "{path} {query}");
    }
}

proptest! {
    /// Any text is refused, or the URL has the checked segments and query and nothing else.
    #[test]
    fn the_url_has_exactly_the_checked_parts(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::sample::select(vec![
                    "/", "\\", ".", "..", "%2e", "%2E", "%2f", "%5c", "%", "%25", ";", "%3b",
                    "catalog", "by-path", "dremio:", "job", "a",
                    "%c3%b6", "\u{f6}", "%00", "\t", "#", " ", "|", "\"", "%252e", "//", ":", "@",
                ]).prop_map(str::to_owned),
                any::<char>().prop_map(String::from),
            ],
            0..12,
        ),
        query in prop::option::of("[a-z%+;=&?#/0-9\\\\ ]{0,12}"),
    ) {
        let path = format!("/api/v3/{}", pieces.concat());
        for base in ["http://dremio:9047", "https://proxy/tools/dremio"] {
            let Ok(target) = Target::parse(&path, query.as_deref()) else { continue };
            let uri: dremio_client::DremioUri = base.parse().unwrap();
            let url = uri.join(&target.path_and_query()).expect("what was checked can be sent");
            prop_assert!(url.as_str().starts_with(base) && url.fragment().is_none());
            let segments = url.path_segments().unwrap();
            let sent: Vec<String> = segments
                .map(|name| percent_decode_str(name).decode_utf8().unwrap().into())
                .collect();
            let prefix = if base.ends_with("dremio") { "tools/dremio/api/v3" } else { "api/v3" };
            let prefix = prefix.split('/').map(str::to_owned);
            let checked: Vec<String> = prefix.chain(target.segments.clone()).collect();
            prop_assert_eq!(sent, checked);
            let sent: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            let pairs = target.query.iter();
            let checked: Vec<_> = pairs
                .map(|(name, value)| (name.clone(), value.clone().unwrap_or_default()))
                .collect();
            prop_assert_eq!(sent, checked);
            // A second egress proxy would decide the same.
            let again = target.path_and_query();
            let (path, query) = match again.split_once('?') {
                Some((path, query)) => (path, Some(query)),
                None => (again.as_str(), None),
            };
            prop_assert_eq!(Target::parse(path, query), Ok(target));
        }
    }
}
