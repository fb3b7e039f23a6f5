use std::path::Path;
use std::time::Duration;

use service_kit::SecretSource;
use service_kit::env::Env;

use super::{AuthConfig, Config, EngineConfig};
use crate::answer::AnswerConfig;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn read(extra: &[(&str, &str)]) -> Result<Config, String> {
    let mut pairs = vec![("DREMIO_URI", "http://dremio:9047"), ("MCP_API_KEY", KEY)];
    pairs.retain(|(name, _)| !extra.iter().any(|(other, _)| other == name));
    pairs.extend(extra);
    Config::read(&Env::from_pairs(pairs)).map_err(|problems| problems.to_string())
}

#[test]
fn defaults_are_the_documented_ones() {
    let config = read(&[]).unwrap();
    assert_eq!(config.mcp_addr.to_string(), "127.0.0.1:8000");
    assert_eq!(config.admin_addr.to_string(), "127.0.0.1:9464");
    assert_eq!(config.token_file.to_str(), Some("/tokens/token.json"));
    assert_eq!(config.call_timeout, Duration::from_secs(300));
    assert_eq!(config.answers, AnswerConfig::default());
    let words = ["dremio-mcp-server", "run", "--no-log-to-file", "--enable-json-logging"]
        .map(String::from)
        .to_vec();
    assert_eq!(config.engine, EngineConfig::Official(words));
    assert!(matches!(config.auth, AuthConfig::Keys(_)));
    assert_eq!(config.rate_limit, Some("6000/m".parse().unwrap()));
    assert_eq!(read(&[("MCP_RATE_LIMIT", "off")]).unwrap().rate_limit, None);
}

