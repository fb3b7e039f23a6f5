//! `POST /sql` and the job resource (contract §4.1–§4.4).

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::body::{Fields, invalid};
use super::credentials::Caller;
use super::login::insert;
use super::params::Params;
use super::{ApiError, Shared};
use crate::clock;
use crate::ids;
use crate::jobs::{Job, JobState, ResultsError, Submission, SubmitError};
use crate::run;

const LIMIT_DEFAULT: i64 = 100;
const LIMIT_MAX: i64 = 500;

/// `POST /api/v3/sql`: 200 and an id for any text; what is wrong with it is found in the job.
pub(crate) async fn submit(
    State(instance): Shared,
    Caller(user): Caller,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let known = ["sql", "context", "references", "engineName"];
    let Some(fields) = Fields::parse(&body, &known)? else {
        return Err(ApiError::internal(""));
    };
    check_references(&fields)?;
    fields.string("engineName")?;
    let submission = Submission {
        sql: fields.string("sql")?.unwrap_or_default(),
        context: fields.strings("context")?.unwrap_or_default(),
        user,
    };
    match run::submit(&instance, submission) {
        Ok(id) => Ok(Json(json!({"id": id}))),
        Err(cause @ SubmitError::TooManyLive) => Err(ApiError::User(cause.to_string())),
        Err(cause @ SubmitError::NoRandomness(_)) => Err(ApiError::internal(cause.to_string())),
    }
}

/// The demo has no versioned source, so references change nothing; their shape is checked all the
/// same.
fn check_references(fields: &Fields) -> Result<(), ApiError> {
    for (source, reference) in fields.object("references")?.into_iter().flatten() {
        let at = |member: &str| invalid(&format!("references.{source}.{member}"));
        let reference =
            reference.as_object().ok_or_else(|| invalid(&format!("references.{source}")))?;
        for (member, value) in reference {
            let good = match member.as_str() {
                "type" => matches!(value.as_str(), Some("BRANCH" | "TAG" | "COMMIT")),
                "value" => value.is_string(),
                _ => false,
            };
            if !good {
                return Err(at(member));
            }
        }
    }
    Ok(())
}

/// `GET /api/v3/job/{id}`. Neither the id nor the SQL is in the answer.
pub(crate) async fn status(
    State(instance): Shared,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let job = instance.jobs.find(&id).ok_or_else(|| no_such_job(&id))?;
    let view = job.observe();
    let finished = view.finished_at.map(clock::iso);
    let scheduled = view.started_at.map(clock::iso);
    let mut body = json!({
        "jobState": view.state.as_str(),
        "rowCount": view.row_count,
        "errorMessage": view.error.unwrap_or_default(),
        "startedAt": clock::iso(job.submitted_at()),
    });
    insert(&mut body, "endedAt", finished);
    insert(&mut body, "queryType", Some("REST"));
    if let Some(scheduled) = scheduled {
        insert(&mut body, "queueName", Some("SMALL"));
        insert(&mut body, "queueId", Some("SMALL"));
        insert(&mut body, "resourceSchedulingStartedAt", Some(scheduled.clone()));
        insert(&mut body, "resourceSchedulingEndedAt", Some(scheduled));
    }
    let reason = view.cancellation_reason.unwrap_or_default();
    insert(&mut body, "cancellationReason", Some(reason));
    Ok(Json(body))
}

/// `GET /api/v3/job/{id}/results?offset=&limit=`. The limit is checked before anything else.
pub(crate) async fn results(
    State(instance): Shared,
    _caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let offset = params.integer("offset")?.unwrap_or(0);
    let limit = params.integer("limit")?.unwrap_or(LIMIT_DEFAULT);
    if limit > LIMIT_MAX {
        return Err(ApiError::bad_request("limit can not exceed 500 rows"));
    }
    let job = instance.jobs.find(&id).ok_or_else(|| no_such_job(&id))?;
    let state = job.observe().state;
    if state != JobState::Completed {
        return Err(ApiError::bad_request(format!(
            "Can not fetch details for a job that is in [{}] state.",
            state.as_str()
        )));
    }
    // What Dremio does with negative values is not known: the stand-in takes them for zero.
    let offset = usize::try_from(offset).unwrap_or(0);
    let limit = usize::try_from(limit).unwrap_or(0);
    let page = job.page(offset, limit).map_err(|cause| match cause {
        ResultsError::Expired => {
            ApiError::User(format!("Error in Job '{id}': output doesn't exist"))
        }
        ResultsError::None => ApiError::bad_request(format!("Job {id} has no results")),
    })?;
    let mut response = Response::new(Body::from(page));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}

/// `POST /api/v3/job/{id}/cancel`. A finished job is "not found", a badly shaped id is an internal
/// error.
pub(crate) async fn cancel(
    State(instance): Shared,
    Caller(user): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    if !ids::is_uuid_shaped(&id) {
        return Err(ApiError::internal(format!("UNKNOWN: Invalid UUID string: {id}")));
    }
    let job: Option<Arc<Job>> = instance.jobs.find(&id);
    if job.is_some_and(|job| job.cancel(&user)) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(no_such_job(&id))
    }
}

fn no_such_job(id: &str) -> ApiError {
    ApiError::not_found(format!("Could not find a job with id [{id}]"))
}
