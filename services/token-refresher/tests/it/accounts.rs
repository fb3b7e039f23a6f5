//! Several accounts: each by itself, whatever becomes of the others; added, changed and taken away
//! while the service runs.

use std::fs;
use std::time::Duration;

use dremio_sandbox::{Fault, Scope};
use secrecy::ExposeSecret;
use service_kit::{Clock, Exit};
use token_file::Token;
use token_refresher::App;

use crate::harness::{Service, World, check_absent, eventually, said};
use crate::logs;

/// A world with the single account, and the accounts `sales` and `hr`, each a user of its own.
async fn world() -> World {
    let mut world = World::new().await;
    for name in ["sales", "hr"] {
        let (user, password) = (user(&world, name), password(&world, name));
        world.control.add_user(&user, &password);
        world.add_account(name, &user, &password);
    }
    world
}

fn user(world: &World, name: &str) -> String {
    format!("{name}-{}", world.user)
}

fn password(world: &World, name: &str) -> String {
    format!("{name}-{}", world.password)
}

fn set_password(world: &World, name: &str, password: &str) {
    let folder = world.config.accounts_dir.as_ref().unwrap().join(name);
    fs::write(folder.join("password"), format!("{password}\n")).unwrap();
}

fn remove(world: &World, name: &str) {
    fs::remove_dir_all(world.config.accounts_dir.as_ref().unwrap().join(name)).unwrap();
}

/// Waits until this condition is as `expected`, with `part` in its message.
async fn condition(service: &Service, name: &str, expected: (bool, &str), part: &str) {
    eventually(&format!("{name} {expected:?} {part}"), || {
        let (ready, reason, message) = said(service, name);
        ((ready, reason.as_str()) == expected && message.contains(part)).then_some(())
    })
    .await;
}

