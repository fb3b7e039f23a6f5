//! Revision 2026-07-28: no handshake, no session; every request names its protocol version in
//! `_meta`, and repeats in headers what intermediaries route by. This module checks a request
//! against its headers, and completes a legacy engine's answer to what this revision requires.

use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::answer::Finished;
use super::{Gateway, MODERN_VERSION};
use crate::engine::{HeaderArgument, LogLevel, ToolList, view};
use crate::methods;
use crate::rpc::{
    ErrorCode, Message, Params, Refusal, RpcError, insert_members, member, members, replace_member,
};

/// How long a client may cache a list. Lists rarely change except with the server's version, and
/// clients that listen are notified.
const LIST_TTL_MS: u32 = 300_000;

fn mismatch(message: String) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, RpcError::new(ErrorCode::HeaderMismatch, message))
}

/// Checks a request against its headers ("Server Validation") and its required metadata
/// ("`_meta`").
///
/// # Errors
/// The first rule that it breaks.
pub(super) fn check(
    headers: &HeaderMap,
    request: &Message,
    params: &Params<'_>,
    tools: &ToolList,
) -> Result<(), Refusal> {
    let header = |name: &str| one(headers, name);
    let version = params.meta.protocol_version;
    match (header("mcp-protocol-version")?, version) {
        (None, _) => return Err(mismatch("The MCP-Protocol-Version header is missing".into())),
        (Some(_), None) => {
            return Err(Refusal::invalid_params(
                "params._meta lacks io.modelcontextprotocol/protocolVersion",
            ));
        }
        (Some(said), Some(meant)) if said != meant => {
            return Err(mismatch(format!(
                "The MCP-Protocol-Version header says '{said}' and the body says '{meant}'"
            )));
        }
        (Some(_), Some(MODERN_VERSION)) => {}
        (Some(_), Some(other)) => return Err(unsupported(other)),
    }
    expect("Mcp-Method", header("mcp-method")?.as_deref(), request.method())?;
    if params.meta.client_capabilities.is_none_or(|raw| !raw.starts_with('{')) {
        return Err(Refusal::invalid_params(
            "params._meta lacks io.modelcontextprotocol/clientCapabilities",
        ));
    }
    if params.meta.log_level.is_some_and(|raw| LogLevel::read(raw).is_none()) {
        return Err(Refusal::invalid_params("io.modelcontextprotocol/logLevel is not a log level"));
    }
    // Servers of earlier revisions still have the removed requests, and the Python SDK answers
    // unknown ones with "invalid parameters", which must be "not found".
    if !methods::MODERN.contains(&request.method()) {
        let message =
            format!("`{}` is not part of protocol revision {MODERN_VERSION}", request.method());
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            RpcError::new(ErrorCode::MethodNotFound, message),
        ));
    }
    let named = match request.method() {
        methods::TOOLS_CALL | methods::PROMPTS_GET => params.name,
        methods::RESOURCES_READ => params.uri,
        _ => None,
    };
    if let Some(named) = named {
        expect("Mcp-Name", decoded(header("mcp-name")?, "Mcp-Name")?.as_deref(), named)?;
        if request.method() == methods::TOOLS_CALL {
            check_arguments(headers, params, tools.header_arguments(named))?;
        }
    }
    Ok(())
}

/// A version that this server does not speak. The error names the same versions as
/// `server/discover`: those that a request may state. Versions with a handshake are not among them;
/// clients find those with `initialize`.
pub(super) fn unsupported(requested: &str) -> Refusal {
    let error =
        RpcError::new(ErrorCode::UnsupportedProtocolVersion, "Unsupported protocol version")
            .with_data(json!({ "supported": [MODERN_VERSION], "requested": requested }));
    Refusal::new(StatusCode::BAD_REQUEST, error)
}

fn expect(name: &str, said: Option<&str>, meant: &str) -> Result<(), Refusal> {
    match said {
        None => Err(mismatch(format!("The {name} header is missing"))),
        Some(said) if said == meant => Ok(()),
        Some(said) => {
            Err(mismatch(format!("The {name} header says '{said}' and the body says '{meant}'")))
        }
    }
}

/// Checks the arguments that must also be in headers. Numbers are compared as numbers.
fn check_arguments(
    headers: &HeaderMap,
    params: &Params<'_>,
    expected: &[HeaderArgument],
) -> Result<(), Refusal> {
    if expected.is_empty() {
        return Ok(());
    }
    let arguments: Value =
        params.arguments.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
    for argument in expected {
        let name = format!("Mcp-Param-{}", argument.name);
        let said = decoded(one(headers, &name)?, &name)?;
        let meant = argument
            .path
            .iter()
            .try_fold(&arguments, |value, key| value.get(key))
            .filter(|value| !value.is_null());
        let matches = match (&said, meant) {
            (None, None) => true,
            (Some(said), Some(Value::String(meant))) => said == meant,
            (Some(said), Some(Value::Bool(meant))) => *said == meant.to_string(),
            (Some(said), Some(Value::Number(meant))) => {
                said.parse::<f64>().ok().is_some_and(|said| meant.as_f64() == Some(said))
            }
            _ => false,
        };
        if !matches {
            return Err(mismatch(format!(
                "The {name} header and the argument `{}` do not match",
                argument.path.join(".")
            )));
        }
    }
    Ok(())
}

/// The one value of a header; repeated, or with characters outside ASCII, it is a mismatch.
fn one(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(mismatch(format!("The {name} header has invalid characters"))),
        },
        (Some(_), Some(_)) => Err(mismatch(format!("The {name} header stands twice"))),
    }
}

