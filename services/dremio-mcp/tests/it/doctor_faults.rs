//! What can be wrong with an installation: each fault is planted, named right, and nothing else is.
//!
//! `cargo nextest run -p dremio-mcp -E 'test(doctor)' --no-capture` shows what people read.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use dremio_mcp::doctor::Room;
use dremio_sandbox::{Fault, JobState, Scope};
use service_kit::Clock;
use service_kit::admin::{Condition, Readiness};
use token_file::{Token, Writer};

use crate::doctor::{System, admin_of, check, free_address};
use crate::doctor_servers::{always, certificate_file, tls_in_front_of};
use crate::support::KEY;

#[tokio::test]
async fn settings_that_are_wrong() {
    let mut system = System::new().await;
    let healthy = system.settings.clone();
    for (name, value, cure) in [
        ("DREMIO_URI", "", "set: DREMIO_URI=http://dremio:9047"),
        ("DREMIO_URI", "dremio:9047", "set: DREMIO_URI=http://dremio:9047"),
        ("LOG_LEVEL", "loud", "set: LOG_LEVEL=info"),
        ("MCP_ADRR", "127.0.0.1:8000", "change: rename MCP_ADRR to MCP_ADDR"),
        ("MCP_CALL_TIMEOUT", "300", "set: MCP_CALL_TIMEOUT=5m"),
        ("MCP_ALLOWED_HOSTS", "https://a.test/mcp", "set: MCP_ALLOWED_HOSTS=mcp.example.com"),
        ("MCP_PUBLIC_URL", "https://a.test/mcp", "set: MCP_PUBLIC_URL=https://mcp.example.com"),
        ("REFRESHER_URL", "refresher", "set: REFRESHER_URL=http://token-refresher:9465"),
        ("MCP_SERVER_COMMAND", "'", "set: MCP_SERVER_COMMAND=dremio-mcp-server run"),
        ("MCP_AUTH", "open", "set: MCP_AUTH=keys"),
        ("MCP_SERVER_WRITABLE", "here", "change: take out MCP_SERVER_WRITABLE"),
    ] {
        system.settings.clone_from(&healthy);
        system.set(name, value);
        check(&format!("{name}={value}"), &system.examine().await, &[("settings", cure)]);
    }
}

#[tokio::test]
async fn the_way_to_dremio() {
    let mut system = System::new().await;
    let control = system.sandbox.control();
    let port = system.sandbox.addr().port();
    let api_port = "set: DREMIO_URI=http://127.0.0.1:9047";

    control.set_refusing(true);
    check("nobody listens", &system.examine().await, &[("address", api_port)]);
    system.site.in_container = true;
    let outside = format!("set: DREMIO_URI=http://host.docker.internal:{port}");
    check("localhost in a container", &system.examine().await, &[("address", &outside)]);
    system.site.in_container = false;
    // token-refresher has the same trouble: that is no second fault.
    system.refresher.set("dremio", Condition::unmet("unreachable", "Dremio cannot be reached"));
    system.refresher.set("token", Condition::unmet("no_token", "there is no token yet"));
    check("nobody listens, for both", &system.examine().await, &[("address", api_port)]);
    system.refresher.set("dremio", Condition::met());
    system.refresher.set("token", Condition::met());
    control.set_refusing(false);

    let restart = "run: sudo systemctl restart dremio";
    for (fault, planted, cure) in [
        ("a web page", Fault::Html, api_port),
        ("half a JSON", Fault::BadJson, api_port),
        ("it fails", Fault::Status(503), restart),
        ("it does not answer", Fault::Stall, restart),
    ] {
        control.inject(planted, Scope::everything());
        check(fault, &system.examine().await, &[("api", cure)]);
        control.clear_faults();
    }

    control.remove_all_users();
    let first = ("first_user", "run: token-refresher first-user");
    check("no first user", &system.examine().await, &[first]);
}

