//! What clients are told of the tools: those that the gateway has itself as the native engine lists
//! them, `GetQueryResult` among them, and behind them what else the child has, as it says it.

use serde_json::value::RawValue;

use super::RUN_SQL_QUERY;
use crate::engine::tools::{Tool, initialize_result, tools_list};
use crate::guard::Guard;
use crate::rpc::{Message, list_member, member, replace_member, set_member, text_member};

/// The result of `tools/list` with our tools in place of the child's; `None` if that runs no
/// statements. An answer has up to `tokens_max` tokens.
pub(super) fn merged(list: &Message, guard: Guard, tokens_max: usize) -> Option<String> {
    let result = list.result()?;
    let tools = list_member(result, "tools")?;
    let name = |tool: &RawValue| text_member(tool.get(), "name");
    if !tools.iter().any(|tool| name(tool).as_deref() == Some(RUN_SQL_QUERY)) {
        return None;
    }
    let own = tools_list(guard, tokens_max);
    let mut all = member(&own, "tools")?.strip_suffix(']')?.to_owned();
    for tool in tools {
        if name(tool).is_none_or(|name| Tool::named(&name).is_none()) {
            all.push(',');
            all.push_str(tool.get());
        }
    }
    all.push(']');
    Some(replace_member(result, "tools", &all))
}

/// The child's `InitializeResult` with our instructions: it has none, and what it would say of
/// Dremio's other editions is not so here.
pub(super) fn introduced(result: &str, guard: Guard) -> String {
    let own = initialize_result(guard);
    let Some(instructions) = member(&own, "instructions") else { return result.to_owned() };
    set_member(result, "instructions", instructions)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{introduced, merged};
    use crate::engine::tools::TOOLS;
    use crate::guard::Guard;
    use crate::rpc::Message;

    #[test]
    fn our_tools_stand_in_place_of_the_childs_and_others_stay_as_they_are() {
        let other = r#"{"name":"Other", "inputSchema":{"x":1.50}}"#;
        let list =
            |tools: &str| Message::from_result(&format!("{{\"a\":1.0,\"tools\":[{tools}]}}"));
        let child = format!(r#"{{"name":"RunSqlQuery"}},{other},{{"name":"GetSchemaOfTable"}}"#);
        let text = merged(&list(&child), Guard::default(), 8000).unwrap();
        assert!(
            text.starts_with("{\"a\":1.0,\"tools\":[{") && text.ends_with(&format!(",{other}]}}"))
        );
        let list_of: Value = serde_json::from_str(&text).unwrap();
        let names: Vec<_> =
            list_of["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
        let mut expected: Vec<_> = TOOLS.iter().map(|tool| tool.name).collect();
        expected.push("Other");
        assert_eq!(names, expected);
        assert!(merged(&list(other), Guard::default(), 8000).is_none());
    }

    #[test]
    fn the_instructions_are_ours_and_all_else_is_the_childs() {
        let own = introduced(r#"{"serverInfo":{"name":"Dremio"},"x":1.50}"#, Guard::default());
        assert!(own.starts_with(r#"{"instructions":"This server"#), "{own}");
        assert!(own.ends_with(r#","serverInfo":{"name":"Dremio"},"x":1.50}"#), "{own}");
        let own = introduced(r#"{"instructions":"for Cloud","x":1.50}"#, Guard::default());
        assert!(!own.contains("Cloud") && own.ends_with(r#","x":1.50}"#), "{own}");
    }
}
