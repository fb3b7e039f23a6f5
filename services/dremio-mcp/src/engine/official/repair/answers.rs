//! Answers that the child makes itself: an error says that it is one, and where the child thinks
//! that Dremio is concerns nobody.

use serde::Deserialize;

use crate::rpc::{Message, member, members, set_member};

/// Where the child finds "Dremio".
#[derive(Debug)]
pub(super) struct OwnAddress {
    uri: String,
    /// Without the scheme.
    host: String,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    text: String,
}

impl OwnAddress {
    pub(super) fn new(uri: &str) -> Self {
        let host = uri.split_once("://").map_or(uri, |(_, host)| host);
        Self { uri: uri.to_owned(), host: host.to_owned() }
    }

    /// `text` without the address: its HTTP client puts the URL of a failed call behind the reason
    /// (`, url='…'`).
    fn hidden(&self, text: &str) -> String {
        let mut hidden = String::with_capacity(text.len());
        let mut rest = text;
        let start = format!(", url='{}", self.uri);
        while let Some((before, behind)) = rest.split_once(&start) {
            hidden.push_str(before);
            rest = behind.split_once('\'').map_or("", |(_, rest)| rest);
        }
        hidden.push_str(rest);
        hidden.replace(&self.uri, "Dremio").replace(&self.host, "Dremio")
    }
}

/// The answer to a call of a tool without the address, and with `isError` if it is an error; any
/// other answer as it is.
pub(super) fn repaired(answer: Message, address: &OwnAddress) -> Message {
    let Some(result) = answer.result() else { return answer };
    let hides = result.contains(&address.host);
    let is_wrong = is_unsaid_error(result);
    if !hides && !is_wrong {
        return answer;
    }
    let mut result = result.to_owned();
    if hides {
        result = address.hidden(&result);
    }
    if is_wrong {
        result = set_member(&result, "isError", "true");
    }
    // Still JSON: the address has no character that JSON escapes.
    answer.with_result(&result)
}

/// Whether a result claims success, and its content is an error: one text that is a JSON object
/// with a member `error`.
fn is_unsaid_error(result: &str) -> bool {
    let members = members(result);
    let Some(content) = members.get("content").map(|content| content.get()) else { return false };
    if members.get("isError").is_some_and(|claim| claim.get() != "false") {
        return false;
    }
    let Ok([Content { text }]) = serde_json::from_str::<[Content; 1]>(content) else {
        return false;
    };
    member(&text, "error").is_some_and(|error| error != "null")
}

#[cfg(test)]
mod tests {
    use super::{OwnAddress, repaired};
    use crate::rpc::{Message, string_literal};

    fn check(text: &str, claim: &str, expected: &str, is_error: &str) {
        let result = |text: &str, claim: &str| {
            let text = string_literal(text);
            format!(r#"{{"content":[{{"type":"text","text":{text}}}],"x":1.50,"isError":{claim}}}"#)
        };
        let address = OwnAddress::new("http://127.0.0.1:4711");
        let answer = repaired(Message::from_result(&result(text, claim)), &address);
        assert_eq!(answer.result(), Some(result(expected, is_error).as_str()), "{text}");
    }

    #[test]
    fn errors_say_that_they_are_and_the_address_is_hidden() {
        check("rows", "false", "rows", "false");
        check(r#"{"result": [{"error": 1}]}"#, "false", r#"{"result": [{"error": 1}]}"#, "false");
        check("{\n  \"error\": \"no\"\n}", "false", "{\n  \"error\": \"no\"\n}", "true");
        check(r#"{"error": null}"#, "false", r#"{"error": null}"#, "false");
        check(
            "Error executing tool T: 404, message='Not \"x\"', \
             url='http://127.0.0.1:4711/api/v3/catalog/by-path/a/b?c=d'",
            "true",
            "Error executing tool T: 404, message='Not \"x\"'",
            "true",
        );
        check(
            "Cannot connect to host 127.0.0.1:4711 ssl:False, http://127.0.0.1:4711/",
            "true",
            "Cannot connect to host Dremio ssl:False, Dremio/",
            "true",
        );
    }

    #[test]
    fn other_answers_stay_as_they_are() {
        let address = OwnAddress::new("http://127.0.0.1:4711");
        for result in [r#"{"contents":[{"text":"{\"error\":1}"}]}"#, r#"{"tools":[]}"#, "{}"] {
            let answer = repaired(Message::from_result(result), &address);
            assert_eq!(answer.result(), Some(result));
        }
        let error = r#"{"code":-32602,"message":"Unknown tool"}"#;
        assert_eq!(repaired(Message::from_error(error), &address).error(), Some(error));
    }
}
