//! The paths that somebody may have meant who wrote one that does not exist.

use strsim::jaro_winkler;

use super::{Snapshot, Table};

/// Below this, two names have hardly a letter in common.
const SIMILAR_MIN: f64 = 0.75;

/// The `count` tables whose paths resemble `parts` most, the best first; fewer, or none, where only
/// others are there. The name of the table counts more than the way to it.
pub(crate) fn nearest<'s>(
    snapshot: &'s Snapshot,
    parts: &[String],
    count: usize,
) -> Vec<&'s Table> {
    let asked = Folded::of(parts);
    let mut found: Vec<(f64, &Table)> = snapshot
        .tables()
        .filter_map(|table| {
            let score = asked.resembles(&Folded::of(&table.path));
            (score >= SIMILAR_MIN).then_some((score, table))
        })
        .collect();
    found.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.path.cmp(&other.path)));
    found.into_iter().take(count).map(|(_, table)| table).collect()
}

/// A path without regard to case.
struct Folded {
    name: String,
    above: String,
}

impl Folded {
    fn of(parts: &[String]) -> Self {
        // A whole path in one pair of quotes is a usual slip.
        let whole = parts.join(".").to_lowercase();
        let name = parts.last().map(|name| name.to_lowercase()).unwrap_or_default();
        let name = match parts {
            [_] => name.rsplit('.').next().unwrap_or_default().to_owned(),
            _ => name,
        };
        let above = whole.strip_suffix(&name).unwrap_or_default();
        Self { above: above.trim_end_matches('.').to_owned(), name }
    }

    fn resembles(&self, other: &Self) -> f64 {
        let name = jaro_winkler(&self.name, &other.name);
        if name < SIMILAR_MIN {
            return 0.0;
        }
        // Nothing but a name: any path to it will do.
        let above =
            if self.above.is_empty() { 0.9 } else { jaro_winkler(&self.above, &other.above) };
        0.7 * name + 0.3 * above
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Snapshot, Table};
    use super::nearest;

    #[test]
    fn what_was_meant_comes_first() {
        let table = |path: &[&str]| Table {
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            kind: Kind::Table,
            columns: Vec::new(),
        };
        let snapshot: Snapshot = [
            table(&["Sales", "orders"]),
            table(&["Sales", "customers"]),
            table(&["Archive", "orders"]),
            table(&["Samples", "samples.dremio.com", "zips.json"]),
        ]
        .into_iter()
        .collect();
        let check = |asked: &[&str], expected: &[&str]| {
            let asked: Vec<String> = asked.iter().map(|part| (*part).to_owned()).collect();
            let found: Vec<String> =
                nearest(&snapshot, &asked, 2).iter().map(|table| table.path.join("/")).collect();
            assert_eq!(found, expected, "{asked:?}");
        };
        check(&["Sales", "orderz"], &["Sales/orders", "Archive/orders"]);
        check(&["Archiv", "Order"], &["Archive/orders", "Sales/orders"]);
        check(&["Sales.customer"], &["Sales/customers"]);
        check(&["customers"], &["Sales/customers"]);
        check(&["Samples", "zips.json"], &["Samples/samples.dremio.com/zips.json"]);
        check(&["Sales", "quarks"], &[]);
        check(&["\"", "'"], &[]);
    }
}
