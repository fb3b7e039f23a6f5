//! The table of header forms of contract §1.5.

use super::*;

fn check(header: &str, authenticates: &str, logs_out: &str) {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_str(header).unwrap());
    assert_eq!(presented(&headers).as_deref(), Some(authenticates), "{header}");
    assert_eq!(to_log_out(&headers).as_deref(), Some(logs_out), "{header}");
}

#[test]
fn header_forms_of_contract_1_5() {
    check("_dremioabc", "abc", "abc");
    check("_dremio abc", "abc", "abc");
    check("abc", "abc", "abc");
    check("Bearer abc", "abc", "Bearer abc");
    check("bEARER   abc ", "abc", "bEARER   abc");
    check("Bearer _dremioabc", "_dremioabc", "Bearer _dremioabc");
    check("_DREMIOabc", "_DREMIOabc", "_DREMIOabc");
    check("Basic abc", "Basic abc", "Basic abc");
}

#[test]
fn two_headers_are_one_bad_token() {
    assert_eq!(presented(&HeaderMap::new()), None);
    let mut headers = HeaderMap::new();
    headers.append(AUTHORIZATION, HeaderValue::from_static("a"));
    headers.append(AUTHORIZATION, HeaderValue::from_static("b"));
    assert_eq!(presented(&headers).as_deref(), Some("a,b"));
}
