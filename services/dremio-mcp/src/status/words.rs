//! Conditions in plain words, each with what helps.

use crate::conditions::ConditionName;

/// What a condition is about.
pub(super) fn title(condition: ConditionName) -> &'static str {
    match condition {
        ConditionName::Audit => "Audit file",
        ConditionName::Confinement => "Confinement of the MCP server process",
        ConditionName::Dremio => "Dremio",
        ConditionName::Engine => "Engine",
        ConditionName::GatewayKey => "Key that signs sessions",
        ConditionName::Guard => "Statements that write",
        ConditionName::Keys => "Keys of agents",
        ConditionName::Policy => "Policy: what each client may do",
        ConditionName::Token => "Login token for Dremio",
        ConditionName::TokenFolder => "Folder of the token",
    }
}

/// What helps where a condition does not hold, or holds with a warning; whatever the reason, there
/// is something. The first part names what to look at, so that a person who knows nothing of the
/// insides can act on it.
pub(super) fn cure(condition: ConditionName, reason: &str) -> &'static str {
    match (condition, reason) {
        (ConditionName::Dremio, "starting") => "Dremio is asked as soon as there is a token.",
        (_, "starting") => {
            "Wait a moment: the official server needs up to 15 s to start, and the first login at \
             Dremio a second."
        }
        (ConditionName::Token, "permission_denied") => {
            "Let the user of dremio-mcp read the token file (TOKEN_FILE): with volumes made by \
             hand, chown 10001:10000 and chmod 2750 the folder."
        }
        (ConditionName::Token, "token_rejected") => {
            "Usually token-refresher logs in again within seconds. If this stays: docker compose \
             logs token-refresher."
        }
        (ConditionName::Token, _) => {
            "Look at the service that logs in: docker compose ps token-refresher, then docker \
             compose logs token-refresher. Agents work again as soon as it has a token."
        }
        (ConditionName::Dremio, "tls_not_verified") => {
            "Set DREMIO_CA_FILE to the authority of Dremio's certificate, and take \
             DREMIO_TLS_VERIFY out."
        }
        (ConditionName::Dremio, "tls") => {
            "scripts/setup.sh --ca-bundle FILE, with the authority of Dremio's."
        }
        (ConditionName::Dremio, "no_user_yet") => {
            "Open Dremio in a browser and make its first user."
        }
        (ConditionName::Dremio, "not_dremio_api" | "bad_answer") => {
            "DREMIO_URI must be the address of Dremio's REST API: host and port, usually 9047."
        }
        (ConditionName::Dremio, "timeout") => {
            "Dremio takes connections and does not answer: look at its load, its memory and its \
             log. Calls go on by themselves when it does."
        }
        (ConditionName::Dremio, _) => {
            "See that Dremio runs, and that DREMIO_URI is its address as seen from here. Calls go \
             on by themselves when it answers."
        }
        (ConditionName::Engine, "stopping") => {
            "Nothing to do: calls under way are finished (MCP_DRAIN_TIMEOUT), then the gateway \
             ends. If nobody stopped it: docker compose logs dremio-mcp."
        }
        (ConditionName::Engine, _) => {
            "It is started again by itself. If this stays: docker compose logs dremio-mcp, and \
             TROUBLESHOOTING.md, \"The official server is restarted again and again\"."
        }
        (ConditionName::Keys, _) => {
            "Put the file of keys right (MCP_API_KEYS_FILE): one key a line. It counts within 2 s."
        }
        (ConditionName::Policy, _) => {
            "Correct the policy file where the sentence above says; it counts within 2 s. \
             dremio-mcp check-config judges it at any time."
        }
        (ConditionName::Audit, "no_gateway_key") => {
            "Let token-refresher write beside the token file: it makes gateway.key, and calls go \
             on by themselves."
        }
        (ConditionName::Audit, "taken") => {
            "Give each gateway a file of its own with AUDIT_FILE, or stop the other one. Calls go \
             on by themselves."
        }
        (ConditionName::Audit, _) => {
            "Make room on the disk of AUDIT_FILE, and let the user of dremio-mcp write in its \
             folder. Calls go on by themselves, and nothing that was written is lost."
        }
        (ConditionName::GatewayKey, _) => {
            "Let token-refresher write beside the token file: it makes gateway.key. See \
             TROUBLESHOOTING.md, \"Agents get errors\"."
        }
        (ConditionName::Guard, _) => "If agents are only to read: take MCP_ALLOW_WRITES out.",
        (ConditionName::TokenFolder, _) => "chmod o-w the folder of TOKEN_FILE.",
        (ConditionName::Confinement, _) => {
            "A kernel with Landlock (Linux 5.13 and later), and MCP_SERVER_CONFINE not set to \
             false. See SECURITY.md, \"The MCP server process\"."
        }
    }
}

/// What a token is like that cannot be used; the reasons are those of its condition.
pub(super) fn token(reason: &str) -> &'static str {
    match reason {
        "missing" => "has no token",
        "token_expired" => "has expired",
        "token_rejected" => "rejected by Dremio",
        "permission_denied" => "may not be read",
        "pending" => "is being read",
        _ => "cannot be used",
    }
}
