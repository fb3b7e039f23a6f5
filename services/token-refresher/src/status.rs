//! The two conditions of readiness, as functions of the state.

use service_kit::admin::Condition;

use crate::failure::Failure;

/// What is known about the token in the file.
pub(crate) struct TokenStatus<'a> {
    /// Whether the file holds a token that is neither expired nor known to be rejected.
    pub(crate) usable: bool,
    /// Whether the held token was rejected.
    pub(crate) rejected: bool,
    /// Whether the held token has expired.
    pub(crate) expired: bool,
    /// The failure of the last read or write of the file.
    pub(crate) file: Option<&'a Failure>,
    /// The failure of Dremio.
    pub(crate) dremio: Option<&'a Failure>,
}

pub(crate) fn token_condition(status: &TokenStatus<'_>) -> Condition {
    match (status.usable, status.file) {
        (true, None) => return Condition::met(),
        (true, Some(failure)) => {
            return Condition::met_with_warning(failure.reason, failure.message.as_str());
        }
        (false, Some(failure)) if status.dremio.is_none() => {
            return Condition::unmet(failure.reason, failure.message.as_str());
        }
        _ => {}
    }
    let (reason, what) = if status.rejected {
        ("token_rejected", "Dremio does not accept the token any more, and there is no new one yet")
    } else if status.expired {
        ("token_expired", "the token has expired, and there is no new one yet")
    } else {
        ("no_token", "there is no token yet")
    };
    match status.dremio {
        Some(failure) => Condition::unmet(reason, format!("{what}: {}", failure.message)),
        None => Condition::unmet(reason, what),
    }
}

/// `dremio` is the result of the last call, if there was one.
pub(crate) fn dremio_condition(
    dremio: Option<&Result<(), Failure>>,
    tls_verified: bool,
) -> Option<Condition> {
    Some(match dremio? {
        Ok(()) if tls_verified => Condition::met(),
        Ok(()) => Condition::met_with_warning(
            "tls_not_verified",
            "Dremio's certificate is not checked (DREMIO_TLS_VERIFY=false); set DREMIO_CA_FILE \
             instead",
        ),
        Err(failure) => Condition::unmet(failure.reason, failure.message.as_str()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_condition_names_the_nearest_cause() {
        let disk = Failure::new("disk_full", "the disk is full");
        let away = Failure::new("unreachable", "Dremio cannot be reached");
        let check = |usable: bool,
                     rejected: bool,
                     expired: bool,
                     file: bool,
                     dremio: bool,
                     expected: (bool, Option<&str>)| {
            let status = TokenStatus {
                usable,
                rejected,
                expired,
                file: file.then_some(&disk),
                dremio: dremio.then_some(&away),
            };
            let condition = token_condition(&status);
            assert_eq!((condition.ready, condition.reason.as_deref()), expected);
            assert_eq!(
                dremio && !usable,
                condition.message.is_some_and(|message| message.contains("cannot be reached"))
            );
        };
        check(true, false, false, false, false, (true, None));
        // A good token stays good while Dremio is down.
        check(true, false, false, false, true, (true, None));
        check(true, false, false, true, false, (true, Some("disk_full")));
        check(false, false, false, true, false, (false, Some("disk_full")));
        check(false, false, false, false, true, (false, Some("no_token")));
        check(false, false, true, false, true, (false, Some("token_expired")));
        check(false, true, false, true, true, (false, Some("token_rejected")));
        check(false, false, false, false, false, (false, Some("no_token")));
    }

    #[test]
    fn unverified_tls_is_shown() {
        assert_eq!(dremio_condition(None, true), None);
        assert_eq!(dremio_condition(Some(&Ok(())), true), Some(Condition::met()));
        assert_eq!(
            dremio_condition(Some(&Ok(())), false).unwrap().reason.as_deref(),
            Some("tls_not_verified")
        );
        let away = Err(Failure::new("unreachable", "x"));
        assert!(!dremio_condition(Some(&away), false).unwrap().ready);
    }
}
