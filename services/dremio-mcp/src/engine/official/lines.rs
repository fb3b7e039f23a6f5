//! Reads newline-framed messages with a limit. A line over the limit does not end the connection:
//! its beginning is returned, so that its call fails instead of hanging.

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// Bytes of an over-long line that are kept; every known server writes the id before the result.
const HEAD_BYTES_MAX: usize = 4 * 1024;

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Whole(Vec<u8>),
    /// The beginning of a line over the limit; the rest was dropped.
    TooLong(Vec<u8>),
}

/// The next line, `None` at the end of the stream. A last line without its end is dropped, since it
/// is half a message.
///
/// # Errors
/// When reading fails.
pub(super) async fn next_line<R: AsyncBufRead + Unpin>(
    reader: &mut R,
    bytes_max: usize,
) -> std::io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let available = reader.fill_buf().await?;
        if available.is_empty() {
            return Ok(None);
        }
        let end = available.iter().position(|&byte| byte == b'\n');
        let part = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
        let used = part.len() + usize::from(end.is_some());
        if !too_long {
            line.extend_from_slice(part);
            if line.len() > bytes_max {
                too_long = true;
                line.truncate(HEAD_BYTES_MAX);
                line.shrink_to_fit();
            }
        }
        reader.consume(used);
        if end.is_some() {
            return Ok(Some(if too_long { Line::TooLong(line) } else { Line::Whole(line) }));
        }
    }
}

/// The top-level `id` in the kept beginning of a message, if it is there.
pub(super) fn id_in_head(head: &[u8]) -> Option<u64> {
    struct Head<'c>(&'c mut Option<u64>);

    impl<'de> serde::de::Visitor<'de> for Head<'_> {
        type Value = ();

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                if key == "id" {
                    *self.0 = Some(map.next_value()?);
                    break;
                }
                map.next_value::<serde::de::IgnoredAny>()?;
            }
            Ok(())
        }
    }

    // Up to the last comma no number is cut in the middle.
    let head = head
        .iter()
        .rposition(|&byte| byte == b',')
        .and_then(|comma| head.get(..comma))
        .unwrap_or_default();
    let mut id = None;
    // The text is cut, so an error is normal. What matters is whether the id came before it.
    let mut deserializer = serde_json::Deserializer::from_slice(head);
    let _cut = serde::Deserializer::deserialize_map(&mut deserializer, Head(&mut id));
    id
}

#[cfg(test)]
mod tests {
    use super::{Line, id_in_head, next_line};

    #[tokio::test]
    async fn lines_are_framed_and_limited() {
        let text = b"one\n\ntwelve bytes\nlast\nhalf".as_slice();
        let mut reader = tokio::io::BufReader::with_capacity(4, text);
        let mut next = async || next_line(&mut reader, 8).await.unwrap();
        assert_eq!(next().await, Some(Line::Whole(b"one".to_vec())));
        assert_eq!(next().await, Some(Line::Whole(Vec::new())));
        let Some(Line::TooLong(head)) = next().await else { panic!("the line is over the limit") };
        assert!(b"twelve bytes".starts_with(&head) && head.len() > 8);
        assert_eq!(next().await, Some(Line::Whole(b"last".to_vec())));
        assert_eq!(next().await, None);
    }

    #[test]
    fn the_id_is_found_before_the_cut() {
        for (head, id) in [
            (r#"{"jsonrpc":"2.0","id":42,"result":{"content":[{"te"#, Some(42)),
            (r#"{"id":7"#, None),
            (r#"{"id":7,"#, Some(7)),
            (r#"{"result":{"id":9},"id":8,"x":["#, Some(8)),
            (r#"{"result":{"id":9,"te"#, None),
            (r#"{"id":"a","result":"#, None),
            ("[1,2", None),
            ("", None),
        ] {
            assert_eq!(id_in_head(head.as_bytes()), id, "{head}");
        }
    }
}
