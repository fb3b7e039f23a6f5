use std::time::Duration;

use secrecy::ExposeSecret;

use super::{Env, Reader, read_admin_addr};
use crate::settings::{self, DREMIO_PASSWORD, Service};

fn problems(env: &Env, service: Service, read: impl FnOnce(&mut Reader<'_>)) -> String {
    let mut reader = Reader::new(env, service);
    read(&mut reader);
    reader.finish_part().err().map_or(String::new(), |problems| problems.to_string())
}

fn password(env: &Env) -> (Option<String>, String) {
    let mut secret = None;
    let problems = problems(env, Service::TokenRefresher, |r| {
        secret = r.required_secret(&DREMIO_PASSWORD).read().ok();
    });
    (secret.map(|secret| secret.expose_secret().to_owned()), problems)
}

#[test]
fn every_problem_is_reported_at_once() {
    let env = Env::from_pairs([
        ("MCP_ADDR", "nonsense"),
        ("MCP_CALL_TIMEOUT", "5"),
        ("MCP_STANDBY", "perhaps"),
        ("MCP_ALLOWED_HOSTS", "one,2,three"),
    ]);
    let text = problems(&env, Service::Gateway, |r| {
        assert_eq!(r.listen_addr(&settings::MCP_ADDR).to_string(), "127.0.0.1:8000");
        assert_eq!(r.duration(&settings::MCP_CALL_TIMEOUT), Duration::from_secs(300));
        assert!(!r.flag(&settings::MCP_STANDBY));
        assert_eq!(r.value::<String>(&settings::DREMIO_URI), "http://dremio:9047");
        assert!(r.list::<u8>(&settings::MCP_ALLOWED_HOSTS).is_empty());
    });
    assert_eq!(text.lines().count(), 6, "{text}");
    assert!(
        text.contains("DREMIO_URI: is required; for example DREMIO_URI=http://dremio:9047"),
        "{text}"
    );
}

#[test]
fn a_default_is_that_of_the_service() {
    for (service, expected) in
        [(Service::TokenRefresher, "127.0.0.1:9465"), (Service::Gateway, "127.0.0.1:9464")]
    {
        assert_eq!(read_admin_addr(&Env::default(), service).unwrap().to_string(), expected);
    }
    // The other variables, and their slips, are no business of a health check.
    let env = Env::from_pairs([("ADMIN_ADDR", "0.0.0.0:1"), ("ADMIN_ADR", "x"), ("MCP_ADDR", "x")]);
    assert_eq!(read_admin_addr(&env, Service::Gateway).unwrap().to_string(), "0.0.0.0:1");
    assert!(read_admin_addr(&Env::from_pairs([("ADMIN_ADDR", "x")]), Service::Gateway).is_err());
}

#[test]
fn an_environment_can_be_narrowed_to_some_settings() {
    let env = Env::from_pairs([
        ("PATH", "/bin"),
        ("MCP_STANDBY", "true"),
        ("MCP_API_KEY_FILE", "/k"),
        ("DREMIO_PASSWORD_FILE", "/p"),
    ]);
    let kept = env.with_settings(&[&settings::MCP_STANDBY, &settings::MCP_API_KEY]);
    assert_eq!(format!("{kept:?}"), r#"{"MCP_API_KEY_FILE", "MCP_STANDBY", "PATH"}"#);
    assert_eq!(kept.given(Service::Gateway), ["MCP_API_KEY_FILE", "MCP_STANDBY"]);
    assert!(kept.given(Service::TokenRefresher).is_empty());
}

#[test]
fn a_secret_comes_from_one_place() {
    let both = [("DREMIO_PASSWORD", "hunter2"), ("DREMIO_PASSWORD_FILE", "/run/secrets/p")];
    let (_, text) = password(&Env::from_pairs(both));
    assert_eq!(
        text,
        "DREMIO_PASSWORD: is set and so is DREMIO_PASSWORD_FILE; keep one of them (the file is the \
         safer one)"
    );
    assert!(!text.contains("hunter2"));
    let (_, none) = password(&Env::default());
    assert!(none.starts_with("DREMIO_PASSWORD: is required"), "{none}");
    let (_, missing) = password(&Env::from_pairs([("DREMIO_PASSWORD_FILE", "/nowhere/p")]));
    assert!(
        missing.starts_with("DREMIO_PASSWORD_FILE: secret file /nowhere/p cannot be read"),
        "{missing}"
    );
}

#[test]
fn a_blank_file_is_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let (blank, full) = (folder.path().join("blank"), folder.path().join("full"));
    std::fs::write(&blank, "\n").unwrap();
    std::fs::write(&full, "from-file\n").unwrap();
    let (blank, full) = (blank.to_str().unwrap(), full.to_str().unwrap());
    let read = |value: &str, file: &str| {
        password(&Env::from_pairs([("DREMIO_PASSWORD", value), ("DREMIO_PASSWORD_FILE", file)]))
    };
    assert_eq!(read("pa$$ \"w\" 'x' ", blank), (Some("pa$$ \"w\" 'x' ".to_owned()), String::new()));
    assert_eq!(read("", full), (Some("from-file".to_owned()), String::new()));
    let (_, problems) = read("hunter2", full);
    assert!(problems.starts_with("DREMIO_PASSWORD: is set and so is"), "{problems}");
    let (_, problems) = read("", blank);
    assert!(
        problems.starts_with(
            "DREMIO_PASSWORD: is required; with Docker Compose scripts/setup.sh asks for it, or"
        ),
        "{problems}"
    );
    assert!(problems.contains(blank) && problems.lines().count() == 1, "{problems}");
    let (_, problems) = read("hunter2", "/nowhere/p");
    assert!(problems.starts_with("DREMIO_PASSWORD: is set and so is"), "{problems}");
}

#[test]
fn empty_is_unset() {
    let env = Env::from_pairs([("MCP_STANDBY", ""), ("DREMIOAI_X", ""), ("DREMIOAI_Y", "1")]);
    let problems = problems(&env, Service::Gateway, |r| {
        assert_eq!(r.text(&settings::MCP_STANDBY), None);
        assert!(!r.flag(&settings::MCP_STANDBY));
    });
    assert_eq!(problems, "");
    // Compose passes what a user left out as empty, and the official server takes that for a value.
    assert_eq!(env.with_prefix("DREMIOAI_").collect::<Vec<_>>(), [("DREMIOAI_Y", "1")]);
}

/// A row of the table that a service does not read would be a setting without an effect.
#[cfg(debug_assertions)]
#[test]
#[should_panic(expected = "a setting of the table is not read")]
fn a_row_that_is_not_read_is_found() {
    let _ = Reader::new(&Env::default(), Service::Gateway).finish();
}
