//! What the child may ask of Dremio: to read, to run SQL, and to cancel what it runs. Community Edition makes
//! every user an administrator (contract §0.5), so what is not needed is not let through: no users, no
//! sources, no sign-in.

use axum::http::Method;

/// Whether the child may make this call. `path` is as sent, percent-encoding included.
pub(super) fn allows(method: &Method, path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/api/v3/") else { return false };
    if rest.split('/').any(is_dots) {
        return false;
    }
    match *method {
        Method::GET => ["catalog", "job", "info", "reflection", "dataset", "search"].contains(&rest.split('/').next().unwrap_or_default()),
        Method::POST => matches!(rest, "sql" | "search" | "catalog/by-ids" | "catalog/by-paths") || is_cancel(rest),
        _ => false,
    }
}

/// The job whose status `GET path` asks for.
pub(super) fn job_id<'p>(method: &Method, path: &'p str) -> Option<&'p str> {
    let id = path.strip_prefix("/api/v3/job/")?;
    (method == Method::GET && !id.is_empty() && !id.contains('/')).then_some(id)
}

/// The job whose results `GET path` asks for.
pub(super) fn results_job_id<'p>(method: &Method, path: &'p str) -> Option<&'p str> {
    let id = path.strip_prefix("/api/v3/job/")?.strip_suffix("/results")?;
    (method == Method::GET && !id.is_empty() && !id.contains('/')).then_some(id)
}

fn is_cancel(rest: &str) -> bool {
    matches!(rest.split('/').collect::<Vec<_>>().as_slice(), ["job", id, "cancel"] if !id.is_empty())
}

/// `.` and `..`, plain or percent-encoded, which a server or proxy may resolve to another path.
fn is_dots(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::{allows, job_id, results_job_id};

    #[test]
    fn reading_and_running_sql_is_allowed_and_nothing_else() {
        for (method, path, expected) in [
            (Method::POST, "/api/v3/sql", true),
            (Method::GET, "/api/v3/job/1-2", true),
            (Method::GET, "/api/v3/job/1-2/results", true),
            (Method::POST, "/api/v3/job/1-2/cancel", true),
            (Method::GET, "/api/v3/catalog", true),
            (Method::GET, "/api/v3/catalog/by-path/a/b%2Fc", true),
            (Method::GET, "/api/v3/catalog/id/graph", true),
            (Method::POST, "/api/v3/search", true),
            (Method::POST, "/api/v3/catalog/by-ids", true),
            (Method::POST, "/api/v3/catalog", false),
            (Method::PUT, "/api/v3/catalog/id", false),
            (Method::DELETE, "/api/v3/catalog/id", false),
            (Method::POST, "/api/v3/catalog/id/refresh", false),
            (Method::GET, "/api/v3/user/by-name/ada", false),
            (Method::POST, "/api/v3/user", false),
            (Method::GET, "/api/v3/source", false),
            (Method::POST, "/apiv2/login", false),
            (Method::DELETE, "/apiv2/login", false),
            (Method::GET, "/apiv2/login", false),
            (Method::PUT, "/apiv2/bootstrap/firstuser", false),
            (Method::GET, "/api/v3/catalog/../user/1", false),
            (Method::GET, "/api/v3/catalog/%2e%2E/user/1", false),
            (Method::GET, "/api/v3", false),
            (Method::GET, "/", false),
        ] {
            assert_eq!(allows(&method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn results_of_a_job_are_known() {
        assert_eq!(results_job_id(&Method::GET, "/api/v3/job/1-2/results"), Some("1-2"));
        for path in ["/api/v3/job/1-2", "/api/v3/job//results", "/api/v3/job/1/2/results", "/api/v3/catalog/1/results"] {
            assert_eq!(results_job_id(&Method::GET, path), None, "{path}");
        }
        assert_eq!(results_job_id(&Method::POST, "/api/v3/job/1-2/results"), None);
    }

    #[test]
    fn only_the_status_of_a_job_is_waited_for() {
        assert_eq!(job_id(&Method::GET, "/api/v3/job/1-2"), Some("1-2"));
        assert_eq!(job_id(&Method::GET, "/api/v3/job/1-2/results"), None);
        assert_eq!(job_id(&Method::POST, "/api/v3/job/1-2"), None);
        assert_eq!(job_id(&Method::GET, "/api/v3/job/"), None);
    }
}
