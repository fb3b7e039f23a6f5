//! The public address: a gateway that runs, and proxies in front of it that do it wrong.

use std::net::SocketAddr;

use token_file::{Token, Writer, gateway_key};

use crate::doctor::{System, check, free_address, warnings};
use crate::doctor_servers::{Proxy, always, proxy};
use crate::support::{Gateway, OTHER_KEY, eventually};

/// A system whose gateway runs, and the gateway's address.
async fn running(settings: &[(&str, &str)]) -> (System, Gateway, SocketAddr) {
    let mut system = System::new().await;
    let (token_file, dremio) = (system.path("token.json"), system.sandbox.uri());
    let (addr, admin) = (free_address(), free_address());
    let mut extra = vec![
        ("MCP_ENGINE", "native"),
        ("TOKEN_FILE", token_file.to_str().unwrap()),
        ("MCP_ADDR", &addr),
        ("ADMIN_ADDR", &admin),
    ];
    extra.extend(settings);
    let gateway = Gateway::start_with(&dremio, &extra).await;
    system.set("MCP_ADDR", addr.clone());
    system.set("ADMIN_ADDR", admin);
    (system, gateway, addr.parse().unwrap())
}

#[tokio::test]
async fn a_gateway_that_runs_is_found() {
    let (mut system, gateway, addr) = running(&[]).await;
    for kind in ["directly", "by a proxy"] {
        let public = if kind == "directly" { addr } else { proxy(addr, Proxy::Right).await };
        system.set("MCP_PUBLIC_URL", format!("http://{public}"));
        let diagnosis = system.examine().await;
        check(kind, &diagnosis, &[]);
        let text = diagnosis.text();
        assert!(text.contains("a gateway listens at") && text.contains("✓ public_url"), "{text}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn proxies_that_do_it_wrong() {
    let (mut system, gateway, addr) = running(&[]).await;
    let moved = "HTTP/1.1 308 Permanent Redirect\r\nlocation: https://mcp.test/mcp\r\n\
                 content-length: 0\r\n\r\n";
    let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>";
    let absent = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    let no_way = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n";
    let authorization = "proxy_set_header Authorization";
    let nobody: SocketAddr = free_address().parse().unwrap();
    for (fault, public, cure) in [
        ("nobody there", nobody, "run: curl -v http://127.0.0.1:"),
        ("no Authorization", proxy(addr, Proxy::DropsAuthorization).await, authorization),
        ("a proxy that buffers", proxy(addr, Proxy::Buffers).await, "proxy_buffering off;"),
        ("another name", proxy(addr, Proxy::OtherHost).await, "set: MCP_ALLOWED_HOSTS=127.0.0.1"),
        ("a redirect", always(moved.as_bytes()).await, "set: MCP_PUBLIC_URL=https://mcp.test"),
        ("a web page", always(page.as_bytes()).await, "proxy_pass"),
        ("another path", always(absent.as_bytes()).await, "proxy_pass"),
        ("a proxy without a gateway", always(no_way.as_bytes()).await, "proxy_pass"),
    ] {
        system.set("MCP_PUBLIC_URL", format!("http://{public}"));
        check(fault, &system.examine().await, &[("public_url", cure)]);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_public_gateway_with_other_keys_or_by_a_name_that_is_not_allowed() {
    let (mut system, gateway, addr) = running(&[]).await;
    system.write("keys", "a-key-that-the-gateway-does-not-have");
    system.set("MCP_PUBLIC_URL", format!("http://{addr}"));
    check("other keys", &system.examine().await, &[("public_url", "proxy_pass")]);
    system.write("keys", OTHER_KEY);
    check("one of its keys", &system.examine().await, &[]);
    system.set("MCP_PUBLIC_URL", "http://mcp.invalid");
    let expected =
        [("hosts", "set: MCP_ALLOWED_HOSTS=mcp.invalid"), ("public_url", "run: curl -v")];
    check("a name that is not allowed", &system.examine().await, &expected);
    gateway.stop().await;
}

#[tokio::test]
async fn gateways_that_do_not_share_the_token_or_the_key() {
    let (mut system, gateway, _) = running(&[]).await;
    system.site.gateways = Some("127.0.0.1".to_owned());
    let diagnosis = system.examine().await;
    check("one volume", &diagnosis, &[]);
    assert!(diagnosis.text().contains("✓ replicas"), "{}", diagnosis.text());
    let nobody = system.settings.clone();
    system.set("ADMIN_ADDR", free_address());
    assert!(warnings(&system.examine().await).iter().any(|(check, _)| *check == "replicas"));
    system.settings = nobody;

    // The same Dremio, and a volume of its own for this process.
    let here = tempfile::tempdir().unwrap();
    let file = here.path().join("token.json");
    let token = token_file::read(&system.path("token.json")).unwrap();
    system.set("TOKEN_FILE", file.to_str().unwrap());
    let cure = format!("change: mount one volume at {}", here.path().display());
    let fault = ("replicas", cure.as_str());

    let no_token = ("token", "run: token-refresher once");
    check("a token there and none here", &system.examine().await, &[no_token, fault]);
    Writer::open(file.clone()).unwrap().write(&token).unwrap();
    gateway_key::ensure(&file).unwrap();
    check("another gateway key", &system.examine().await, &[fault]);

    let shared = system.path(gateway_key::FILE_NAME);
    std::fs::copy(&shared, here.path().join(gateway_key::FILE_NAME)).unwrap();
    check("copies of one token and one key", &system.examine().await, &[]);
    std::fs::remove_file(system.path("token.json")).unwrap();
    gone(&gateway, "token").await;
    check("a token here and none there", &system.examine().await, &[fault]);
    let text = system.examine().await.text();
    assert!(text.contains("sees no token, and there is one here"), "{text}");

    // Another login.
    let other = Token::new("another".to_owned().into(), token.expires_at());
    Writer::open(system.path("token.json")).unwrap().write(&other).unwrap();
    check("another token there", &system.examine().await, &[fault]);
    Writer::open(system.path("token.json")).unwrap().write(&token).unwrap();
    std::fs::remove_file(&shared).unwrap();
    gone(&gateway, "gateway_key").await;
    check("a gateway key here and none there", &system.examine().await, &[fault]);
    system.site.in_container = true;
    let text = system.examine().await.text();
    assert!(text.contains("run: scripts/deploy.sh swarm --shared-tokens"), "{text}");
    gateway.stop().await;
}

/// Waits until the gateway knows that there is none.
async fn gone(gateway: &Gateway, condition: &str) {
    eventually("it is gone", async || {
        gateway.readiness().await["conditions"][condition]["reason"] == "missing"
    })
    .await;
}
