//! The page itself: its parts, put together once, under a policy that lets nothing else run.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{MIME_TYPE, URI};

const STYLE: &str = include_str!("page/style.css");

/// One script, in an order in which each part finds what it needs.
const SCRIPT: &str = concat!(
    "(() => {\n\"use strict\";\n",
    include_str!("page/cells.js"),
    include_str!("page/shape.js"),
    include_str!("page/draw.js"),
    include_str!("page/host.js"),
    include_str!("page/page.js"),
    include_str!("page/table.js"),
    include_str!("page/chart.js"),
    include_str!("page/view.js"),
    "})();\n",
);

/// The document. Its policy names its one script and its one style by their digests, so that even
/// a mistake in the page runs nothing of a result; and it allows no connection. The script sees to
/// it that the policy counts in hosts that wrap the page, too.
static HTML: LazyLock<String> = LazyLock::new(|| {
    let (script, style) = (source_of(SCRIPT), source_of(STYLE));
    let policy = format!(
        "default-src 'none'; script-src {script}; style-src {style}; base-uri 'none'; \
         form-action 'none'"
    );
    include_str!("page/result.html")
        .replacen("{policy}", &policy, 1)
        .replacen("{style}", STYLE, 1)
        .replacen("{script}", SCRIPT, 1)
});

/// How a policy names this inline text (CSP Level 3, "hash-source").
fn source_of(text: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)))
}

/// The result of `resources/read`. Hosts build their own policy from `_meta.ui.csp`: no domain at
/// all.
pub(super) fn read_result() -> String {
    let ui = json!({
        "csp": {
            "connectDomains": [], "resourceDomains": [], "frameDomains": [], "baseUriDomains": [],
        },
        "permissions": { "clipboardWrite": {} },
        "prefersBorder": true,
    });
    let contents =
        json!({ "uri": URI, "mimeType": MIME_TYPE, "text": *HTML, "_meta": { "ui": ui } });
    json!({ "contents": [contents] }).to_string()
}