#[tokio::test]
async fn an_address_that_is_not_dremios() {
    let mut system = System::new().await;
    let plain = system.sandbox.addr();
    let other = always(b"\x00\x01\x02 no HTTP at all").await;
    let proxied = always(
        b"HTTP/1.1 301 Moved Permanently\r\nlocation: https://elsewhere.test/\r\n\
          content-length: 0\r\n\r\n",
    )
    .await;
    let api = "set: DREMIO_URI=http://127.0.0.1:9047";
    for (fault, uri, bad, cure) in [
        (
            "https, and it speaks http",
            format!("https://{plain}"),
            "api",
            format!("set: DREMIO_URI=http://{plain}"),
        ),
        ("another protocol", format!("http://{other}"), "api", api.to_owned()),
        ("a redirect", format!("http://{proxied}"), "api", api.to_owned()),
        (
            "no such name",
            "http://no-such-name.invalid:9047".to_owned(),
            "address",
            "set: DREMIO_URI=http://NAME-OR-ADDRESS:9047".to_owned(),
        ),
        // A network for documentation: no way to it, or no answer from it (RFC 5737).
        ("no such machine", "http://192.0.2.1:9047".to_owned(), "address", String::new()),
    ] {
        system.set("DREMIO_URI", uri);
        check(fault, &system.examine().await, &[(bad, &cure)]);
    }
}

#[tokio::test]
async fn certificates() {
    let mut system = System::new().await;
    let plain = system.sandbox.addr();
    let authority = certificate_file("authority.pem").to_str().unwrap().to_owned();
    let not_pem = system.path("keys").to_str().unwrap().to_owned();
    let signed = tls_in_front_of(plain, "signed.pem");
    let ca = "set: DREMIO_CA_FILE=/path/to/the-authority.pem";
    system.set("DREMIO_URI", format!("https://localhost:{}", signed.port()));
    system.set("DREMIO_CA_FILE", authority.clone());
    check("none, over TLS", &system.examine().await, &[]);

    for (fault, file) in [
        ("a private authority", certificate_file("self-signed.pem").to_str().unwrap().to_owned()),
        ("no file of authorities", "/nowhere/ca.pem".to_owned()),
        ("a file that is no PEM", not_pem),
    ] {
        system.set("DREMIO_CA_FILE", file);
        check(fault, &system.examine().await, &[("tls", ca)]);
    }
    system.set("DREMIO_CA_FILE", authority);
    let (old, foreign) =
        (tls_in_front_of(plain, "expired.pem"), tls_in_front_of(plain, "other-name.pem"));
    let other_name = format!("set: DREMIO_URI=https://elsewhere.example:{}", foreign.port());
    for (fault, port, cure) in [
        ("an old certificate", old.port(), "change: give localhost:"),
        ("a certificate for another name", foreign.port(), other_name.as_str()),
    ] {
        system.set("DREMIO_URI", format!("https://localhost:{port}"));
        check(fault, &system.examine().await, &[("tls", cure)]);
    }
    let cure = format!("set: DREMIO_URI=https://localhost:{}", signed.port());
    system.set("DREMIO_URI", format!("http://localhost:{}", signed.port()));
    check("http, and it speaks https", &system.examine().await, &[("api", &cure)]);
}

#[tokio::test]
async fn clocks_apart() {
    let mut system = System::new().await;
    for seconds in [600, -600] {
        let now = Clock::system().now() + jiff::SignedDuration::from_secs(seconds);
        system.clock = Clock::manual(now).0;
        let cure = "run: sudo timedatectl set-ntp true";
        check(&format!("{seconds} s"), &system.examine().await, &[("clock", cure)]);
    }
}

