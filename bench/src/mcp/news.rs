//! The stream for messages that belong to no call: `GET`, or `subscriptions/listen`.

use std::collections::VecDeque;

use anyhow::{Context, ensure};
use http::{HeaderValue, Method};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::{Client, Era, METHOD, MODERN_META, messages};

/// An open stream.
pub(crate) struct News {
    body: Incoming,
    text: String,
    read: VecDeque<String>,
}

impl Client {
    /// Opens the stream; a modern one for the tools and for `resource`, if one is given. The
    /// connection serves nothing else then.
    ///
    /// # Errors
    /// When the server does not offer it.
    pub(crate) async fn listen(&mut self, resource: Option<&str>) -> anyhow::Result<News> {
        let response = match self.era {
            Era::Legacy => self.send(Method::GET, self.headers.clone(), String::new()).await?,
            Era::Modern => {
                let mut headers = self.headers.clone();
                headers.insert(METHOD, HeaderValue::from_static("subscriptions/listen"));
                let resource = resource
                    .map(|uri| format!(r#","resourceSubscriptions":["{uri}"]"#))
                    .unwrap_or_default();
                let params = format!(
                    concat!(
                        r#"{{"notifications":{{"toolsListChanged":true{resource}}},"#,
                        r#""_meta":{{{meta}}}}}"#,
                    ),
                    resource = resource,
                    meta = MODERN_META,
                );
                let body = format!(
                    concat!(
                        r#"{{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","#,
                        r#""params":{params}}}"#,
                    ),
                    params = params,
                );
                self.send(Method::POST, headers, body).await?
            }
        };
        ensure!(response.status().is_success(), "no stream: {}", response.status());
        Ok(News { body: response.into_body(), text: String::new(), read: VecDeque::new() })
    }
}

impl News {
    /// The next message, waiting for it. Cancel safe.
    ///
    /// # Errors
    /// When the stream ends.
    pub(crate) async fn next(&mut self) -> anyhow::Result<String> {
        loop {
            if let Some(message) = self.read.pop_front() {
                return Ok(message);
            }
            let frame = self.body.frame().await.context("the stream has ended")??;
            let Ok(data) = frame.into_data() else { continue };
            self.text.push_str(std::str::from_utf8(&data)?);
            // Only whole events count.
            if let Some((whole, half)) = self.text.rsplit_once("\n\n") {
                self.read = messages(whole).into();
                self.text = half.to_owned();
            }
        }
    }
}
