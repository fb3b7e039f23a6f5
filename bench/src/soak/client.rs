//! One client of the mixed run. All clients use the same few ids and progress tokens, so that an
//! answer or progress that reaches the wrong client is noticed there.

mod watch;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

use super::ANSWER_WAIT_MAX;
use super::judge;
use super::tally::{Outcome, Tally};
use crate::mcp::{Answer, Client, Endpoint, Era, Torn};

/// Every shape that an id may have, over and over again.
const IDS: [&str; 6] = ["1", r#""1""#, "0", "-7", r#""a \"b\" é""#, "9007199254740993"];

const TOKENS: [&str; 4] = ["1", r#""1""#, "0", r#""p""#];

/// Between two calls of a client.
const PAUSE_MS: std::ops::Range<u64> = 0..60;

/// A client, and what it needs to be one again after it has vanished.
pub(super) struct Worker {
    endpoint: Endpoint,
    era: Era,
    number: usize,
    chance: fastrand::Rng,
    tally: Arc<Tally>,
    connection: Option<Client>,
    /// A legacy client goes on with its session over another connection.
    session: Option<HeaderValue>,
    calls: u64,
}

impl Worker {
    pub(super) fn new(
        endpoint: Endpoint,
        era: Era,
        number: usize,
        chance: fastrand::Rng,
        tally: Arc<Tally>,
    ) -> Self {
        Self { endpoint, era, number, chance, tally, connection: None, session: None, calls: 0 }
    }

    /// Calls until `end`.
    pub(super) async fn run(mut self, end: Instant) {
        while Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(self.chance.u64(PAUSE_MS))).await;
            self.calls += 1;
            let (action, outcome) = match self.chance.u8(0..100) {
                0..40 => ("echo", self.echo().await),
                40..60 => ("delay", self.delay().await),
                60..72 => ("progress", self.progress().await),
                72..78 => ("list", self.list().await),
                78..86 => ("cancel", self.cancel().await),
                86..89 if self.era == Era::Legacy => ("resume", self.resume().await),
                86..94 => ("disconnect", self.disconnect().await),
                94..97 => ("watch", self.watch().await),
                _ => ("renew", self.renew().await),
            };
            if matches!(outcome, Outcome::Lost(_) | Outcome::Wrong(_)) {
                self.connection = None;
            }
            self.tally.count(action, &outcome);
        }
        if self.era == Era::Legacy
            && let Ok(mut client) = self.client().await
        {
            let _ = tokio::time::timeout(Duration::from_secs(5), client.delete()).await;
        }
    }

    async fn echo(&mut self) -> Outcome {
        let mut text = self.unique();
        if self.chance.u8(0..20) == 0 {
            text.push_str(&"large ".repeat(self.chance.usize(1000..30_000)));
        }
        self.text("echo", &text, 0).await
    }

    async fn delay(&mut self) -> Outcome {
        let (text, ms) = (self.unique(), self.chance.u64(0..400));
        self.text("delay", &text, ms).await
    }

    async fn text(&mut self, tool: &str, text: &str, ms: u64) -> Outcome {
        let (id, arguments) = (self.id(), arguments(text, ms));
        let mut client = match self.client().await {
            Ok(client) => client,
            Err(lost) => return lost,
        };
        let outcome = match call(&mut client, id, tool, &arguments, None).await {
            Ok(answer) => judge::text(&answer, id, text),
            Err(lost) => return lost,
        };
        self.connection = Some(client);
        outcome
    }

    async fn progress(&mut self) -> Outcome {
        // How many steps tells clients apart that use the same token.
        let steps = u64::try_from(self.number % 24).unwrap_or_default() + 1;
        let (id, token, ms) = (self.id(), self.token(), self.chance.u64(0..12));
        let mut client = match self.client().await {
            Ok(client) => client,
            Err(lost) => return lost,
        };
        let arguments = format!(r#"{{"steps":{steps},"ms":{ms}}}"#);
        let answer = match call(&mut client, id, "progress", &arguments, Some(token)).await {
            Ok(answer) => answer,
            Err(lost) => return lost,
        };
        self.connection = Some(client);
        self.judge_progress(&answer, id, token, steps)
    }

    /// Judges the whole answer of a call with progress. How much of it came is counted where the
    /// call was answered.
    fn judge_progress(&self, answer: &Answer, id: &str, token: &str, steps: u64) -> Outcome {
        match (judge::progress(answer, token, steps), judge::text(answer, id, "done")) {
            (Err(foreign), _) => Outcome::Wrong(foreign),
            (Ok(came), Outcome::Right) => {
                self.tally.progress(came, steps);
                Outcome::Right
            }
            (Ok(_), outcome) => outcome,
        }
    }

    async fn list(&mut self) -> Outcome {
        let id = self.id();
        let mut client = match self.client().await {
            Ok(client) => client,
            Err(lost) => return lost,
        };
        let Ok(answer) = tokio::time::timeout(ANSWER_WAIT_MAX, client.list(id)).await else {
            return Outcome::Lost("tools/list: no answer in time".into());
        };
        let outcome = match answer {
            Ok(answer) => {
                let is_own = answer.reply().is_ok_and(|reply| {
                    reply.id.is_some_and(|own| own.get() == id) && reply.error.is_none()
                });
                let is_list = answer
                    .messages
                    .last()
                    .is_some_and(|text| text.contains(r#""name":"progress""#));
                if is_own && is_list { Outcome::Right } else { judge::error(&answer, id) }
            }
            Err(cause) => return Outcome::Lost(format!("tools/list: {cause:#}")),
        };
        self.connection = Some(client);
        outcome
    }

    /// Legacy clients say that they do not want the answer any more; modern ones close the
    /// connection.
    async fn cancel(&mut self) -> Outcome {
        if self.era == Era::Modern {
            return self.disconnect().await;
        }
        let (id, text, wait) =
            (self.id(), self.unique(), Duration::from_millis(self.chance.u64(0..300)));
        let mut client = match self.client().await {
            Ok(client) => client,
            Err(lost) => return lost,
        };
        let Some(session) = client.session() else { return Outcome::Wrong("no session".into()) };
        let endpoint = self.endpoint.clone();
        let cancelling = async move {
            tokio::time::sleep(wait).await;
            let mut other = Client::silent(&endpoint, Era::Legacy).await?;
            other.resume(session);
            other
                .notify(
                    "notifications/cancelled",
                    &format!(r#"{{"requestId":{id},"reason":"changed its mind"}}"#),
                )
                .await
        };
        let arguments = arguments(&text, 2000);
        let (answer, cancelled) =
            tokio::join!(call(&mut client, id, "delay", &arguments, None), cancelling);
        let answer = match (answer, cancelled) {
            (Ok(answer), Ok(true)) => answer,
            (Ok(_), Ok(false)) => {
                return Outcome::Wrong("notifications/cancelled was refused".into());
            }
            (Ok(_), Err(cause)) => {
                return Outcome::Lost(format!("notifications/cancelled: {cause:#}"));
            }
            (Err(lost), _) => return lost,
        };
        self.connection = Some(client);
        // A cancellation may overtake its call, which then goes on.
        if answer.messages.is_empty() {
            Outcome::Cancelled
        } else {
            judge::text(&answer, id, &text)
        }
    }

    /// Vanishes in the middle of a call.
    async fn disconnect(&mut self) -> Outcome {
        let (id, text, patience) =
            (self.id(), self.unique(), Duration::from_millis(self.chance.u64(0..300)));
        let mut client = match self.client().await {
            Ok(client) => client,
            Err(lost) => return lost,
        };
        let arguments = arguments(&text, self.chance.u64(100..2000));
        match tokio::time::timeout(patience, call(&mut client, id, "delay", &arguments, None)).await
        {
            Ok(Ok(answer)) => judge::text(&answer, id, &text),
            Ok(Err(lost)) => lost,
            Err(_) => Outcome::Left,
        }
    }

    /// Loses the connection in the middle of a stream, and reads on over another one.
    async fn resume(&mut self) -> Outcome {
        let steps = u64::try_from(self.number % 24).unwrap_or_default() + 2;
        let (id, token, away) =
            (self.id(), self.token(), Duration::from_millis(self.chance.u64(0..200)));
        let mut client = match self.client().await {
            Ok(client) => client,
            Err(lost) => return lost,
        };
        let arguments = format!(r#"{{"steps":{steps},"ms":10}}"#);
        let torn = tokio::time::timeout(
            ANSWER_WAIT_MAX,
            client.call_and_leave(id, "progress", &arguments, token),
        )
        .await;
        drop(client);
        let (mut messages, last_event_id) = match torn {
            Ok(Ok(Torn::Half { messages, last_event_id })) => (messages, last_event_id),
            Ok(Ok(Torn::Whole(answer))) => return judge::text(&answer, id, "done"),
            Ok(Err(cause)) => return Outcome::Lost(format!("{cause:#}")),
            Err(_) => return Outcome::Lost("no event in time".into()),
        };
        tokio::time::sleep(away).await;
        let mut client = match self.client().await {
            Ok(client) => client,
            Err(lost) => return lost,
        };
        let mut answer =
            match tokio::time::timeout(ANSWER_WAIT_MAX, client.read_on(last_event_id)).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(cause)) => return Outcome::Lost(format!("{cause:#}")),
                Err(_) => return Outcome::Lost("no rest in time".into()),
            };
        self.connection = Some(client);
        messages.append(&mut answer.messages);
        answer.messages = messages;
        self.judge_progress(&answer, id, token, steps)
    }

    /// Ends the session, if there is one, and begins anew.
    async fn renew(&mut self) -> Outcome {
        let mut client = match self.client().await {
            Ok(client) => client,
            Err(lost) => return lost,
        };
        if self.era == Era::Legacy {
            let deleted = tokio::time::timeout(ANSWER_WAIT_MAX, client.delete()).await;
            if !matches!(deleted, Ok(Ok(true))) {
                return Outcome::Lost(format!("DELETE: {deleted:?}"));
            }
        }
        self.session = None;
        drop(client);
        match self.client().await {
            Ok(client) => {
                self.connection = Some(client);
                Outcome::Right
            }
            Err(lost) => lost,
        }
    }

    /// The connection, or a new one, with the session that there was.
    async fn client(&mut self) -> Result<Client, Outcome> {
        if let Some(client) = self.connection.take() {
            return Ok(client);
        }
        let connecting = async {
            match self.session.clone() {
                Some(session) => {
                    let mut client = Client::silent(&self.endpoint, self.era).await?;
                    client.resume(session);
                    Ok(client)
                }
                None => Client::connect(&self.endpoint, self.era).await,
            }
        };
        let client = tokio::time::timeout(ANSWER_WAIT_MAX, connecting)
            .await
            .map_err(|_| Outcome::Lost("no handshake in time".into()))?;
        let client = client
            .map_err(|cause: anyhow::Error| Outcome::Lost(format!("no connection: {cause:#}")))?;
        self.session = client.session();
        Ok(client)
    }

    fn id(&mut self) -> &'static str {
        self.chance.choice(IDS).unwrap_or("1")
    }

    fn token(&mut self) -> &'static str {
        self.chance.choice(TOKENS).unwrap_or("1")
    }

    /// A text that no other client sends.
    fn unique(&self) -> String {
        format!("client {} call {} \"é\u{2028}\n", self.number, self.calls)
    }
}

fn arguments(text: &str, ms: u64) -> String {
    format!(r#"{{"text":{},"ms":{ms}}}"#, serde_json::Value::from(text))
}

/// A call that has to end in time. Cancel safe as [`Client::call`] is.
///
/// # Errors
/// When it does not, or breaks.
pub(super) async fn call(
    client: &mut Client,
    id: &str,
    tool: &str,
    arguments: &str,
    token: Option<&str>,
) -> Result<Answer, Outcome> {
    match tokio::time::timeout(ANSWER_WAIT_MAX, client.call(id, tool, arguments, token)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(cause)) => Err(Outcome::Lost(format!("{tool} {id}: {cause:#}"))),
        Err(_) => Err(Outcome::Lost(format!("{tool} {id}: no answer in time"))),
    }
}
