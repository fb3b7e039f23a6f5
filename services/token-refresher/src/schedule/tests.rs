//! The schedule, case by case. Times are written as seconds on both clocks, which start at 0
//! together.

use super::*;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The defaults of the configuration.
fn policy() -> Policy {
    Policy {
        check_interval: Duration::from_secs(5 * MINUTE),
        refresh_before: Duration::from_secs(6 * HOUR),
        retry_initial: Duration::from_secs(1),
        retry_max: Duration::from_secs(5 * MINUTE),
    }
}

fn wall(seconds: u64) -> Timestamp {
    Timestamp::from_second(i64::try_from(seconds).unwrap()).unwrap()
}

fn uptime(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(seconds: u64) -> Moment {
    Moment { wall: wall(seconds), uptime: uptime(seconds) }
}

/// A token issued at `issued` with the lifetime `life`.
fn token(issued: u64, life: u64) -> Held {
    let expires_at = wall(issued + life);
    let life = SignedDuration::from_secs(i64::try_from(life).unwrap());
    Held {
        expires_at,
        renew_at: renew_at(expires_at, Some(life), &policy()),
        since: uptime(issued),
        rejected: false,
    }
}

/// A token of 30 hours, issued at 0.
fn day_token() -> Held {
    token(0, 30 * HOUR)
}

/// The token is in the file and was checked at `checked`.
fn calm(held: Held, checked: u64) -> Situation {
    Situation {
        held: Some(held),
        in_file: true,
        candidate: false,
        file_changed: false,
        checked_at: Some(uptime(checked)),
        check_pause: None,
        login_pause: None,
        write_pause: None,
        requested: Requested::None,
        watch_credentials: true,
    }
}

/// No token; the file was checked at 0.
fn empty() -> Situation {
    Situation { held: None, in_file: false, ..calm(day_token(), 0) }
}

fn rejected(held: Held) -> Held {
    Held { rejected: true, ..held }
}

fn pause(since: u64, until: u64, cause: Cause) -> Option<Pause> {
    Some(Pause { since: uptime(since), until: uptime(until), cause })
}

#[track_caller]
fn check(situation: &Situation, now: Moment, expected: Action) {
    assert_eq!(next(situation, now, &policy()), expected, "{situation:#?} at {now:?}");
}

fn wait(seconds: u64) -> Action {
    Action::Wait(Duration::from_secs(seconds))
}

#[test]
fn start() {
    // The file comes first: a good token in it saves a login.
    let fresh = Situation { checked_at: None, ..empty() };
    check(&fresh, at(0), Action::Check);
    check(&Situation { checked_at: None, ..calm(day_token(), 0) }, at(0), Action::Check);
    // It held nothing usable.
    check(&empty(), at(0), Action::LogIn);
    // An expired or rejected token counts as none.
    check(&calm(token(0, 100), 100), at(100), Action::LogIn);
    check(&calm(rejected(day_token()), 0), at(0), Action::LogIn);
}

#[test]
fn a_good_token() {
    // A wait is at most WAIT_MAX, however far away the next event is.
    check(&calm(day_token(), 0), at(0), wait(1));
    check(&calm(day_token(), 0), at(2), wait(30));
    check(&calm(day_token(), 0), at(5 * MINUTE - 10), wait(10));
    check(&calm(day_token(), 0), at(5 * MINUTE), Action::Check);
    check(&calm(day_token(), 5 * MINUTE), at(5 * MINUTE), wait(30));
}

#[test]
fn renewal() {
    // Six hours before the end of the 30.
    let due = 24 * HOUR;
    check(&calm(day_token(), due - 1), at(due - 7), wait(7));
    check(&calm(day_token(), due - 1), at(due - 1), wait(1));
    check(&calm(day_token(), due - 1), at(due), Action::LogIn);
    // The new token is proven, then written; then nothing is due.
    let obtained = Situation { candidate: true, ..calm(day_token(), due) };
    check(&obtained, at(due), Action::Prove);
    let proven = Situation { in_file: false, ..calm(token(due, 30 * HOUR), due) };
    check(&proven, at(due), Action::Write);
    check(&calm(token(due, 30 * HOUR), due), at(due + 1), wait(30));
}

#[test]
fn renewal_time() {
    let check = |life: u64, refresh_before: u64, expected: u64| {
        let policy = Policy { refresh_before: uptime(refresh_before), ..policy() };
        let life = SignedDuration::from_secs(i64::try_from(life).unwrap());
        assert_eq!(
            renew_at(wall(1_000_000), Some(life), &policy),
            wall(1_000_000 - expected),
            "{life} {refresh_before}"
        );
    };
    check(30 * HOUR, 6 * HOUR, 6 * HOUR);
    check(12 * HOUR, 6 * HOUR, 6 * HOUR);
    // Less than half of the lifetime would be left, so two thirds of it are used.
    check(11 * HOUR, 6 * HOUR, 11 * HOUR / 3);
    check(6 * HOUR + 60, 6 * HOUR, 2 * HOUR + 20);
    check(6 * HOUR, 6 * HOUR, 2 * HOUR);
    check(MINUTE, 6 * HOUR, 20);
    check(3, 6 * HOUR, 1);
    check(30 * HOUR, 0, 0);
    // The age is unknown: the configured time counts.
    assert_eq!(renew_at(wall(1_000_000), None, &policy()), wall(1_000_000 - 6 * HOUR));
    assert_eq!(renew_at(Timestamp::MIN, None, &policy()), Timestamp::MIN);
}

#[test]
fn short_lives() {
    let held = token(0, 9);
    check(&calm(held, 0), at(2), wait(4));
    check(&calm(held, 0), at(6), Action::LogIn);
    // A lifetime of zero (from a wrong clock) must not cause a flood of logins.
    let dead = token(100, 0);
    check(&calm(dead, 100), at(100), wait(1));
    check(&calm(dead, 100), at(101), Action::LogIn);
    // But a rejected token is replaced at once, whatever its age.
    check(&calm(rejected(token(100, 9)), 100), at(100), Action::LogIn);
}

#[test]
fn clock_jumps() {
    // Forwards (a laptop slept for two days): noticed at the next wake-up, within WAIT_MAX.
    let after = |seconds: u64| Moment { wall: wall(seconds), uptime: uptime(10) };
    check(&calm(day_token(), 0), after(48 * HOUR), Action::LogIn);
    check(&calm(day_token(), 0), after(25 * HOUR), Action::LogIn);
    check(&calm(day_token(), 0), after(23 * HOUR), wait(30));
    // Backwards: the token looks younger, and nothing is due early or late; checks use uptime.
    let back = Moment { wall: wall(0), uptime: uptime(3 * HOUR) };
    let held = token(2 * HOUR, 30 * HOUR);
    check(&calm(held, 3 * HOUR), back, wait(30));
    check(&calm(held, 3 * HOUR - 5 * MINUTE), back, Action::Check);
    // Pauses use uptime as well.
    let failing = Situation { login_pause: pause(10, 20, Cause::Passing), ..empty() };
    check(&failing, Moment { wall: wall(48 * HOUR), uptime: uptime(12) }, wait(8));
}

#[test]
fn dremio_is_away() {
    // Early renewal fails: the old token stays, and the pause is kept.
    let due = 24 * HOUR;
    let failing =
        Situation { login_pause: pause(due, due + 20, Cause::Passing), ..calm(day_token(), due) };
    check(&failing, at(due + 5), wait(15));
    check(&failing, at(due + 20), Action::LogIn);
    // A check fails: the next one comes after the pause, not after the interval.
    let unanswered = Situation { check_pause: pause(0, 3, Cause::Passing), ..calm(day_token(), 0) };
    check(&unanswered, at(2), wait(1));
    check(&unanswered, at(3), Action::Check);
    // A pause may be longer than the interval.
    let unanswered =
        Situation { check_pause: pause(0, 310, Cause::Passing), ..calm(day_token(), 0) };
    check(&unanswered, at(5 * MINUTE), wait(10));
    // A candidate that could not be proven is proven later, without a second login.
    let unproven =
        Situation { candidate: true, login_pause: pause(0, 20, Cause::Passing), ..empty() };
    check(&unproven, at(10), wait(10));
    check(&unproven, at(20), Action::Prove);
}

#[test]
fn file_problems() {
    let off = Situation { in_file: false, ..calm(day_token(), 0) };
    check(&off, at(2), Action::Write);
    // A failed write is retried after its pause, without a login, for hours if necessary.
    let full = Situation { write_pause: pause(0, 20, Cause::Passing), ..off };
    check(&full, at(10), wait(10));
    check(&full, at(20), Action::Write);
    let full = Situation {
        checked_at: Some(uptime(10 * HOUR)),
        write_pause: pause(10 * HOUR, 10 * HOUR + 20, Cause::Passing),
        ..off
    };
    check(&full, at(10 * HOUR), wait(20));
    // Until the token itself is due.
    let due = Situation {
        checked_at: Some(uptime(24 * HOUR)),
        write_pause: pause(24 * HOUR, 24 * HOUR + 20, Cause::Passing),
        ..off
    };
    check(&due, at(24 * HOUR), Action::LogIn);
    // A good token is written even when it is about to be renewed; a bad one never.
    check(&Situation { checked_at: Some(uptime(25 * HOUR)), ..off }, at(25 * HOUR), Action::Write);
    check(&Situation { held: Some(rejected(day_token())), ..off }, at(2), Action::LogIn);
    check(&Situation { held: Some(token(0, 100)), ..off }, at(100), Action::LogIn);
    // A change is checked before anything else, also during a pause.
    check(&Situation { file_changed: true, ..calm(day_token(), 0) }, at(2), Action::Look);
    check(&Situation { file_changed: true, ..full }, at(1), Action::Look);
}

#[test]
fn credentials_are_rejected() {
    let wrong =
        Situation { login_pause: pause(0, 300, Cause::Credentials), check_pause: None, ..empty() };
    // The files are checked every second.
    check(&wrong, at(10), wait(1));
    // A variable cannot change.
    check(&Situation { watch_credentials: false, ..wrong }, at(10), wait(30));
    // A request does not shorten this pause.
    check(&Situation { requested: Requested::Checked, ..wrong }, at(200), wait(1));
    // The regular check of the file continues.
    check(&wrong, at(300), Action::LogIn);
    let still_wrong = Situation { login_pause: pause(299, 600, Cause::Credentials), ..wrong };
    check(&still_wrong, at(300), Action::Check);
    // When the file has changed, the pause ends.
    check(&Situation { login_pause: None, ..wrong }, at(10), Action::LogIn);
}

#[test]
fn checks_on_request() {
    let asked = |situation: Situation| Situation { requested: Requested::Asked, ..situation };
    let checked = |situation: Situation| Situation { requested: Requested::Checked, ..situation };
    // At once, whatever is planned or paused.
    check(&asked(calm(day_token(), 0)), at(2), Action::Check);
    check(
        &asked(Situation { check_pause: pause(0, 300, Cause::Passing), ..calm(day_token(), 0) }),
        at(2),
        Action::Check,
    );
    check(&asked(Situation { file_changed: true, ..empty() }), at(2), Action::Check);
    // The check found a rejected token: log in at once. It found a good one: done.
    check(&checked(calm(rejected(day_token()), 2)), at(2), Action::LogIn);
    check(&checked(calm(day_token(), 2)), at(2), wait(30));
    // A pause shrinks to the shortest one, but not below.
    let paused = |cause| Situation {
        login_pause: pause(100, 400, cause),
        checked_at: Some(uptime(101)),
        ..empty()
    };
    check(
        &checked(paused(Cause::Passing)),
        Moment { uptime: Duration::from_millis(100_900), ..at(100) },
        wait(30),
    );
    check(&checked(paused(Cause::Passing)), at(101), Action::LogIn);
    check(&checked(paused(Cause::NoUser)), at(101), Action::LogIn);
    check(&checked(paused(Cause::Credentials)), at(399), wait(1));
    let unwritten = Situation {
        in_file: false,
        write_pause: pause(100, 400, Cause::Passing),
        ..calm(day_token(), 101)
    };
    check(&checked(unwritten), at(101), Action::Write);
    check(&unwritten, at(101), wait(30));
}

#[test]
fn pauses_grow_with_jitter_within_bounds() {
    let check = |failures: u32, cause: Cause, random: f64, expected_seconds: f64| {
        let pause = pause_after(failures, cause, random, &policy());
        assert!(
            (pause.as_secs_f64() - expected_seconds).abs() < 1e-6,
            "{failures} {cause:?} {random}: {pause:?}"
        );
    };
    check(1, Cause::Passing, 0.0, 1.0);
    check(1, Cause::Passing, 0.5, 1.5);
    check(1, Cause::Passing, 1.0, 2.0);
    check(2, Cause::Passing, 1.0, 4.0);
    check(8, Cause::Passing, 0.0, 1.0);
    check(8, Cause::Passing, 1.0, 256.0);
    check(9, Cause::Passing, 1.0, 300.0);
    check(40, Cause::Passing, 1.0, 300.0);
    check(u32::MAX, Cause::Passing, 1.0, 300.0);
    check(u32::MAX, Cause::Passing, 0.0, 1.0);
    check(20, Cause::NoUser, 1.0, 30.0);
    check(1, Cause::Credentials, 0.0, 300.0);
    check(9, Cause::Credentials, 0.9, 300.0);
    let flat = Policy { retry_initial: Duration::from_secs(300), ..policy() };
    assert_eq!(pause_after(5, Cause::Passing, 0.7, &flat), Duration::from_secs(300));
}

/// Over a grid of situations and times, the schedule neither spins nor waits for too long.
#[test]
fn no_situation_spins_or_oversleeps() {
    let tokens = [
        None,
        Some(day_token()),
        Some(token(0, 9)),
        Some(rejected(day_token())),
        Some(token(0, 0)),
    ];
    let pauses = [
        None,
        pause(0, 5, Cause::Passing),
        pause(0, 1000, Cause::Credentials),
        pause(3, 40, Cause::NoUser),
    ];
    for held in tokens {
        for (login_pause, write_pause, check_pause) in
            pauses.iter().flat_map(|a| pauses.iter().map(move |b| (*a, *b, *a)))
        {
            for seconds in [0, 1, 5, 10, 300, 5000, 24 * HOUR, 31 * HOUR] {
                let situation = Situation {
                    held,
                    login_pause,
                    write_pause,
                    check_pause,
                    ..calm(day_token(), 0)
                };
                match next(&situation, at(seconds), &policy()) {
                    Action::Wait(wait) => {
                        assert!((WAIT_MIN..=WAIT_MAX).contains(&wait), "{situation:?} {wait:?}");
                    }
                    Action::LogIn | Action::Prove => {
                        assert!(
                            login_pause.is_none_or(|pause| pause.until <= uptime(seconds)),
                            "{situation:?}"
                        );
                    }
                    Action::Write => assert!(
                        write_pause.is_none_or(|pause| pause.until <= uptime(seconds)),
                        "{situation:?}"
                    ),
                    Action::Look | Action::Check => {}
                }
            }
        }
    }
}
