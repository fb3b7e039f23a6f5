use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::limits::UnprovenLimits;

fn connections(
    connections_max: usize,
    per_address_max: usize,
    idle_connections_max: usize,
) -> Arc<Connections> {
    let unproven = Some(UnprovenLimits { idle_max: Duration::from_secs(10), per_address_max });
    let limits = Limits { connections_max, idle_connections_max, unproven, ..Limits::default() };
    Connections::new(limits, "10.9.0.0/16".parse().unwrap())
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn is_evicted(connection: &Connection) -> bool {
    connection.entry.evicted.is_cancelled()
}

#[test]
fn one_more_connection_from_an_address_closes_its_oldest_without_a_key() {
    let all = connections(100, 2, 50);
    let (first, second) = (all.open(ip("192.0.2.1")), all.open(ip("192.0.2.1")));
    let (other, proxied) = (all.open(ip("192.0.2.2")), [(); 5].map(|()| all.open(ip("10.9.0.1"))));
    let asked = first.begin();
    first.prove();
    drop(asked);
    let third = all.open(ip("::ffff:192.0.2.1"));
    assert!(
        ![&first, &second, &third].into_iter().any(is_evicted),
        "one of the three has shown its key"
    );
    let fourth = all.open(ip("192.0.2.1"));
    assert!(is_evicted(&second) && ![&first, &third, &fourth, &other].into_iter().any(is_evicted));
    assert!(proxied.iter().all(|proxied| !is_evicted(proxied)), "a proxy speaks for many");
}

#[test]
fn a_whole_ipv6_network_is_one_address() {
    let all = connections(100, 1, 50);
    let first = all.open(ip("2001:db8::1"));
    let other = all.open(ip("2001:db8:0:1::1"));
    let second = all.open(ip("2001:db8::2"));
    assert!(is_evicted(&first) && !is_evicted(&second) && !is_evicted(&other));
}

#[test]
fn the_longest_idle_connection_is_closed_and_busy_ones_stay() {
    let all = connections(100, 9, 2);
    let open = [(); 4].map(|()| all.open(ip("192.0.2.1")));
    let mut busy: Vec<_> = open.iter().map(|connection| Some(connection.begin())).collect();
    for connection in &open {
        connection.prove();
    }
    for resting in [3, 0, 1] {
        busy[resting] = None;
    }
    assert_eq!(open.iter().map(is_evicted).collect::<Vec<_>>(), [false, false, false, true]);
    // A second request: the idle time counts from its end.
    drop(open[0].begin());
    busy[2] = None;
    assert_eq!(open.iter().map(is_evicted).collect::<Vec<_>>(), [false, true, false, true]);
}

#[tokio::test(start_paused = true)]
async fn connections_without_a_key_lose_their_place_first() {
    let all = connections(3, 9, 3);
    let take = async |address: &str| (all.place(ip(address)).await.unwrap(), all.open(ip(address)));
    let (stranger, idle, busy) =
        (take("192.0.2.1").await, take("192.0.2.2").await, take("192.0.2.3").await);
    for known in [&idle.1, &busy.1] {
        known.prove();
    }
    drop(idle.1.begin());
    let _asking = busy.1.begin();
    for (closed, address) in [(stranger, "192.0.2.4"), (idle, "192.0.2.5")] {
        let wanted = tokio::time::timeout(Duration::from_secs(9), all.place(ip(address)));
        tokio::pin!(wanted);
        assert!(futures_util::poll!(wanted.as_mut()).is_pending());
        assert!(is_evicted(&closed.1), "{address}");
        closed.1.close();
        drop(closed.0);
        let (place, connection) = (wanted.await.unwrap().unwrap(), all.open(ip(address)));
        // Has a key and is busy, so that it is not the next to be closed.
        connection.prove();
        std::mem::forget((place, connection.begin()));
    }
    assert!(!is_evicted(&busy.1));
    assert!(
        tokio::time::timeout(Duration::from_secs(9), all.place(ip("192.0.2.6"))).await.is_err(),
        "all are busy: it waits"
    );
}
