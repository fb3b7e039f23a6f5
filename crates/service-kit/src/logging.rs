//! Logs: one JSON object a line in containers, readable text on a terminal.
//!
//! Redaction is by construction: secrets live in `secrecy` types and are never given to a log macro.
//! This module only sets the shape and keeps chatty dependencies quiet.

use std::io::IsTerminal;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::env::Reader;

/// Dependencies that would log payloads or one line per request at our levels.
const QUIET: &str = "hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn,rmcp=error";

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
        Self { level: reader.or("LOG_LEVEL", Level::Info), format: reader.or("LOG_FORMAT", default) }
    }
}

/// Sends the process's logs to `writer` in the configured shape. A second call in one process does nothing.
pub fn init(config: LogConfig, writer: BoxMakeWriter) {
    let level = match config.level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    // Audit events are a record, not chatter: no level switches them off.
    let filter = EnvFilter::new(format!("{level},{QUIET},audit=info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let done = match config.format {
        Format::Json => builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init(),
        Format::Text => builder.with_ansi(std::io::stdout().is_terminal()).try_init(),
    };
    if done.is_err() {
        tracing::debug!("logging was already set up");
    }
}

/// [`init`] to standard output.
pub fn init_stdout(config: LogConfig) {
    init(config, BoxMakeWriter::new(std::io::stdout));
}
