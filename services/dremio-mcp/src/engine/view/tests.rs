use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::page::read_result;
use super::{Asked, MIME_TYPE, ROWS_TOOL, URI, completed, introduced, is_shown_by, page_answer};
use crate::engine::context::Shown;
use crate::rpc::Message;

fn value(response: &Message) -> Value {
    serde_json::from_str(response.result().unwrap_or_else(|| panic!("{}", response.text())))
        .unwrap()
}

#[test]
fn only_what_the_extension_says_declares_it() {
    let declaring = |settings: Value| {
        json!({ "extensions": { "io.modelcontextprotocol/ui": settings } }).to_string()
    };
    assert!(is_shown_by(&declaring(json!({ "mimeTypes": ["text/plain", MIME_TYPE] }))));
    for capabilities in [
        "{}".to_owned(),
        "null".to_owned(),
        "oops".to_owned(),
        r#"{"extensions":null}"#.to_owned(),
        json!({ "experimental": { "io.modelcontextprotocol/ui": { "mimeTypes": [MIME_TYPE] } } })
            .to_string(),
        declaring(json!({})),
        declaring(json!({ "mimeTypes": [] })),
        declaring(json!({ "mimeTypes": ["text/html"] })),
        declaring(json!({ "mimeTypes": MIME_TYPE })),
        declaring(Value::Null),
    ] {
        assert!(!is_shown_by(&capabilities), "{capabilities}");
    }
}

#[test]
fn the_introduction_declares_it_beside_what_it_says() {
    for (said, expected) in [
        (
            json!({ "tools": { "listChanged": false } }),
            json!({
                "tools": { "listChanged": false },
                "resources": {},
                "extensions": { "io.modelcontextprotocol/ui": {} },
            }),
        ),
        (
            json!({ "resources": { "subscribe": true }, "extensions": { "a/b": { "c": 1 } } }),
            json!({
                "resources": { "subscribe": true },
                "extensions": { "a/b": { "c": 1 }, "io.modelcontextprotocol/ui": {} },
            }),
        ),
    ] {
        let result = json!({ "protocolVersion": "x", "capabilities": said }).to_string();
        let introduced: Value = serde_json::from_str(&introduced(&result)).unwrap();
        assert_eq!(introduced, json!({ "protocolVersion": "x", "capabilities": expected }));
    }
}

fn list(method: &str, params: &str, answer: &Message) -> Message {
    completed(&Message::request(method, params), answer.clone(), None)
}

