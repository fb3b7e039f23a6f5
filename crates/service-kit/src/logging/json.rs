//! One event as one line of JSON: what the JSON format of `tracing-subscriber` writes without
//! spans, made in one piece. That format checks and copies every few bytes on their own, which is
//! most of what an audit line costs.

use std::fmt;

use serde::ser::{SerializeMap, Serializer as _};
use tracing::{Event, Subscriber};
use tracing_serde::{AsSerde, SerdeMapVisitor};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Most lines are shorter.
const LINE_BYTES: usize = 384;

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
        let mut line = Vec::with_capacity(LINE_BYTES);
        write(event, &mut line).map_err(|_| fmt::Error)?;
        line.push(b'\n');
        writer.write_str(std::str::from_utf8(&line).map_err(|_| fmt::Error)?)
    }
}

fn write(event: &Event<'_>, line: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let mut now = String::with_capacity(32);
    // A clock that cannot be read leaves the time empty, and the event is logged all the same.
    let _ = SystemTime.format_time(&mut Writer::new(&mut now));
    let metadata = event.metadata();
    let mut json = serde_json::Serializer::new(line);
    let mut members = json.serialize_map(None)?;
    members.serialize_entry("timestamp", &now)?;
    members.serialize_entry("level", &metadata.level().as_serde())?;
    let mut fields = SerdeMapVisitor::new(members);
    event.record(&mut fields);
    let mut members = fields.take_serializer()?;
    members.serialize_entry("target", metadata.target())?;
    members.end()
}
