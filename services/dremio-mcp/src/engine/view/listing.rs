//! What clients are told of the page: capabilities, lists, and the page when they ask for it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{EXTENSION, MIME_TYPE, ROWS_TOOL, SHOWN_TOOLS, URI};
use crate::methods;
use crate::rpc::{
    Message, insert_members, list_member, member, replace_member, set_meta, text_member,
};

/// What a client says in its capabilities of this extension ("Client (Host) Capabilities").
#[derive(Deserialize)]
struct Settings {
    #[serde(rename = "mimeTypes")]
    mime_types: Vec<String>,
}

/// Whether a client with these capabilities, as JSON text, shows pages of our kind.
pub(crate) fn is_shown_by(capabilities: &str) -> bool {
    let settings = member(capabilities, "extensions")
        .and_then(|extensions| member(extensions, EXTENSION))
        .and_then(|ui| serde_json::from_str::<Settings>(ui).ok());
    settings.is_some_and(|settings| settings.mime_types.iter().any(|kind| kind == MIME_TYPE))
}

/// An `InitializeResult` as a client gets it that shows pages: with the extension, and with
/// resources, of which the page is one.
pub(crate) fn introduced(result: &str) -> String {
    let capabilities = member(result, "capabilities").unwrap_or("{}");
    let mut capabilities = capabilities.to_owned();
    for (name, value) in [("resources", "{}"), ("extensions", "{}")] {
        if member(&capabilities, name).is_none() {
            capabilities = insert_members(&capabilities, &[format!("\"{name}\":{value}")]);
        }
    }
    let extensions = member(&capabilities, "extensions").unwrap_or("{}");
    let extensions = insert_members(extensions, &[format!("\"{EXTENSION}\":{{}}")]);
    let capabilities = replace_member(&capabilities, "extensions", &extensions);
    replace_member(result, "capabilities", &capabilities)
}

/// A list with what belongs to the page, in front of what the engine lists. Other answers, and
/// later pages of a list, are as they were; an engine without resources has one now.
pub(super) fn listed(request: &Message, answer: Message) -> Message {
    let is_first = request.params().is_ok_and(|params| params.is_first_page());
    let (name, ours) = match request.method() {
        methods::TOOLS_LIST if is_first => ("tools", rows_tool()),
        methods::RESOURCES_LIST if is_first => ("resources", resource()),
        methods::RESOURCE_TEMPLATES_LIST if answer.error().is_some_and(is_not_found) => {
            return Message::from_result(r#"{"resourceTemplates":[]}"#);
        }
        _ => return answer,
    };
    let Some(result) = answer.result() else {
        let has_none = name == "resources" && answer.error().is_some_and(is_not_found);
        return if has_none {
            Message::from_result(&json!({ name: [ours] }).to_string())
        } else {
            answer
        };
    };
    let Some(listed) = list_member(result, name) else { return answer };
    let mut list: Vec<String> = listed.iter().map(|entry| with_page(entry.get())).collect();
    // Behind the others: a model's tools keep their places.
    list.push(ours.to_string());
    let result = replace_member(result, name, &format!("[{}]", list.join(",")));
    answer.with_result(&result)
}

/// A tool with the name of the page that shows its results, if it does; anything else as it is.
fn with_page(entry: &str) -> String {
    if text_member(entry, "name").is_some_and(|name| SHOWN_TOOLS.contains(&name.as_str())) {
        set_meta(entry, "ui", &json!({ "resourceUri": URI }).to_string())
    } else {
        entry.to_owned()
    }
}

fn is_not_found(error: &str) -> bool {
    member(error, "code") == Some("-32601")
}

fn resource() -> Value {
    json!({
        "uri": URI,
        "name": "dremio_result",
        "title": "Query result",
        "description": "Shows the rows of a query as a table and as a chart",
        "mimeType": MIME_TYPE,
    })
}

fn rows_tool() -> Value {
    json!({
        "name": ROWS_TOOL,
        "title": "Rows for the result view",
        "description": "Gives the result view the rows of a query. Models use GetQueryResult.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "job_id": { "type": "string" },
                "offset": { "type": "integer", "minimum": 0 },
            },
            "required": ["job_id"],
        },
        "annotations": { "readOnlyHint": true, "openWorldHint": false },
        "_meta": { "ui": { "visibility": ["app"] } },
    })
}
