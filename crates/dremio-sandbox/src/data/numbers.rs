//! Numbers that look random and are the same in every run.

/// A linear congruential generator (Knuth's MMIX constants): nothing but reproducible.
#[derive(Debug)]
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// From 0 to `end`, which is not included.
    pub(super) fn below(&mut self, end: i64) -> i64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap_or(0) % end.max(1)
    }

    pub(super) fn between(&mut self, start: i64, end: i64) -> i64 {
        start + self.below(end - start + 1)
    }

    /// True `percent` times in a hundred.
    pub(super) fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let len = i64::try_from(items.len()).unwrap_or(0);
        usize::try_from(self.below(len)).ok().and_then(|index| items.get(index))
    }

    pub(super) fn pick_text(&mut self, items: &[&str]) -> String {
        self.pick(items).map_or_else(String::new, |text| (*text).to_owned())
    }
}