fn events(account: &str, world: &World) -> Vec<String> {
    // Other tests have accounts of the same names: the user, or a token, tells whose it is.
    logs::events("user", &user(world, account))
        .iter()
        .map(|event| {
            assert_eq!(event["account"], account, "{event}");
            event["event"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// Who Dremio says that this token is.
async fn query_user(world: &World, token: &Token) -> String {
    let config = dremio_client::ConnectConfig::new(world.sandbox.uri().parse().unwrap());
    let client =
        dremio_client::DremioClient::new(dremio_client::Transport::connect(&config).unwrap());
    let job = client.submit_sql(token.secret(), "SELECT query_user() AS who", &[]).await.unwrap();
    loop {
        let status = client.job(token.secret(), &job).await.unwrap();
        if status.state.is_terminal() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let page = client.results(token.secret(), &job, 0, 1, 65536).await.unwrap();
    let row: serde_json::Value = serde_json::from_str(page.rows[0].get()).unwrap();
    row["who"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_account_has_the_token_of_its_own_user() {
    let world = world().await;
    let service = world.start().await;
    let (single, sales, hr) = (
        world.good_token().await,
        world.account_token("sales").await,
        world.account_token("hr").await,
    );
    assert_eq!(query_user(&world, &single).await, world.user);
    assert_eq!(query_user(&world, &sales).await, user(&world, "sales"));
    assert_eq!(query_user(&world, &hr).await, user(&world, "hr"));
    service.condition("token", Ok(())).await;
    service.condition("dremio", Ok(())).await;
    condition(&service, "accounts", (true, ""), "2 accounts in").await;
    assert_eq!(events("sales", &world), ["login_succeeded"]);
    for account in [&sales, &hr] {
        let written = logs::events("token_id", &account.id().to_string());
        assert_eq!(written.len(), 2, "{written:?}");
        assert!(written.iter().all(|event| event["account"].is_string()), "{written:?}");
    }
    // The single account's lines and series are as if there were no others.
    let lines = logs::events("token_id", &single.id().to_string());
    assert!(lines.iter().all(|event| event.get("account").is_none()), "{lines:?}");
    let (_, metrics) = service.ask("GET", "/metrics").await;
    for line in [
        "token_refresher_logins_total 1\n",
        "token_refresher_logins_total{account=\"sales\"} 1\n",
        "token_refresher_writes_total{account=\"hr\"} 1\n",
        &format!(
            "token_refresher_token_expiry_timestamp_seconds{{account=\"hr\"}} {}\n",
            hr.expires_at().as_second()
        ),
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    service.stop(&world).await;
    for token in [&single, &sales, &hr] {
        let secret = token.secret().expose_secret().to_owned();
        assert!(world.control.live_tokens().contains(&secret), "a stop leaves tokens");
    }
    let again = world.start().await;
    again.condition("token", Ok(())).await;
    condition(&again, "accounts", (true, ""), "2 accounts in").await;
    assert_eq!(world.account_token("hr").await.id(), hr.id(), "and a start uses them");
    again.stop(&world).await;
    check_absent(&logs::text(), &[password(&world, "sales"), password(&world, "hr")]);
}

#[tokio::test]
async fn a_bad_account_disturbs_no_other() {
    let mut world = world().await;
    world.config.policy.retry_max = Duration::from_secs(300);
    set_password(&world, "hr", "wrong-password-91");
    let service = world.start().await;
    let (single, sales) = (world.good_token().await, world.account_token("sales").await);
    condition(
        &service,
        "token",
        (true, "no_token"),
        "account hr: there is no token yet: Dremio rejected the user name or the password; \
         correct username and password in ",
    )
    .await;
    condition(&service, "dremio", (true, "rejected_credentials"), "accounts/hr").await;
    let (status, body) = service.ask("GET", "/readyz").await;
    assert!(status == 200 && !body.contains("wrong-password"), "{status} {body}");

    // Each is asked for by itself.
    let (status, answer) = service.refresh_with("?account=hr").await;
    assert_eq!((status, answer["reason"].as_str()), (503, Some("rejected_credentials")));
    for (query, token) in [("", &single), ("?account=sales", &sales)] {
        let (status, answer) = service.refresh_with(query).await;
        assert_eq!((status, answer["outcome"].as_str()), (200, Some("valid")), "{query}");
        assert_eq!(answer["token_id"], token.id().to_string(), "{query}");
    }
    assert_eq!(events("hr", &world), ["login_failed"], "one attempt with one wrong password");

    set_password(&world, "hr", &password(&world, "hr"));
    world.account_token("hr").await;
    condition(&service, "token", (true, ""), "").await;
    condition(&service, "dremio", (true, ""), "").await;
    assert_eq!(events("hr", &world), ["login_failed", "login_succeeded"]);
    service.stop(&world).await;
}

#[tokio::test]
async fn the_single_account_decides_and_without_it_the_last_one_that_works() {
    let mut world = world().await;
    world.config.policy.retry_max = Duration::from_secs(300);
    fs::write(&world.password_file, "wrong-password-92").unwrap();
    let service = world.start().await;
    world.account_token("hr").await;
    world.account_token("sales").await;
    service.condition("token", Err("no_token")).await;
    assert_eq!(service.ask("GET", "/readyz").await.0, 503);
    service.stop(&world).await;

    world.config.single = None;
    set_password(&world, "hr", "wrong-password-93");
    world.control.revoke_all_tokens();
    let service = world.start().await;
    world.account_token("sales").await;
    condition(&service, "token", (true, "no_token"), "account hr: ").await;
    assert_eq!(service.ask("GET", "/readyz").await.0, 200);
    let (status, answer) = service.refresh().await;
    assert_eq!((status, answer["reason"].as_str()), (404, Some("unknown_account")), "{answer}");

    set_password(&world, "sales", "wrong-password-94");
    world.control.revoke_all_tokens();
    let (status, _) = service.refresh_with("?account=sales").await;
    assert_eq!(status, 503);
    for part in ["account hr: there is no token yet", "account sales: Dremio does not accept"] {
        condition(&service, "token", (false, "accounts"), part).await;
    }
    assert_eq!(service.ask("GET", "/readyz").await.0, 503);
    service.stop(&world).await;
    assert!(!logs::text().contains("wrong-password-9"));
}

#[tokio::test]
async fn accounts_come_and_go_while_it_runs() {
    let mut world = world().await;
    let service = world.start().await;
    let (single, sales) = (world.good_token().await, world.account_token("sales").await);
    let hr = world.account_token("hr").await;

    remove(&world, "sales");
    eventually("the file goes", || (!world.account_file("sales").exists()).then_some(())).await;
    let is_live = |token: &Token| {
        world.control.live_tokens().contains(&token.secret().expose_secret().to_owned())
    };
    eventually("the token is logged out", || (!is_live(&sales)).then_some(())).await;
    assert!(is_live(&single) && is_live(&hr));
    let last = logs::events("token_id", &sales.id().to_string());
    let last: Vec<_> = last.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert!(last.contains(&"token_file_removed"), "{last:?}");
    let (status, answer) = service.refresh_with("?account=sales").await;
    assert_eq!((status, answer["reason"].as_str()), (404, Some("unknown_account")), "{answer}");
    let (_, metrics) = service.ask("GET", "/metrics").await;
    assert!(!metrics.contains("account=\"sales\"") && metrics.contains("account=\"hr\""));

    // It comes back, and so does one that was never there.
    for name in ["sales", "it-2"] {
        let (user, password) = (user(&world, name), password(&world, name));
        world.control.add_user(&user, &password);
        world.add_account(name, &user, &password);
        let token = world.account_token(name).await;
        assert_eq!(query_user(&world, &token).await, user);
        assert_eq!(service.refresh_with(&format!("?account={name}")).await.0, 200);
    }
    assert_eq!(world.account_token("hr").await.id(), hr.id());
    assert_eq!(world.good_token().await.id(), single.id());
    condition(&service, "accounts", (true, ""), "3 accounts in").await;
    service.stop(&world).await;
}

#[tokio::test]
async fn what_went_while_it_did_not_run_is_removed_at_the_start() {
    let mut world = world().await;
    let service = world.start().await;
    let (single, sales) = (world.good_token().await, world.account_token("sales").await);
    let hr = world.account_token("hr").await;
    service.stop(&world).await;

    remove(&world, "sales");
    world.config.single = None;
    let service = world.start().await;
    let gone = |token: &Token| {
        !world.control.live_tokens().contains(&token.secret().expose_secret().to_owned())
    };
    eventually("both are logged out", || (gone(&single) && gone(&sales)).then_some(())).await;
    assert!(!world.account_file("sales").exists() && !world.config.token_file.exists());
    assert_eq!(world.account_token("hr").await.id(), hr.id());
    service.stop(&world).await;

    // Without the folder there are none at all.
    let mut alone = world;
    alone.config.accounts_dir = None;
    let login = token_refresher::Login {
        username: service_kit::SecretSource::Inline(alone.user.clone().into()),
        password: service_kit::SecretSource::File(alone.password_file.clone()),
    };
    alone.config.single = Some(login);
    let service = alone.start().await;
    alone.good_token().await;
    eventually("the file goes", || (!alone.account_file("hr").exists()).then_some(())).await;
    service.stop(&alone).await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_takes_no_account_away() {
    let world = world().await;
    let service = world.start().await;
    let hr = world.account_token("hr").await;
    let accounts = world.config.accounts_dir.clone().unwrap();
    let aside = world.folder.path().join("aside");
    fs::rename(&accounts, &aside).unwrap();
    condition(&service, "accounts", (true, "unreadable"), "the accounts stay as they were").await;
    assert_eq!(service.refresh_with("?account=hr").await.0, 200);
    fs::rename(&aside, &accounts).unwrap();
    condition(&service, "accounts", (true, ""), "2 accounts in").await;
    assert_eq!(world.account_token("hr").await.id(), hr.id());
    service.stop(&world).await;
}

#[tokio::test]
async fn hostile_folders_are_refused_for_that_account_alone() {
    let mut world = world().await;
    let accounts = world.config.accounts_dir.clone().unwrap();
    fs::create_dir(accounts.join("Not Allowed")).unwrap();
    fs::create_dir(accounts.join("empty")).unwrap();
    fs::write(accounts.join("plain"), "x").unwrap();
    std::os::unix::fs::symlink(world.folder.path(), accounts.join("outside")).unwrap();
    world.add_account("huge", "x", &"x".repeat(100_000));
    let service = world.start().await;
    world.good_token().await;
    world.account_token("sales").await;
    world.account_token("hr").await;
    condition(&service, "accounts", (true, "bad_name"), "Not Allowed").await;
    for part in [
        "account empty: ",
        "username does not exist; write the user name of the account into it",
        "account huge: ",
        "is larger than 64 KiB",
        "account outside: ",
        "account plain: ",
        "plain is not a folder; an account is a folder with the files username and password",
    ] {
        condition(&service, "dremio", (true, "credentials_unreadable"), part).await;
    }
    let warnings = App::check_accounts(&world.config);
    assert_eq!(warnings.len(), 5, "{warnings:#?}");
    // Mended, it works without a restart.
    fs::remove_file(accounts.join("plain")).unwrap();
    let (user, password) = (user(&world, "plain"), password(&world, "plain"));
    world.control.add_user(&user, &password);
    world.add_account("plain", &user, &password);
    world.account_token("plain").await;
    service.stop(&world).await;
}

#[tokio::test]
async fn the_account_of_a_refresh_request_is_named_or_refused() {
    let world = world().await;
    let service = world.start().await;
    world.account_token("sales").await;
    for (query, status, reason) in [
        ("?account=nobody", 404, "unknown_account"),
        ("?account=", 404, "unknown_account"),
        ("?account=..%2F..%2Fetc", 404, "unknown_account"),
        ("?account=%0aforged", 404, "unknown_account"),
        ("?account=sales&account=hr", 400, "bad_request"),
        ("?acount=sales", 400, "bad_request"),
        ("?account=sales&now=1", 400, "bad_request"),
    ] {
        let (seen, answer) = service.refresh_with(query).await;
        assert_eq!((seen, answer["reason"].as_str()), (status, Some(reason)), "{query}: {answer}");
        assert!(!answer["message"].as_str().unwrap().contains("forged"));
    }
    assert!(service.refresh_with("?account=nobody").await.1.to_string().contains("`nobody`"));
    service.stop(&world).await;
}

#[tokio::test]
async fn an_outage_seen_by_one_account_leaves_the_others_their_tokens() {
    let world = world().await;
    let service = world.start().await;
    let (single, sales) = (world.good_token().await, world.account_token("sales").await);
    let hr = world.account_token("hr").await;
    // The next two calls fail: those of hr, which is the only one to ask now.
    world.control.inject(Fault::Status(503), Scope::everything().times(1));
    let (status, answer) = service.refresh_with("?account=hr").await;
    assert_eq!((status, answer["reason"].as_str()), (503, Some("server_status")), "{answer}");
    condition(&service, "token", (true, ""), "").await;
    for (name, before) in [("sales", &sales), ("hr", &hr)] {
        assert_eq!(service.refresh_with(&format!("?account={name}")).await.0, 200);
        assert_eq!(world.account_token(name).await.id(), before.id());
    }
    assert_eq!(service.refresh().await.1["token_id"], single.id().to_string());
    condition(&service, "dremio", (true, ""), "").await;
    assert_eq!(world.logins(), 3);
    service.stop(&world).await;
}

#[tokio::test]
async fn once_sees_to_every_account() {
    let mut world = world().await;
    let once =
        async |world: &World| App::once(world.config.clone(), Clock::system()).await.unwrap();
    set_password(&world, "hr", "wrong-password-95");
    assert_eq!(once(&world).await, Exit::Success);
    world.good_token().await;
    world.account_token("sales").await;
    assert!(!world.account_file("hr").exists());
    world.config.single = None;
    assert_eq!(once(&world).await, Exit::Success);
    set_password(&world, "sales", "wrong-password-96");
    world.control.revoke_all_tokens();
    assert_eq!(once(&world).await, Exit::Failure);
}
