//! Content types and the two query parameters that act on every call: `format` and `pretty`
//! (contract §0.2, §0.3).

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;

use super::ApiError;
use super::params::decode;

const JSON: &str = "application/json";

/// Refuses what is not JSON on either side, and pretty-prints on request.
pub(crate) async fn negotiate(mut request: Request, next: Next) -> Result<Response, ApiError> {
    if !sends_json(request.headers()) {
        return Err(ApiError::mapped(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "HTTP 415 Unsupported Media Type",
        ));
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let parameter = |name: &str| {
        query.split('&').find_map(|pair| {
            let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
            (found == name).then(|| decode(value, true))
        })
    };
    if let Some(format) = parameter("format") {
        let accept = HeaderValue::try_from(format)
            .map_err(|_| ApiError::bad_request("HTTP 400 Bad Request"))?;
        request.headers_mut().insert(ACCEPT, accept);
    }
    if !accepts_json(request.headers()) {
        return Err(ApiError::mapped(StatusCode::NOT_ACCEPTABLE, "HTTP 406 Not Acceptable"));
    }
    let response = next.run(request).await;
    if parameter("pretty").is_some() {
        return Ok(prettified(response).await);
    }
    Ok(response)
}

fn sends_json(headers: &HeaderMap) -> bool {
    if let Some(sent) = headers.get(CONTENT_TYPE) {
        return sent.to_str().is_ok_and(|sent| media_type(sent) == JSON);
    }
    let empty = headers.get(CONTENT_LENGTH).is_none_or(|length| length.as_bytes() == b"0");
    empty && !headers.contains_key(TRANSFER_ENCODING)
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let mut ranges = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(media_type)
        .peekable();
    ranges.peek().is_none()
        || ranges.any(|range| matches!(range.as_str(), JSON | "application/*" | "*/*"))
}

fn media_type(text: &str) -> String {
    let media_type = text.split(';').next().unwrap_or_default();
    media_type.trim().to_ascii_lowercase()
}

async fn prettified(response: Response) -> Response {
    let json = response.headers().get(CONTENT_TYPE).is_some_and(|value| value == JSON);
    if !json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    // Bodies of ours are in memory: collecting one cannot fail.
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Response::from_parts(parts, Body::from(indented(&String::from_utf8_lossy(&body))))
}

/// Indents JSON text without parsing its numbers, which would change them (`12.50`).
fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut chars = json.chars().peekable();
    while let Some(char) = chars.next() {
        if in_string {
            in_string = escaped || char != '"';
            escaped = char == '\\' && !escaped;
            out.push(char);
            continue;
        }
        match char {
            '"' => {
                in_string = true;
                out.push(char);
            }
            '{' | '[' => {
                out.push(char);
                if chars.peek().is_some_and(|next| !matches!(next, '}' | ']')) {
                    depth += 1;
                    new_line(&mut out, depth);
                } else if let Some(close) = chars.next() {
                    out.push(' ');
                    out.push(close);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(char);
            }
            ',' => {
                out.push(char);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(" : "),
            _ => out.push(char),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}
