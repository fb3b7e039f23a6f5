//! Lineage where views have contexts, and where something is in the way: the stand-in's views name
//! everything from the top.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use dremio_client::{ConnectConfig, DremioClient, Transport};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use service_kit::Clock;
use token_file::{Token, Writer};
use tokio::time::Instant;

use super::super::contents::Contents;
use super::super::{Catalog, Kind, Table, quoted};
use crate::conditions::{ConditionName, Readiness};
use crate::dremio::{DremioCaller, DremioHealth, JobCustody, TokenSource};
use crate::metrics::Metrics;
use crate::policy::TopNames;

/// A view: its path, its context, and its SQL. Without SQL, a table.
type Row = (&'static str, &'static [&'static str], Option<&'static str>);

/// A catalog of `rows`, with the folder that its token is in.
async fn catalog(rows: &[Row]) -> (Catalog, tempfile::TempDir) {
    let entities: HashMap<String, Value> = rows
        .iter()
        .map(|(path, context, sql)| {
            let kind = if sql.is_some() { "VIRTUAL_DATASET" } else { "PHYSICAL_DATASET" };
            let parts: Vec<&str> = path.split('/').collect();
            let entity = json!({ "entityType": "dataset", "id": path, "type": kind, "path": parts,
                "sql": sql, "sqlContext": context });
            ((*path).to_owned(), entity)
        })
        .collect();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new()
        .route("/api/v3/catalog/by-path/{*path}", axum::routing::get(by_path))
        .with_state(Arc::new(entities));
    tokio::spawn(axum::serve(listener, app).into_future());

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.json");
    let expires_at = Clock::system().now() + jiff::SignedDuration::from_hours(1);
    Writer::open(file.clone()).unwrap().write(&Token::new("t".into(), expires_at)).unwrap();
    let (tokens, _requester) = TokenSource::watch(&file, Clock::system(), None);
    let metrics = Arc::new(Metrics::register(&mut Registry::default()));
    let health = DremioHealth::new(Readiness::new(&[ConditionName::Dremio]), metrics, true);
    let transport = Transport::connect(&ConnectConfig::new(uri.parse().unwrap())).unwrap();
    let dremio = DremioCaller::new(DremioClient::new(transport), tokens, health);
    let catalog = Catalog::new(JobCustody::new(dremio), false, TopNames::default());

    let table = |(path, _, sql): &Row| Table {
        path: path.split('/').map(str::to_owned).collect(),
        kind: if sql.is_some() { Kind::View } else { Kind::Table },
        columns: Vec::new(),
    };
    let mut contents = Contents::new(rows.iter().map(table).collect(), false);
    for (path, _, sql) in rows {
        let (schema, name) = path.rsplit_once('/').unwrap();
        if let Some(sql) = sql {
            contents.add_view(&schema.replace('/', "."), name, sql);
        }
    }
    catalog
        .shared
        .read
        .send_modify(|read| read.latest = Some((Arc::new(contents), Instant::now())));
    (catalog, folder)
}

async fn by_path(
    State(entities): State<Arc<HashMap<String, Value>>>,
    Path(path): Path<String>,
) -> Response {
    match entities.get(&path) {
        Some(entity) => axum::Json(entity.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The edges around `path`, `reader > read`, and what was not read.
async fn graph(catalog: &Catalog, path: &str) -> (Vec<String>, Vec<String>, bool) {
    let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    let graph = catalog.lineage(&catalog.entity(&parts).await.unwrap()).await;
    let name = |place: usize| graph.nodes[place].path.join("/");
    let edges = graph.edges.iter();
    let edges = edges.map(|edge| format!("{} > {}", name(edge.reader), name(edge.read)));
    (edges.collect(), graph.unread.clone(), graph.is_cut)
}

#[tokio::test]
async fn names_are_looked_up_in_the_context_of_their_view_first() {
    let (catalog, _folder) = catalog(&[
        ("S/t", &[], None),
        ("O/t", &[], None),
        ("O/x.y", &[], None),
        ("S/v", &["S"], Some("SELECT * FROM t JOIN O.\"x.y\" ON TRUE JOIN gone ON TRUE")),
        ("O/u", &["O"], Some("SELECT * FROM V JOIN t ON TRUE")),
        ("P/r", &["S"], Some("SELECT * FROM V")),
        ("P/s", &[], Some("SELECT * FROM s.v")),
        ("P/hint", &[], Some("SELECT /*+ x */ * FROM S.v")),
        ("P/f", &[], Some("SELECT * FROM TABLE(src.external_query('x'))")),
    ])
    .await;
    let (edges, unread, is_cut) = graph(&catalog, "S/v").await;
    assert_eq!(edges, ["S/v > S/t", "S/v > O/x.y", "P/r > S/v", "P/s > S/v"]);
    assert_eq!(unread.len(), 2, "{unread:?}");
    assert_eq!(unread[0], "\"S\".\"v\" names \"gone\", which was not found.");
    assert!(unread[1].starts_with("The SQL of \"P\".\"hint\" cannot be read: "), "{unread:?}");
    assert!(!is_cut);
    // `t` of another context is another table.
    assert_eq!(graph(&catalog, "O/t").await.0, ["O/u > O/t"]);
    assert_eq!(graph(&catalog, "S/t").await.0, ["S/v > S/t", "P/r > S/v", "P/s > S/v"]);
    let (edges, unread, _) = graph(&catalog, "P/f").await;
    assert!(edges.is_empty(), "{edges:?}");
    assert!(unread[0].contains("the function \"src\".\"external_query\" returns"), "{unread:?}");
}

#[tokio::test]
async fn graphs_end() {
    let rows: &[Row] = &[
        ("s/a", &[], Some("SELECT * FROM s.b")),
        ("s/b", &[], Some("SELECT * FROM s.c, s.a")),
        ("s/c", &[], Some("SELECT * FROM s.d")),
        ("s/d", &[], Some("SELECT * FROM s.e")),
        ("s/e", &[], Some("SELECT * FROM s.f")),
        ("s/f", &[], Some("SELECT * FROM s.g")),
        ("s/g", &[], None),
    ];
    let (catalog, _folder) = catalog(rows).await;
    let (edges, _, is_cut) = graph(&catalog, "s/a").await;
    assert!(is_cut && edges.contains(&"s/e > s/f".to_owned()), "{edges:?}");
    assert!(!edges.contains(&"s/f > s/g".to_owned()), "{edges:?}");
    assert!(edges.contains(&"s/b > s/a".to_owned()), "{edges:?}");
}

#[tokio::test]
async fn a_graph_has_no_more_than_fifty_nodes() {
    let names: Vec<String> = (0..80).map(|it| format!("s/t{it}")).collect();
    let names: Vec<&'static str> = names.into_iter().map(|it| &*it.leak()).collect();
    let sql = names.iter().map(|it| quoted(&it.split('/').collect::<Vec<_>>()));
    let sql = format!("SELECT * FROM {}", sql.collect::<Vec<_>>().join(", "));
    let mut rows: Vec<Row> = names.iter().map(|name| (*name, &[][..], None)).collect();
    rows.push(("s/v", &[], Some(sql.leak())));
    let (catalog, _folder) = catalog(&rows).await;
    let (edges, _, is_cut) = graph(&catalog, "s/v").await;
    assert_eq!((edges.len(), is_cut), (49, true));
}
