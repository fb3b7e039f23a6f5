//! What must hold for any input: for `fuzz/`, which generates inputs, and for the tests, which
//! replay those kept in `fuzz/seeds`.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::guard::Guard;
use crate::rpc::Message;

/// A parsed message keeps its text, its parts are JSON, and its id can be replaced. If it passes as
/// a client's message, other JSON readers read it in the same way.
pub fn message(text: &str) {
    let strict = Message::parse_strictly(text.to_owned());
    let message = match Message::parse(text.to_owned()) {
        Ok(message) => message,
        Err(cause) => {
            assert!(strict.is_err(), "strict reading takes what the other refuses: {cause}");
            return;
        }
    };
    assert_eq!(message.text(), text);
    let parts = [message.id(), message.params_text(), message.result(), message.error()];
    for part in parts.into_iter().flatten() {
        assert!(serde_json::from_str::<&RawValue>(part).is_ok(), "{part}");
    }
    if message.id().is_some() {
        let other = Message::parse(message.with_id("7"));
        assert!(other.as_ref().is_ok_and(|other| other.id() == Some("7")), "{other:?}");
        assert!(other.is_ok_and(|other| other.method() == message.method()));
    }
    // A number too large for a double is still JSON, but this reader cannot represent it.
    if let (Ok(strict), Ok(value)) = (strict, serde_json::from_str::<Value>(text)) {
        let method = value.get("method").and_then(Value::as_str).unwrap_or_default();
        assert_eq!(strict.method(), method);
        let _read = strict.params();
    }
}

/// What the guard sends, it would send again unchanged. The first byte selects its settings.
pub fn guard(data: &[u8]) {
    let Some((settings, sql)) = data.split_first() else { return };
    let Ok(sql) = std::str::from_utf8(sql) else { return };
    let guard = Guard { allow_writes: settings & 1 == 1, allow_job_history: settings & 2 == 2 };
    if let Ok(statement) = guard.check(sql) {
        assert_eq!(guard.check(statement.as_str()), Ok(statement));
    }
}

#[cfg(test)]
mod tests;
