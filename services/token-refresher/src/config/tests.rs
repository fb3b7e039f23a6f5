//! Configuration: defaults, and the message for each mistake.

use secrecy::ExposeSecret;

use super::*;

const NEEDED: [(&str, &str); 3] = [
    ("DREMIO_URI", "http://dremio:9047"),
    ("DREMIO_USERNAME", "ada"),
    ("DREMIO_PASSWORD", "sekret-9"),
];

fn read(extra: &[(&str, &str)]) -> Result<Config, Problems> {
    let without: Vec<&str> = extra.iter().map(|(name, _)| *name).collect();
    let needed = NEEDED.into_iter().filter(|(name, _)| !without.contains(name));
    Config::read(&Env::from_pairs(needed.chain(extra.iter().copied())))
}

#[test]
fn defaults() {
    let config = read(&[]).unwrap();
    assert_eq!(config.connect.uri.to_string(), "http://dremio:9047");
    assert!(config.connect.tls_verify);
    assert_eq!(config.connect.ca_file, None);
    assert_eq!(config.token_file, PathBuf::from("/tokens/token.json"));
    assert_eq!(config.admin_addr.to_string(), "127.0.0.1:9465");
    assert_eq!(config.policy.check_interval, Duration::from_secs(300));
    assert_eq!(config.policy.refresh_before, Duration::from_secs(21_600));
    assert_eq!(config.policy.retry_initial, Duration::from_secs(1));
    assert_eq!(config.policy.retry_max, Duration::from_secs(300));
    assert_eq!(config.revoke_after, Some(Duration::from_secs(600)));
    assert!(!format!("{config:?}").contains("sekret"));
}

#[test]
fn settings() {
    let config = read(&[
        ("TOKEN_REVOKE_AFTER", "0"),
        ("TOKEN_CHECK_INTERVAL", "90s"),
        ("DREMIO_TLS_VERIFY", "false"),
        ("DREMIO_CA_FILE", "/ca.pem"),
        ("ADMIN_ADDR", "0.0.0.0:1"),
        ("TOKEN_FILE", "/t/t.json"),
        ("TOKEN_COLOUR", "blue"),
        ("DREMIO_PORT_9047_TCP", "tcp://10.0.0.1:9047"),
    ])
    .unwrap();
    assert_eq!(config.revoke_after, None);
    assert_eq!(config.policy.check_interval, Duration::from_secs(90));
    assert!(!config.connect.tls_verify);
    assert_eq!(config.unknown, ["TOKEN_COLOUR"]);
}

#[test]
fn mistakes_are_named_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let password_file = folder.path().join("password");
    std::fs::write(&password_file, "sekret-9\n").unwrap();
    let password_file = password_file.to_str().unwrap();
    let check = |extra: &[(&str, &str)], name: &str, part: &str| {
        let text = read(extra).unwrap_err().to_string();
        assert!(
            text.lines().any(|line| line.starts_with(&format!("{name}: ")) && line.contains(part)),
            "{name} {part}: {text}"
        );
        assert!(!text.contains("sekret"), "{text}");
    };
    check(&[("DREMIO_URI", "")], "DREMIO_URI", "is required");
    check(&[("DREMIO_URI", "dremio:9047")], "DREMIO_URI", "must start with http://");
    check(
        &[("DREMIO_URI", "http://ada:sekret@dremio:9047")],
        "DREMIO_URI",
        "must not contain a user name or password",
    );
    check(&[("DREMIO_USERNAME", "")], "DREMIO_USERNAME", "is required");
    check(
        &[("DREMIO_PASSWORD", "")],
        "DREMIO_PASSWORD",
        "is required; with Docker Compose scripts/setup.sh asks for it",
    );
    check(&[("DREMIO_PASSWORD_FILE", password_file)], "DREMIO_PASSWORD", "keep one of them");
    check(
        &[("DREMIO_PASSWORD", ""), ("DREMIO_PASSWORD_FILE", "/absent")],
        "DREMIO_PASSWORD_FILE",
        "cannot be read",
    );
    check(&[("TOKEN_CHECK_INTERVAL", "300")], "TOKEN_CHECK_INTERVAL", "has no unit");
    check(&[("TOKEN_CHECK_INTERVAL", "0")], "TOKEN_CHECK_INTERVAL", "use 1s or more");
    check(
        &[("TOKEN_CHECK_INTERVALL", "5m")],
        "TOKEN_CHECK_INTERVALL",
        "did you mean TOKEN_CHECK_INTERVAL?",
    );
    check(
        &[("TOKEN_REFRESH_BEFOR", "5m")],
        "TOKEN_REFRESH_BEFOR",
        "did you mean TOKEN_REFRESH_BEFORE?",
    );
    check(
        &[("DREMIO_PASWORD_FILE", password_file)],
        "DREMIO_PASWORD_FILE",
        "did you mean DREMIO_PASSWORD_FILE?",
    );
    check(&[("RETRY_INITIAL", "1ms")], "RETRY_INITIAL", "use 100ms or more");
    check(&[("RETRY_MAX", "500ms")], "RETRY_MAX", "less than RETRY_INITIAL");
    check(&[("DREMIO_TLS_VERIFY", "maybe")], "DREMIO_TLS_VERIFY", "neither");
    check(&[("ADMIN_ADDR", "9465")], "ADMIN_ADDR", "");
    check(&[("LOG_LEVEL", "loud")], "LOG_LEVEL", "is not a level");
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let text = Config::read(&Env::from_pairs([("RETRY_MAX", "1"), ("TOKEN_FILES", "x")]))
        .unwrap_err()
        .to_string();
    for name in ["DREMIO_URI", "DREMIO_USERNAME", "DREMIO_PASSWORD", "RETRY_MAX", "TOKEN_FILES"] {
        assert!(text.contains(&format!("{name}: ")), "{name}: {text}");
    }
}

