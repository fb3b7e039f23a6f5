use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::{check, completed, renewed};
use crate::engine::ToolList;
use crate::rpc::Message;

const META: &str = concat!(
    r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
    r#""io.modelcontextprotocol/clientCapabilities":{}}"#,
);

fn refusal(method: &str, params: &str, headers: &[(&str, &str)]) -> Option<(u16, i32)> {
    let tools = r#"{"tools":[{"name":"t","inputSchema":{"properties":{
        "r":{"x-mcp-header":"Region"},"n":{"x-mcp-header":"N"}}}}]}"#;
    let tools = ToolList::read(&Message::from_result(tools));
    let request = Message::parse(format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#
    ))
    .unwrap();
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    check(&map, &request, &request.params().unwrap(), &tools)
        .err()
        .map(|refusal| (refusal.status().as_u16(), refusal.error().code as i32))
}

#[test]
fn requests_are_checked_against_their_headers() {
    let version = ("mcp-protocol-version", "2026-07-28");
    let plain = format!("{{{META}}}");
    let old = plain.replace("2026-07-28", "1900-01-01");
    let no_version = r#"{"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}"#;
    let no_capabilities = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;
    let call = |arguments: &str| format!(r#"{{"name":"t","arguments":{arguments},{META}}}"#);
    let named = |name: &str| format!(r#"{{"name":"{name}",{META}}}"#);
    let list = ("mcp-method", "tools/list");
    let get = ("mcp-method", "prompts/get");
    let run = ("mcp-method", "tools/call");
    let t = ("mcp-name", "t");
    for (method, params, headers, expected) in [
        ("tools/list", plain.as_str(), &[version, list][..], None),
        ("tools/list", &plain, &[list], Some((400, -32020))),
        (
            "tools/list",
            &plain,
            &[("mcp-protocol-version", "2025-11-25"), list],
            Some((400, -32020)),
        ),
        ("tools/list", &plain, &[version, version, list], Some((400, -32020))),
        ("tools/list", &old, &[("mcp-protocol-version", "1900-01-01"), list], Some((400, -32022))),
        ("tools/list", no_version, &[version, list], Some((400, -32602))),
        ("tools/list", no_capabilities, &[version, list], Some((400, -32602))),
        ("tools/list", &plain, &[version], Some((400, -32020))),
        ("tools/list", &plain, &[version, run], Some((400, -32020))),
        ("tools/list", &plain, &[version, ("mcp-method", "Tools/List")], Some((400, -32020))),
        ("ping", &plain, &[version, ("mcp-method", "ping")], Some((404, -32601))),
        ("vendor/method", &plain, &[version, ("mcp-method", "vendor/method")], Some((404, -32601))),
        ("initialize", &plain, &[version, ("mcp-method", "initialize")], Some((404, -32601))),
        ("prompts/get", &named("p"), &[version, get, ("mcp-name", "p")], None),
        ("prompts/get", &named("p"), &[version, get], Some((400, -32020))),
        ("prompts/get", &named("p"), &[version, get, ("mcp-name", "q")], Some((400, -32020))),
        (
            "prompts/get",
            &named("Grüße"),
            &[version, get, ("mcp-name", "=?base64?R3LDvMOfZQ==?=")],
            None,
        ),
        (
            "prompts/get",
            &named("p"),
            &[version, get, ("mcp-name", "=?base64?!?=")],
            Some((400, -32020)),
        ),
        (
            "tools/call",
            &call(r#"{"r":"eu"}"#),
            &[version, run, t, ("mcp-param-region", "eu")],
            None,
        ),
        ("tools/call", &call(r#"{"r":"eu"}"#), &[version, run, t], Some((400, -32020))),
        ("tools/call", &call(r#"{"r":null}"#), &[version, run, t], None),
        (
            "tools/call",
            &call("{}"),
            &[version, run, t, ("mcp-param-region", "eu")],
            Some((400, -32020)),
        ),
        ("tools/call", &call(r#"{"n":42}"#), &[version, run, t, ("mcp-param-n", "42.0")], None),
        (
            "tools/call",
            &call(r#"{"n":42}"#),
            &[version, run, t, ("mcp-param-n", "43")],
            Some((400, -32020)),
        ),
    ] {
        assert_eq!(refusal(method, params, headers), expected, "{method} {params} {headers:?}");
    }
}

#[test]
fn only_the_codes_of_earlier_revisions_are_replaced() {
    assert_eq!(
        renewed(r#"{"code":-32002,"message":"m","data":{"code":-32002}}"#, -32002),
        r#"{"code":-32602,"message":"m","data":{"code":-32002}}"#
    );
    assert_eq!(
        renewed(r#"{"message":"m","code":-32042}"#, -32042),
        r#"{"message":"m","code":-32603}"#
    );
}

#[test]
fn results_are_completed_and_otherwise_unchanged() {
    let info = r#"{"name":"s","version":"1"}"#;
    for (method, result, expected) in [
        (
            "tools/call",
            "{}",
            concat!(
                r#"{"resultType":"complete","#,
                r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}}"#,
            ),
        ),
        (
            "tools/list",
            r#"{"tools":[],"_meta":{"x":1.10}}"#,
            concat!(
                r#"{"resultType":"complete","ttlMs":300000,"cacheScope":"private","tools":[],"#,
                r#""_meta":{"io.modelcontextprotocol/serverInfo":"#,
                r#"{"name":"s","version":"1"},"x":1.10}}"#,
            ),
        ),
        (
            "tools/call",
            r#"{"resultType":"input_required","_meta":{"io.modelcontextprotocol/serverInfo":1}}"#,
            r#"{"resultType":"input_required","_meta":{"io.modelcontextprotocol/serverInfo":1}}"#,
        ),
    ] {
        assert_eq!(completed(method, result, Some(info)), expected);
    }
    assert_eq!(
        completed("resources/read", r#"{"a":1}"#, None),
        r#"{"resultType":"complete","ttlMs":0,"cacheScope":"private","a":1}"#
    );
}
