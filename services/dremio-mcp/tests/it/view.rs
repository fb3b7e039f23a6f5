//! The view of results (MCP Apps) over HTTP: in both eras, with both engines.

use serde_json::{Value, json};

use crate::modern::post_as;
use crate::servers::dremios_own;
use crate::setting::Setting;
use crate::support::{Client, KEY, OTHER_KEY, messages};

const URI: &str = "ui://dremio/result";
const MIME_TYPE: &str = "text/html;profile=mcp-app";
const ROWS_TOOL: &str = "dremio_result_rows";

#[derive(Clone, Copy, Debug)]
enum Era {
    Legacy,
    Modern,
}

/// Somebody with a key and a client that shows pages, or does not.
struct Reader {
    client: Client,
    era: Era,
    capabilities: Value,
    /// What the server says that it can do.
    server: Value,
}

impl Reader {
    async fn new(setting: &Setting, era: Era, key: &'static str, shows_pages: bool) -> Self {
        let extensions = json!({ "io.modelcontextprotocol/ui": { "mimeTypes": [MIME_TYPE] } });
        let capabilities =
            if shows_pages { json!({ "extensions": extensions }) } else { json!({}) };
        let client = Client::new(&setting.gateway, key);
        let mut reader = Self { client, era, capabilities, server: Value::Null };
        let introduction = match era {
            Era::Legacy => reader.client.initialize_with("2025-11-25", &reader.capabilities).await,
            Era::Modern => reader.ask("server/discover", json!({})).await["result"].take(),
        };
        reader.server = introduction["capabilities"].clone();
        reader
    }

    /// The whole response.
    async fn ask(&self, method: &str, params: Value) -> Value {
        match self.era {
            Era::Legacy => {
                let request =
                    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
                self.client.rpc(&request.to_string()).await
            }
            Era::Modern => {
                let answer = post_as(&self.client, &self.capabilities, method, params).await;
                messages(answer).await.pop().unwrap()
            }
        }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// The rows from `offset` on, as the page gets them.
    async fn rows(&self, handle: &Value, offset: u64) -> Value {
        let answer = self.call(ROWS_TOOL, json!({ "job_id": handle, "offset": offset })).await;
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        serde_json::from_str(text(&answer)).unwrap()
    }
}

fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {answer}"))
}

/// Each engine, with a description of it.
async fn engines() -> Vec<(String, Setting)> {
    let mut all = vec![("native".to_owned(), Setting::with(&[("MCP_ENGINE", "native")]).await)];
    for server in dremios_own() {
        let setting = Setting::with(&[("MCP_SERVER_COMMAND", &server)]).await;
        all.push((server, setting));
    }
    all
}

fn named<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    list.as_array()?.iter().find(|entry| entry["name"] == name)
}

