//! What a service that works for several accounts says about them: one condition for all, and
//! metrics with a label for each.
//!
//! One of the accounts may be the *single* account, which has no name and no label: whoever has
//! only that sees what was there before there were several.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::{MetricType, TypedMetric};

use crate::admin::Condition;
use crate::wording::{FEW, and_more, list};

/// One condition for all accounts: unmet when that of the single account is, or all are. Other
/// accounts are named in a warning.
///
/// `named` are the others by name.
#[must_use]
pub fn condition_of_all<'a>(
    single: Option<&Condition>,
    named: impl IntoIterator<Item = (&'a str, &'a Condition)>,
) -> Condition {
    let named: Vec<_> = named.into_iter().collect();
    if single.is_none() && named.is_empty() {
        return Condition::unmet("no_account", "there is no account");
    }
    let is_met = single.map_or(named.iter().any(|(_, it)| it.ready), |single| single.ready);
    // What is said of the single account is not said again of each of the others.
    let is_new = |it: &Condition| single.is_none_or(|single| single.reason != it.reason);
    let complaints: Vec<_> = named
        .into_iter()
        .filter(|(_, it)| !it.ready || it.reason.is_some() && is_new(it))
        .collect();
    if complaints.is_empty() {
        return single.cloned().unwrap_or_else(Condition::met);
    }
    let first = complaints.first().and_then(|(_, it)| it.reason.as_deref()).unwrap_or_default();
    let reason = match single.and_then(|single| single.reason.as_deref()) {
        Some(reason) => reason,
        None if complaints.iter().all(|(_, it)| it.reason.as_deref() == Some(first)) => first,
        None => "accounts",
    };
    let said = single.and_then(|single| single.message.clone());
    let message = said.into_iter().chain([in_words(&complaints)]).collect::<Vec<_>>().join("; ");
    if is_met {
        Condition::met_with_warning(reason, message)
    } else {
        Condition::unmet(reason, message)
    }
}

/// `account sales: the password is wrong; accounts a, b: Dremio is away`. Few of the complaints,
/// and few names with each: a readiness report stays small, whatever the number of accounts.
fn in_words(complaints: &[(&str, &Condition)]) -> String {
    let mut by_message: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, it) in complaints {
        let words = it.message.as_deref().or(it.reason.as_deref()).unwrap_or_default();
        by_message.entry(words).or_default().push(name);
    }
    let left_out = by_message.values().skip(FEW).map(Vec::len).sum::<usize>();
    let mut parts: Vec<_> = by_message
        .into_iter()
        .take(FEW)
        .map(|(words, names)| {
            let noun = if names.len() == 1 { "account" } else { "accounts" };
            format!("{noun} {}: {words}", list(names, FEW))
        })
        .collect();
    parts.extend(and_more(left_out, "account"));
    parts.join("; ")
}

/// The labels of a series, in their order; none for that of the single account.
pub type Labels = Vec<(&'static str, String)>;

/// A metric with a series for each set of labels, one of which may be without any label: that is
/// written as a plain metric is. Clones share their series.
pub struct Series<M>(Arc<Mutex<BTreeMap<Labels, M>>>);

impl<M: Default> Series<M> {
    /// Does something with the series of these labels, which is made if there is none.
    pub fn with<T>(&self, labels: Labels, act: impl FnOnce(&M) -> T) -> T {
        act(self.0.lock().entry(labels).or_default())
    }
}

impl<M> Series<M> {
    /// Whether there is a series of these labels.
    #[must_use]
    pub fn contains(&self, labels: &Labels) -> bool {
        self.0.lock().contains_key(labels)
    }

    /// Does something with the series of these labels, if there is one.
    pub fn if_known<T>(&self, labels: &Labels, act: impl FnOnce(&M) -> T) -> Option<T> {
        self.0.lock().get(labels).map(act)
    }

    /// Keeps the series whose labels `keep` chooses.
    pub fn retain(&self, keep: impl Fn(&Labels) -> bool) {
        self.0.lock().retain(|labels, _| keep(labels));
    }
}

impl<M> Clone for Series<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> Default for Series<M> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<M> fmt::Debug for Series<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.lock().keys()).finish()
    }
}

