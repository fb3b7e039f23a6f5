//! What can be wrong with who may do what, as whom, and how that is written down: the policy file,
//! the accounts of its clients, and the audit file.

use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use service_kit::Clock;
use sha2::{Digest as _, Sha256};
use token_file::Token;

use crate::doctor::{System, check, client_of, log_in, warnings, write_token};
use crate::support::KEY;

/// A client of this name, with a key of its own.
fn client(name: &str, rest: &str) -> String {
    let digest = digest(name);
    format!("[[client]]\nname = \"{name}\"\nkeys = [\"{digest}\"]\ntools = [\"*\"]\n{rest}\n")
}

fn digest(key: &str) -> String {
    let digits = Sha256::digest(key);
    digits.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// A system with this policy, and with keys outside of it that are served.
async fn with_policy(policy: &str) -> System {
    let mut system = System::new().await;
    system.write("policy.toml", policy);
    let path = system.path("policy.toml").display().to_string();
    system.set("MCP_POLICY_FILE", path);
    system
}

/// What the finding of this check says.
async fn said(system: &System, check: &str) -> String {
    let diagnosis = system.examine().await;
    let found = diagnosis.findings().iter().filter(|finding| finding.check == check);
    found.map(|finding| finding.text.clone()).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn a_policy_that_is_wrong() {
    let good = client("ada", "");
    let mut system = with_policy(&good).await;
    let path = system.path("policy.toml").display().to_string();
    let line = |number| format!("change: line {number} of {path}");
    for (fault, policy, expected) in [
        ("no such tool", good.replace('*', "DropAll"), vec![line(4)]),
        ("two wrong lines", good.replace('*', "x").replace("ada", "a b"), vec![line(2), line(4)]),
        ("half a file", good[..30].to_owned(), vec![line(3)]),
        ("two clients of one key", good.clone() + &good.replace("ada", "bob"), vec![line(8)]),
        ("no client", String::new(), vec![line(1)]),
        ("nonsense", "x = 1\n".repeat(2), vec![line(2)]),
    ] {
        system.write("policy.toml", policy);
        let expected: Vec<_> = expected.iter().map(|cure| ("policy", cure.as_str())).collect();
        check(fault, &system.examine().await, &expected);
    }
    // A file of wrong lines is not repeated whole.
    system.write("policy.toml", client("ada", "").replace("\"*\"", &"\"x\",\n".repeat(100)));
    let all: Vec<_> = (4..9).map(line).collect();
    let all: Vec<_> = all.iter().map(|cure| ("policy", cure.as_str())).collect();
    check("many wrong lines", &system.examine().await, &all);
    assert!(said(&system, "policy").await.ends_with("and 95 more problems"));

    std::fs::remove_file(&path).unwrap();
    let write = format!("change: write {path}: docs/DEPLOYMENT.md");
    check("no policy file", &system.examine().await, &[("policy", &write)]);
    std::fs::create_dir(&path).unwrap();
    let named = "set: MCP_POLICY_FILE=/policy/policy.toml";
    check("a folder for a policy", &system.examine().await, &[("policy", named)]);
    std::fs::remove_dir(&path).unwrap();

    system.write("policy.toml", &good);
    system.set("MCP_ENGINE", "official");
    system.set("MCP_SERVER_COMMAND", stdio_fixture::executable().to_str().unwrap());
    system.set("MCP_OFFICIAL_REPAIR", "false");
    let repair = "set: MCP_OFFICIAL_REPAIR=true";
    check("a server that answers by itself", &system.examine().await, &[("policy", repair)]);
}

#[tokio::test]
async fn keys_that_the_policy_leaves_out() {
    let default = "[[client]]\nname = \"default\"\ntools = [\"*\"]\n";
    let of_key = client("ada", "").replace(&digest("ada"), &digest(KEY));
    let rights = ("rights", String::new());
    let cure = "change: add a [[client]] of the name \"default\" for them, or take them out";
    for (policy, text, is_warned) in [
        (of_key, "1 client and 1 key", false),
        (client("ada", ""), "1 other key of MCP_API_KEYS_FILE or MCP_API_KEY gets 401", true),
        (client("ada", "") + default, "1 other key may do what its client `default` may", false),
    ] {
        let system = with_policy(&policy).await;
        let diagnosis = system.examine().await;
        check(text, &diagnosis, &[]);
        let warned = is_warned.then(|| ("policy", cure.to_owned()));
        let expected: Vec<_> = warned.into_iter().chain([rights.clone()]).collect();
        assert_eq!(warnings(&diagnosis), expected);
        assert!(said(&system, "policy").await.contains(text), "{}", diagnosis.text());
    }
}

#[tokio::test]
async fn accounts_without_a_token() {
    let two = client("ada", "account = \"sales\"") + &client("bob", "account = \"hr\"");
    let mut system = with_policy(&two).await;
    let token = token_file::read(&system.path("token.json")).unwrap();
    std::fs::remove_file(system.path("token.json")).unwrap();
    std::fs::create_dir(system.path("accounts")).unwrap();
    let file = |system: &System, name| system.path(&format!("accounts/{name}.json"));
    let hour = Duration::from_secs(3600);
    let write = |path: &Path, token: &Token| write_token(path, token, 25 * hour);
    for name in ["sales", "hr"] {
        write(&file(&system, name), &token);
    }
    check("none: nobody uses the single account", &system.examine().await, &[]);
    assert_eq!(said(&system, "accounts").await, "2 have a token each: hr, sales");

    // Dremio is asked about each: what a file holds may have been logged out.
    let once = "run: token-refresher once";
    let other = log_in(&system.sandbox).await;
    write(&file(&system, "hr"), &other);
    write(&file(&system, "sales"), &token);
    client_of(&system.sandbox).logout(token.secret()).await.unwrap();
    let diagnosis = system.examine().await;
    check("one of the tokens is logged out", &diagnosis, &[("accounts", once)]);
    let said_of_it = "account sales: Dremio does not accept its token any more";
    assert_eq!(said(&system, "accounts").await, said_of_it);
    let token = other;
    write(&file(&system, "sales"), &token);

    std::fs::remove_file(file(&system, "sales")).unwrap();
    let place = "change: put the files username and password into sales in the folder of";
    check("an account without a token", &system.examine().await, &[("accounts", place)]);
    assert!(said(&system, "accounts").await.starts_with("account sales: "));
    system.site.in_container = true;
    let added = "run: scripts/setup.sh account add sales";
    check("the same in a container", &system.examine().await, &[("accounts", added)]);
    system.site.in_container = false;

    let now = Clock::system().now();
    let past = Token::new(token.secret().clone(), now - SignedDuration::from_hours(2));
    write(&file(&system, "sales"), &past);
    std::fs::write(file(&system, "hr"), "{").unwrap();
    let once = "run: token-refresher once";
    let both = [("accounts", once), ("accounts", once)];
    check("an old token, and half a file", &system.examine().await, &both);
    assert!(said(&system, "accounts").await.contains("account sales: the token in "));
    write(&file(&system, "hr"), &token);

    let soon = Token::new(token.secret().clone(), now + SignedDuration::from_mins(5));
    write(&file(&system, "sales"), &soon);
    let diagnosis = system.examine().await;
    check("a token that ends soon", &diagnosis, &[]);
    assert!(warnings(&diagnosis).contains(&("accounts", once.to_owned())));
}

#[tokio::test]
async fn of_many_accounts_without_a_token_a_few_are_shown() {
    let one = |number| client(&format!("c{number}"), &format!("account = \"a{number}\""));
    let system = with_policy(&(0..9).map(one).collect::<String>()).await;
    let said = said(&system, "accounts").await;
    assert_eq!(said.matches("account a").count(), 5, "{said}");
    assert!(said.ends_with("; there are more like these, which are not shown"), "{said}");
}

#[tokio::test]
async fn an_audit_file_that_cannot_be_written() {
    let mut system = System::new().await;
    let folder = system.folder.path().display().to_string();
    system.set("AUDIT_FILE", format!("{folder}/audit.jsonl"));
    check("none: it can be made", &system.examine().await, &[]);
    assert!(said(&system, "audit").await.contains("can be made"));
    assert!(!system.path("audit.jsonl").exists(), "the doctor only reads");
    system.write("audit.jsonl", "");
    assert!(said(&system, "audit").await.contains("is added to"));
    std::fs::remove_file(system.path("audit.jsonl")).unwrap();

    std::os::unix::fs::symlink("/dev/null", system.path("audit.jsonl")).unwrap();
    let beside = format!("set: AUDIT_FILE={folder}/audit.jsonl.jsonl");
    check("a link for an audit file", &system.examine().await, &[("audit", &beside)]);
    std::fs::remove_file(system.path("audit.jsonl")).unwrap();

    std::fs::remove_file(system.path("gateway.key")).unwrap();
    let once = "run: token-refresher once";
    check("nothing to seal lines with", &system.examine().await, &[("audit", once)]);
    system.write("gateway.key", "short");
    let away = format!("run: mv {folder}/gateway.key {folder}/gateway.key.old");
    check("a bad key is one fault", &system.examine().await, &[("gateway_key", &away)]);
    token_file::gateway_key::ensure(&system.path("token.json")).ok();
    std::fs::remove_file(system.path("gateway.key")).unwrap();
    token_file::gateway_key::ensure(&system.path("token.json")).unwrap();

    system.set("AUDIT_FILE", folder.clone());
    let inside = format!("set: AUDIT_FILE={folder}/audit.jsonl");
    check("a folder for an audit file", &system.examine().await, &[("audit", &inside)]);
    system.set("AUDIT_FILE", format!("{folder}/nowhere/audit.jsonl"));
    let made = format!("run: mkdir -p {folder}/nowhere");
    check("no folder for it", &system.examine().await, &[("audit", &made)]);
    system.site.in_container = true;
    let volume = "set: AUDIT_FILE=/audit/audit.jsonl";
    check("no folder in a container", &system.examine().await, &[("audit", volume)]);
}

/// Root may write everywhere.
#[tokio::test]
async fn an_audit_file_that_is_somebody_elses() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut system = System::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    system.set("AUDIT_FILE", path.display().to_string());
    let expected: &[_] =
        if rustix::process::geteuid().is_root() { &[] } else { &[("audit", "run: sudo chown -R")] };
    check("a closed audit file", &system.examine().await, expected);
}
