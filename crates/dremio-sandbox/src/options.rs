//! System options: the few that exist here, with Dremio's defaults, changed by `ALTER SYSTEM SET`
//! (contract §2, §6.2).

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::sql::{Kind, SqlError, Token};
use crate::tokens::Tokens;

/// The one option with an effect.
pub(crate) const TOKEN_EXPIRATION: &str = "token.expiration.min";

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum OptionValue {
    Boolean(bool),
    Long(i64),
    Double(f64),
}

const DEFAULTS: [(&str, OptionValue); 12] = [
    ("coordinator.alive_queries.limit", OptionValue::Long(1_000)),
    ("dremio.coordinator.rest.run_query.async", OptionValue::Boolean(false)),
    ("exec.queue.enable", OptionValue::Boolean(true)),
    ("exec.queue.large", OptionValue::Long(10)),
    ("exec.queue.small", OptionValue::Long(100)),
    ("exec.queue.threshold", OptionValue::Long(30_000_000)),
    ("exec.queue.timeout_millis", OptionValue::Long(300_000)),
    ("jobs.max.age_in_days", OptionValue::Long(30)),
    ("planner.identifier_max_length", OptionValue::Long(1_024)),
    ("planner.slice_target", OptionValue::Long(100_000)),
    ("results.max.age_in_days", OptionValue::Long(1)),
    ("store.accurate.partition_stats.ratio", OptionValue::Double(1.0)),
];

/// An option as `sys.options` shows it.
#[derive(Debug)]
pub(crate) struct OptionRow {
    pub(crate) name: String,
    pub(crate) value: OptionValue,
    pub(crate) changed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Options {
    changed: Mutex<BTreeMap<String, OptionValue>>,
}

impl Options {
    /// Sets an option, or resets it (`value` is `None`). The lifetime of tokens is kept by
    /// `tokens`.
    ///
    /// # Errors
    /// There is no such option, or it has another type.
    pub(crate) fn set(
        &self,
        name: &str,
        value: Option<&Token>,
        tokens: &Tokens,
    ) -> Result<(), SqlError> {
        if name.eq_ignore_ascii_case(TOKEN_EXPIRATION) {
            let minutes = match value {
                None => Some(1_800),
                Some(value) => value
                    .text
                    .parse()
                    .ok()
                    .filter(|minutes| (1..=2_147_483_647_u64).contains(minutes)),
            };
            let Some(minutes) = minutes else {
                return Err(SqlError::failed(format!(
                    "Option {name} must be between 1 and 2147483647"
                )));
            };
            tokens.set_lifetime(Duration::from_secs(minutes * 60));
            return Ok(());
        }
        let known = DEFAULTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((name, default)) = known else {
            return Err(SqlError::failed(format!("The option '{name}' does not exist.")));
        };
        let Some(value) = value else {
            self.lock().remove(*name);
            return Ok(());
        };
        let parsed = match default {
            OptionValue::Boolean(_) if value.is_word("TRUE") => Some(OptionValue::Boolean(true)),
            OptionValue::Boolean(_) if value.is_word("FALSE") => Some(OptionValue::Boolean(false)),
            OptionValue::Long(_) if value.kind == Kind::Number => {
                value.text.parse().ok().map(OptionValue::Long)
            }
            OptionValue::Double(_) if value.kind == Kind::Number => {
                value.text.parse().ok().map(OptionValue::Double)
            }
            _ => None,
        };
        let parsed = parsed.ok_or_else(|| {
            SqlError::failed(format!("Option {name} cannot take the value {}", value.text))
        })?;
        self.lock().insert((*name).to_owned(), parsed);
        Ok(())
    }

    pub(crate) fn rows(&self, tokens: &Tokens) -> Vec<OptionRow> {
        let changed = self.lock();
        let mut rows: Vec<OptionRow> = DEFAULTS
            .iter()
            .map(|(name, default)| OptionRow {
                name: (*name).to_owned(),
                value: changed.get(*name).copied().unwrap_or(*default),
                changed: changed.contains_key(*name),
            })
            .collect();
        let minutes = tokens.lifetime().as_secs().div_ceil(60);
        rows.push(OptionRow {
            name: TOKEN_EXPIRATION.to_owned(),
            value: OptionValue::Long(i64::try_from(minutes).unwrap_or(i64::MAX)),
            changed: minutes != 1_800,
        });
        rows
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, OptionValue>> {
        self.changed.lock()
    }
}
