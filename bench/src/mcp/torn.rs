//! A stream that breaks off in the middle, and is read on over another connection (2025-11-25,
//! "Resumability and Redelivery").

use anyhow::Context;
use http::{HeaderName, HeaderValue, Method};
use http_body_util::BodyExt;

use super::{Answer, Client, is_stream, messages};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What came of a call whose stream was left after its first event.
#[derive(Debug)]
pub(crate) enum Torn {
    /// There was no stream with ids to leave.
    Whole(Answer),
    /// The messages before the end, and how to go on.
    Half { messages: Vec<String>, last_event_id: HeaderValue },
}

impl Client {
    /// Calls a tool and leaves the stream of its answer as soon as an event has come. The
    /// connection is of no use any more then.
    ///
    /// # Errors
    /// When the connection ends by itself.
    pub(crate) async fn call_and_leave(
        &mut self,
        id: &str,
        tool: &'static str,
        arguments: &str,
        token: &str,
    ) -> anyhow::Result<Torn> {
        let params = self.tool_params(tool, arguments, Some(token));
        let response = self.post(id, "tools/call", Some(tool), &params).await?;
        if !is_stream(&response) {
            return Answer::read(response, self.era).await.map(Torn::Whole);
        }
        let status = response.status().as_u16();
        let mut body = response.into_body();
        let mut text = String::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.context("the stream broke off by itself")?;
            let Ok(data) = frame.into_data() else { continue };
            text.push_str(std::str::from_utf8(&data)?);
            // Only whole events count, so that what was seen and the id belong together.
            let Some((whole, _half)) = text.rsplit_once("\n\n") else { continue };
            if let Some(last) =
                whole.lines().filter_map(|line| line.strip_prefix("id: ")).next_back()
            {
                return Ok(Torn::Half {
                    last_event_id: HeaderValue::from_str(last)?,
                    messages: messages(whole),
                });
            }
        }
        Ok(Torn::Whole(Answer { era: self.era, status, messages: messages(&text) }))
    }

    /// The rest of the stream that has the event `last_event_id`.
    ///
    /// # Errors
    /// When the connection ends first.
    pub(crate) async fn read_on(&mut self, last_event_id: HeaderValue) -> anyhow::Result<Answer> {
        let mut headers = self.headers.clone();
        headers.insert(LAST_EVENT_ID, last_event_id);
        let response = self.send(Method::GET, headers, String::new()).await?;
        Answer::read(response, self.era).await
    }
}
