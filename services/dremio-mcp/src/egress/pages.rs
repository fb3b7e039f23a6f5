//! Limits the pages of results that reach the child. The official server fetches all pages of a
//! result before it checks the size, and a huge one kills it, together with all other calls. So the
//! egress proxy lets a limited number of bytes per job pass, more than the server would ever show,
//! and then answers with advice.

use std::collections::{BTreeMap, HashMap};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::forward::{Incoming, passed_on, unanswered};
use super::refusal;
use crate::budget::{Budget, Charge, Kind, NoRoom};
use crate::principal::Principal;

/// What the official server shows of a result at most, by default.
const SHOWN_BYTES_DEFAULT: usize = 204_800;

/// Ratio of what may pass to what is shown: pages repeat the columns, and numbers are shown in
/// fewer characters.
const SHARE_SHOWN: usize = 4;

/// Bytes of one result that may pass, whatever the setting. In a Python process each takes about
/// ten.
const RESULT_BYTES_MIN: usize = 1024 * 1024;
const RESULT_BYTES_MAX: usize = 24 * 1024 * 1024;

/// Number of results that are counted. Beyond it, the one that was read longest ago is dropped; it
/// is finished.
const RESULTS_MAX: usize = 1_000;

/// The official server's limit for what it shows of a result; 0 means no limit.
const SETTING: &str = "DREMIOAI_DREMIO__MAX_RESULT_BYTES";

/// How many bytes of one result may reach a child with these settings.
pub(crate) fn result_bytes_max(environment: &BTreeMap<String, String>) -> usize {
    match environment.get(SETTING).map_or(Ok(SHOWN_BYTES_DEFAULT), |text| text.trim().parse()) {
        Ok(0) => RESULT_BYTES_MAX,
        Ok(shown) => shown.saturating_mul(SHARE_SHOWN).clamp(RESULT_BYTES_MIN, RESULT_BYTES_MAX),
        Err(_) => RESULT_BYTES_MIN,
    }
}

/// Counts the bytes of each result that have passed.
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

/// A page and its room, which is released when the child has read the page.
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

    /// Room for `bytes` from the child. Cancel safe.
    ///
    /// # Errors
    /// When it is more than the child may ever have.
    pub(super) async fn room(&self, bytes: usize) -> Result<Charge, NoRoom> {
        self.budget.take(&self.child, Kind::Pages, bytes).await
    }

    /// `GET /api/v3/job/{id}/results?offset={offset}&…`: the page, unless it would exceed the
    /// result's limit.
    pub(super) async fn fetch(
        &self,
        id: &str,
        offset: Option<&str>,
        incoming: Incoming,
    ) -> Response {
        let left = self.result_bytes_max.saturating_sub(self.passed_before(id, offset));
        let Ok(room) = self.budget.take(&self.child, Kind::Pages, left).await else {
            return self.too_large();
        };
        let mut answer = match incoming.send().await {
            Ok(answer) if answer.status() == StatusCode::OK => answer,
            Ok(refused) => return passed_on(refused, incoming.pause_max()),
            Err(cause) => return unanswered(&cause),
        };
        let content_type = answer
            .headers()
            .get(header::CONTENT_TYPE)
            .cloned()
            .unwrap_or(HeaderValue::from_static("application/json"));
        let mut bytes = Vec::new();
        loop {
            let Ok(chunk) = tokio::time::timeout(incoming.pause_max(), answer.chunk()).await else {
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

    /// The bytes of the result that passed before the page at `offset`. Offset 0 starts a new
    /// count.
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
    fn counts_start_at_the_first_row_and_are_kept_for_a_limited_number_of_results() {
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