#[test]
fn lists_gain_the_page_and_keep_the_rest() {
    let tools = Message::from_result(
        r#"{"tools":[{"name":"RunSqlQuery","_meta":{"a":1.50}},
            {"name":"Other","x":[ 1 ]}],"ttlMs":5}"#,
    );
    let listed = list("tools/list", "{}", &tools);
    assert!(listed.text().contains(r#"{"name":"Other","x":[ 1 ]}"#), "{}", listed.text());
    let listed = value(&listed);
    assert_eq!(listed["ttlMs"], 5);
    let ui = json!({ "resourceUri": URI });
    assert_eq!(listed["tools"][0]["_meta"], json!({ "a": 1.50, "ui": ui }));
    assert_eq!(listed["tools"][2]["name"], ROWS_TOOL);
    assert_eq!(listed["tools"][2]["_meta"]["ui"]["visibility"], json!(["app"]));

    let resources = Message::from_result(r#"{"resources":[{"uri":"a://b"}]}"#);
    let listed = value(&list("resources/list", r#"{"cursor":null}"#, &resources));
    assert_eq!(listed["resources"][0]["uri"], "a://b");
    assert_eq!(listed["resources"][1]["uri"], URI);
    assert_eq!(listed["resources"][1]["mimeType"], MIME_TYPE);
}

#[test]
fn an_engine_without_resources_has_one() {
    let none = Message::from_error(r#"{"code":-32601,"message":"no such method"}"#);
    let listed = value(&list("resources/list", "{}", &none));
    assert_eq!(listed["resources"].as_array().unwrap().len(), 1);
    let listed = value(&list("resources/templates/list", "{}", &none));
    assert_eq!(listed, json!({ "resourceTemplates": [] }));
    assert!(list("prompts/list", "{}", &none).error().is_some());
}

#[test]
fn later_pages_errors_and_other_answers_stay_as_they_are() {
    let page = Message::from_result(r#"{"tools":[{"name":"RunSqlQuery"}],"nextCursor":"3"}"#);
    let broken = Message::from_error(r#"{"code":-32603,"message":"oops"}"#);
    for (method, params, answer) in [
        ("tools/list", r#"{"cursor":"2"}"#, &page),
        ("tools/call", "{}", &page),
        ("tools/list", "{}", &broken),
        ("resources/list", "{}", &broken),
        ("tools/list", "{}", &Message::from_result(r#"{"tools":7}"#)),
    ] {
        assert_eq!(list(method, params, answer).text(), answer.text(), "{method} {params}");
    }
}

#[test]
fn the_page_is_read_by_its_name() {
    let asked = |method: &str, uri: &str| {
        Asked::of(&Message::request(method, &json!({ "uri": uri }).to_string()))
    };
    assert!(matches!(asked("resources/read", URI), Asked::Page));
    assert!(matches!(asked("resources/read", "ui://dremio/other"), Asked::Other));
    assert!(matches!(asked("resources/subscribe", URI), Asked::Other));
    let contents = &value(&page_answer())["contents"][0];
    assert_eq!((&contents["uri"], &contents["mimeType"]), (&json!(URI), &json!(MIME_TYPE)));
    let ui = &contents["_meta"]["ui"];
    for domains in ["connectDomains", "resourceDomains", "frameDomains", "baseUriDomains"] {
        assert_eq!(ui["csp"][domains], json!([]), "{domains}");
    }
}

#[test]
fn rows_for_the_page_are_those_of_get_query_result() {
    for (arguments, expected) in [
        (r#""arguments":{"job_id":"x","offset":5}"#, json!({ "job_id": "x", "offset": 5 })),
        (r#""arguments":{"job_id":"x","format":"csv"}"#, json!({ "job_id": "x" })),
        (r#""_meta":{}"#, json!({})),
    ] {
        let params = format!(r#"{{"name":"{ROWS_TOOL}",{arguments}}}"#);
        let Asked::Rows(request) = Asked::of(&Message::request("tools/call", &params)) else {
            panic!("{params}");
        };
        let mut expected = expected;
        expected["format"] = "cells".into();
        let params = request.params().unwrap();
        assert_eq!(params.name, Some("GetQueryResult"));
        let arguments: Value = serde_json::from_str(params.arguments.unwrap()).unwrap();
        assert_eq!(arguments, expected);
    }
    let other = Message::request("tools/call", r#"{"name":"GetQueryResult"}"#);
    assert!(matches!(Asked::of(&other), Asked::Other));
}

#[test]
fn results_say_where_their_rows_are() {
    let shown = Shown { handle: "h".to_owned(), offset: 7 };
    let answer = Message::from_result(r#"{"content":[],"isError":false,"_meta":{"a":1}}"#);
    let completed = |tool: &str, shown| {
        let request = Message::request("tools/call", &json!({ "name": tool }).to_string());
        value(&completed(&request, answer.clone(), shown))
    };
    let place = json!({ "a": 1, "dremio/result": { "job_id": "h", "offset": 7 } });
    for tool in ["RunSqlQuery", "GetQueryResult"] {
        assert_eq!(completed(tool, Some(&shown))["_meta"], place, "{tool}");
        assert_eq!(completed(tool, None)["_meta"], json!({ "a": 1 }), "{tool}");
    }
    assert_eq!(completed("GetSchemaOfTable", Some(&shown))["_meta"], json!({ "a": 1 }));
}

/// What the policy names by its digest must be all there is, and nothing may come from elsewhere.
#[test]
fn the_page_is_whole_and_asks_for_nothing() {
    let read: Value = serde_json::from_str(&read_result()).unwrap();
    let html = read["contents"][0]["text"].as_str().unwrap();
    for once in ["<script>", "</script>", "<style>", "</style>", "default-src 'none'"] {
        assert_eq!(html.matches(once).count(), 1, "{once}");
    }
    for never in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "unsafe-inline",
        "{policy}",
        "{style}",
        "{script}",
        "onclick=",
        "style=",
        "src=",
        "href=",
        "url(",
        "@import",
        "fetch(",
        "XMLHttpRequest",
        "WebSocket",
    ] {
        assert!(!html.contains(never), "{never}");
    }
    // The one address is a name of a namespace, which nothing asks for.
    let addresses = html.replace("http://www.w3.org/2000/svg", "");
    assert!(!addresses.contains("http://") && !addresses.contains("https://"));
    assert!(html.len() < 64 * 1024, "{}", html.len());
}

#[test]
#[expect(clippy::print_stderr, reason = "what is not tested is to be seen")]
fn the_parts_of_the_page_that_need_no_browser_are_right() {
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/src/engine/view/tests/page.mjs");
    // `node --test` is there since 18.
    let run = Command::new("node").args(["--test", tests]).stdin(Stdio::null()).output();
    match run {
        Ok(run) => assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout)),
        Err(cause) => {
            eprintln!("!! the page's sorting, CSV and charts were NOT TESTED: node: {cause}");
        }
    }
}
