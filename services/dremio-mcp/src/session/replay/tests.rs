use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::Instant;

use super::{Lost, READERS_MAX, RETURN_MAX, Replay, Shutdown, Start};

const KEPT_BYTES_MAX: usize = 4096;

async fn text(response: axum::response::Response) -> String {
    String::from_utf8(
        axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec(),
    )
    .unwrap()
}

#[tokio::test]
async fn a_returning_reader_gets_what_it_missed() {
    let replay = Replay::of_news(KEPT_BYTES_MAX).unwrap();
    for message in ["", "one", "two"] {
        replay.push(message.to_owned().into());
    }
    replay.finish();
    let all = text(replay.read(Start::After(0), ())).await;
    let ids: Vec<_> = all.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert_eq!(ids.len(), 3, "{all}");
    assert!(all.contains("data: \n\n") && all.ends_with("data: two\n\n"), "{all}");
    let rest = text(replay.read(Start::After(replay.number_of(ids[1]).unwrap()), ())).await;
    assert!(rest.contains("two") && !rest.contains("one"), "{rest}");
    for foreign in ["", "x", "x-1", &format!("{}9", ids[2]), &ids[0].replace('-', "")] {
        assert_eq!(replay.number_of(foreign), None, "{foreign}");
    }
}

#[tokio::test]
async fn an_event_id_shows_which_stream_was_lost() {
    let first_id = async |replay: &std::sync::Arc<Replay>| {
        replay.push("one".to_owned().into());
        replay.finish();
        let all = text(replay.read(Start::After(0), ())).await;
        all.lines().find_map(|line| line.strip_prefix("id: ").map(str::to_owned)).unwrap()
    };
    assert_eq!(Lost::of(&first_id(&Replay::of_news(KEPT_BYTES_MAX).unwrap()).await), Lost::News);
    for raw in ["1", "-7", "\"a.b-c \u{e9}\"", &format!("\"{}\"", "x".repeat(200))] {
        let replay = Replay::of_call(raw, KEPT_BYTES_MAX).unwrap();
        let id = first_id(&replay).await;
        assert!(id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
        assert_eq!(Lost::of(&id), Lost::Call(raw.to_owned()));
        assert!(replay.is_over_after(replay.number_of(&id).unwrap()) && !replay.is_over_after(0));
    }
    let endless = format!("\"{}\"", "x".repeat(1000));
    assert_eq!(
        Lost::of(&first_id(&Replay::of_call(&endless, KEPT_BYTES_MAX).unwrap()).await),
        Lost::Over
    );
    assert_eq!(Lost::of(Lost::OVER), Lost::Over);
    // An id made up by a client: nothing of it reaches a message.
    for (made_up, expected) in [
        ("", Lost::News),
        ("x-1", Lost::News),
        ("0123456789abcdef-3", Lost::News),
        ("call.MSwiYSI6MQ.x-1", Lost::Over),
        ("call.bnVsbA.x-1", Lost::Over),
        ("call.e30.x-1", Lost::Over),
        ("call.!.x-1", Lost::Over),
        ("call", Lost::News),
    ] {
        assert_eq!(Lost::of(made_up), expected, "{made_up}");
    }
}

/// What a reader gets until it would have to wait.
async fn given(body: &mut axum::body::BodyDataStream) -> String {
    let mut text = String::new();
    while let Poll::Ready(Some(chunk)) = futures_util::poll!(body.next()) {
        text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
    text
}

#[tokio::test]
async fn only_the_newest_reader_gets_events_and_an_older_one_takes_over() {
    let replay = Replay::of_news(KEPT_BYTES_MAX).unwrap();
    let open = |start| replay.read(start, ()).into_body().into_data_stream();
    let mut older = open(Start::Unread);
    replay.push("one".to_owned().into());
    assert!(given(&mut older).await.contains("one"));
    let mut newer = open(Start::Unread);
    replay.push("two".to_owned().into());
    assert_eq!(given(&mut older).await, "");
    assert!(given(&mut newer).await.contains("two"));
    replay.push("three".to_owned().into());
    drop(newer);
    let rest = given(&mut older).await;
    assert!(rest.contains("three") && !rest.contains("two"), "{rest}");
    // Events without a reader wait for the next one.
    drop(older);
    replay.push("four".to_owned().into());
    let mut later = open(Start::Unread);
    let rest = given(&mut later).await;
    assert!(rest.contains("four") && !rest.contains("three"), "{rest}");
}

#[tokio::test]
async fn the_number_of_readers_is_limited() {
    let replay = Replay::of_news(KEPT_BYTES_MAX).unwrap();
    let mut readers: Vec<_> = (0..=READERS_MAX)
        .map(|_| replay.read(Start::Unread, ()).into_body().into_data_stream())
        .collect();
    assert!(readers[0].next().await.is_none(), "the oldest is ended");
    assert!(futures_util::poll!(readers[1].next()).is_pending());
}

#[tokio::test]
async fn kept_events_are_limited_and_the_answer_stays() {
    let replay = Replay::of_news(KEPT_BYTES_MAX).unwrap();
    for _ in 0..40 {
        replay.push("p".repeat(KEPT_BYTES_MAX / 16).into());
    }
    replay.push("a".repeat(2 * KEPT_BYTES_MAX).into());
    replay.finish();
    let kept = text(replay.read(Start::After(0), ())).await;
    assert!(kept.contains("aaaa") && !kept.contains("pppp"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_readers_is_abandoned() {
    let replay = Replay::of_news(KEPT_BYTES_MAX).unwrap();
    let started = Instant::now();
    let reader = replay.read(Start::After(0), ());
    let returning = replay.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(reader);
        tokio::time::sleep(Duration::from_secs(10)).await;
        let again = returning.read(Start::After(0), ());
        tokio::time::sleep(Duration::from_secs(10)).await;
        drop(again);
    });
    replay.abandoned(&Shutdown::new()).await;
    assert_eq!(started.elapsed(), Duration::from_secs(80) + RETURN_MAX);
    replay.finish();
    assert!(!replay.is_stale());
    tokio::time::sleep(RETURN_MAX * 2).await;
    assert!(replay.is_stale());
}
