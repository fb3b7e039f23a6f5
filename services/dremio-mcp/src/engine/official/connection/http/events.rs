//! Reads server-sent events (HTML, "Server-sent events") with a limit: the data of each; names, ids
//! and comments are skipped.

use tokio::io::AsyncBufRead;

use crate::engine::official::lines::{Line, next_line};

/// The data of the next event that has any; `None` at the end of the stream, which drops an event
/// that is not complete. Not cancel safe.
///
/// # Errors
/// When reading fails.
pub(super) async fn next_event<R: AsyncBufRead + Unpin>(
    stream: &mut R,
    bytes_max: usize,
) -> std::io::Result<Option<Line>> {
    let mut data: Option<Vec<u8>> = None;
    loop {
        let mut line = match next_line(stream, bytes_max).await? {
            Some(Line::Whole(line)) => line,
            end_or_too_long => return Ok(end_or_too_long),
        };
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        match (line.strip_prefix(b"data:"), &mut data) {
            (Some(value), data) => {
                let value = value.strip_prefix(b" ").unwrap_or(value);
                match data {
                    Some(data) => {
                        data.push(b'\n');
                        data.extend_from_slice(value);
                    }
                    None => *data = Some(value.to_vec()),
                }
                if data.as_ref().is_some_and(|data| data.len() > bytes_max) {
                    return Ok(data.take().map(Line::TooLong));
                }
            }
            (None, Some(_)) if line.is_empty() => return Ok(data.take().map(Line::Whole)),
            (None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, next_event};

    async fn events(text: &str, bytes_max: usize) -> Vec<Line> {
        let mut reader = tokio::io::BufReader::with_capacity(4, text.as_bytes());
        let mut events = Vec::new();
        while let Some(event) = next_event(&mut reader, bytes_max).await.unwrap() {
            let is_over = matches!(event, Line::TooLong(_));
            events.push(event);
            if is_over {
                break;
            }
        }
        events
    }

    #[tokio::test]
    async fn events_are_their_data() {
        for (text, expected) in [
            ("event: message\r\ndata: {\"a\":1}\r\n\r\n", vec!["{\"a\":1}"]),
            ("data: one\n\n: ping\n\ndata:two\n\n", vec!["one", "two"]),
            ("id: 7\ndata: a\ndata:  b\nretry: 9\n\n", vec!["a\n b"]),
            ("event: nothing\n\n\n\ndata\n\n", vec![]),
            ("data: \n\n", vec![""]),
            ("data: half\n", vec![]),
            ("data: half", vec![]),
            ("", vec![]),
        ] {
            let expected: Vec<_> =
                expected.into_iter().map(|data| Line::Whole(data.as_bytes().to_vec())).collect();
            assert_eq!(events(text, 100).await, expected, "{text:?}");
        }
    }

    #[tokio::test]
    async fn events_are_limited() {
        for text in ["data: more than ten bytes\n\n", "data: 1234\ndata: 1234\ndata: 1\n\n"] {
            assert!(matches!(events(text, 10).await[..], [Line::TooLong(_)]), "{text:?}");
        }
    }
}
