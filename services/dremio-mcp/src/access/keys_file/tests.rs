use std::sync::Mutex;

use service_kit::SecretSource;
use service_kit::admin::Report;
use tokio::time::sleep;

use super::*;

const ADA: &str = "aaaaaaaaaaaaaaaaaaaa";
const BOB: &str = "bbbbbbbbbbbbbbbbbbbb";

/// A key ring whose file is a variable, followed on a paused clock.
struct Followed {
    ring: Arc<KeyRing>,
    readiness: Readiness,
    file: Arc<Mutex<Result<String, &'static str>>>,
}

impl Followed {
    fn start() -> Self {
        let both = format!("{ADA}\n{BOB}\n");
        let ring = Arc::new(KeyRing::load(SecretSource::Inline(both.clone().into())).unwrap());
        let (readiness, file) =
            (Readiness::new(&[ConditionName::Keys]), Arc::new(Mutex::new(Ok(both))));
        let followed = Self { ring, readiness, file };
        let (ring, readiness, file) =
            (Arc::clone(&followed.ring), followed.readiness.clone(), Arc::clone(&followed.file));
        tokio::spawn(async move {
            let look = || {
                std::future::ready(match &*file.lock().unwrap() {
                    Ok(text) => Look::of(text.as_bytes(), None, parse),
                    Err(why) => Look::Unreadable((*why).to_owned()),
                })
            };
            ring.keep(&readiness, look).await;
        });
        followed
    }

    fn write(&self, text: &str) {
        *self.file.lock().unwrap() = Ok(text.to_owned());
    }

    /// Whether Ada's and Bob's keys are valid.
    fn valid(&self) -> (bool, bool) {
        (self.ring.find(ADA.as_bytes()).is_some(), self.ring.find(BOB.as_bytes()).is_some())
    }

    fn condition(&self) -> (bool, String) {
        let Report { ready, mut conditions } = self.readiness.report();
        (ready, conditions.remove("keys").unwrap().reason.unwrap_or_default())
    }
}

async fn pass(millis: u64) {
    sleep(Duration::from_millis(millis)).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_removed_from_the_file_is_withdrawn_even_beside_bad_lines() {
    for (text, valid, condition) in [
        (format!("{BOB}\n"), (false, true), (true, "")),
        (format!("{BOB}\nshort\n"), (false, true), (true, "bad_key_lines")),
        (format!("{BOB}\na key with blanks in it\n"), (false, true), (true, "bad_key_lines")),
        (String::new(), (false, false), (false, "no_key")),
        ("# nobody\n".to_owned(), (false, false), (false, "no_key")),
        ("short\n".to_owned(), (false, false), (false, "no_key")),
    ] {
        let followed = Followed::start();
        pass(10).await;
        assert_eq!((followed.valid(), followed.condition().0), ((true, true), true));
        followed.write(&text);
        pass(2000).await;
        assert_eq!(followed.valid(), valid, "{text}");
        assert_eq!(followed.condition(), (condition.0, condition.1.to_owned()), "{text}");
        // And back.
        followed.write(&format!("{ADA}\n{BOB}"));
        pass(2000).await;
        assert_eq!((followed.valid(), followed.condition()), ((true, true), (true, String::new())));
    }
}

#[tokio::test(start_paused = true)]
async fn a_half_written_file_withdraws_nothing() {
    let followed = Followed::start();
    let ada = followed.ring.find(ADA.as_bytes()).unwrap();
    for _ in 0..20 {
        // Just before a look, and for less time than until the next.
        pass(740).await;
        followed.write("");
        pass(200).await;
        followed.write(&format!("{ADA}\n{BOB}\n"));
        assert_eq!((followed.valid(), followed.condition().0), ((true, true), true));
        pass(60).await;
    }
    assert!(!ada.withdrawn().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_always_changes_takes_effect_within_two_seconds() {
    let followed = Followed::start();
    pass(10).await;
    for version in 0..20 {
        followed.write(&format!("{BOB}\n# {version}\n"));
        pass(100).await;
    }
    assert_eq!(followed.valid(), (false, true));
}

#[tokio::test(start_paused = true)]
async fn keys_outlive_an_unreadable_file_by_five_minutes() {
    let followed = Followed::start();
    pass(10).await;
    *followed.file.lock().unwrap() = Err("permission denied");
    pass(2000).await;
    assert_eq!(
        (followed.valid(), followed.condition()),
        ((true, true), (false, "keys_unreadable".to_owned()))
    );
    pass(4 * 60_000).await;
    assert_eq!(followed.valid(), (true, true));
    let ada = followed.ring.find(ADA.as_bytes()).unwrap();
    pass(60_000).await;
    assert_eq!(
        (followed.valid(), followed.condition()),
        ((false, false), (false, "keys_lost".to_owned()))
    );
    assert!(ada.withdrawn().is_cancelled());
    followed.write(&format!("{ADA}\n"));
    pass(2000).await;
    assert_eq!((followed.valid(), followed.condition()), ((true, false), (true, String::new())));
}
