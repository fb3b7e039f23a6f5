//! The usual setting of a test: a gateway, in front of a sandbox that plays Dremio.

use dremio_sandbox::{Sandbox, SandboxConfig};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use token_file::{Token, TokenId, Writer};

use crate::support::{Client, Gateway, eventually, http};

/// A sandbox, and a gateway in front of it with a token that the sandbox gave.
pub(crate) struct Setting {
    pub(crate) sandbox: Sandbox,
    pub(crate) gateway: Gateway,
    pub(crate) client: Client,
}

impl Setting {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
        let gateway = Gateway::start_with(&sandbox.uri(), settings).await;
        gateway.has_engine().await;
        let client = gateway.client().await;
        let setting = Self { sandbox, gateway, client };
        setting.rotate().await;
        setting
    }

    /// Logs in at the sandbox as another user, and writes the token to `file` beside the others.
    pub(crate) async fn log_in_as(&self, user: &str, password: &str, file: &str) {
        let body = json!({ "userName": user, "password": password });
        let login = http().post(format!("{}/apiv2/login", self.sandbox.uri())).json(&body);
        let login: Value = login.send().await.unwrap().json().await.unwrap();
        let token = SecretString::from(login["token"].as_str().unwrap().to_owned());
        let expires_at = Timestamp::from_millisecond(login["expires"].as_i64().unwrap()).unwrap();
        let file = self.gateway.folder.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        Writer::open(file).unwrap().write(&Token::new(token, expires_at)).unwrap();
    }

    /// Logs in at the sandbox and writes the new token, as the refresher would.
    pub(crate) async fn rotate(&self) -> String {
        let body = json!({ "userName": "dremio", "password": "dremio123" });
        let login: Value = http()
            .post(format!("{}/apiv2/login", self.sandbox.uri()))
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let token = login["token"].as_str().unwrap().to_owned();
        let expires_at = Timestamp::from_millisecond(login["expires"].as_i64().unwrap()).unwrap();
        let id = self.write(&token, expires_at).to_string();
        let shown = async || {
            self.gateway.readiness().await["conditions"]["token"]["message"]
                .as_str()
                .is_some_and(|text| text.contains(&id))
        };
        eventually("the gateway uses the new token", shown).await;
        token
    }

    pub(crate) fn write(&self, token: &str, expires_at: Timestamp) -> TokenId {
        let token = Token::new(SecretString::from(token.to_owned()), expires_at);
        Writer::open(self.gateway.folder.path().join("token.json")).unwrap().write(&token).unwrap();
        token.id()
    }

    pub(crate) async fn token_reason_becomes(&self, reason: &str) {
        eventually(&format!("readiness says {reason}"), async || {
            self.gateway.readiness().await["conditions"]["token"]["reason"] == reason
        })
        .await;
    }

    /// What the child gets for a GET: the status line and the body.
    pub(crate) async fn get(&self, path: &str) -> String {
        self.client.text("dremio", json!({ "path": path })).await
    }
}
