//! What an answer is worth: the right one, a documented error, or one that must not be.

use serde::Deserialize;

use super::tally::Outcome;
use crate::mcp::Answer;

/// The documented reasons in errors when the child fails, and how the gateway's errors
/// name them.
const DOCUMENTED: [&str; 5] =
    ["engine_lost", "engine_not_ready", "answer_too_large", "call_timed_out", "busy"];

#[derive(Deserialize)]
struct Error<'a> {
    #[serde(borrow)]
    data: Option<Data<'a>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    reason: Option<&'a str>,
}

#[derive(Deserialize)]
struct Notification<'a> {
    method: &'a str,
    #[serde(borrow)]
    params: Progress<'a>,
}

#[derive(Deserialize)]
struct Progress<'a> {
    #[serde(borrow, rename = "progressToken")]
    token: &'a serde_json::value::RawValue,
    progress: u64,
    total: u64,
}

#[derive(Deserialize)]
struct Update<'a> {
    method: &'a str,
    #[serde(borrow)]
    params: Updated<'a>,
}

#[derive(Deserialize)]
struct Updated<'a> {
    uri: &'a str,
}

/// The resource that `message` says has changed, if it is `uri` or a part of it.
pub(super) fn update<'m>(message: &'m str, uri: &str) -> Option<&'m str> {
    let update = serde_json::from_str::<Update<'_>>(message)
        .ok()
        .filter(|update| update.method == "notifications/resources/updated")?;
    let is_own = update
        .params
        .uri
        .strip_prefix(uri)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    is_own.then_some(update.params.uri)
}

/// Judges the answer to the call with the raw `id`, which must say just `text`.
pub(super) fn text(answer: &Answer, id: &str, text: &str) -> Outcome {
    if answer.status == 200 && answer.is_text(id, text) {
        Outcome::Right
    } else {
        error(answer, id)
    }
}

/// Judges an answer that may only be a documented error.
pub(super) fn error(answer: &Answer, id: &str) -> Outcome {
    let wrong = || Outcome::Wrong(format!("to {id}: {} {:.400?}", answer.status, answer.messages));
    let Ok(reply) = answer.reply() else { return wrong() };
    let own = answer.status == 200 && reply.id.is_some_and(|own| own.get() == id);
    let reason = reply
        .error
        .and_then(|error| serde_json::from_str::<Error<'_>>(error.get()).ok()?.data?.reason);
    match reason.and_then(|reason| DOCUMENTED.into_iter().find(|known| *known == reason)) {
        Some(reason) if own => Outcome::Documented(reason),
        _ => wrong(),
    }
}

/// The progress in `answer`, which must be all of one call: of `total` steps, under the raw
/// `token`, in order.
///
/// # Errors
/// What is not.
pub(super) fn progress(answer: &Answer, token: &str, total: u64) -> Result<u64, String> {
    let (mut count, mut last) = (0, 0);
    let before_the_answer = answer.messages.len().saturating_sub(1);
    for message in answer.messages.iter().take(before_the_answer) {
        let own = serde_json::from_str::<Notification<'_>>(message).is_ok_and(|said| {
            let in_order = said.params.progress > last;
            last = said.params.progress;
            said.method == "notifications/progress"
                && said.params.token.get() == token
                && said.params.total == total
                && in_order
        });
        if !own {
            return Err(format!("not progress {token} of {total} after {last}: {message}"));
        }
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::super::tally::Outcome;
    use super::{Answer, progress, text};
    use crate::mcp::Era;

    fn answer(messages: &[&str]) -> Answer {
        Answer {
            era: Era::Legacy,
            status: 200,
            messages: messages.iter().map(|&text| text.to_owned()).collect(),
        }
    }

    #[test]
    fn only_the_own_answer_is_right() {
        let good =
            r#"{"jsonrpc":"2.0","id":"a","result":{"content":[{"type":"text","text":"mine"}]}}"#;
        let lost = r#"{"jsonrpc":"2.0","id":"a",
            "error":{"code":-32603,"message":"m","data":{"reason":"engine_lost"}}}"#;
        for (message, id, expected, is_right) in [
            (good, r#""a""#, "mine", Some(Outcome::Right)),
            (good, r#""b""#, "mine", None),
            (good, r#""a""#, "other", None),
            (lost, r#""a""#, "mine", Some(Outcome::Documented("engine_lost"))),
            (lost, "1", "mine", None),
            ("", "1", "mine", None),
        ] {
            let judged = text(&answer(&[message]), id, expected);
            assert_eq!(
                Some(&judged).filter(|judged| !matches!(judged, Outcome::Wrong(_))),
                is_right.as_ref(),
                "{message} {id}"
            );
        }
    }

    #[test]
    fn updates_are_of_ones_own_resource() {
        let update = |uri: &str| {
            format!(
                concat!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated","#,
                    r#""params":{{"uri":"{uri}"}}}}"#,
                ),
                uri = uri,
            )
        };
        assert_eq!(super::update(&update("x:1"), "x:1"), Some("x:1"));
        assert_eq!(super::update(&update("x:1/2"), "x:1"), Some("x:1/2"));
        assert_eq!(super::update(&update("x:12"), "x:1"), None);
        assert_eq!(
            super::update(
                r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
                "x:1"
            ),
            None
        );
    }

    #[test]
    fn progress_is_of_one_call_and_in_order() {
        let step = |token: &str, step: u64, total: u64| {
            format!(
                concat!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/progress","#,
                    r#""params":{{"progressToken":{token},"progress":{step},"total":{total}}}}}"#,
                ),
                token = token,
                step = step,
                total = total,
            )
        };
        let (one, two) = (step("1", 1, 3), step("1", 2, 3));
        assert_eq!(progress(&answer(&[&one, &two, "{}"]), "1", 3), Ok(2));
        assert_eq!(progress(&answer(&["{}"]), "1", 3), Ok(0));
        for foreign in [&step("2", 3, 3), &step("1", 3, 4), &one] {
            assert!(progress(&answer(&[&one, &two, foreign, "{}"]), "1", 3).is_err(), "{foreign}");
        }
    }
}
