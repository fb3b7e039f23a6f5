//! What holds for every error. How real failures are classified is in `tests/it/failures.rs`.

use std::collections::HashSet;

use super::*;

#[test]
fn class_names_are_stable_and_distinct() {
    let names: HashSet<&str> = ErrorClass::ALL.iter().map(|class| class.as_str()).collect();
    assert_eq!(names.len(), ErrorClass::ALL.len());
    assert!(
        names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')),
        "{names:?}"
    );
}

#[test]
fn error_texts_do_not_contain_remote_text() {
    let message = RemoteMessage::new("sekret words");
    let error = Error::Refused { operation: "SQL submission", status: 400, message };
    assert_eq!(error.remote_message(), Some("sekret words"));
    assert_eq!(error.to_string(), "SQL submission: Dremio refused the request with status 400");
    assert!(!format!("{error:?}").contains("sekret"));
}

#[test]
fn limits_are_shown_in_seconds() {
    let error = Error::Timeout { operation: "login", limit: Duration::from_millis(2500) };
    assert_eq!(error.to_string(), "login: Dremio did not answer within 2.5 s");
}
