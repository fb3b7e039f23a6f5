//! The calls that the child may make: reading, running SQL, and cancelling it. In Community Edition
//! every user is an administrator (contract §0.5), so only what is needed is allowed: no users, no
//! sources, no login.

use axum::http::Method;

/// Whether the child may make this call. `names` are the decoded ones below `/api/v3`.
pub(super) fn allows(method: &Method, names: &[&str]) -> bool {
    match *method {
        Method::GET => {
            matches!(names, ["catalog" | "job" | "info" | "reflection" | "dataset" | "search", ..])
        }
        Method::POST => matches!(
            names,
            ["sql" | "search"] | ["catalog", "by-ids" | "by-paths"] | ["job", _, "cancel"]
        ),
        _ => false,
    }
}

/// The job whose status the call requests.
pub(super) fn job_id<'n>(method: &Method, names: &[&'n str]) -> Option<&'n str> {
    match *names {
        ["job", id] if method == Method::GET => Some(id),
        _ => None,
    }
}

/// The job that the call is about, whatever it wants of it.
pub(super) fn any_job_id<'n>(names: &[&'n str]) -> Option<&'n str> {
    match *names {
        ["job", id, ..] => Some(id),
        _ => None,
    }
}

/// The job whose results the call requests.
pub(super) fn results_job_id<'n>(method: &Method, names: &[&'n str]) -> Option<&'n str> {
    match *names {
        ["job", id, "results"] if method == Method::GET => Some(id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::{allows, job_id, results_job_id};

    fn names(path: &str) -> Vec<&str> {
        path.split('/').collect()
    }

    #[test]
    fn only_reading_and_running_sql_is_allowed() {
        for (method, path, expected) in [
            (Method::POST, "sql", true),
            (Method::GET, "job/1-2", true),
            (Method::GET, "job/1-2/results", true),
            (Method::POST, "job/1-2/cancel", true),
            (Method::GET, "catalog", true),
            (Method::GET, "catalog/by-path/a/b", true),
            (Method::GET, "catalog/id/graph", true),
            (Method::POST, "search", true),
            (Method::POST, "catalog/by-ids", true),
            (Method::POST, "catalog", false),
            (Method::PUT, "catalog/id", false),
            (Method::DELETE, "catalog/id", false),
            (Method::POST, "catalog/id/refresh", false),
            (Method::POST, "sql/x", false),
            (Method::GET, "sql", false),
            (Method::HEAD, "catalog", false),
            (Method::GET, "user/by-name/ada", false),
            (Method::POST, "user", false),
            (Method::GET, "source", false),
            (Method::GET, "Catalog", false),
            (Method::GET, "login", false),
        ] {
            assert_eq!(allows(&method, &names(path)), expected, "{method} {path}");
        }
    }

    #[test]
    fn a_request_for_results_is_recognised() {
        assert_eq!(results_job_id(&Method::GET, &names("job/1-2/results")), Some("1-2"));
        for path in ["job/1-2", "job/results", "job/1/2/results", "catalog/1/results"] {
            assert_eq!(results_job_id(&Method::GET, &names(path)), None, "{path}");
        }
        assert_eq!(results_job_id(&Method::POST, &names("job/1-2/results")), None);
    }

    #[test]
    fn a_request_for_a_job_status_is_recognised() {
        assert_eq!(job_id(&Method::GET, &names("job/1-2")), Some("1-2"));
        assert_eq!(job_id(&Method::GET, &names("job/1-2/results")), None);
        assert_eq!(job_id(&Method::POST, &names("job/1-2")), None);
        assert_eq!(job_id(&Method::GET, &names("job")), None);
    }
}
