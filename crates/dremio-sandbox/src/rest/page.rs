//! The page that answers for every path outside the API: in Dremio the UI, here a short note with
//! the same status and type.

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Dremio</title></head>
<body>
<h1>dremio-sandbox</h1>
<p>A stand-in for Dremio 25.2. There is no user interface here; the REST API is under
<code>/apiv2</code> and <code>/api/v3</code>.</p>
<p>Like Dremio, it answers every other path with this page and status 200.</p>
<p>With the address of this page in place of <code>ADDRESS</code>, and the token of the first
answer in place of <code>TOKEN</code>:</p>
<pre>
curl -s -H 'Content-Type: application/json' ADDRESS/apiv2/login \
  -d '{"userName":"dremio","password":"dremio123"}'
curl -s -H 'Content-Type: application/json' -H 'Authorization: Bearer TOKEN' ADDRESS/api/v3/sql \
  -d '{"sql":"SELECT * FROM Sales.revenue_by_month"}'
</pre>
</body>
</html>
"#;

pub(crate) fn ui() -> Response {
    let mut response = Response::new(Body::from(PAGE));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}