#[tokio::test]
async fn a_client_that_shows_pages_is_told_of_the_view() {
    for (engine, setting) in engines().await {
        for era in [Era::Legacy, Era::Modern] {
            let reader = Reader::new(&setting, era, KEY, true).await;
            let about = format!("{engine} {era:?}");
            let extension = &reader.server["extensions"]["io.modelcontextprotocol/ui"];
            assert!(extension.is_object(), "{about}: {}", reader.server);
            assert!(reader.server["resources"].is_object(), "{about}: {}", reader.server);

            let tools = reader.ask("tools/list", json!({})).await["result"]["tools"].take();
            for tool in ["RunSqlQuery", "GetQueryResult"] {
                let ui = &named(&tools, tool).unwrap()["_meta"]["ui"];
                assert_eq!(ui["resourceUri"], URI, "{about}: {tool}");
            }
            let ours = named(&tools, ROWS_TOOL).unwrap();
            assert_eq!(ours["_meta"]["ui"]["visibility"], json!(["app"]), "{about}");

            let listed = reader.ask("resources/list", json!({})).await;
            let resources = listed["result"]["resources"].as_array().unwrap();
            let page = resources.iter().find(|resource| resource["uri"] == URI).unwrap();
            assert_eq!(page["mimeType"], MIME_TYPE, "{about}");
            let read = reader.ask("resources/read", json!({ "uri": URI })).await;
            let contents = &read["result"]["contents"][0];
            assert_eq!(
                (&contents["uri"], &contents["mimeType"]),
                (&json!(URI), &json!(MIME_TYPE)),
                "{about}"
            );
            assert!(contents["text"].as_str().unwrap().starts_with("<!doctype html>"), "{about}");
            assert_eq!(contents["_meta"]["ui"]["csp"]["connectDomains"], json!([]), "{about}");
        }
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_client_that_shows_no_pages_hears_nothing_of_the_view() {
    for (engine, setting) in engines().await {
        for era in [Era::Legacy, Era::Modern] {
            let about = format!("{engine} {era:?}");
            let reader = Reader::new(&setting, era, KEY, false).await;
            assert!(!reader.server.to_string().contains("modelcontextprotocol/ui"), "{about}");
            for method in ["tools/list", "resources/list"] {
                let listed = reader.ask(method, json!({})).await.to_string();
                for word in [ROWS_TOOL, URI] {
                    assert!(!listed.contains(word), "{about}: {method}: {listed}");
                }
            }
            let read = reader.ask("resources/read", json!({ "uri": URI })).await;
            assert!(read["error"].is_object(), "{about}: {read}");
            let query = json!({ "query": "SELECT 1 AS \"a\"" });
            let answer = reader.call("RunSqlQuery", query.clone()).await;
            assert!(!answer.to_string().contains("dremio/result"), "{about}: {answer}");
            let rows = reader.call(ROWS_TOOL, json!({ "job_id": "x" })).await;
            let is_error = rows["error"].is_object() || rows["result"]["isError"] == true;
            assert!(is_error && !rows.to_string().contains("this is no job_id"), "{about}: {rows}");

            // What the model reads is the same in a client that shows pages.
            let with = Reader::new(&setting, era, KEY, true).await;
            let shown = with.call("RunSqlQuery", query).await;
            assert_eq!(text(&shown), text(&answer), "{about}");
        }
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn the_page_reaches_every_row_with_the_handle_of_the_result() {
    let digits = (1..10).fold("SELECT 0 AS \"n\"".to_owned(), |sql, digit| {
        format!("{sql} UNION ALL SELECT {digit}")
    });
    let query = format!(
        "WITH \"d\" AS ({digits}) SELECT a.\"n\" * 100 + b.\"n\" * 10 + c.\"n\" AS \"n\", \
         REPEAT('x', 100) AS \"x\", CAST(NULL AS VARCHAR) AS \"none\", '' AS \"empty\" \
         FROM \"d\" a CROSS JOIN \"d\" b CROSS JOIN \"d\" c"
    );
    for (engine, setting) in engines().await {
        for era in [Era::Legacy, Era::Modern] {
            let about = format!("{engine} {era:?}");
            let reader = Reader::new(&setting, era, KEY, true).await;
            let answer = reader.call("RunSqlQuery", json!({ "query": query })).await;
            let place = answer["result"]["_meta"]["dremio/result"].clone();
            assert_eq!(place["offset"], 0, "{about}: {}", answer["result"]["_meta"]);
            let handle = &place["job_id"];
            let (mut rows, mut next, mut pages) = (Vec::new(), Some(0), 0);
            while let Some(offset) = next {
                let page = reader.rows(handle, offset).await;
                assert_eq!(page["total"], 1000, "{about}");
                assert_eq!(page["columns"][0]["name"], "n", "{about}");
                rows.extend(page["rows"].as_array().unwrap().clone());
                (next, pages) = (page["next"].as_u64(), pages + 1);
            }
            assert!(pages > 1, "{about}: {pages}");
            let mut numbers: Vec<u64> =
                rows.iter().map(|row| row[0].as_str().unwrap().parse().unwrap()).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..1000).collect::<Vec<_>>(), "{about}");
            let same = |row: &Value| {
                row[1].as_str().unwrap().len() == 100 && row[2].is_null() && row[3] == ""
            };
            assert!(rows.iter().all(same), "{about}");

            // An answer further on says so itself.
            let further = json!({ "job_id": handle, "offset": 990 });
            let answer = reader.call("GetQueryResult", further).await;
            let place = &answer["result"]["_meta"]["dremio/result"];
            assert_eq!(place, &json!({ "job_id": handle, "offset": 990 }), "{about}");
            // The view's own rows name nothing to be shown.
            let own = reader.call(ROWS_TOOL, json!({ "job_id": handle, "offset": 999 })).await;
            assert!(own["result"]["_meta"]["dremio/result"].is_null(), "{about}: {own}");
        }
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_handle_of_another_key_opens_neither_the_view_nor_the_result() {
    for (engine, setting) in engines().await {
        for era in [Era::Legacy, Era::Modern] {
            let about = format!("{engine} {era:?}");
            let ada = Reader::new(&setting, era, KEY, true).await;
            let query = json!({ "query": "SELECT 'of ada' AS \"secret\"" });
            let answer = ada.call("RunSqlQuery", query).await;
            let handle = answer["result"]["_meta"]["dremio/result"]["job_id"].clone();
            assert_eq!(ada.rows(&handle, 0).await["rows"], json!([["of ada"]]), "{about}");

            let bob = Reader::new(&setting, era, OTHER_KEY, true).await;
            let results = || {
                let asked = setting.sandbox.control().requests().into_iter();
                asked.filter(|request| request.path.contains("/job/")).count()
            };
            let before = results();
            for tool in [ROWS_TOOL, "GetQueryResult"] {
                let refused = bob.call(tool, json!({ "job_id": handle })).await;
                assert_eq!(refused["result"]["isError"], true, "{about}: {tool}: {refused}");
                assert!(text(&refused).contains("not given to you"), "{about}: {refused}");
                assert!(!refused.to_string().contains("of ada"), "{about}: {refused}");
                assert!(refused["result"]["_meta"]["dremio/result"].is_null(), "{about}");
            }
            assert_eq!(results(), before, "{about}: Dremio is not even asked");
        }
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_failed_query_has_nothing_to_show() {
    for (engine, setting) in engines().await {
        let reader = Reader::new(&setting, Era::Legacy, KEY, true).await;
        for query in ["SELECT \"nope\" FROM \"Sales\".\"orders\"", "DROP TABLE t"] {
            let answer = reader.call("RunSqlQuery", json!({ "query": query })).await;
            assert_eq!(answer["result"]["isError"], true, "{engine}: {answer}");
            assert!(answer["result"]["_meta"]["dremio/result"].is_null(), "{engine}: {answer}");
        }
        for arguments in [
            json!({}),
            json!({ "job_id": 7 }),
            json!({ "job_id": "made up" }),
            json!({ "job_id": "made up", "offset": -1 }),
        ] {
            let answer = reader.call(ROWS_TOOL, arguments.clone()).await;
            assert_eq!(answer["result"]["isError"], true, "{engine}: {arguments}: {answer}");
        }
        setting.gateway.stop().await;
    }
}
