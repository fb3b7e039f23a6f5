//! Logs: one JSON object a line in containers, readable text on a terminal.
//!
//! Redaction is by construction: secrets live in `secrecy` types and are never given to a log
//! macro. This module only sets the shape and keeps chatty dependencies quiet; and it sees to it
//! that one event is one line, whatever its fields hold: a name that a client made up must not look
//! like a line of ours.

mod json;

use std::fmt::{self, Write};
use std::io::IsTerminal;
use std::str::FromStr;

use tracing::Subscriber;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt;

use self::json::JsonLine;
pub use self::json::push_json_string;
use crate::Clock;
use crate::env::Reader;
use crate::settings;

/// Dependencies that would log payloads or one line per request at our levels.
const QUIET: [(&str, LevelFilter); 5] = [
    ("hyper", LevelFilter::WARN),
    ("hyper_util", LevelFilter::WARN),
    ("reqwest", LevelFilter::WARN),
    ("rustls", LevelFilter::WARN),
    ("rmcp", LevelFilter::ERROR),
];

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Per request detail.
    Debug,
    /// State changes. The default.
    Info,
    /// Degraded, carried on.
    Warn,
    /// A person must act.
    Error,
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "debug" => Ok(Self::Debug),
            "info" => Ok(Self::Info),
            "warn" => Ok(Self::Warn),
            "error" => Ok(Self::Error),
            _ => Err(format!("`{text}` is not a level; use debug, info, warn or error")),
        }
    }
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err(format!("`{text}` is not a format; use json or text")),
        }
    }
}

/// `LOG_LEVEL` and `LOG_FORMAT`.
#[derive(Clone, Copy, Debug)]
pub struct LogConfig {
    /// How much.
    pub level: Level,
    /// What shape.
    pub format: Format,
}

impl LogConfig {
    /// Reads `LOG_LEVEL` (default info) and `LOG_FORMAT` (default text on a terminal, else json).
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let default = if std::io::stdout().is_terminal() { Format::Text } else { Format::Json };
        Self {
            level: reader.value(&settings::LOG_LEVEL),
            format: reader.optional(&settings::LOG_FORMAT).unwrap_or(default),
        }
    }
}

/// Sends the process's logs to `writer` in the configured shape, text with colours if it is
/// `coloured`. A second call in one process does nothing.
pub fn init(config: LogConfig, writer: BoxMakeWriter, coloured: bool) {
    if subscriber(config, writer, coloured).try_init().is_err() {
        tracing::debug!("logging was already set up");
    }
}

fn subscriber(
    config: LogConfig,
    writer: BoxMakeWriter,
    coloured: bool,
) -> Box<dyn Subscriber + Send + Sync> {
    let level = match config.level {
        Level::Debug => LevelFilter::DEBUG,
        Level::Info => LevelFilter::INFO,
        Level::Warn => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
    };
    // Audit events are a record, not chatter: no level switches them off.
    let filter = Targets::new()
        .with_default(level)
        .with_targets(QUIET)
        .with_target("audit", LevelFilter::INFO);
    let builder = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(writer);
    match config.format {
        Format::Json => {
            Box::new(builder.event_format(JsonLine(Clock::system())).finish().with(filter))
        }
        Format::Text => {
            let in_one_line = debug_fn(|writer, field, value| match field.name() {
                "message" => write!(OneLine(writer), "{value:?}"),
                name => write!(OneLine(writer), "{name}={value:?}"),
            });
            let builder = builder.fmt_fields(in_one_line.delimited(" ")).with_ansi(coloured);
            Box::new(builder.finish().with(filter))
        }
    }
}

/// Writes text on, with what would end the line or steer a terminal as escapes.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((at, steering)) = rest.char_indices().find(|(_, c)| is_steering(*c)) {
            let (before, from) = rest.split_at(at);
            self.0.write_str(before)?;
            write!(self.0, "{}", steering.escape_default())?;
            rest = from.get(steering.len_utf8()..).unwrap_or_default();
        }
        self.0.write_str(rest)
    }
}

/// Whether a character moves what comes after it: controls (`Cc`), the other line ends, and marks
/// of writing direction.
#[must_use]
pub fn is_steering(c: char) -> bool {
    let line_end = matches!(c, '\u{2028}' | '\u{2029}');
    let mark = matches!(c, '\u{200e}' | '\u{200f}');
    let embedding = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || line_end || mark || embedding
}

/// `text` as one line that steers no terminal: what it holds of line ends, control characters and
/// marks of direction becomes escapes.
#[must_use]
pub fn in_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    // A `String` takes everything.
    let _ = OneLine(&mut line).write_str(text);
    line
}

