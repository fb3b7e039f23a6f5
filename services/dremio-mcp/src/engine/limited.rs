//! What a caller with a policy gets of an engine: the tools that it may call, and none of what
//! cannot be held to a policy. All else is as if it were not there.

use serde_json::value::RawValue;

use super::tools::TOOL_NAMES;
use crate::audit::CallAudit;
use crate::methods;
use crate::policy::Identity;
use crate::rpc::{ErrorCode, Message, RpcError, list_member, replace_member, text_member};

/// What of a server can be held to a policy.
const METHODS: [&str; 5] = [
    methods::PING,
    methods::TOOLS_LIST,
    methods::TOOLS_CALL,
    methods::PROMPTS_LIST,
    methods::PROMPTS_GET,
];

/// The error for a request that `caller` may not make; `None` where it may.
pub(super) fn refused(request: &Message, caller: &Identity) -> Option<Message> {
    if !METHODS.contains(&request.method()) {
        let said = format!("this server has no method {}", request.method());
        return Some(error(ErrorCode::MethodNotFound, said));
    }
    if request.method() != methods::TOOLS_CALL {
        return None;
    }
    // Whoever reads the request next says what is wrong with it.
    let name = request.params().ok()?.name.unwrap_or_default().to_owned();
    let is_known = TOOL_NAMES.contains(&name.as_str());
    if is_known && caller.may_call(&name) {
        return None;
    }
    CallAudit::note_denial("unknown_tool");
    Some(error(ErrorCode::InvalidParams, unknown_tool(&name, caller)))
}

/// The error where the tools are not ours, so that nobody counts what they do.
pub(super) fn not_held() -> Message {
    let said = "the MCP server behind this gateway has tools of its own, which cannot be held to \
                MCP_POLICY_FILE; its operator must use MCP_ENGINE=native, or Dremio's own server \
                with MCP_OFFICIAL_REPAIR=true";
    Message::from_error(&RpcError::internal("policy_not_held", said).object())
}

/// The answer to `request` with the tools that `caller` may call.
pub(super) fn listed(request: &Message, answer: Message, caller: &Identity) -> Message {
    if request.method() != methods::TOOLS_LIST {
        return answer;
    }
    let Some(result) = answer.result() else { return answer };
    let Some(tools) = list_member(result, "tools") else { return answer };
    let may_call = |tool: &&str| {
        text_member(tool, "name")
            .is_some_and(|name| TOOL_NAMES.contains(&name.as_str()) && caller.may_call(&name))
    };
    let kept: Vec<&str> = tools.into_iter().map(RawValue::get).filter(may_call).collect();
    let result = replace_member(result, "tools", &format!("[{}]", kept.join(",")));
    answer.with_result(&result)
}

/// As an engine says it that has no such tool.
pub(super) fn unknown_tool(name: &str, caller: &Identity) -> String {
    let known: Vec<&str> =
        TOOL_NAMES.iter().copied().filter(|tool| caller.may_call(tool)).collect();
    match known.as_slice() {
        [] => format!("there is no tool `{name}`"),
        known => format!("there is no tool `{name}`; the tools are {}", known.join(", ")),
    }
}

fn error(code: ErrorCode, said: String) -> Message {
    Message::from_error(&RpcError::new(code, said).object())
}
