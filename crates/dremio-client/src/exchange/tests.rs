//! Classification of answers, and the header that carries a token.

use super::*;
use crate::ErrorClass;

#[test]
fn failures_are_classified() {
    let check = |status: u16, kind: &'static str, message: Option<&str>, expected: ErrorClass| {
        let error = classify("call", StatusCode::from_u16(status).unwrap(), kind, message, true);
        assert_eq!(error.class(), expected, "{status} {kind} {message:?}");
    };
    check(401, "no content type", None, ErrorClass::RejectedCredentials);
    check(
        401,
        JSON,
        Some("Login failed: Invalid username or password, user ada"),
        ErrorClass::RejectedCredentials,
    );
    check(401, "a web page", None, ErrorClass::RejectedCredentials);
    check(403, JSON, Some(NO_USER_MESSAGE), ErrorClass::NoUserYet);
    check(403, JSON, Some("Access denied"), ErrorClass::Refused);
    check(403, "a web page", None, ErrorClass::NotDremioApi);
    check(404, JSON, Some("Could not find a job with id [x]"), ErrorClass::NotFound);
    check(404, "a web page", None, ErrorClass::NotDremioApi);
    check(400, JSON, Some("limit can not exceed 500 rows"), ErrorClass::Refused);
    check(400, NOT_JSON, None, ErrorClass::Refused);
    check(409, JSON, Some("version"), ErrorClass::Refused);
    check(415, JSON, None, ErrorClass::Refused);
    check(408, "no content type", None, ErrorClass::ServerStatus);
    check(429, "a web page", None, ErrorClass::ServerStatus);
    check(500, JSON, Some("boom"), ErrorClass::ServerStatus);
    check(502, "a web page", None, ErrorClass::ServerStatus);
    check(503, "no content type", None, ErrorClass::ServerStatus);
    check(302, "a web page", None, ErrorClass::NotDremioApi);
    check(308, "no content type", None, ErrorClass::NotDremioApi);
}

#[test]
fn only_statement_calls_keep_dremios_message() {
    let check = |keeps_message: bool, expected: Option<&str>| {
        let error =
            classify("call", StatusCode::BAD_REQUEST, JSON, Some("no such table"), keeps_message);
        assert_eq!(error.remote_message(), expected);
    };
    check(true, Some("no such table"));
    check(false, None);
}

#[test]
fn content_types_are_recognised() {
    let check = |content_type: Option<&'static str>, expected: &str| {
        let headers = content_type
            .map(|value| (CONTENT_TYPE, HeaderValue::from_static(value)))
            .into_iter()
            .collect();
        assert_eq!(content_kind(&headers), expected, "{content_type:?}");
    };
    check(Some("application/json"), JSON);
    check(Some("Application/JSON; charset=utf-8"), JSON);
    check(Some("text/html; charset=utf-8"), "a web page");
    check(Some("text/plain"), NOT_JSON);
    check(Some("application/json-seq"), NOT_JSON);
    check(Some(""), "no content type");
    check(None, "no content type");
}

#[test]
fn the_authorization_header_is_sensitive() {
    let token = SecretString::from("7k2m0q5c");
    let bearer = authorization(Credential::Bearer(&token)).unwrap();
    assert_eq!(bearer.to_str().unwrap(), "Bearer 7k2m0q5c");
    assert_eq!(format!("{bearer:?}"), "Sensitive");
    assert_eq!(
        authorization(Credential::Dremio(&token)).unwrap().to_str().unwrap(),
        "_dremio7k2m0q5c"
    );
    for unusable in ["", "a b", "a\r\nb", "ä"] {
        assert!(authorization(Credential::Bearer(&unusable.into())).is_none(), "{unusable:?}");
    }
}
