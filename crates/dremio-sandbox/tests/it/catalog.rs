//! The catalog, its search, tags and wikis (contract §5).

use serde_json::{Value, json};

use crate::support::Fixture;

fn names(items: &Value) -> Vec<String> {
    let items = items.as_array().unwrap();
    items
        .iter()
        .map(|item| item["path"].as_array().unwrap().last().unwrap().as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_catalog_lists_home_spaces_sources() {
    let fixture = Fixture::start().await;
    let (_, top) = fixture.get("/api/v3/catalog").await;
    assert_eq!(names(&top["data"]), ["@dremio", "Finance", "Sales", "Samples", "Warehouse"]);
    assert_eq!(top["data"][0]["containerType"], "HOME");
    let (_, counted) = fixture.get("/api/v3/catalog?include=datasetCount").await;
    assert_eq!(
        counted["data"][2]["stats"],
        json!({"datasetCount": 6, "datasetCountBounded": false})
    );
    assert_eq!(fixture.get("/api/v3/catalog?include=tags").await.0, 500);
    assert_eq!(fixture.get("/api/v3/catalog?include=nonsense").await.0, 400);
    fixture.control().add_user("ada", "correct-horse-9");
    let (_, body) = fixture
        .post("/apiv2/login", &json!({"userName": "ada", "password": "correct-horse-9"}))
        .await;
    let token = body["token"].as_str().unwrap();
    let (_, top) = crate::support::answer(
        fixture.open(reqwest::Method::GET, "/api/v3/catalog").bearer_auth(token),
    )
    .await;
    assert_eq!(names(&top["data"])[0], "@ada");
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn entities_by_path_and_by_id() {
    let fixture = Fixture::start().await;
    let path = "/api/v3/catalog/by-path/samples/samples.dremio.com/nyc-taxi-trips";
    let (status, table) = fixture.get(&format!("{path}?removeCatalogName=true")).await;
    assert_eq!(status, 200);
    assert_eq!(
        table["path"],
        json!(["Samples", "samples.dremio.com", "NYC-taxi-trips"]),
        "found without regard to case"
    );
    assert_eq!(
        (&table["entityType"], &table["type"]),
        (&json!("dataset"), &json!("PHYSICAL_DATASET"))
    );
    assert_eq!(
        table["fields"][0],
        json!({"name": "pickup_datetime", "type": {"name": "TIMESTAMP"}})
    );
    let (_, same) =
        fixture.get(&format!("/api/v3/catalog/{}", table["id"].as_str().unwrap())).await;
    assert_eq!(same, table);
    let (_, view) = fixture.get("/api/v3/catalog/by-path/Sales/revenue_by_month/").await;
    assert_eq!(view["type"], "VIRTUAL_DATASET");
    assert!(view["sql"].as_str().unwrap().starts_with("SELECT DATE_TRUNC"));
    assert_eq!(
        view["fields"][3],
        json!({"name": "revenue", "type": {"name": "DECIMAL", "precision": 38, "scale": 2}})
    );
    let (_, space) = fixture.get("/api/v3/catalog/by-path/Sales").await;
    assert_eq!((&space["entityType"], &space["name"]), (&json!("space"), &json!("Sales")));
    assert!(space.get("path").is_none());
    let (_, folder) =
        fixture.get("/api/v3/catalog/by-path/Samples/samples.dremio.com/Dremio%20University").await;
    assert_eq!(names(&folder["children"]), ["all_types.parquet"]);
    let (status, _) = fixture.get("/api/v3/catalog/by-path/sys/jobs_recent").await;
    assert_eq!(status, 200);
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn missing_paths_differ_by_parent() {
    let fixture = Fixture::start().await;
    let message = async |path: &str| {
        let (status, body) = fixture.get(path).await;
        (status, body["errorMessage"].as_str().unwrap_or_default().to_owned())
    };
    let check = async |path: &str, status: u16, text: &str| {
        let (found, body) = message(path).await;
        assert_eq!((found, body.as_str()), (status, text), "{path}");
    };
    check(
        "/api/v3/catalog/by-path/Sales/nope",
        404,
        "Could not find entity with path [[Sales, nope]]",
    )
    .await;
    check("/api/v3/catalog/by-path/nope", 404, "Could not find entity with path [[nope]]").await;
    check("/api/v3/catalog/by-path/", 400, "Catalog entity path cannot be empty.").await;
    check("/api/v3/catalog/nope", 404, "Could not find entity with id [nope]").await;
    check("/api/v3/catalog/nope/graph", 404, "HTTP 404 Not Found").await;
    assert_eq!(message("/api/v3/catalog/by-path/Warehouse/nope").await.0, 400);
    assert_eq!(message("/api/v3/catalog/by-path/Samples/nope").await.0, 500);
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn scratch_exists_and_is_not_listed() {
    let fixture = Fixture::start().await;
    let (status, source) = fixture.get("/api/v3/catalog/by-path/%24scratch").await;
    assert_eq!((status, source["type"].as_str()), (200, Some("INTERNAL")));
    assert_eq!(source["children"], json!([]));
    let schemas = fixture.result("SHOW SCHEMAS LIKE '$scr%'").await;
    assert_eq!(schemas["rows"], json!([{"SCHEMA_NAME": "$scratch"}]));
    let (_, top) = fixture.get("/api/v3/catalog").await;
    assert!(!names(&top["data"]).contains(&"$scratch".to_owned()));
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn children_come_in_pages() {
    let fixture = Fixture::start().await;
    let mut seen = Vec::new();
    let mut path = "/api/v3/catalog/by-path/Sales?maxChildren=4".to_owned();
    let mut pages = 0;
    loop {
        let (_, page) = fixture.get(&path).await;
        seen.extend(names(&page["children"]));
        pages += 1;
        let Some(token) = page["nextPageToken"].as_str() else { break };
        let (status, _) =
            fixture.get(&format!("/api/v3/catalog/by-path/Finance?pageToken={token}")).await;
        assert_eq!(status, 400, "a token belongs to its entity");
        path = format!("/api/v3/catalog/by-path/Sales?maxChildren=4&pageToken={token}");
    }
    assert_eq!(pages, 2);
    assert_eq!(
        seen,
        ["customers", "order_items", "orders", "products", "revenue_by_month", "top_products"]
    );
    assert_eq!(fixture.get("/api/v3/catalog/by-path/Sales?pageToken=%21%21").await.0, 400);
    let (_, none) = fixture.get("/api/v3/catalog/by-path/Sales?exclude=children").await;
    assert_eq!(none["children"], json!([]));
    let (_, files) =
        fixture.get("/api/v3/catalog/by-path/Samples/samples.dremio.com?maxChildren=1").await;
    assert_eq!(files["children"].as_array().unwrap().len(), 3, "file systems do not page");
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn bulk_and_search() {
    let fixture = Fixture::start().await;
    let paths = json!([["Sales", "orders"], ["Sales", "nope"]]);
    let (_, bulk) = fixture.post("/api/v3/catalog/by-paths?maxChildren=5", &paths).await;
    assert_eq!(bulk["data"].as_array().unwrap().len(), 1);
    assert_eq!(bulk["errors"].as_array().unwrap().len(), 1);
    assert_eq!(fixture.post("/api/v3/catalog/by-paths", &paths).await.0, 400);
    let (_, found) = fixture.get("/api/v3/catalog/search?query=TAXI").await;
    assert_eq!(names(&found["data"]), ["NYC-taxi-trips"]);
    let (_, by_column) = fixture.get("/api/v3/catalog/search?query=credit_limit").await;
    assert_eq!(names(&by_column["data"]), ["customers", "customers"]);
    let (_, nothing) = fixture.get("/api/v3/catalog/search?query=xyzzy").await;
    assert_eq!(nothing["data"], json!([]));
    fixture.sandbox.stop().await;
}

#[tokio::test]
async fn tags_and_wikis() {
    let fixture = Fixture::start().await;
    let id = async |path: &str| {
        let (_, entity) = fixture.get(&format!("/api/v3/catalog/by-path/{path}")).await;
        entity["id"].as_str().unwrap().to_owned()
    };
    let note = |id: &str, kind: &str| format!("/api/v3/catalog/{id}/collaboration/{kind}");
    let orders = id("Sales/orders").await;
    let (_, tags) = fixture.get(&note(&orders, "tag")).await;
    assert_eq!(tags["tags"], json!(["sales"]));
    let update = json!({"tags": ["sales", "new"], "version": tags["version"]});
    let (status, updated) = fixture.post(&note(&orders, "tag"), &update).await;
    assert_eq!((status, &updated["tags"]), (200, &json!(["sales", "new"])));
    assert_eq!(fixture.post(&note(&orders, "tag"), &update).await.0, 409, "that version is gone");
    let (_, wiki) = fixture.get(&note(&orders, "wiki")).await;
    assert_eq!(wiki["version"], 0);
    let (status, wiki) =
        fixture.post(&note(&orders, "wiki"), &json!({"text": "new", "version": 0})).await;
    assert_eq!((status, wiki), (200, json!({"text": "new", "version": 1})));
    let items = id("Sales/order_items").await;
    assert_eq!(fixture.get(&note(&items, "tag")).await, (200, json!({"tags": []})));
    assert_eq!(fixture.get(&note(&items, "wiki")).await, (200, json!({"text": ""})));
    let first = fixture.post(&note(&items, "wiki"), &json!({"text": "first", "version": 7})).await;
    assert_eq!(first, (200, json!({"text": "first", "version": 0})), "there was none");
    let space = id("Sales").await;
    let (status, body) = fixture.get(&note(&space, "tag")).await;
    assert_eq!(
        (status, body["errorMessage"].as_str()),
        (400, Some("Labels may only be set on views and tables."))
    );
    let (status, body) = fixture.get(&note("nope", "wiki")).await;
    assert_eq!(
        (status, body["errorMessage"].as_str()),
        (400, Some("Could not find entity with id [nope]."))
    );
    fixture.sandbox.stop().await;
}