#[test]
fn mistakes_are_reported_with_their_cure() {
    for (pairs, expected) in [
        (&[("DREMIO_URI", "")][..], "DREMIO_URI: is required"),
        (&[("DREMIO_URI", "dremio:9047")], "DREMIO_URI: "),
        (
            &[("MCP_ENGINE", "offical")],
            "MCP_ENGINE: `offical` is not an engine; use official or native",
        ),
        (&[("MCP_SERVER_COMMAND", "python 'oops")], "MCP_SERVER_COMMAND: is not a command line"),
        (&[("MCP_API_KEY", "")], "MCP_API_KEY: agents need a key, and none is set; this makes one"),
        (
            &[("MCP_API_KEY", "short")],
            "MCP_API_KEY: the key in line 1 is shorter than 16 characters",
        ),
        (&[("MCP_API_KEYS_FILE", "/x")], "MCP_API_KEYS_FILE: is set and so is MCP_API_KEY"),
        (
            &[("MCP_API_KEY", ""), ("MCP_API_KEYS_FILE", "/nowhere/keys")],
            "MCP_API_KEYS_FILE: secret file /nowhere/keys cannot be read",
        ),
        (&[("MCP_AUTH", "nobody")], "MCP_AUTH: `nobody` is not a way to authenticate"),
        (&[("MCP_AUTH", "none")], "MCP_AUTH: none would leave the door open although keys are set"),
        (
            &[("MCP_AUTH", "none"), ("MCP_API_KEY", ""), ("MCP_ADDR", "0.0.0.0:8000")],
            "MCP_AUTH: none would let everybody",
        ),
        (&[("MCP_ANSWER_TOKENS", "499")], "MCP_ANSWER_TOKENS: must be from 500 to 200000"),
        (&[("MCP_RESULT_FORMAT", "xml")], "MCP_RESULT_FORMAT: `xml` is not a format; use csv or"),
        (&[("MCP_CALL_TIMEOUT", "300")], "MCP_CALL_TIMEOUT: `300` has no unit"),
        (&[("MCP_CALL_TIMEOUT", "0")], "MCP_CALL_TIMEOUT: must be longer than 0"),
        (&[("MCP_ENGINE_TIMEOUT", "1ms")], "MCP_ENGINE_TIMEOUT: is too short"),
        (
            &[("MCP_RATE_LIMIT", "Off")],
            "MCP_RATE_LIMIT: `Off` is not a rate; write for example 10/s, 600/m, 5000/h, or off",
        ),
        (
            &[("MCP_RATE_LIMIT", "lots")],
            "MCP_RATE_LIMIT: `lots` is not a rate; write for example 10/s",
        ),
        (&[("MCP_ADR", "127.0.0.1:1")], "MCP_ADR: is not a known variable; did you mean MCP_ADDR?"),
        (
            &[("MCP_TRUSTED_PROXIES", "caddy")],
            "MCP_TRUSTED_PROXIES: `caddy` is neither an address nor a range",
        ),
        (
            &[("ADMIN_ALLOWED_HOSTS", "http://a.example")],
            "ADMIN_ALLOWED_HOSTS: `http://a.example` is not a host name",
        ),
        (&[("REFRESHER_URL", "refresher")], "REFRESHER_URL: "),
        (&[("REFRESHER_URL", "token-refresher:9465")], "REFRESHER_URL: is not an http(s) address"),
        (&[("MCP_ADDR", ":8000")], "MCP_ADDR: `:8000` has no address; write 127.0.0.1:8000"),
        (&[("ADMIN_ADDR", "http://0.0.0.0:9464")], "ADMIN_ADDR: `http://0.0.0.0:9464` is a URL"),
        (
            &[("MCP_ALLOWED_HOSTS", r#"["mcp.example.com","localhost"]"#)],
            "MCP_ALLOWED_HOSTS: is a list in JSON; write the elements",
        ),
        (
            &[("MCP_ALLOWED_HOSTS", r#",["mcp.example.com"]"#)],
            "MCP_ALLOWED_HOSTS: is a list in JSON",
        ),
        (
            &[("MCP_ALLOWED_HOSTS", "https://mcp.example.com")],
            "MCP_ALLOWED_HOSTS: `https://mcp.example.com` is a URL",
        ),
        (
            &[("MCP_ALLOWED_HOSTS", "localhost,*.example.com")],
            "MCP_ALLOWED_HOSTS: `*.example.com` has a wildcard",
        ),
        (
            &[("MCP_ALLOWED_ORIGINS", "app.example.com")],
            "MCP_ALLOWED_ORIGINS: `app.example.com` has no scheme",
        ),
        (
            &[("MCP_ALLOWED_ORIGINS", "\"https://app.example.com\"")],
            "MCP_ALLOWED_ORIGINS: `\"https://app.example.com\"` has quotes",
        ),
    ] {
        let problems = read(pairs).unwrap_err();
        assert!(problems.starts_with(expected), "{pairs:?}: {problems}");
        assert!(!problems.contains(KEY), "{problems}");
        assert_eq!(problems.lines().count(), 1, "{problems}");
    }
}

#[test]
fn a_blank_file_of_keys_counts_as_none() {
    let file = |content: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    };
    let (blank, full) = (file(""), file(KEY));
    let with = |file: &tempfile::NamedTempFile, key: &str| {
        read(&[("MCP_API_KEYS_FILE", file.path().to_str().unwrap()), ("MCP_API_KEY", key)])
    };
    assert!(matches!(with(&blank, KEY).unwrap().auth, AuthConfig::Keys(SecretSource::Inline(_))));
    assert!(matches!(with(&full, "").unwrap().auth, AuthConfig::Keys(SecretSource::File(_))));
    assert!(
        with(&full, KEY)
            .unwrap_err()
            .starts_with("MCP_API_KEYS_FILE: is set and so is MCP_API_KEY")
    );
    assert!(with(&blank, "").unwrap_err().starts_with("MCP_API_KEY: agents need a key"));
}

#[test]
fn lists_of_names_are_parsed() {
    let config = read(&[
        ("MCP_ALLOWED_HOSTS", ",mcp.example.com, 10.0.0.5:8000,[::1],"),
        ("MCP_ALLOWED_ORIGINS", "file://,null"),
    ])
    .unwrap();
    assert_eq!((config.allowed_hosts.len(), config.allowed_origins.len()), (3, 2));
    assert_eq!(read(&[("MCP_ALLOWED_HOSTS", ",")]).unwrap().allowed_hosts, []);
    assert_eq!(
        read(&[("MCP_ADDR", "localhost:8001")]).unwrap().mcp_addr.to_string(),
        "127.0.0.1:8001"
    );
}

#[test]
fn a_relative_program_is_found_from_here() {
    for (command, expected) in
        [("bin/server run", "bin/server"), ("./server", "server"), ("../x/server", "../x/server")]
    {
        let EngineConfig::Official(words) =
            read(&[("MCP_SERVER_COMMAND", command)]).unwrap().engine
        else {
            panic!("{command}")
        };
        assert_eq!(words[0], std::env::current_dir().unwrap().join(expected).to_str().unwrap());
    }
    let EngineConfig::Official(words) = read(&[("MCP_SERVER_COMMAND", "server")]).unwrap().engine
    else {
        panic!()
    };
    assert_eq!(words, ["server"]);
}

#[test]
fn open_access_must_be_requested() {
    assert!(matches!(
        read(&[("MCP_AUTH", "none"), ("MCP_API_KEY", "")]).unwrap().auth,
        AuthConfig::Open
    ));
    let asked = [
        ("MCP_AUTH", "none"),
        ("MCP_API_KEY", ""),
        ("MCP_ADDR", "0.0.0.0:8000"),
        ("MCP_ALLOW_OPEN", "true"),
    ];
    assert!(matches!(read(&asked).unwrap().auth, AuthConfig::Open));
}

#[test]
fn only_unknown_variables_warn() {
    let config = read(&[
        ("MCP_COLOUR", "red"),
        ("TOKEN_CHECK_INTERVAL", "5m"),
        ("DREMIO_PORT", "tcp://10.0.0.1"),
    ])
    .unwrap();
    assert_eq!(config.unknown_variables, ["MCP_COLOUR"]);
}

#[test]
fn a_misspelt_variable_of_the_refresher_is_no_problem() {
    let config =
        read(&[("RETRY_MIN", "1s"), ("DREMIO_PASWORD", "x"), ("TOKEN_CHECK_INTERVALL", "5m")]);
    assert_eq!(config.unwrap().unknown_variables, ["TOKEN_CHECK_INTERVALL"]);
    // A misspelt variable of its own is one:
    let problems = read(&[("MCP_RATE_LIMITS", "1/s")]).unwrap_err();
    assert_eq!(problems, "MCP_RATE_LIMITS: is not a known variable; did you mean MCP_RATE_LIMIT?");
}

#[test]
fn the_configuration_can_be_made_without_an_environment() {
    let auth = AuthConfig::Keys(SecretSource::Inline(KEY.into()));
    let (uri, addr) = ("http://dremio:9047".parse().unwrap(), "127.0.0.1:8000".parse().unwrap());
    let made = Config::new(uri, addr, auth, &Env::default()).unwrap();
    assert_eq!(format!("{made:?}"), format!("{:?}", read(&[]).unwrap()));
}

#[test]
fn all_named_secrets_are_hidden_from_the_child() {
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), KEY).unwrap();
    let config = read(&[
        ("MCP_API_KEY", ""),
        ("MCP_API_KEYS_FILE", keys.path().to_str().unwrap()),
        ("TOKEN_FILE", "/t/token.json"),
        ("DREMIO_PASSWORD_FILE", "/p/password"),
        ("DREMIO_CA_FILE", "/ca.pem"),
        ("AUDIT_DIR", "/audit"),
    ]);
    let mut hidden = config.unwrap().hidden_paths();
    hidden.sort();
    hidden.dedup();
    let expected = ["/audit", "/p/password", "/t", "/t/token.json"].map(Path::new);
    assert_eq!(hidden, [&expected[..], &[keys.path()]].concat());
}

#[test]
fn the_child_gets_its_settings_and_neither_address_nor_token() {
    let config = read(&[
        ("DREMIOAI_TOOLS__SERVER_MODE", "FOR_SELF"),
        ("DREMIOAI_DREMIO__URI", "http://elsewhere"),
        ("DREMIOAI_DREMIO__PAT", "stolen"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("PATH", "/bin"),
    ])
    .unwrap();
    let names: Vec<_> = config.child_environment.keys().map(String::as_str).collect();
    assert_eq!(names, ["DREMIOAI_DREMIO__ALLOW_DML", "DREMIOAI_TOOLS__SERVER_MODE", "PATH"]);
}

#[test]
fn either_switch_allows_writes() {
    for (pairs, expected) in [
        (&[][..], false),
        (&[("MCP_ALLOW_WRITES", "true")], true),
        (&[("DREMIOAI_DREMIO__ALLOW_DML", "true")], true),
        (&[("DREMIOAI_DREMIO__ALLOW_DML", "True")], true),
        (&[("MCP_ALLOW_WRITES", "false"), ("DREMIOAI_DREMIO__ALLOW_DML", "true")], true),
        (&[("MCP_ALLOW_WRITES", ""), ("DREMIOAI_DREMIO__ALLOW_DML", "")], false),
    ] {
        let config = read(pairs).unwrap();
        assert_eq!(config.guard.allow_writes, expected, "{pairs:?}");
        // Our guard decides; the official server's only refused reads in front of it.
        assert_eq!(config.child_environment["DREMIOAI_DREMIO__ALLOW_DML"], "true");
        assert!(!config.guard.allow_job_history);
    }
    assert!(read(&[("MCP_ALLOW_JOB_HISTORY", "true")]).unwrap().guard.allow_job_history);
    assert!(
        read(&[("DREMIOAI_DREMIO__ALLOW_DML", "maybe")])
            .unwrap_err()
            .starts_with("DREMIOAI_DREMIO__ALLOW_DML: is neither")
    );
}

#[test]
fn a_call_has_time_left_to_say_that_its_query_still_runs() {
    let wait = |pairs| read(pairs).unwrap().answers.query_wait;
    assert_eq!(wait(&[("MCP_QUERY_WAIT", "20s")]), Duration::from_secs(20));
    let pairs = [("MCP_QUERY_WAIT", "10m"), ("MCP_CALL_TIMEOUT", "100s")];
    assert_eq!(wait(&pairs), Duration::from_secs(90));
}

#[test]
fn every_call_has_a_ticket_where_callers_must_be_told_apart() {
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), "[[client]]\nname = \"ada\"\n").unwrap();
    let policy = ("MCP_POLICY_FILE", policy.path().to_str().unwrap());
    for (settings, expected) in [
        (&[][..], false),
        (&[policy], true),
        (&[("AUDIT_FILE", "/tmp/audit.jsonl")], true),
        (&[("AUDIT_FILE", "/tmp/audit.jsonl"), ("MCP_ENGINE", "native")], false),
    ] {
        assert_eq!(read(settings).unwrap().tickets, expected, "{settings:?}");
    }
}
