//! `SearchTableAndViews`.

use std::time::Duration;

use dremio_sandbox::{Fault, Scope};
use serde_json::json;

use super::fixture::Fixture;
use crate::answer::estimate;

async fn search(fixture: &Fixture, query: &str) -> String {
    let (is_error, text) = fixture.text("SearchTableAndViews", json!({ "query": query })).await;
    assert!(!is_error, "{text}");
    text
}

#[tokio::test]
async fn words_find_tables_with_all_that_is_known_of_them() {
    let fixture = Fixture::start().await;
    let text = search(&fixture, "which table has the customers?").await;
    let first = text.lines().next().unwrap();
    let start = "\"Sales\".\"customers\" view [sales, pii] customer_id, name, ";
    assert!(first.starts_with(start), "{text}");
    assert!(first.contains(" / Customers One row per customer. "), "{text}");
    // The table that the view wraps comes after it.
    let place = |path: &str| text.lines().position(|line| line.starts_with(path));
    assert!(place("\"Warehouse\".\"shop\".\"customers\" table").unwrap() > 0, "{text}");
    assert!(estimate(&text) < 700, "{} {text}", estimate(&text));
    // Names with dots in them are paths that work.
    let text = search(&fixture, "taxi trips").await;
    let trips = "\"Samples\".\"samples.dremio.com\".\"NYC-taxi-trips\" table [sample, taxi] ";
    assert!(text.starts_with(trips), "{text}");
    // A slip of the pen, and the name of a column.
    assert!(search(&fixture, "custmers").await.starts_with("\"Sales\".\"customers\" "));
    assert!(search(&fixture, "trip_distance").await.starts_with("\"Samples\"."));
}

#[tokio::test]
async fn tags_are_found_that_were_never_looked_at() {
    let fixture = Fixture::start().await;
    assert!(search(&fixture, "pii").await.starts_with("\"Sales\".\"customers\" view [sales, pii]"));
    // From then on, Dremio need not be asked for it.
    fixture.control().clear_requests();
    assert!(search(&fixture, "pii").await.starts_with("\"Sales\".\"customers\" "));
    let asked = fixture.requests(|path| path.contains("/search") || path.contains("/tag"));
    assert!(asked.is_empty(), "{:?}", asked.iter().map(|it| &it.path).collect::<Vec<_>>());
    // Words of its wiki are known now, too.
    assert!(search(&fixture, "struct").await.contains("\"Sales\".\"customers\" "));
}

#[tokio::test]
async fn tables_that_were_not_read_are_found_by_dremio_itself() {
    let fixture = Fixture::start().await;
    // This reads the catalog; what comes afterwards is not in it.
    search(&fixture, "customers").await;
    fixture.control().add_rare_entries();
    fixture.control().add_generated_tables(100);
    let snapshot = fixture.native.room.catalog.snapshot(Duration::ZERO).await.unwrap();
    let is_new = |path: &[String]| snapshot.tables().all(|it| it.path != path);
    assert!(is_new(&["Rare", "lost_table"].map(str::to_owned)));

    let text = search(&fixture, "lost_table").await;
    assert!(text.starts_with("\"Rare\".\"lost_table\" view"), "{text}");
    let listed = search(&fixture, "Lake").await;
    let folder = listed.lines().nth(1).unwrap().split('"').nth(3).unwrap().to_owned();
    let listed = search(&fixture, &format!("Lake.{folder}")).await;
    let name = listed.lines().nth(1).unwrap().split('"').nth(5).unwrap().to_owned();
    let text = search(&fixture, &name).await;
    let line = text.lines().find(|it| it.contains(&format!(".\"{name}\" table"))).unwrap();
    let (_, fields) =
        fixture.text("GetSchemaOfTable", json!({ "table_name": ["Lake", folder, name] })).await;
    let column = fields.lines().find_map(|it| it.split(' ').next().filter(|it| line.contains(it)));
    assert!(line.starts_with("\"Lake\".") && column.is_some(), "{line}\n{fields}");
    // A Dremio whose search does not work either finds nothing, and that is no error.
    fixture.control().inject(Fault::Status(500), Scope::path("/api/v3/catalog/search"));
    let text = search(&fixture, "lost_column").await;
    assert!(text.starts_with("[nothing found; "), "{text}");
}

