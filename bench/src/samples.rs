//! Latencies: every one is kept, so that percentiles are exact, and medians of repeated runs.

use std::time::Duration;

/// The latencies of one run.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    nanos: Vec<u64>,
    sorted: bool,
}

impl Samples {
    pub(crate) fn add(&mut self, took: Duration) {
        self.nanos.push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        self.sorted = false;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.nanos.extend(other.nanos);
        self.sorted = false;
    }

    pub(crate) fn count(&self) -> usize {
        self.nanos.len()
    }

    /// Milliseconds below which `per_mille` of a thousand lie; 0 without any.
    pub(crate) fn at_ms(&mut self, per_mille: usize) -> f64 {
        if !self.sorted {
            self.nanos.sort_unstable();
            self.sorted = true;
        }
        let last = self.nanos.len().saturating_sub(1);
        let nanos = self.nanos.get(last * per_mille / 1000).copied().unwrap_or_default();
        Duration::from_nanos(nanos).as_secs_f64() * 1e3
    }
}

/// The middle one; 0 without any.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Samples, median};

    #[test]
    fn percentiles_and_medians() {
        let mut samples = Samples::default();
        for ms in (1..=1000).rev() {
            samples.add(Duration::from_millis(ms));
        }
        for (per_mille, expected) in [(0, 1.0), (500, 500.0), (990, 990.0), (1000, 1000.0)] {
            assert!((samples.at_ms(per_mille) - expected).abs() < 1e-6, "{per_mille}");
        }
        assert!(Samples::default().at_ms(500).abs() < 1e-6);
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-6);
    }
}
