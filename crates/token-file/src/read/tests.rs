//! Every state of the file.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;

const GOOD: &str = r#"{"token":"7k2m0q5c1v9t3bsa8h6e4dlnrp","expires_at":"2025-06-26T12:00:00Z"}"#;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn reason(path: &Path) -> &'static str {
    match read(path) {
        Ok(_) => "good",
        Err(cause) => cause.reason(),
    }
}

#[test]
fn content_is_a_token_or_a_named_state() {
    let folder = folder();
    let path = folder.path().join("token.json");
    let check = |content: &[u8], expected: &str| {
        fs::write(&path, content).unwrap();
        assert_eq!(reason(&path), expected, "{}", String::from_utf8_lossy(content));
    };
    let with_token =
        |token: &str| format!(r#"{{"token":{token},"expires_at":"2025-06-26T12:00:00Z"}}"#);
    let with_expiry = |expiry: &str| format!(r#"{{"token":"abc","expires_at":{expiry}}}"#);

    check(GOOD.as_bytes(), "good");
    check(format!("\n  {GOOD}\r\n").as_bytes(), "good");
    check(
        br#"{"version":2,"token":"abc","user":{"name":"ada"},"expires_at":"2025-06-26T12:00:00Z"}"#,
        "good",
    );
    check(with_expiry(r#""2025-06-26T14:00:00.123+02:00""#).as_bytes(), "good");
    check(with_token(r#""\u0061bc""#).as_bytes(), "good");

    check(b"", "empty");
    check(b" \n\t\r\n", "empty");
    check(GOOD.get(..40).unwrap().as_bytes(), "not_json");
    check(GOOD.replace('}', "").as_bytes(), "not_json");
    check(b"7k2m0q5c1v9t3bsa8h6e4dlnrp", "not_json");
    check(b"null", "not_json");
    check(b"[]", "not_json");
    check(br#"["abc","2025-06-26T12:00:00Z"]"#, "not_json");
    check(format!("{GOOD}{GOOD}").as_bytes(), "not_json");
    check(br#"{"token":"abc","token":"abd","expires_at":"2025-06-26T12:00:00Z"}"#, "not_json");
    check(b"\xef\xbb\xbf{}", "not_json");
    check(b"{\"token\":\"\xff\"}", "not_json");
    check(&[0; 100], "not_json");

    check(b"{}", "no_token");
    check(br#"{"expires_at":"2025-06-26T12:00:00Z"}"#, "no_token");
    check(with_token(r#""""#).as_bytes(), "no_token");
    check(with_token("null").as_bytes(), "no_token");
    check(with_token("12345").as_bytes(), "no_token");
    check(with_token(r#"{"a":"b"}"#).as_bytes(), "no_token");

    check(with_token(r#""a b""#).as_bytes(), "bad_token");
    check(with_token(r#""abc\n""#).as_bytes(), "bad_token");
    check(with_token(r#""abc\r\nX-Injected: 1""#).as_bytes(), "bad_token");
    check(with_token(r#""äbc""#).as_bytes(), "bad_token");
    check(with_token(&format!(r#""{}""#, "a".repeat(5000))).as_bytes(), "bad_token");

    check(br#"{"token":"abc"}"#, "no_expiry");
    check(with_expiry(r#""""#).as_bytes(), "bad_expiry");
    check(with_expiry("null").as_bytes(), "no_expiry");
    check(with_expiry("1735803600000").as_bytes(), "bad_expiry");
    check(with_expiry(r#""tomorrow""#).as_bytes(), "bad_expiry");
    check(with_expiry(r#""2025-06-26""#).as_bytes(), "bad_expiry");
    check(with_expiry(r#""2025-06-26T12:00:00""#).as_bytes(), "bad_expiry");
    check(with_expiry(r#""2025-13-26T12:00:00Z""#).as_bytes(), "bad_expiry");

    let padding = |bytes: usize| format!("{GOOD}{}", " ".repeat(bytes - GOOD.len()));
    let limit = usize::try_from(FILE_BYTES_MAX).unwrap();
    check(padding(limit).as_bytes(), "good");
    check(padding(limit + 1).as_bytes(), "too_large");
}

#[test]
fn a_good_file_is_read_completely() {
    let folder = folder();
    let path = folder.path().join("token.json");
    fs::write(&path, GOOD).unwrap();
    let token = read(&path).unwrap();
    assert_eq!(token.secret().expose_secret(), "7k2m0q5c1v9t3bsa8h6e4dlnrp");
    assert_eq!(token.expires_at().to_string(), "2025-06-26T12:00:00Z");
}

#[test]
fn special_files_are_named_and_do_not_block() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);

    assert_eq!(reason(&at("absent.json")), "missing");
    assert_eq!(reason(&at("no-folder/token.json")), "missing");
    fs::write(at("file"), GOOD).unwrap();
    assert_eq!(reason(&at("file/token.json")), "missing");

    fs::create_dir(at("folder")).unwrap();
    assert_eq!(reason(&at("folder")), "not_a_file");
    let _socket = UnixListener::bind(at("socket")).unwrap();
    assert_eq!(reason(&at("socket")), "not_a_file");
    // Opening a FIFO without O_NONBLOCK would hang here.
    assert!(std::process::Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    assert_eq!(reason(&at("fifo")), "not_a_file");
    assert_eq!(reason(Path::new("/dev/null")), "not_a_file");
}

#[test]
fn links_are_followed_inside_the_folder_only() {
    let folder = folder();
    let tokens = folder.path().join("tokens");
    let at = |name: &str| tokens.join(name);
    fs::create_dir(&tokens).unwrap();
    fs::write(folder.path().join("outside.json"), GOOD).unwrap();

    // As Kubernetes projects a secret.
    fs::create_dir(at("..2025_06_26")).unwrap();
    fs::write(at("..2025_06_26").join("token.json"), GOOD).unwrap();
    symlink("..2025_06_26", at("..data")).unwrap();
    symlink("..data/token.json", at("token.json")).unwrap();
    assert_eq!(reason(&at("token.json")), "good");

    symlink(at("..data/token.json"), at("absolute.json")).unwrap();
    assert_eq!(reason(&at("absolute.json")), "good");

    symlink("../outside.json", at("up.json")).unwrap();
    assert_eq!(reason(&at("up.json")), "leaves_folder");
    symlink(folder.path().join("outside.json"), at("away.json")).unwrap();
    assert_eq!(reason(&at("away.json")), "leaves_folder");
    symlink("/dev/zero", at("device.json")).unwrap();
    assert_eq!(reason(&at("device.json")), "leaves_folder");
    symlink("up.json", at("twice.json")).unwrap();
    assert_eq!(reason(&at("twice.json")), "leaves_folder");

    symlink("nowhere.json", at("dangling.json")).unwrap();
    assert_eq!(reason(&at("dangling.json")), "missing");
    symlink("loop.json", at("loop.json")).unwrap();
    assert_eq!(reason(&at("loop.json")), "io");

    // The folder itself may be a link: the operator configured it.
    symlink(&tokens, folder.path().join("link-to-folder")).unwrap();
    assert_eq!(reason(&folder.path().join("link-to-folder/token.json")), "good");
}

#[test]
fn an_unreadable_file_is_named() {
    let folder = folder();
    let path = folder.path().join("token.json");
    fs::write(&path, GOOD).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
    // Root may read everything.
    let expected = if rustix::process::geteuid().is_root() { "good" } else { "permission_denied" };
    assert_eq!(reason(&path), expected);
    assert_eq!(
        ReadError::from(io::Error::from(io::ErrorKind::PermissionDenied)).reason(),
        "permission_denied"
    );
}

#[test]
fn error_texts_do_not_repeat_the_content() {
    let folder = folder();
    let path = folder.path().join("token.json");
    for content in [
        r#"{"token":"sekret"#,
        r#"{"token":"sekret"}"#,
        r#"{"token":"sekret","token":"sekret","expires_at":1}"#,
        r#"{"token":"sekret sekret","expires_at":"2025-06-26T12:00:00Z"}"#,
        r#"{"token":"sekret","expires_at":"sekret"}"#,
        r#"{"token":{"sekret":1},"expires_at":"sekret"}"#,
        "sekret",
    ] {
        fs::write(&path, content).unwrap();
        let error = read(&path).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("sekret"), "{error} {error:?}");
    }
}
