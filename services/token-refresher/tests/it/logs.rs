//! All log lines of the test process, as in a container. Tests run concurrently, so each searches
//! for its own user and tokens.

use std::io::{self, Write};
use std::sync::Once;

use parking_lot::Mutex;
use serde_json::Value;
use service_kit::logging::{self, Format, Level, LogConfig};
use tracing_subscriber::fmt::writer::BoxMakeWriter;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Collector;

impl Write for Collector {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Collects all logs from now on, at the most verbose level.
pub(crate) fn collect() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let config = LogConfig { level: Level::Debug, format: Format::Json };
        logging::init(config, BoxMakeWriter::new(|| Collector), false);
    });
}

pub(crate) fn text() -> String {
    String::from_utf8_lossy(&LINES.lock()).into_owned()
}

/// The audit events in which `field` has `value`.
pub(crate) fn events(field: &str, value: &str) -> Vec<Value> {
    let lines = text();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["target"] == "audit" && line[field] == value).collect()
}
