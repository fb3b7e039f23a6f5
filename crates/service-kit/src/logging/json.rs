//! One event as one line of JSON: what the JSON format of `tracing-subscriber` writes without
//! spans, made in one piece, and with more escapes. That format checks and copies every few bytes
//! on their own, which is most of what an audit line costs.

use std::cell::RefCell;
use std::fmt::{self, Debug, Write};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::is_steering;
use crate::Clock;

/// Most lines are shorter.
const LINE_BYTES: usize = 512;

/// `{"timestamp":…,"level":…,"message":…, fields…,"target":…}` and a line end.
#[derive(Clone, Debug)]
pub(super) struct JsonLine(pub(super) Clock);

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line(String::with_capacity(LINE_BYTES));
        line.0.push_str("{\"timestamp\":\"");
        push_time(&mut line.0, self.0.now());
        line.0.push_str("\",\"level\":\"");
        line.0.push_str(event.metadata().level().as_str());
        line.0.push('"');
        event.record(&mut line);
        line.text("target", event.metadata().target());
        line.0.push_str("}\n");
        writer.write_str(&line.0)
    }
}

thread_local! {
    /// The second of the last line, and its text: it is the next line's too, more often than not.
    static SECOND: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
}

/// Adds a time with microseconds (RFC 3339).
fn push_time(line: &mut String, time: Timestamp) {
    let (second, Ok(micros)) = (time.as_second(), u32::try_from(time.subsec_microsecond())) else {
        // Before 1970, as of a clock that was never set.
        let _ = write!(line, "{time:.6}");
        return;
    };
    SECOND.with_borrow_mut(|(of, text)| {
        if *of != second {
            *of = second;
            text.clear();
            let _ = write!(text, "{time:.0}");
            text.truncate(text.trim_end_matches('Z').len());
        }
        line.push_str(text);
    });
    line.push('.');
    // With a million more, there are seven digits, of which the first is left out.
    let mut digits = itoa::Buffer::new();
    line.push_str(digits.format(1_000_000 + micros).get(1..).unwrap_or_default());
    line.push('Z');
}

/// A line that is being written. A `String` takes everything, so nothing here fails.
struct Line(String);

impl Line {
    /// A name from the source of a program, which is an identifier, or words with dots.
    fn name(&mut self, name: &'static str) {
        self.0.push_str(",\"");
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn text(&mut self, name: &'static str, text: &str) {
        self.name(name);
        push_json_string(&mut self.0, text);
    }

    fn plain(&mut self, field: &Field, plain: &str) {
        self.name(field.name());
        self.0.push_str(plain);
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            // With a dot, also without a fraction.
            self.plain(field, &format!("{value:?}"));
        } else {
            self.plain(field, "null");
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, itoa::Buffer::new().format(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, itoa::Buffer::new().format(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, if value { "true" } else { "false" });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field.name());
        self.0.push('"');
        let _ = write!(Escaping(&mut self.0), "{value:?}");
        self.0.push('"');
    }
}

/// Escapes what is written to it.
struct Escaping<'t>(&'t mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_escaped(self.0, text);
        Ok(())
    }
}

/// Adds `text` to `json` as a JSON string (RFC 8259 §7) in which every character that steers a
/// terminal or ends a line is an escape.
pub fn push_json_string(json: &mut String, text: &str) {
    json.push('"');
    push_escaped(json, text);
    json.push('"');
}

fn push_escaped(json: &mut String, text: &str) {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    // Nearly always. Without a way out of the loop, many bytes are looked at at once.
    if text.as_bytes().iter().fold(true, |all, byte| all & is_plain(byte)) {
        json.push_str(text);
        return;
    }
    let mut rest = text;
    while let Some(at) = rest.as_bytes().iter().position(|byte| !is_plain(byte)) {
        // The first byte of a character: those before are characters of one byte.
        let (before, from) = rest.split_at(at);
        json.push_str(before);
        let mut chars = from.chars();
        match chars.next() {
            Some('"') => json.push_str("\\\""),
            Some('\\') => json.push_str("\\\\"),
            Some('\n') => json.push_str("\\n"),
            Some('\r') => json.push_str("\\r"),
            Some('\t') => json.push_str("\\t"),
            Some(c) if is_steering(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(json, "\\u{unit:04x}");
                }
            }
            Some(c) => json.push(c),
            None => {}
        }
        rest = chars.as_str();
    }
    json.push_str(rest);
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::push_time;

    #[test]
    fn times() {
        for (nanos, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_795_727_608_000_001_999, "2026-11-26T21:13:28.000001Z"),
            // In the same second.
            (1_795_727_608_123_456_000, "2026-11-26T21:13:28.123456Z"),
            (1_795_727_609_999_999_999, "2026-11-26T21:13:29.999999Z"),
            (253_402_207_200_000_000_000, "9999-12-30T22:00:00.000000Z"),
            (-1_000_000_000, "1969-12-31T23:59:59.000000Z"),
            (-1_500_000_000, "1969-12-31T23:59:58.500000Z"),
        ] {
            let mut line = String::new();
            push_time(&mut line, Timestamp::from_nanosecond(nanos).unwrap());
            assert_eq!(line, expected);
        }
    }
}