/// Undoes the Base64 form of header values ("Value Encoding").
fn decoded(value: Option<String>, name: &str) -> Result<Option<String>, Refusal> {
    let Some(text) = value else { return Ok(None) };
    let Some(encoded) = text.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="))
    else {
        return Ok(Some(text));
    };
    let bytes =
        BASE64_STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    bytes
        .map(Some)
        .ok_or_else(|| mismatch(format!("The {name} header is not valid Base64 of UTF-8 text")))
}

/// The parts of an `InitializeResult` that `server/discover` repeats.
#[derive(Deserialize)]
struct Introduction<'a> {
    #[serde(borrow)]
    capabilities: Option<&'a RawValue>,
    #[serde(borrow)]
    instructions: Option<&'a RawValue>,
}

/// The answer to `server/discover`, made from the engine's introduction.
pub(super) async fn discover(gateway: &Gateway, request: &Message) -> Finished {
    let introduction = match gateway.engine.introduction().await {
        Ok(introduction) => introduction,
        Err(cause) => {
            return Finished {
                status: StatusCode::OK,
                body: Some(cause.to_rpc().response(request.id()).into()),
            };
        }
    };
    let shows_ui = request
        .params()
        .is_ok_and(|params| params.meta.client_capabilities.is_some_and(view::is_shown_by));
    let introduced = gateway.engine.introduction_for(shows_ui, &introduction);
    let said: Option<Introduction<'_>> = serde_json::from_str(&introduced).ok();
    let text = |raw: Option<&RawValue>| raw.map(|raw| raw.get().to_owned());
    let capabilities =
        said.as_ref().and_then(|said| text(said.capabilities)).unwrap_or_else(|| "{}".into());
    let mut members = vec![
        format!(r#""supportedVersions":["{MODERN_VERSION}"]"#),
        format!(r#""capabilities":{capabilities}"#),
    ];
    members.extend(
        said.as_ref()
            .and_then(|said| text(said.instructions))
            .map(|raw| format!(r#""instructions":{raw}"#)),
    );
    let result = insert_members("{}", &members);
    finish(gateway, request, &Message::from_result(&result)).await
}

/// Completes an engine's response to what this revision requires, and chooses the HTTP status.
pub(super) async fn finish(gateway: &Gateway, request: &Message, response: &Message) -> Finished {
    let id = request.id().unwrap_or("null");
    if let Some(error) = response.error() {
        let code: Option<i64> = member(error, "code").and_then(|code| code.parse().ok());
        return match code {
            // "If the server does not implement the requested RPC method, it MUST respond with
            // 404".
            Some(-32601) => {
                Finished { status: StatusCode::NOT_FOUND, body: Some(response.with_id(id).into()) }
            }
            Some(old @ (-32002 | -32042)) => Finished {
                status: StatusCode::OK,
                body: Some(response.with_payload(id, &renewed(error, old)).into()),
            },
            // HeaderMismatch, MissingRequiredClientCapability, UnsupportedProtocolVersion: "the
            // response status MUST be 400".
            Some(-32022..=-32020) => Finished {
                status: StatusCode::BAD_REQUEST,
                body: Some(response.with_id(id).into()),
            },
            _ => Finished { status: StatusCode::OK, body: Some(response.with_id(id).into()) },
        };
    }
    let introduction = gateway.engine.introduction().await.ok();
    let server_info = introduction.as_ref().and_then(|said| said.server_info.as_deref());
    let result = response.result().unwrap_or("{}");
    let result = completed(request.method(), result, server_info);
    Finished { status: StatusCode::OK, body: Some(response.with_payload(id, &result).into()) }
}

/// Replaces an error code that this revision reserves and "MUST NOT emit": resource not found
/// became `-32602`. URL elicitation (2025-11-25 only) has no successor, so it becomes an internal
/// error.
fn renewed(error: &str, old: i64) -> String {
    replace_member(error, "code", if old == -32002 { "-32602" } else { "-32603" })
}

/// Adds the members that every result, or every cacheable one, must have; existing ones stay.
fn completed(method: &str, result: &str, server_info: Option<&str>) -> String {
    // Read once: a result may be hundreds of kilobytes of rows.
    let present = members(result);
    let missing = |name: &str| !present.contains_key(name);
    let mut members = Vec::with_capacity(4);
    if missing("resultType") {
        members.push(r#""resultType":"complete""#.to_owned());
    }
    let ttl_ms = match method {
        methods::SERVER_DISCOVER => Some(LIST_TTL_MS),
        list if methods::LISTS.contains(&list) => Some(LIST_TTL_MS),
        // Its content may change at any time.
        methods::RESOURCES_READ => Some(0),
        _ => None,
    };
    if let Some(ttl_ms) = ttl_ms {
        if missing("ttlMs") {
            members.push(format!(r#""ttlMs":{ttl_ms}"#));
        }
        if missing("cacheScope") {
            members.push(r#""cacheScope":"private""#.to_owned());
        }
    }
    let Some(server_info) = server_info else { return insert_members(result, &members) };
    let entry = [format!(r#""io.modelcontextprotocol/serverInfo":{server_info}"#)];
    match present.get("_meta").map(|raw| raw.get()) {
        Some(meta)
            if meta.starts_with('{')
                && member(meta, "io.modelcontextprotocol/serverInfo").is_none() =>
        {
            let meta = insert_members(meta, &entry);
            insert_members(&replace_member(result, "_meta", &meta), &members)
        }
        Some(_) => insert_members(result, &members),
        None => {
            members.push(format!(r#""_meta":{}"#, insert_members("{}", &entry)));
            insert_members(result, &members)
        }
    }
}

#[cfg(test)]
mod tests;