impl<M: EncodeMetric + TypedMetric> EncodeMetric for Series<M> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let series = self.0.lock();
        let mut plain = None;
        for (labels, metric) in series.iter() {
            if labels.is_empty() {
                plain = Some(metric);
            } else {
                metric.encode(encoder.encode_family(labels)?)?;
            }
        }
        plain.map_or(Ok(()), |metric| metric.encode(encoder))
    }

    fn metric_type(&self) -> MetricType {
        M::TYPE
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn one_condition_stands_for_all() {
        let met = Condition::met();
        let open = Condition::met_with_warning("tls_not_verified", "TLS is not checked");
        let wrong = Condition::unmet("rejected_credentials", "the password is wrong");
        let away = Condition::unmet("unreachable", "Dremio is away");
        for (single, named, expected) in [
            (Some(&met), &[][..], (true, None, None)),
            (Some(&open), &[], (true, Some("tls_not_verified"), Some("TLS is not checked"))),
            (
                Some(&wrong),
                &[],
                (false, Some("rejected_credentials"), Some("the password is wrong")),
            ),
            (None, &[], (false, Some("no_account"), Some("there is no account"))),
            (Some(&met), &[("a", &met)], (true, None, None)),
            (
                Some(&met),
                &[("a", &met), ("b", &wrong)],
                (true, Some("rejected_credentials"), Some("account b: the password is wrong")),
            ),
            (
                Some(&met),
                &[("a", &wrong), ("b", &away), ("c", &wrong)],
                (
                    true,
                    Some("accounts"),
                    Some("account b: Dremio is away; accounts a, c: the password is wrong"),
                ),
            ),
            (
                Some(&away),
                &[("a", &met), ("b", &wrong)],
                (
                    false,
                    Some("unreachable"),
                    Some("Dremio is away; account b: the password is wrong"),
                ),
            ),
            (
                Some(&open),
                &[("a", &open)],
                (true, Some("tls_not_verified"), Some("TLS is not checked")),
            ),
            (None, &[("a", &met)], (true, None, None)),
            (
                None,
                &[("a", &open), ("b", &open)],
                (true, Some("tls_not_verified"), Some("accounts a, b: TLS is not checked")),
            ),
            (
                None,
                &[("a", &met), ("b", &away)],
                (true, Some("unreachable"), Some("account b: Dremio is away")),
            ),
            (
                None,
                &[("a", &away), ("b", &away)],
                (false, Some("unreachable"), Some("accounts a, b: Dremio is away")),
            ),
        ] {
            let all = condition_of_all(single, named.iter().copied());
            let seen = (all.ready, all.reason.as_deref(), all.message.as_deref());
            assert_eq!(seen, expected, "{single:?} {named:?}");
        }
    }

    #[test]
    fn many_complaints_stay_short() {
        let away = Condition::unmet("unreachable", "Dremio is away");
        let odd: Vec<_> =
            (0..9).map(|number| Condition::unmet("odd", format!("odd thing {number}"))).collect();
        let names: Vec<_> = (0..209).map(|number| format!("account-{number:03}")).collect();
        let conditions = odd.iter().chain(std::iter::repeat(&away));
        let all = condition_of_all(None, names.iter().map(String::as_str).zip(conditions));
        let message = all.message.unwrap();
        assert!(message.starts_with(
            "accounts account-009, account-010, account-011, account-012, account-013 and 195 \
             more: Dremio is away; account account-000: odd thing 0; "
        ));
        assert!(message.ends_with("odd thing 3; and 5 more accounts"), "{message}");
    }

    #[test]
    fn the_single_account_has_no_label() {
        let mut registry = Registry::default();
        let logins: Series<Counter> = Series::default();
        registry.register("logins", "Logins", logins.clone());
        let of = |name: &str| vec![("account", name.to_owned())];
        let text = || {
            let mut text = String::new();
            encode(&mut text, &registry).unwrap();
            text
        };
        assert_eq!(text(), "# HELP logins Logins.\n# TYPE logins counter\n# EOF\n");
        logins.with(Vec::new(), Counter::inc);
        assert_eq!(text(), "# HELP logins Logins.\n# TYPE logins counter\nlogins_total 1\n# EOF\n");
        logins.with(of("b"), Counter::inc);
        logins.with(of("a"), Counter::inc);
        logins.with(of("b"), Counter::inc);
        assert_eq!(
            text(),
            "# HELP logins Logins.\n# TYPE logins counter\nlogins_total{account=\"a\"} 1\n\
             logins_total{account=\"b\"} 2\nlogins_total 1\n# EOF\n"
        );
        assert!(logins.contains(&of("b")) && !logins.contains(&of("c")));
        logins.retain(|labels| *labels != of("b"));
        assert!(!text().contains("\"b\""));
    }
}