#[test]
fn a_misspelt_gateway_variable_does_not_stop_it() {
    let config = read(&[("MCP_ADR", "127.0.0.1:1"), ("MCP_RATE_LIMITS", "1/s")]).unwrap();
    assert!(config.unknown.is_empty());
    // Its own misspelt variables do:
    let problems = read(&[("RETRY_MIN", "1s")]).unwrap_err().to_string();
    assert_eq!(problems, "RETRY_MIN: is not a known variable; did you mean RETRY_MAX?");
}

#[test]
fn defaults_need_no_environment() {
    let secret = |text: &str| SecretSource::Inline(text.into());
    let uri: DremioUri = "http://d:1".parse().unwrap();
    let made = Config::new(uri, secret("ada"), secret("sekret-9"));
    let read = read(&[("DREMIO_URI", "http://d:1")]).unwrap();
    assert_eq!(format!("{made:?}"), format!("{read:?}"));
    let password = made.single.unwrap().password;
    assert_eq!(password.read().unwrap().expose_secret(), "sekret-9");
}

#[test]
fn the_single_account_may_be_left_out_where_there_are_others() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = folder.path().to_str().unwrap();
    let check = |extra: &[(&str, &str)], expected: Result<bool, &str>| {
        let extra: Vec<_> =
            extra.iter().copied().chain([("DREMIO_ACCOUNTS_DIR", accounts)]).collect();
        match (read(&extra), expected) {
            (Ok(config), Ok(has_single)) => {
                assert_eq!(config.single.is_some(), has_single, "{extra:?}");
                assert_eq!(config.accounts_dir.as_deref(), Some(folder.path()));
            }
            (Err(problems), Err(part)) => {
                assert!(problems.to_string().contains(part), "{problems}");
            }
            (read, expected) => panic!("{extra:?}: {read:?} in place of {expected:?}"),
        }
    };
    let (no_name, no_password) = (("DREMIO_USERNAME", ""), ("DREMIO_PASSWORD", ""));
    check(&[], Ok(true));
    check(&[no_password], Err("DREMIO_PASSWORD: is required"));
    std::fs::create_dir(folder.path().join("sales")).unwrap();
    check(&[], Ok(true));
    check(&[no_name, no_password], Ok(false));
    check(&[no_password], Ok(false));
    check(&[no_name], Err("DREMIO_USERNAME: is required where DREMIO_PASSWORD is set"));
    let absent = [("DREMIO_ACCOUNTS_DIR", "/nowhere")];
    let problems = read(&absent).unwrap_err().to_string();
    assert!(problems.starts_with("DREMIO_ACCOUNTS_DIR: /nowhere cannot be read"), "{problems}");
}
