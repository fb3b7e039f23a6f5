//! Pages of results on their way to the child. The official server fetches every page of a result
//! before it looks whether the result is too large to be shown, and a large one kills it, with
//! everybody's calls. So the egress proxy lets so many bytes of one job pass, which is more than it
//! would ever show, and then says what helps.

use std::collections::{BTreeMap, HashMap};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::forward::{Forwarder, Incoming, passed_on, unanswered};
use super::refusal;
use crate::budget::{Budget, Charge, Kind, NoRoom};
use crate::principal::Principal;

/// What the official server shows of a result at most, where its setting does not say it.
const SHOWN_BYTES_DEFAULT: usize = 204_800;

/// How much more of a result may pass than is shown: pages repeat the columns, and numbers are
/// written shorter when they are shown.
const SHARE_SHOWN: usize = 4;

/// Bytes of one result that may pass, whatever the setting says. In a Python process, each takes
/// about ten.
const RESULT_BYTES_MIN: usize = 1024 * 1024;
const RESULT_BYTES_MAX: usize = 24 * 1024 * 1024;

/// Results that are remembered. Beyond, the one that was asked for longest ago is forgotten, which
/// is over.
const RESULTS_MAX: usize = 1_000;

/// The official server's setting for what it shows of a result, 0 for all.
const SETTING: &str = "DREMIOAI_DREMIO__MAX_RESULT_BYTES";

/// How many bytes of one result may reach a child with these settings.
pub(crate) fn result_bytes_max(environment: &BTreeMap<String, String>) -> usize {
    match environment.get(SETTING).map_or(Ok(SHOWN_BYTES_DEFAULT), |text| text.trim().parse()) {
        Ok(0) => RESULT_BYTES_MAX,
        Ok(shown) => shown.saturating_mul(SHARE_SHOWN).clamp(RESULT_BYTES_MIN, RESULT_BYTES_MAX),
        Err(_) => RESULT_BYTES_MIN,
    }
}

/// What of which result has passed.
pub(crate) struct Pages {
    budget: Budget,
    child: Principal,
    result_bytes_max: usize,
    passed: Mutex<HashMap<String, Passed>>,
}

#[derive(Clone, Copy)]
struct Passed {
    bytes: usize,
    last: Instant,
}

