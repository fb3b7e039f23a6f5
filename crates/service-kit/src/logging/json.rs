//! One event as one line of JSON: what the JSON format of `tracing-subscriber` writes without
//! spans, made in one piece, and with more escapes. That format checks and copies every few bytes
//! on their own, which is most of what an audit line costs.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::is_steering;

/// Most lines are shorter.
const LINE_BYTES: usize = 512;

/// `{"timestamp":…,"level":…,"message":…, fields…,"target":…}` and a line end.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonLine;

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
        // A clock that cannot be read leaves the time empty, and the event is logged all the same.
        let _ = SystemTime.format_time(&mut Writer::new(&mut line.0));
        line.0.push_str("\",\"level\":\"");
        line.0.push_str(event.metadata().level().as_str());
        line.0.push('"');
        event.record(&mut line);
        line.text("target", event.metadata().target());
        line.0.push_str("}\n");
        writer.write_str(&line.0)
    }
}

/// A line that is being written. A `String` takes everything, so nothing here fails.
struct Line(String);

impl Line {
    fn name(&mut self, name: &str) {
        self.0.push(',');
        push_json_string(&mut self.0, name);
        self.0.push(':');
    }

    fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        push_json_string(&mut self.0, text);
    }

    fn plain(&mut self, field: &Field, plain: impl fmt::Display) {
        self.name(field.name());
        let _ = write!(self.0, "{plain}");
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            // With a dot, also without a fraction.
            self.plain(field, format_args!("{value:?}"));
        } else {
            self.plain(field, "null");
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
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