#[tokio::test]
async fn the_token_and_the_gateway_key() {
    let mut system = System::new().await;
    let (once, file) = ("run: token-refresher once", system.path("token.json"));
    let good = std::fs::read(&file).unwrap();
    let token = token_file::read(&file).unwrap();
    for (fault, content) in [
        ("half a token file", &good[..good.len() / 2]),
        ("an empty token file", b" \n"),
        ("a token file without a token", b"{}"),
        ("a token file without an end", br#"{"token":"abc"}"#),
    ] {
        system.write("token.json", content);
        check(fault, &system.examine().await, &[("token", once)]);
    }
    let past =
        Token::new(token.secret().clone(), Clock::system().now() - Duration::from_secs(7200));
    Writer::open(file.clone()).unwrap().write(&past).unwrap();
    check("an old token", &system.examine().await, &[("token", once)]);
    std::fs::remove_file(&file).unwrap();
    check("no token file", &system.examine().await, &[("token", once)]);
    std::fs::create_dir(&file).unwrap();
    let away = format!("run: mv {0} {0}.old", file.display());
    check("a folder for a token file", &system.examine().await, &[("token", &away)]);
    std::fs::remove_dir(&file).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &file).unwrap();
    check("a link that leads away", &system.examine().await, &[("token", &away)]);
    std::fs::remove_file(&file).unwrap();

    system.write("token.json", &good);
    let key = system.path("gateway.key");
    system.write("gateway.key", "short");
    let away = format!("run: mv {0} {0}.old", key.display());
    check("half a gateway key", &system.examine().await, &[("gateway_key", &away)]);
    system.set("TOKEN_FILE", "/nowhere/token.json");
    let named = "set: TOKEN_FILE=/the/file/that/token-refresher/writes";
    check("another folder", &system.examine().await, &[("token", named)]);
}

/// Root may read everything.
#[tokio::test]
async fn a_token_that_may_not_be_read() {
    let system = System::new().await;
    let closed = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(system.path("token.json"), closed).unwrap();
    let expected: &[_] =
        if rustix::process::geteuid().is_root() { &[] } else { &[("token", "run: sudo chgrp -R")] };
    check("a closed token file", &system.examine().await, expected);
}

#[tokio::test]
async fn a_token_that_dremio_does_not_take_and_queries_that_fail() {
    let system = System::new().await;
    let control = system.sandbox.control();
    let restart = "run: sudo systemctl restart dremio";
    control.inject(Fault::Status(500), Scope::path("/api/v3/sql"));
    check("no queries", &system.examine().await, &[("query", restart)]);
    control.clear_faults();

    control.set_job_duration(Duration::from_secs(3600));
    check("slow queries", &system.examine().await, &[("query", restart)]);
    assert_eq!(control.jobs().last().unwrap().state, JobState::Canceled, "nobody waits for it");
    control.set_job_duration(Duration::ZERO);

    control.revoke_all_tokens();
    let once = "run: token-refresher once";
    check("a revoked token", &system.examine().await, &[("query", once)]);
}

