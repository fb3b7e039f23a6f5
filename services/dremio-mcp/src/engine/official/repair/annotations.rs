//! Dremio's own server runs without its guard, so it says that its tool for statements may destroy
//! something. Ours lets only reads pass, and clients ask their users less often about a tool that
//! only reads: its annotations say what is so.

use serde_json::value::RawValue;

use super::RUN_SQL_QUERY;
use crate::guard::Guard;
use crate::rpc::{Message, list_member, member, set_member, text_member, with_part};

/// The result of `tools/list` with annotations that fit `guard`; `None` if there is nothing to
/// correct. All else stays byte for byte.
pub(super) fn corrected(list: &Message, guard: Guard) -> Option<String> {
    let result = list.result()?;
    let is_ours = |tool: &&str| text_member(tool, "name").is_some_and(|name| name == RUN_SQL_QUERY);
    let tool = list_member(result, "tools")?.into_iter().map(RawValue::get).find(is_ours)?;
    let writes = guard.allow_writes;
    let hints = [("readOnlyHint", !writes), ("destructiveHint", writes)];
    let annotations = member(tool, "annotations").filter(|text| text.starts_with('{'));
    let mut said = annotations.unwrap_or("{}").to_owned();
    for (hint, value) in hints {
        said = set_member(&said, hint, &value.to_string());
    }
    Some(with_part(result, tool, &set_member(tool, "annotations", &said)))
}

#[cfg(test)]
mod tests {
    use super::corrected;
    use crate::guard::Guard;
    use crate::rpc::Message;

    fn result(tools: &str, allow_writes: bool) -> String {
        let list = Message::from_result(&format!("{{\"tools\": [{tools}], \"x\":1.50}}"));
        let guard = Guard { allow_writes, ..Guard::default() };
        corrected(&list, guard).unwrap_or_else(|| list.result().unwrap().to_owned())
    }

    #[test]
    fn the_tool_for_statements_says_what_the_guard_lets_pass() {
        let other = r#"{"name":"Other","annotations":{"readOnlyHint":false}}"#;
        for (before, allow_writes, after) in [
            (
                r#", "annotations": {"readOnlyHint":false,"destructiveHint":true,"x":1.0}"#,
                false,
                r#", "annotations": {"readOnlyHint":true,"destructiveHint":false,"x":1.0}"#,
            ),
            (
                r#","annotations":{"readOnlyHint":true}"#,
                true,
                r#","annotations":{"destructiveHint":true,"readOnlyHint":false}"#,
            ),
            (
                r#","annotations":null"#,
                false,
                r#","annotations":{"destructiveHint":false,"readOnlyHint":true}"#,
            ),
        ] {
            let [before, after] =
                [before, after].map(|members| format!(r#"{{"name":"RunSqlQuery"{members}}}"#));
            assert_eq!(
                result(&format!("{other},{before} , {other}"), allow_writes),
                format!("{{\"tools\": [{other},{after} , {other}], \"x\":1.50}}")
            );
        }
        let bare = result(r#"{"name":"RunSqlQuery"}"#, false);
        assert!(bare.contains(r#"{"destructiveHint":false,"readOnlyHint":true}"#), "{bare}");
        let untouched = format!("{{\"tools\": [{other}], \"x\":1.50}}");
        assert_eq!(result(other, false), untouched);
    }
}