/// A page and its room, which is given back when the child has it.
struct Page {
    bytes: Vec<u8>,
    _room: Charge,
}

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Pages {
    pub(crate) fn new(budget: Budget, result_bytes_max: usize) -> Self {
        Self { budget, child: Principal::child(), result_bytes_max, passed: Mutex::default() }
    }

    /// Room for `bytes` that the child sends. Cancel safe.
    ///
    /// # Errors
    /// When it is more than the child may ever have.
    pub(super) async fn room(&self, bytes: usize) -> Result<Charge, NoRoom> {
        self.budget.take(&self.child, Kind::Pages, bytes).await
    }

    /// `GET /api/v3/job/{id}/results?offset={offset}&…`: the page, if the result is still within
    /// its limit with it.
    pub(super) async fn fetch(
        &self,
        id: &str,
        offset: Option<&str>,
        forwarder: &Forwarder,
        incoming: Incoming,
    ) -> Response {
        let left = self.result_bytes_max.saturating_sub(self.passed_before(id, offset));
        let Ok(room) = self.budget.take(&self.child, Kind::Pages, left).await else {
            return self.too_large();
        };
        let mut answer = match forwarder.send(&incoming).await {
            Ok(answer) if answer.status() == StatusCode::OK => answer,
            Ok(refused) => return passed_on(refused, forwarder.pause_max()),
            Err(cause) => return unanswered(&cause),
        };
        let content_type = answer
            .headers()
            .get(header::CONTENT_TYPE)
            .cloned()
            .unwrap_or(HeaderValue::from_static("application/json"));
        let mut bytes = Vec::new();
        loop {
            let Ok(chunk) = tokio::time::timeout(forwarder.pause_max(), answer.chunk()).await
            else {
                return refusal(
                    StatusCode::GATEWAY_TIMEOUT,
                    "Dremio paused for too long in the middle of its answer",
                );
            };
            match chunk {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= left => {
                    bytes.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => return self.too_large(),
                Ok(None) => break,
                Err(_) => {
                    return refusal(
                        StatusCode::BAD_GATEWAY,
                        "the connection to Dremio was lost in the middle of its answer",
                    );
                }
            }
        }
        self.note(id, bytes.len());
        let mut room = room;
        room.shrink_to(bytes.len());
        let mut response =
            Response::new(Body::from(Bytes::from_owner(Page { bytes, _room: room })));
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        response
    }

    /// What passed of the result before the page at `offset`. From its first row on it is counted
    /// anew.
    fn passed_before(&self, id: &str, offset: Option<&str>) -> usize {
        let mut passed = self.passed();
        if offset.is_none_or(|offset| offset == "0") {
            passed.remove(id);
        }
        passed.get(id).map_or(0, |passed| passed.bytes)
    }

    fn note(&self, id: &str, bytes: usize) {
        let mut all = self.passed();
        let now = Instant::now();
        let passed = all.entry(id.to_owned()).or_insert(Passed { bytes: 0, last: now });
        *passed = Passed { bytes: passed.bytes.saturating_add(bytes), last: now };
        if all.len() > RESULTS_MAX {
            let oldest = all.iter().min_by_key(|(_, passed)| passed.last).map(|(id, _)| id.clone());
            oldest.and_then(|id| all.remove(&id));
        }
    }

    fn too_large(&self) -> Response {
        let mib = self.result_bytes_max.div_ceil(1024 * 1024);
        tracing::info!(
            result_bytes_max = self.result_bytes_max,
            "a result was too large for the MCP server process, and was not passed on"
        );
        let message = format!(
            "This result is larger than {mib} MiB, and nothing of it can be shown. Ask for less: \
             aggregate, filter, select fewer columns, or add LIMIT and read on with ORDER BY and \
             OFFSET"
        );
        refusal(StatusCode::PAYLOAD_TOO_LARGE, &message)
    }

    fn passed(&self) -> MutexGuard<'_, HashMap<String, Passed>> {
        self.passed.lock()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{
        Pages, RESULT_BYTES_MAX, RESULT_BYTES_MIN, RESULTS_MAX, SETTING, result_bytes_max,
    };
    use crate::budget::Budget;

    #[test]
    fn the_limit_follows_what_the_official_server_shows() {
        for (setting, expected) in [
            (None, RESULT_BYTES_MIN),
            (Some("204800"), RESULT_BYTES_MIN),
            (Some("1000000"), 4_000_000),
            (Some("0"), RESULT_BYTES_MAX),
            (Some("99999999999"), RESULT_BYTES_MAX),
            (Some("much"), RESULT_BYTES_MIN),
        ] {
            let environment: BTreeMap<_, _> =
                setting.map(|value| (SETTING.to_owned(), value.to_owned())).into_iter().collect();
            assert_eq!(result_bytes_max(&environment), expected, "{setting:?}");
        }
    }

    #[test]
    fn a_result_is_counted_from_its_first_row_on_and_there_are_only_so_many() {
        let pages = Pages::new(Budget::small(1000), 100);
        pages.note("a", 60);
        assert_eq!(pages.passed_before("a", Some("500")), 60);
        pages.note("a", 60);
        assert_eq!(pages.passed_before("a", Some("1000")), 120);
        assert_eq!(pages.passed_before("b", Some("500")), 0);
        assert_eq!(pages.passed_before("a", Some("0")), 0);
        assert_eq!(pages.passed_before("a", Some("500")), 0);
        for number in 0..2 * RESULTS_MAX {
            pages.note(&number.to_string(), 1);
        }
        assert_eq!(pages.passed().len(), RESULTS_MAX);
    }
}
