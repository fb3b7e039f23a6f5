//! The last hour, minute by minute: how many calls, how many errors, how long they took, how old
//! the token was. What it holds is bounded: 60 minutes of about 2 KB.

use std::collections::VecDeque;
use std::time::Duration;

use hdrhistogram::Histogram;
use jiff::Timestamp;

/// How many minutes are kept.
pub(super) const MINUTES: usize = 60;

/// The longest time that is told apart, in microseconds: an hour, which no call takes.
const TOOK_MAX_MICROSECONDS: u64 = 3_600_000_000;

/// Times are kept to one significant digit and a half: within 6 %.
const TOOK_DIGITS: u8 = 1;

/// The hour. Minutes are those of the wall clock; where it is set back, the last minute goes on.
pub(super) struct Minutes {
    kept: VecDeque<Minute>,
    empty: Histogram<u32>,
}

struct Minute {
    /// Minutes since 1970.
    number: i64,
    calls: u32,
    errors: u32,
    took: Histogram<u32>,
    token_age: Option<Duration>,
}

/// One minute as the page shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct MinuteView {
    pub(super) calls: u32,
    pub(super) errors: u32,
    /// How long the faster half of the calls took at most, and 95 % of them; nothing without calls.
    pub(super) took: Option<(Duration, Duration)>,
    /// The age of the token at the end of the minute, if there was one.
    pub(super) token_age: Option<Duration>,
}

impl Minutes {
    pub(super) fn new() -> Self {
        #[expect(clippy::expect_used, reason = "the arguments are constants, and good ones")]
        let empty = Histogram::new_with_max(TOOK_MAX_MICROSECONDS, TOOK_DIGITS)
            .expect("a highest value of two and more, and up to five digits");
        Self { kept: VecDeque::with_capacity(MINUTES), empty }
    }

    /// Counts a call that ends at `now`.
    pub(super) fn count(&mut self, now: Timestamp, is_error: bool, took: Duration) {
        let minute = self.at(now);
        minute.calls = minute.calls.saturating_add(1);
        minute.errors = minute.errors.saturating_add(is_error.into());
        minute.took.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Notes how old the token is.
    pub(super) fn note_token_age(&mut self, now: Timestamp, age: Option<Duration>) {
        self.at(now).token_age = age;
    }

    /// The 60 minutes that end at `now`, the oldest first; those before the start are empty.
    pub(super) fn view(&self, now: Timestamp) -> Vec<MinuteView> {
        let last = self.kept.back().map_or(0, |minute| minute.number).max(number(now));
        let mut views = vec![MinuteView::default(); MINUTES];
        for minute in &self.kept {
            let age = usize::try_from(last - minute.number).unwrap_or(usize::MAX);
            let place = (MINUTES - 1).checked_sub(age).and_then(|place| views.get_mut(place));
            if let Some(view) = place {
                *view = minute.view();
            }
        }
        views
    }

    /// The minute of `now`, made if it is new.
    fn at(&mut self, now: Timestamp) -> &mut Minute {
        let number = number(now);
        if self.kept.back().is_none_or(|last| last.number < number) {
            // One that is too old gives its memory to the new one.
            let reused = if self.kept.len() < MINUTES { None } else { self.kept.pop_front() };
            let mut took = reused.map_or_else(|| self.empty.clone(), |minute| minute.took);
            took.reset();
            self.kept.push_back(Minute { number, calls: 0, errors: 0, took, token_age: None });
        }
        let last = self.kept.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "one was pushed, or was there")]
        &mut self.kept[last]
    }
}

impl Minute {
    fn view(&self) -> MinuteView {
        let within = |share| Duration::from_micros(self.took.value_at_quantile(share));
        let took = (self.calls > 0).then(|| (within(0.5), within(0.95)));
        MinuteView { calls: self.calls, errors: self.errors, took, token_age: self.token_age }
    }
}

fn number(now: Timestamp) -> i64 {
    now.as_second().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use super::{Duration, MINUTES, MinuteView, Minutes, Timestamp};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000_020 + second).unwrap()
    }

    fn calls(minutes: &Minutes, second: i64) -> Vec<(usize, u32, u32)> {
        let view = minutes.view(at(second));
        assert_eq!(view.len(), MINUTES);
        let counted = view.iter().enumerate().filter(|(_, minute)| minute.calls > 0);
        counted.map(|(place, minute)| (place, minute.calls, minute.errors)).collect()
    }

    #[test]
    fn calls_move_back_and_fall_out_after_an_hour() {
        let mut minutes = Minutes::new();
        let took = Duration::from_millis(10);
        minutes.count(at(0), false, took);
        minutes.count(at(59), true, took);
        minutes.count(at(60), false, took);
        assert_eq!(calls(&minutes, 60), [(58, 2, 1), (59, 1, 0)]);
        assert_eq!(calls(&minutes, 59 * 60), [(0, 2, 1), (1, 1, 0)]);
        assert_eq!(calls(&minutes, 60 * 60), [(0, 1, 0)]);
        minutes.count(at(100_000), false, took);
        assert_eq!(calls(&minutes, 100_000), [(59, 1, 0)]);
        for minute in 0..500 {
            minutes.count(at(200_000 + 60 * minute), false, took);
        }
        assert_eq!(minutes.kept.len(), MINUTES);
        assert_eq!(calls(&minutes, 200_000 + 60 * 499).len(), MINUTES);
    }

    #[test]
    fn a_clock_that_is_set_back_loses_nothing() {
        let mut minutes = Minutes::new();
        minutes.count(at(600), false, Duration::ZERO);
        minutes.count(at(0), false, Duration::ZERO);
        assert_eq!(calls(&minutes, 0), [(59, 2, 0)]);
    }

    #[test]
    fn times_are_right_within_a_few_percent() {
        let mut minutes = Minutes::new();
        for hundredth in 1..=100 {
            minutes.count(at(0), false, Duration::from_millis(hundredth * 10));
        }
        let (half, most) = minutes.view(at(0))[59].took.unwrap();
        assert!((500..=530).contains(&half.as_millis()), "{half:?}");
        assert!((950..=1010).contains(&most.as_millis()), "{most:?}");
        minutes.count(at(60), false, Duration::from_micros(150));
        minutes.count(at(120), false, Duration::from_secs(1_000_000));
        let view = minutes.view(at(120));
        assert!((150..160).contains(&view[58].took.unwrap().0.as_micros()));
        assert!(view[59].took.unwrap().1 <= Duration::from_secs(4000), "cut, not lost");
    }

    #[test]
    fn a_minute_without_calls_has_no_times_but_may_have_a_token() {
        let mut minutes = Minutes::new();
        let age = Some(Duration::from_secs(7));
        minutes.note_token_age(at(0), age);
        let expected = MinuteView { token_age: age, ..MinuteView::default() };
        assert_eq!(minutes.view(at(0))[59], expected);
        assert_eq!(minutes.view(at(0))[58], MinuteView::default());
    }
}
