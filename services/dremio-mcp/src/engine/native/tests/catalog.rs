//! The tools that look at tables: schema, description, lineage and system tables.

use std::time::Duration;

use serde_json::{Value, json};

use super::fixture::Fixture;
use crate::answer::estimate;
use crate::catalog::quoted;
use crate::engine::tools::{FAILED_QUERIES, SYSTEM_TABLES};
use crate::guard::Guard;

async fn schema(fixture: &Fixture, name: Value) -> (bool, String) {
    fixture.text("GetSchemaOfTable", json!({ "table_name": name })).await
}

#[tokio::test]
async fn system_tables_that_are_named_exist() {
    // Those with the job history are named where they may be queried.
    for (allow_job_history, hidden) in [(true, 0), (false, 1)] {
        let fixture = Fixture::start_with(
            Duration::from_secs(30),
            Guard { allow_job_history, ..Guard::default() },
        )
        .await;
        let (is_error, text) = fixture.text("GetUsefulSystemTableNames", json!({})).await;
        let names: Vec<&str> = SYSTEM_TABLES
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| text.contains(&format!("{name}: ")))
            .collect();
        assert!(!is_error && names.len() == SYSTEM_TABLES.len() - hidden, "{text}");
        for name in names {
            let (is_error, answer) = fixture.query(&format!("SELECT * FROM {name} LIMIT 1")).await;
            assert!(!is_error, "{name}: {answer}");
        }
        assert_eq!(text.contains(FAILED_QUERIES), allow_job_history);
        let (is_error, answer) = fixture.query(FAILED_QUERIES).await;
        assert_eq!(is_error, !allow_job_history, "{answer}");
    }
}

#[tokio::test]
async fn the_schema_of_a_table_is_the_same_by_either_form_of_its_name() {
    let fixture = Fixture::start().await;
    let catalog = &fixture.native.room.catalog;
    let snapshot = catalog.snapshot(Duration::from_secs(20)).await.unwrap();
    let mut described = 0;
    for table in snapshot.tables() {
        let dotted = quoted(&table.path);
        let (is_error, text) = schema(&fixture, json!(dotted)).await;
        assert!(!is_error && text.starts_with(&format!("{dotted} ")), "{text}");
        assert_eq!(schema(&fixture, json!(table.path)).await, (false, text.clone()));
        // A list that is written as text.
        assert_eq!(
            schema(&fixture, json!(json!(table.path).to_string())).await,
            (false, text.clone())
        );
        let columns = text.lines().filter(|line| !line.starts_with("wiki: ")).count() - 1;
        assert_eq!(columns, table.columns.len(), "{text}");
        described += usize::from(text.contains("] \n") || text.contains("\nwiki: "));
    }
    assert!(described > 3, "tables with wikis");
}

#[tokio::test]
async fn a_schema_is_short_and_ready_to_be_pasted() {
    let fixture = Fixture::start().await;
    let (is_error, text) = schema(&fixture, json!("Sales.customers")).await;
    let start = "\"Sales\".\"customers\" view [sales, pii]\nwiki: Customers One row per customer. \
                 `address` is a struct (`address.city`), `tags` a list (`tags[0]`).\ncustomer_id ";
    assert!(!is_error && text.starts_with(start), "{text}");
    assert!(text.contains("\naddress STRUCT<") && text.contains("\ntags LIST<VARCHAR>"), "{text}");
    assert!(estimate(&text) <= 170, "{} {text}", estimate(&text));
}

#[tokio::test]
async fn several_names_are_answered_at_once() {
    let fixture = Fixture::start().await;
    let names = json!(["Sales.orders", "\"Sales\".\"custmers\"", "sys.version", "Finance"]);
    let (is_error, text) = schema(&fixture, names).await;
    assert!(!is_error && text.starts_with("\"Sales\".\"orders\" view [sales]\n"), "{text}");
    let missing = "\n[there is no table \"Sales\".\"custmers\". Nearest: \"Sales\".\"customers\"";
    assert!(text.contains(missing), "{text}");
    assert!(
        text.contains("\n\"sys\".\"version\" ") && text.contains("commit_id VARCHAR"),
        "{text}"
    );
    assert!(text.ends_with("\n\"Finance\" space of 1:\n\"Finance\".\"reports\" folder"), "{text}");
}

#[tokio::test]
async fn what_is_not_a_table_says_what_it_is_or_what_is_near() {
    let fixture = Fixture::start().await;
    let (is_error, text) = schema(&fixture, json!("\"@dremio\"")).await;
    let home = "\"@dremio\" home of 1:\n\"@dremio\".\"top_customers\" view";
    assert_eq!((is_error, text.as_str()), (false, home));
    // The first look at a home's wiki would make Dremio write one.
    fixture.text("GetDescriptionOfTableOrSchema", json!({ "name": "@dremio" })).await;
    assert!(fixture.requests(|path| path.contains("/collaboration/")).is_empty());

    let (is_error, text) = schema(&fixture, json!("Sales.orderz")).await;
    assert!(is_error && text.contains("there is no table "), "{text}");
    assert!(text.contains("Nearest: ") && text.contains("orders"), "{text}");
}

