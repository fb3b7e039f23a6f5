//! Of which trace a request of a client is a part (W3C Trace Context, "Traceparent Header").

use std::fmt;

/// The name of a trace: never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceId(pub(super) u128);

/// The span of a client that a request is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceParent {
    pub(crate) trace_id: TraceId,
    pub(super) span_id: u64,
    /// Whether the client has its own part sent somewhere.
    pub(super) is_sampled: bool,
}

impl TraceParent {
    /// The name of the HTTP header, and of the member of `_meta`.
    pub(crate) const NAME: &str = "traceparent";

    /// Reads `VERSION-TRACE-SPAN-FLAGS`, in lower-case hex digits; nothing if it is malformed: that
    /// is no reason to refuse a call.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '-');
        let mut number = |digits| hex(parts.next()?, digits);
        let (version, trace_id) = (number(2)?, number(32)?);
        let (span_id, flags) = (u64::try_from(number(16)?).ok()?, number(2)?);
        // A later version may have more behind these; 255 is none.
        let is_known = if version == 0 { parts.next().is_none() } else { version != 255 };
        let is_good = is_known && trace_id != 0 && span_id != 0;
        is_good.then_some(Self { trace_id: TraceId(trace_id), span_id, is_sampled: flags & 1 == 1 })
    }
}

fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() == digits && is_hex { u128::from_str_radix(text, 16).ok() } else { None }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::TraceParent;

    #[test]
    fn trace_parents() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        for (text, is_sampled) in [
            (format!("00-{trace}-{span}-01"), true),
            (format!("00-{trace}-{span}-00"), false),
            (format!("00-{trace}-{span}-fe"), false),
            (format!("cc-{trace}-{span}-03"), true),
            (format!("cc-{trace}-{span}-01-more-of-it"), true),
        ] {
            let parent = TraceParent::read(&text).unwrap();
            assert_eq!(parent.trace_id.to_string(), trace, "{text}");
            assert_eq!((parent.span_id, parent.is_sampled), (0x00f0_67aa_0ba9_02b7, is_sampled));
        }
        let (no_trace, no_span) = ("0".repeat(32), "0".repeat(16));
        for text in [
            "",
            "00",
            "\n-\n-\n",
            &format!("00-{trace}-{span}"),
            &format!("00-{trace}-{span}-01-"),
            &format!("ff-{trace}-{span}-01"),
            &format!("0-{trace}-{span}-01"),
            &format!("00-{trace}-{span}-1"),
            &format!("00-{no_trace}-{span}-01"),
            &format!("00-{trace}-{no_span}-01"),
            &format!("00-{}-{span}-01", trace.to_uppercase()),
            &format!("00-+{}-{span}-01", &trace[1..]),
            &format!("00-{trace}0-{span}-01"),
            &"0".repeat(10_000),
        ] {
            assert_eq!(TraceParent::read(text), None, "{text:?}");
        }
    }
}
