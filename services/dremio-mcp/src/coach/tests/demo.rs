//! The stand-in's catalog.

use std::sync::LazyLock;

use dremio_sandbox::{Sandbox, SandboxConfig};
use serde_json::{Value, json};

use crate::catalog::{Column, Kind, Snapshot, Table};

/// The demo catalog, read once through the REST API.
pub(in crate::coach) fn catalog() -> &'static Snapshot {
    static CATALOG: LazyLock<Snapshot> = LazyLock::new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        std::thread::scope(|scope| scope.spawn(|| runtime.block_on(read())).join().unwrap())
    });
    &CATALOG
}

async fn read() -> Snapshot {
    drop(rustls::crypto::ring::default_provider().install_default());
    let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
    let http = reqwest::Client::new();
    let login = json!({ "userName": "dremio", "password": "dremio123" });
    let login = http.post(format!("{}/apiv2/login", sandbox.uri())).json(&login);
    let login: Value = login.send().await.unwrap().json().await.unwrap();
    let token = login["token"].as_str().unwrap().to_owned();
    let get = async |path: &str| -> Value {
        let request = http.get(format!("{}/api/v3/catalog{path}", sandbox.uri()));
        request.bearer_auth(&token).send().await.unwrap().json().await.unwrap()
    };
    let mut found = Vec::new();
    let mut open: Vec<Value> = get("").await["data"].as_array().unwrap().clone();
    while let Some(entry) = open.pop() {
        let path: Vec<String> = serde_json::from_value(entry["path"].clone()).unwrap();
        let encoded: String = path.iter().map(|part| format!("/{}", encoded(part))).collect();
        let entity = get(&format!("/by-path{encoded}")).await;
        if entry["type"] == "DATASET" {
            found.push(table(path, &entity));
        } else {
            open.extend(entity["children"].as_array().cloned().unwrap_or_default());
        }
    }
    assert!(found.len() > 10, "{}", found.len());
    found.into_iter().collect()
}

fn encoded(part: &str) -> String {
    percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn table(path: Vec<String>, entity: &Value) -> Table {
    let is_system = ["sys", "INFORMATION_SCHEMA"].contains(&path[0].as_str());
    let kind = match entity["type"].as_str().unwrap() {
        _ if is_system => Kind::System,
        "VIRTUAL_DATASET" => Kind::View,
        _ => Kind::Table,
    };
    let columns = entity["fields"].as_array().unwrap().iter().map(|field| Column {
        name: field["name"].as_str().unwrap().into(),
        data_type: field["type"]["name"].as_str().unwrap().into(),
    });
    Table { columns: columns.collect(), path, kind }
}