/// [`init`] to standard output.
pub fn init_stdout(config: LogConfig) {
    init(config, BoxMakeWriter::new(std::io::stdout), std::io::stdout().is_terminal());
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::writer::BoxMakeWriter;

    use super::{Format, Level, LogConfig, in_one_line, is_steering, push_json_string, subscriber};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    const FORGED: &str =
        "x\n2026-01-01T00:00:00Z  INFO audit: key=\"ok\"\r\u{1b}[2K\u{85}\u{2028}\u{202e}\0y";

    fn logged(format: Format, event: impl FnOnce()) -> String {
        let log = Log::default();
        let writer = log.clone();
        let config = LogConfig { level: Level::Info, format };
        tracing::subscriber::with_default(
            subscriber(config, BoxMakeWriter::new(move || writer.clone()), false),
            event,
        );
        String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn an_event_is_one_line_whatever_its_fields_hold() {
        for format in [Format::Text, Format::Json] {
            let cause = std::io::Error::other(FORGED);
            let error: &dyn std::error::Error = &cause;
            let text = logged(format, || {
                tracing::info_span!("span", name = %FORGED).in_scope(|| {
                    tracing::info!(
                        text = FORGED, shown = %FORGED, debug = ?FORGED, error,
                        "message {FORGED}"
                    );
                });
            });
            assert_eq!(text.matches('\n').count(), 1, "{text}");
            let line = text.strip_suffix('\n').unwrap();
            assert!(!line.contains(is_steering), "{text}");
        }
    }

    #[test]
    fn no_level_switches_the_audit_off_and_dependencies_are_quiet() {
        for level in [Level::Debug, Level::Info, Level::Warn, Level::Error] {
            let log = Log::default();
            let writer = log.clone();
            let config = LogConfig { level, format: Format::Text };
            tracing::subscriber::with_default(
                subscriber(config, BoxMakeWriter::new(move || writer.clone()), false),
                || {
                    tracing::debug!("own debug");
                    tracing::info!("own info");
                    tracing::error!("own error");
                    tracing::info!(target: "audit", "of the audit");
                    tracing::info!(target: "hyper::client", "of hyper");
                },
            );
            let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
            let is_there = |what: &str| text.contains(what);
            assert!(is_there("of the audit") && is_there("own error"), "{level:?}: {text}");
            assert!(!is_there("of hyper"), "{level:?}: {text}");
            assert_eq!(is_there("own debug"), level == Level::Debug);
            assert_eq!(is_there("own info"), matches!(level, Level::Debug | Level::Info));
        }
    }

    #[test]
    fn the_json_of_an_event_has_the_members_in_their_order() {
        let text = logged(Format::Json, || {
            tracing::info!(target: "t", number = 7, big = u64::MAX, less = -1, flag = true,
                real = 1.5, whole = 2.0, none = f64::NAN, small = 1e-30,
                text = "a\"ü\n", shown = %"b c", debug = ?Some(1), absent = None::<u8>, "it is so");
        });
        let (time, rest) = text.split_once(r#"","level""#).unwrap();
        assert!(time.starts_with(r#"{"timestamp":"2"#) && time.ends_with('Z'), "{time}");
        assert_eq!(
            rest,
            concat!(
                r#":"INFO","message":"it is so","number":7,"big":18446744073709551615,"less":-1,"#,
                r#""flag":true,"real":1.5,"whole":2.0,"none":null,"small":1e-30,"#,
                r#""text":"a\"ü\n","shown":"b c","debug":"Some(1)","#,
                r#""target":"t"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn every_text_is_read_as_it_was() {
        for text in
            ["", "a", "\"", "\\", "a\"\\\n\r\t\0\u{1b}[2K", "ü€😀 a\u{7f}\u{85}\u{2028}\u{202e}b"]
        {
            let mut json = String::new();
            push_json_string(&mut json, text);
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
            assert!(!json.contains(is_steering), "{json}");
        }
    }

    #[test]
    fn the_text_of_an_event_reads_as_it_was_written() {
        let text = logged(
            Format::Text,
            || tracing::info!(target: "t", number = 7, text = "a\"ü", shown = %"b c", "it is so"),
        );
        assert!(text.ends_with(" INFO t: it is so number=7 text=\"a\\\"ü\" shown=b c\n"), "{text}");
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(in_one_line("a\n\u{1b}[31mü\u{202e}\u{9b}"), "a\\n\\u{1b}[31mü\\u{202e}\\u{9b}");
    }
}
