//! A client that subscribes to a resource, and hears of its change.

use anyhow::Context;

use super::super::ANSWER_WAIT_MAX;
use super::super::judge;
use super::super::tally::Outcome;
use super::Worker;
use crate::mcp::{Client, Era};

impl Worker {
    /// Subscribes to a resource of its own, and makes the child say that something in
    /// it has changed.
    pub(super) async fn watch(&mut self) -> Outcome {
        let mut client = match self.client().await {
            Ok(client) => client,
            Err(lost) => return lost,
        };
        match tokio::time::timeout(ANSWER_WAIT_MAX, self.watch_with(&mut client)).await {
            Ok(Ok(outcome)) => {
                self.connection = Some(client);
                outcome
            }
            Ok(Err(cause)) => Outcome::Lost(format!("{cause:#}")),
            Err(_) => Outcome::Lost("no update in time".into()),
        }
    }

    async fn watch_with(&mut self, client: &mut Client) -> anyhow::Result<Outcome> {
        let (uri, id) = (format!("fixture://{}", self.number), self.id());
        let changed = format!("{uri}/{}", self.calls);
        let mut listener = Client::silent(&self.endpoint, self.era).await?;
        if self.era == Era::Legacy {
            listener.resume(client.session().context("no session")?);
            let answer = client.subscription(id, "resources/subscribe", &uri).await?;
            if answer.reply()?.error.is_some() {
                return Ok(judge::error(&answer, id));
            }
        }
        let mut news = listener.listen(Some(&uri)).await?;
        if self.era == Era::Modern && !news.next().await?.contains(&uri) {
            // The child was lost when it was asked.
            return Ok(Outcome::Documented("engine_lost"));
        }
        let arguments = format!(
            r#"{{"method":"notifications/resources/updated","params":{{"uri":"{changed}"}}}}"#
        );
        let answer = client.call(id, "notify", &arguments, None).await?;
        match judge::text(&answer, id, "done") {
            Outcome::Right => {}
            other => return Ok(other),
        }
        loop {
            let message = news.next().await?;
            match judge::update(&message, &uri) {
                Some(updated) if updated == changed => break,
                // An older one, or the gateway's hint after the child was lost.
                Some(_) => {}
                None => return Ok(Outcome::Wrong(format!("not of {uri}: {message}"))),
            }
        }
        if self.era == Era::Legacy && self.chance.bool() {
            let answer = client.subscription(id, "resources/unsubscribe", &uri).await?;
            if answer.reply()?.error.is_some() {
                return Ok(judge::error(&answer, id));
            }
        }
        Ok(Outcome::Right)
    }
}