#[tokio::test]
async fn token_refresher() {
    let mut system = System::new().await;
    let usual = "set: REFRESHER_URL=http://127.0.0.1:9465";
    let dremio = system.sandbox.uri();
    let gateway = admin_of(&Readiness::new(&["engine", "token"])).await;
    let refusing = always(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno").await;
    let healthy = system.settings.clone();
    for (fault, url, cure) in [
        ("nobody there", format!("http://{}", free_address()), "run: token-refresher run"),
        ("another program", dremio.clone(), usual),
        ("a gateway", gateway, usual),
        ("a name that it does not know", format!("http://{refusing}"), "ADMIN_ALLOWED_HOSTS=127."),
    ] {
        system.set("REFRESHER_URL", url);
        check(fault, &system.examine().await, &[("refresher", cure)]);
    }
    system.settings = healthy;

    let no_token = Condition::unmet("no_token", "there is no token yet");
    let same_dremio = format!("set: DREMIO_URI={dremio}");
    for (reason, cure) in [
        ("rejected_credentials", "set: DREMIO_PASSWORD_FILE=/file/with/the/right/password"),
        ("unreachable", same_dremio.as_str()),
        ("no_user_yet", "run: token-refresher first-user"),
    ] {
        system.refresher.set("dremio", Condition::unmet(reason, reason));
        system.refresher.set("token", no_token.clone());
        check(reason, &system.examine().await, &[("refresher", cure)]);
    }
    system.refresher.set("dremio", Condition::met());
    system.refresher.set("token", Condition::unmet("disk_full", "the disk is full"));
    check("its disk is full", &system.examine().await, &[("refresher", "run: du -xhd1")]);
}

#[tokio::test]
async fn keys() {
    let mut system = System::new().await;
    let path = system.path("keys").display().to_string();
    for (fault, content, cure) in [
        ("no key in the file", "# none\n", format!("run: openssl rand -hex 32 >>{path}")),
        ("a short key", "# a\nshort\n", format!("run: sed -i '2d' {path}")),
        ("a key with a blank", &format!("{KEY}\na b c d e f g h i j k\n"), {
            format!("run: sed -i '2d' {path}")
        }),
        ("a byte-order mark", &format!("\u{feff}{KEY}"), "run: sed -i '1s/".to_owned()),
    ] {
        system.write("keys", content);
        check(fault, &system.examine().await, &[("keys", &cure)]);
    }
    system.write("keys", KEY);
    system.set("MCP_API_KEY", KEY);
    check("two sources", &system.examine().await, &[("keys", "change: take out MCP_API_KEY")]);
    system.settings.retain(|(name, _)| !name.starts_with("MCP_API_KEY"));
    let make = "run: echo \"MCP_API_KEY=$(openssl rand -hex 32)\" >>.env";
    check("no key at all", &system.examine().await, &[("keys", make)]);
    system.set("MCP_API_KEYS_FILE", "/nowhere/keys");
    let make = "run: openssl rand -hex 32 >/nowhere/keys";
    check("no file of keys", &system.examine().await, &[("keys", make)]);
}

#[tokio::test]
async fn the_official_server() {
    let mut system = System::new().await;
    system.set("MCP_ENGINE", "official");
    // A program for another kind of processor: the kernel refuses it, and the C library then has a
    // shell read it (`execvp(3)`), which ends.
    // Not beside the token, where the official server may run nothing.
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("foreign");
    std::fs::write(&foreign, [&b"\x7fELF\x02\x01\x01"[..], &[0; 57]].concat()).unwrap();
    std::fs::set_permissions(&foreign, std::fs::Permissions::from_mode(0o755)).unwrap();
    let foreign = foreign.display().to_string();
    let native = "set: MCP_ENGINE=native";
    for (fault, command, cure, words) in [
        ("no program", "/nowhere/server", "set: MCP_SERVER_COMMAND='", "was not found"),
        ("it ends", "/bin/sh -c 'echo no module >&2; exit 1'", native, "no module"),
        ("another platform", &foreign, native, "it ended"),
        ("it says nothing", "/bin/sleep 3600", native, "within 15 s"),
    ] {
        system.set("MCP_SERVER_COMMAND", command);
        let diagnosis = system.examine().await;
        check(fault, &diagnosis, &[("engine", cure)]);
        let mut findings = diagnosis.findings().iter();
        assert!(findings.any(|finding| finding.text.contains(words)), "{}", diagnosis.text());
    }
    system.set("MCP_SERVER_COMMAND", stdio_fixture::executable().to_str().unwrap());
    system.site.temporary = PathBuf::from("/nowhere");
    let folder = "set: TMPDIR=/a/folder/of/this/user";
    check("no temporary files", &system.examine().await, &[("disk", folder)]);
}

#[tokio::test]
async fn disks_and_addresses() {
    let mut system = System::new().await;
    let whole = system.site.room;
    let full = "run: du -xhd1";
    system.site.room = |_| Some(Room { bytes: 4096, has_files: true });
    check("a full disk", &system.examine().await, &[("disk", full)]);
    system.site.room = |_| Some(Room { bytes: u64::MAX, has_files: false });
    check("no files left", &system.examine().await, &[("disk", full)]);
    system.site.room = whole;

    let healthy = system.settings.clone();
    let taken = always(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _holds = std::net::TcpListener::bind(held).unwrap();
    for (fault, name, addr, cure) in [
        ("another program", "MCP_ADDR", taken.to_string(), "set: MCP_ADDR=127.0.0.1:"),
        ("another program", "ADMIN_ADDR", held.to_string(), "set: ADMIN_ADDR=127.0.0.1:"),
        ("a foreign address", "ADMIN_ADDR", "192.0.2.7:80".into(), "set: ADMIN_ADDR=127.0.0.1:80"),
    ] {
        system.settings.clone_from(&healthy);
        system.set(name, addr);
        check(&format!("{fault} at {name}"), &system.examine().await, &[("listener", cure)]);
    }
}