#[tokio::test]
async fn a_path_or_nothing_lists_what_is_there() {
    let fixture = Fixture::start().await;
    let top = search(&fixture, "").await;
    for line in ["\"@dremio\" home", "\"Sales\" space", "\"Warehouse\" source"] {
        assert!(top.lines().any(|it| it == line), "{top}");
    }
    for query in ["Sales", "\"Sales\"", "[\"Sales\"]"] {
        let text = search(&fixture, query).await;
        assert!(text.starts_with("\"Sales\" space of 6:\n\"Sales\"."), "{text}");
    }
    let folder = search(&fixture, "Samples.\"samples.dremio.com\"").await;
    assert!(
        folder.contains("\n\"Samples\".\"samples.dremio.com\".\"zips.json\" table"),
        "{folder}"
    );
    assert!(fixture.requests(|path| path.contains("/collaboration/")).is_empty());
}

#[tokio::test]
async fn what_finds_nothing_says_so() {
    let fixture = Fixture::start().await;
    for query in ["quarks", "'; DROP TABLE x --", "\u{0}\n", "%", "\"open", &"qq ".repeat(5_000)] {
        let text = search(&fixture, query).await;
        assert!(text.starts_with("[nothing found; "), "{query:.20}: {text}");
    }
    for arguments in [json!({ "query": 7 }), json!({ "query": "a", "topN": "b" }), json!([])] {
        let (is_error, text) = fixture.text("SearchTableAndViews", arguments).await;
        assert!(is_error && text.contains("SearchTableAndViews expects"), "{text}");
    }
}

/// The stand-in's large catalog, read as any other.
#[tokio::test]
async fn thousands_of_tables_are_searched() {
    let fixture = Fixture::start().await;
    fixture.control().add_generated_tables(5_000);
    let snapshot = fixture.native.room.catalog.snapshot(Duration::from_secs(60)).await.unwrap();
    let columns: usize = snapshot.tables().map(|it| it.columns.len()).sum();
    assert!(snapshot.tables().len() > 5_000 && columns > 25_000);
    let text = search(&fixture, "monthly forecast").await;
    assert!(text.ends_with("topN shows more]") && text.lines().count() == 6, "{text}");
    assert!(text.lines().take(5).all(|line| line.starts_with("\"Lake\".")), "{text}");
    let all = json!({ "query": "", "topN": 1e9 });
    assert!(!fixture.text("SearchTableAndViews", all).await.0);
    let folder = text.split('"').nth(3).unwrap();
    let listed = search(&fixture, &format!("Lake.{folder}")).await;
    assert!(
        estimate(&listed) <= 8_000 && listed.contains(" more lines left out; "),
        "{listed:.200}"
    );
}

/// Run by hand: `cargo test -p dremio-mcp --lib -- --ignored --nocapture costs`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
#[expect(clippy::print_stderr, reason = "for who runs it by hand")]
async fn what_reading_a_large_catalog_costs() {
    let fixture = Fixture::start().await;
    fixture.control().add_generated_tables(5_000);
    let started = std::time::Instant::now();
    let snapshot = fixture.native.room.catalog.snapshot(Duration::from_secs(60)).await.unwrap();
    let (read, started) = (started.elapsed(), std::time::Instant::now());
    search(&fixture, "customer orders").await;
    let columns: usize = snapshot.tables().map(|it| it.columns.len()).sum();
    eprintln!(
        "{} tables, {columns} columns: read and indexed in {read:?}, the first search {:?}",
        snapshot.tables().len(),
        started.elapsed()
    );
}
