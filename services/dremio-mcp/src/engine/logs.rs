//! Log messages of an engine: how severe they are, and which call wants them.

use serde::Deserialize;

use crate::rpc::Message;

/// RFC 5424 severities as MCP spells them, least severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

#[derive(Deserialize)]
struct Leveled {
    level: LogLevel,
}

impl LogLevel {
    /// The level that a `notifications/message` has, or that `logging/setLevel` asks for.
    pub(crate) fn of(message: &Message) -> Option<Self> {
        serde_json::from_str::<Leveled>(message.params_text()?).ok().map(|leveled| leveled.level)
    }

    /// The level that `raw` JSON names.
    pub(crate) fn read(raw: &str) -> Option<Self> {
        serde_json::from_str(raw).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::LogLevel;
    use crate::rpc::Message;

    #[test]
    fn levels_are_read_and_ordered() {
        let message = |params: &str| {
            Message::parse(format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{params}}}"#
            ))
            .unwrap()
        };
        assert_eq!(
            LogLevel::of(&message(r#"{"level":"notice","data":1}"#)),
            Some(LogLevel::Notice)
        );
        assert_eq!(LogLevel::of(&message(r#"{"level":"loud"}"#)), None);
        assert_eq!(LogLevel::of(&message("{}")), None);
        assert!(LogLevel::read("\"debug\"") < LogLevel::read("\"emergency\""));
    }
}
