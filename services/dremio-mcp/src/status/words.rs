//! Conditions and outcomes in plain words, each with what helps. A reason that stands in no row
//! here still has the message of its condition.

/// What a condition is about.
pub(super) fn title(condition: &str) -> &str {
    match condition {
        "confinement" => "Confinement of the MCP server process",
        "dremio" => "Dremio",
        "engine" => "Engine",
        "gateway_key" => "Key that signs sessions",
        "guard" => "Statements that write",
        "keys" => "Keys of agents",
        "token" => "Login token for Dremio",
        "token_folder" => "Folder of the token",
        other => other,
    }
}

/// What helps where a condition does not hold, or holds with a warning. The first part names what
/// to look at, so that a person who knows nothing of the insides can act on it.
pub(super) fn cure(condition: &str, reason: &str) -> Option<&'static str> {
    Some(match (condition, reason) {
        ("dremio", "starting") => "Dremio is asked as soon as there is a token.",
        (_, "starting") => {
            "Wait a moment: the official server needs up to 15 s to start, and the first login at \
             Dremio a second."
        }
        ("token", "permission_denied") => {
            "Let the user of dremio-mcp read the token file (TOKEN_FILE): with volumes made by \
             hand, chown 10001:10000 and chmod 2750 the folder."
        }
        ("token", "token_rejected") => {
            "Usually token-refresher logs in again within seconds. If this stays: docker compose \
             logs token-refresher."
        }
        ("token", _) => {
            "Look at the service that logs in: docker compose ps token-refresher, then docker \
             compose logs token-refresher. Agents work again as soon as it has a token."
        }
        ("dremio", "tls_not_verified") => {
            "Set DREMIO_CA_FILE to the authority of Dremio's certificate, and take \
             DREMIO_TLS_VERIFY out."
        }
        ("dremio", "tls") => "scripts/setup.sh --ca-bundle FILE, with the authority of Dremio's.",
        ("dremio", "no_user_yet") => "Open Dremio in a browser and make its first user.",
        ("dremio", "not_dremio_api" | "bad_answer") => {
            "DREMIO_URI must be the address of Dremio's REST API: host and port, usually 9047."
        }
        ("dremio", "timeout") => {
            "Dremio takes connections and does not answer: look at its load, its memory and its \
             log. Calls go on by themselves when it does."
        }
        ("dremio", _) => {
            "See that Dremio runs, and that DREMIO_URI is its address as seen from here. Calls go \
             on by themselves when it answers."
        }
        ("engine", "stopping") => {
            "Nothing to do: calls under way are finished (MCP_DRAIN_TIMEOUT), then the gateway \
             ends. If nobody stopped it: docker compose logs dremio-mcp."
        }
        ("engine", _) => {
            "It is started again by itself. If this stays: docker compose logs dremio-mcp, and \
             TROUBLESHOOTING.md, \"The official server is restarted again and again\"."
        }
        ("keys", _) => {
            "Put the file of keys right (MCP_API_KEYS_FILE): one key a line. It counts within 2 s."
        }
        ("gateway_key", _) => {
            "Let token-refresher write beside the token file: it makes gateway.key. See \
             TROUBLESHOOTING.md, \"Agents get errors\"."
        }
        ("guard", _) => "If agents are only to read: take MCP_ALLOW_WRITES out.",
        ("token_folder", _) => "chmod o-w the folder of TOKEN_FILE.",
        ("confinement", _) => {
            "A kernel with Landlock (Linux 5.13 and later), and MCP_SERVER_CONFINE not set to \
             false. See SECURITY.md, \"The MCP server process\"."
        }
        _ => return None,
    })
}

/// What an outcome of a call means; the words are those of the audit log.
pub(super) fn outcome(word: &'static str) -> &'static str {
    match word {
        "answer_too_large" => "the answer was larger than is passed on",
        "busy" => "too many calls of this client were waiting already",
        "call_forgotten" => "the official server answered other calls, but not this one",
        "engine_lost" => "the MCP server process ended in the middle",
        "engine_not_ready" => "no MCP server process was ready",
        "no_room" => "the memory for answers was full",
        "rpc_error" => "not a proper call: no such tool, or wrong arguments",
        "stopping" => "the gateway was stopping",
        "timed_out" => "took longer than MCP_CALL_TIMEOUT",
        "too_many_subscriptions" => "too many subscriptions",
        "tool_error" => "the tool said what was wrong, and the agent has read it",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{cure, title};

    #[test]
    fn every_condition_has_a_title_and_a_cure() {
        for condition in [
            "confinement",
            "dremio",
            "engine",
            "gateway_key",
            "guard",
            "keys",
            "token",
            "token_folder",
        ] {
            assert_ne!(title(condition), condition);
            let said = cure(condition, "a reason of tomorrow").unwrap();
            assert!(said.ends_with('.'), "{said}");
        }
        assert_eq!(cure("new", "new"), None);
    }
}
