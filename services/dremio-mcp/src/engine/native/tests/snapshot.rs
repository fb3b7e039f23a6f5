//! The catalog that all tools share.

use std::time::Duration;

use super::fixture::{Fixture, lonely, wait_for};
use crate::catalog::{Kind, Snapshot};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn the_catalog_is_read_once_for_all_who_ask() {
    let fixture = Fixture::start().await;
    let catalog = &fixture.native.room.catalog;
    let (one, other) = tokio::join!(catalog.snapshot(PATIENCE), catalog.snapshot(PATIENCE));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(std::sync::Arc::ptr_eq(&one, &other));
    assert_eq!(fixture.control().jobs().len(), 4);
    check(&one);
}

fn check(snapshot: &Snapshot) {
    let table = |path: &[&str]| snapshot.tables().find(|table| table.path == path).unwrap();
    // A name with dots in it is one part.
    let trips = table(&["Samples", "samples.dremio.com", "NYC-taxi-trips"]);
    let columns: Vec<_> =
        trips.columns.iter().map(|it| format!("{} {}", it.name, it.data_type)).collect();
    assert_eq!(trips.kind, Kind::Table);
    assert_eq!(
        columns[..3],
        ["pickup_datetime TIMESTAMP", "passenger_count BIGINT", "trip_distance_mi DOUBLE"]
    );
    let types = table(&["Samples", "samples.dremio.com", "Dremio University", "all_types.parquet"]);
    let type_of =
        |name: &str| &*types.columns.iter().find(|it| &*it.name == name).unwrap().data_type;
    assert_eq!(
        ["a_decimal", "a_varchar", "a_varbinary", "a_list", "a_struct"].map(type_of),
        ["DECIMAL(10,2)", "VARCHAR", "VARBINARY", "LIST", "STRUCT"]
    );
    assert!(snapshot.tables().any(|table| table.kind == Kind::View));
    assert_eq!(table(&["sys", "version"]).kind, Kind::System);
}

#[tokio::test]
async fn without_dremio_there_is_none_and_the_next_who_asks_tries_again() {
    let native = lonely();
    assert!(native.room.catalog.snapshot(PATIENCE).await.is_none());
    let cause = native.room.catalog.search("orders", 1).await.unwrap_err();
    assert!(cause.to_string().contains("token"), "{cause}");
}

#[tokio::test]
async fn a_stop_gives_the_reading_up() {
    let fixture = Fixture::start().await;
    fixture.control().set_job_duration(Duration::from_secs(600));
    let native = std::sync::Arc::clone(&fixture.native);
    let waiting = tokio::spawn(async move { native.room.catalog.snapshot(PATIENCE).await });
    wait_for("a job", async || fixture.control().jobs().first().map(|_| ())).await;
    fixture.native.room.catalog.stop();
    assert!(waiting.await.unwrap().is_none());
    wait_for("its end", async || {
        let jobs = fixture.control().jobs();
        jobs.iter().all(|job| job.state.to_string() == "CANCELED").then_some(())
    })
    .await;
}
