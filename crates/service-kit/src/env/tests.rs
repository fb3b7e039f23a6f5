use std::net::SocketAddr;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::{Env, Problems, Reader, parse_duration};

fn problems(env: &Env, read: impl FnOnce(&mut Reader<'_>)) -> String {
    let mut reader = Reader::new(env);
    read(&mut reader);
    reader.finish().err().map_or(String::new(), |Problems(all)| Problems(all).to_string())
}

#[test]
fn durations() {
    for (text, seconds) in
        [("90s", 90), ("5m", 300), ("6h", 21_600), ("1h30m", 5_400), ("0", 0), ("0s", 0)]
    {
        assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
    }
    assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
    for bad in ["5", "", "soon", "-5m", "5 parsecs"] {
        assert!(parse_duration(bad).is_err(), "{bad}");
    }
    assert_eq!(parse_duration("5").unwrap_err(), "`5` has no unit; write for example 5s or 5m");
}

#[test]
fn every_problem_is_reported_at_once() {
    let env = Env::from_pairs([("ADDR", "nonsense"), ("EVERY", "5"), ("ON", "perhaps")]);
    let text = problems(&env, |r| {
        r.or::<SocketAddr>("ADDR", "127.0.0.1:1".parse().unwrap());
        r.duration("EVERY", Duration::ZERO);
        r.flag("ON", true);
        r.required::<String>("URI", "http://x");
    });
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.contains("URI: is required; for example URI=http://x"), "{text}");
}

#[test]
fn a_slip_is_a_problem_and_a_stranger_is_not() {
    let env = Env::from_pairs([
        ("TOKEN_CHECK_INTERVALL", "5m"),
        ("DREMIO_SERVICE_HOST", "10.0.0.1"),
        ("MCP_NEW_THING", "x"),
    ]);
    let text = problems(&env, |r| {
        r.duration("TOKEN_CHECK_INTERVAL", Duration::ZERO);
        assert_eq!(r.unknown(&["MCP_"]), ["MCP_NEW_THING"]);
    });
    assert_eq!(
        text,
        "TOKEN_CHECK_INTERVALL: is not a known variable; did you mean TOKEN_CHECK_INTERVAL?"
    );
}

#[test]
fn a_secret_comes_from_one_place() {
    let both = Env::from_pairs([("PASSWORD", "hunter2"), ("PASSWORD_FILE", "/run/secrets/p")]);
    let text = problems(&both, |r| assert!(r.required_secret("PASSWORD").is_none()));
    assert_eq!(
        text,
        "PASSWORD: is set and so is PASSWORD_FILE; keep one of them (the file is the safer one)"
    );
    assert!(!text.contains("hunter2"));
    let none = problems(&Env::default(), |r| assert!(r.required_secret("PASSWORD").is_none()));
    assert!(none.starts_with("PASSWORD: is required"), "{none}");
    let missing = problems(&Env::from_pairs([("PASSWORD_FILE", "/nowhere/p")]), |r| {
        assert!(r.secret("PASSWORD").is_some());
    });
    assert!(
        missing.starts_with("PASSWORD_FILE: secret file /nowhere/p cannot be read"),
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
        let env = Env::from_pairs([("PASSWORD", value), ("PASSWORD_FILE", file)]);
        let mut secret = None;
        let problems = problems(&env, |r| secret = r.required_secret("PASSWORD"));
        (secret.map(|secret| secret.read().unwrap().expose_secret().to_owned()), problems)
    };
    assert_eq!(read("pa$$ \"w\" 'x' ", blank), (Some("pa$$ \"w\" 'x' ".to_owned()), String::new()));
    assert_eq!(read("", full), (Some("from-file".to_owned()), String::new()));
    let (secret, problems) = read("hunter2", full);
    assert!(
        secret.is_none() && problems.starts_with("PASSWORD: is set and so is PASSWORD_FILE"),
        "{problems}"
    );
    let (secret, problems) = read("", blank);
    assert!(
        secret.is_none()
            && problems
                .starts_with("PASSWORD: is required; set PASSWORD (with Docker Compose in .env)"),
        "{problems}"
    );
    assert!(problems.contains(blank) && problems.lines().count() == 1, "{problems}");
    let (_, problems) = read("hunter2", "/nowhere/p");
    assert!(problems.starts_with("PASSWORD: is set and so is PASSWORD_FILE"), "{problems}");
}

#[test]
fn empty_is_unset() {
    let env = Env::from_pairs([("ADDR", "")]);
    assert_eq!(problems(&env, |r| assert!(r.text("ADDR").is_none())), "");
}
