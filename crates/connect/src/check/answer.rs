//! What a server says, read with limits.

use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

/// The list of tools of a large server takes some 100 kB.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// More of what a stranger says is of no use to a person.
const CHARS_MAX: usize = 300;

/// The answer to the one request, from JSON or from a stream of events. Nothing, if it is neither.
///
/// # Errors
/// When the answer breaks off.
pub(super) async fn message(mut response: Response) -> Result<Option<Value>, reqwest::Error> {
    let kind = response.headers().get(CONTENT_TYPE);
    let is_stream = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if is_stream && let Some(found) = event(&bytes) {
            return Ok(Some(found));
        }
        if bytes.len() > BYTES_MAX {
            return Ok(None);
        }
    }
    Ok(if is_stream { event(&bytes) } else { serde_json::from_slice(&bytes).ok() })
}

/// The first whole event that is an answer.
fn event(bytes: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(bytes).ok()?.replace("\r\n", "\n");
    let (whole, _) = text.rsplit_once("\n\n")?;
    whole.split("\n\n").find_map(|event| {
        let data = event.lines().filter_map(|line| line.strip_prefix("data:"));
        let data: Vec<_> = data.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        let message: Value = serde_json::from_str(&data.join("\n")).ok()?;
        message.get("id").is_some_and(|id| !id.is_null()).then_some(message)
    })
}

/// The sentence in a refusal.
pub(super) async fn said(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > BYTES_MAX {
            break;
        }
    }
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(value) => message_of(value.get("error").unwrap_or(&value)),
        Err(_) => short(&String::from_utf8_lossy(&bytes)),
    }
}

/// The sentence in an error of the protocol.
pub(super) fn message_of(error: &Value) -> String {
    let text = error.get("message").or(error.get("error_description")).unwrap_or(error);
    short(&text.as_str().map_or_else(|| text.to_string(), str::to_owned))
}

fn short(text: &str) -> String {
    let blank = |letter: char| if letter.is_control() { ' ' } else { letter };
    let text: String = text.trim().chars().map(blank).take(CHARS_MAX).collect();
    if text.is_empty() { "(no text)".to_owned() } else { text }
}