#[tokio::test]
async fn hostile_names_come_to_a_text() {
    let fixture = Fixture::start().await;
    for name in [
        json!("\"no such space\".\"it's\""),
        json!("\"; DROP TABLE x --\""),
        json!("\"a\"\"b\".\"c\""),
        json!("a/b.c"),
        json!("\"../..\".x"),
        json!("@nobody.größe.日本"),
        json!("\"100%_\".'"),
        json!(["a.b", "c\"d", "..", "/", "😀\n"]),
        json!("\u{0}"),
    ] {
        for (tool, argument) in [
            ("GetSchemaOfTable", "table_name"),
            ("GetTableOrViewLineage", "table_name"),
            ("GetDescriptionOfTableOrSchema", "name"),
        ] {
            let (is_error, text) = fixture.text(tool, json!({ argument: name })).await;
            assert!(is_error || text.starts_with('['), "{name}: {text}");
            assert!(text.contains("here is no table") || text.contains("cannot be read"), "{text}");
        }
    }
    // Nothing that was asked came out of its quotes: all statements were ours.
    for job in fixture.control().jobs() {
        assert!(job.sql.contains("FROM INFORMATION_SCHEMA."), "{}", job.sql);
    }
}

#[tokio::test]
async fn a_sample_shows_rows_and_a_profile_their_values() {
    let fixture = Fixture::start().await;
    let ask = async |name: &str, detail: &str| {
        let arguments = json!({ "table_name": name, "detail": detail });
        let (is_error, text) = fixture.text("GetSchemaOfTable", arguments).await;
        assert!(!is_error && estimate(&text) < 2_000, "{text}");
        text
    };
    let text = ask("Sales.orders", "sample").await;
    let (_, rows) = text.split_once("\n\n").unwrap();
    assert!(rows.starts_with("order_id,") && rows.lines().count() == 7, "{text}");

    let text = ask("Sales.orders", "profile").await;
    assert!(text.contains("\n[of all 3000 rows: "), "{text}");
    assert!(text.contains("\norder_id BIGINT: 0 nulls, 3000 distinct, 1 .. 3000\n"), "{text}");
    let status = text.lines().find(|line| line.starts_with("status ")).unwrap();
    assert!(
        status.contains("VARCHAR: 0 nulls, 4 distinct, CANCELLED .. SHIPPED: SHIPPED "),
        "{status}"
    );
    // A profile is two statements, whatever it shows; a sample is one.
    let jobs = fixture.control().jobs();
    assert_eq!(jobs.iter().filter(|job| job.sql.contains("tool=GetSchemaOfTable")).count(), 3);

    // Lists and structs have no values to compare.
    let text = ask("Sales.customers", "profile").await;
    assert!(text.contains("\ntags LIST<VARCHAR>: 0 nulls\n"), "{text}");
    assert!(text.contains("\nis_active BOOLEAN: 0 nulls, 2 distinct: "), "{text}");
    // Where Dremio does not count (here: the stand-in does not, so long decimals), the columns are
    // shown with the reason.
    let types = "Samples.\"samples.dremio.com\".\"Dremio University\".\"all_types.parquet\"";
    let text = ask(types, "profile").await;
    assert!(text.contains("\na_struct STRUCT<") && text.contains("\n[no profile: "), "{text}");
    let text = ask(types, "sample").await;
    assert!(text.contains("1234567890123456789012345678.9012345678"), "{text}");
    // What may not be asked is not asked in this way either.
    let text = ask("sys.jobs_recent", "sample").await;
    assert!(text.contains("\n[no sample: "), "{text}");
}

#[tokio::test]
async fn descriptions_come_with_those_of_what_is_above() {
    let fixture = Fixture::start().await;
    let arguments = json!({ "name": ["Sales.orders", "Sales.customers"] });
    let (is_error, text) = fixture.text("GetDescriptionOfTableOrSchema", arguments).await;
    assert!(!is_error, "{text}");
    let orders = "\"Sales\".\"orders\" view [sales]\n> # Orders\n> One row per order;";
    assert!(text.starts_with(orders), "{text}");
    assert!(text.contains("\n\"Sales\" space\n> # Sales\n> Start here:"), "{text}");
    assert!(
        text.contains("\n\"Sales\".\"customers\" view [sales, pii]\n> # Customers\n"),
        "{text}"
    );
    assert_eq!(text.matches("\"Sales\" space").count(), 1, "{text}");
}

#[tokio::test]
async fn lineage_is_read_from_the_views() {
    let fixture = Fixture::start().await;
    let ask = async |name: &str| {
        let arguments = json!({ "table_name": name });
        let (is_error, text) = fixture.text("GetTableOrViewLineage", arguments).await;
        assert!(!is_error, "{text}");
        text
    };
    let text = ask("Sales.orders").await;
    let start =
        "\"Sales\".\"orders\" view\nreads:\n  \"Warehouse\".\"shop\".\"orders\" table\nread by:\n";
    assert!(text.starts_with(start), "{text}");
    for reader in [
        "\n  \"Finance\".\"reports\".\"order-margin\" view",
        "\n  \"@dremio\".\"top_customers\" view",
    ] {
        assert!(text.contains(reader), "{text}");
    }
    let text = ask("@dremio.top_customers").await;
    let tree = r#"
reads:
  "Sales"."customers" view
    "Warehouse"."shop"."customers" table
  "Sales"."orders" view
    "Warehouse"."shop"."orders" table
read by no view"#;
    assert!(text.contains(tree), "{text}");
    assert!(ask("Warehouse.shop.orders").await.contains("\n  \"Sales\".\"orders\" view\n    "));
}
