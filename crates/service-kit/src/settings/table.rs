//! The table. A new setting is a row here, and a line where its service's `Config` reads it; a row
//! that is not read fails each test that reads a configuration. Then
//! `BLESS=1 cargo test -p tidy table_of_settings` writes it wherever else it must stand.
#![allow(rustdoc::bare_urls, reason = "the texts are for help, where a URL is bare")]

use super::Containers::{Apart, FromEnv};
use super::Default::{Each, Is, Required, Unset};
use super::Form::{OrFile, Plain};
use super::Service::{Gateway, OfficialServer, TokenRefresher};
use super::{Service, Setting};

const BOTH: &[Service] = &[TokenRefresher, Gateway];
const REFRESHER: &[Service] = &[TokenRefresher];
const GATEWAY: &[Service] = &[Gateway];
const OFFICIAL: &[Service] = &[OfficialServer];

/// Variables of the system, no settings of ours, that the gateway hands on to the official server:
/// that gets these, what begins with [`HANDED_ON_PREFIX`], and nothing else.
pub const HANDED_ON: [&str; 14] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONDONTWRITEBYTECODE",
    // numpy starts a thread per core unless told otherwise.
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
];

/// The official server's own variables.
pub const HANDED_ON_PREFIX: &str = "DREMIOAI_";

/// Of these, what is the gateway's business: the official server talks to the gateway only.
pub const NOT_HANDED_ON: [&str; 2] = ["DREMIOAI_DREMIO__URI", "DREMIOAI_DREMIO__PAT"];

/// One static for each row, and `ALL` of them.
macro_rules! settings {
    ($($group:literal {
        $($name:ident: $services:expr, $form:expr, $default:expr, $containers:expr, $help:expr;)*
    })*) => {
        $($(
            #[doc = $help]
            pub static $name: Setting = Setting {
                name: stringify!($name),
                group: $group,
                services: $services,
                form: $form,
                default: $default,
                containers: $containers,
                help: $help,
            };
        )*)*

        /// All settings, in the order in which help shows them.
        pub static ALL: &[&Setting] = &[$($(&$name),*),*];
    };
}

settings! {
    "Dremio" {
        DREMIO_URI: BOTH, Plain, Required("http://dremio:9047"), FromEnv("http://dremio:9047"),
            "Dremio's REST API: http or https, host and port";
        DREMIO_USERNAME: REFRESHER, OrFile, Required("dremio"), FromEnv("dremio"),
            "the user to log in as";
        DREMIO_PASSWORD: REFRESHER, OrFile, Required(""),
            Apart("the file `dremio_password` in SECRETS_DIR, or a Swarm secret; for development, \
                   `.env`"),
            "the user's password; better DREMIO_PASSWORD_FILE, which is read again when it changes";
        DREMIO_ACCOUNTS_DIR: REFRESHER, Plain, Unset(""),
            Apart("ACCOUNTS_DIR names the folder on the host; Swarm has secrets"),
            "folder of further accounts: in it a folder for each, named after it, with the files \
             username and password";
        DREMIO_CA_FILE: BOTH, Plain, Unset(""),
            Apart("DREMIO_CA_BUNDLE names the file on the host"),
            "certificate authorities (PEM) to trust besides those of the system";
        DREMIO_TLS_VERIFY: BOTH, Plain, Is("true"), FromEnv(""),
            "whether Dremio's certificate is checked; `false` lets anybody between here and Dremio \
             read and change everything";
    }
    "The token" {
        TOKEN_FILE: BOTH, Plain, Is("/tokens/token.json"), Apart("the volume `tokens`"),
            "the file of the token; token-refresher writes it and more into its folder";
        TOKEN_CHECK_INTERVAL: REFRESHER, Plain, Is("5m"), FromEnv(""),
            "how often Dremio is asked whether it still accepts the token";
        TOKEN_REFRESH_BEFORE: REFRESHER, Plain, Is("6h"), FromEnv(""),
            "how long before its end the token is replaced";
        TOKEN_REVOKE_AFTER: REFRESHER, Plain, Is("10m"), FromEnv(""),
            "how long a replaced token stays valid for calls under way; 0 leaves it";
        RETRY_INITIAL: REFRESHER, Plain, Is("1s"), FromEnv(""),
            "first pause after a failure, doubled each time, with jitter";
        RETRY_MAX: REFRESHER, Plain, Is("5m"), FromEnv(""),
            "longest pause; also the pace when the password is wrong";
        REFRESHER_URL: GATEWAY, Plain, Unset("it is waited for"), Apart("the other container"),
            "token-refresher's admin address, asked for a new token when Dremio rejects the one \
             there is";
    }
    "Agents" {
        MCP_ADDR: GATEWAY, Plain, Is("127.0.0.1:8000"),
            Apart("MCP_PUBLISH names the address on the host"),
            "where agents connect; the endpoint is /mcp";
        MCP_API_KEYS_FILE: GATEWAY, Plain, Unset(""),
            Apart("the file `mcp_api_keys` in SECRETS_DIR, or a Swarm secret"),
            "keys that agents present as `Authorization: Bearer <key>`, one a line";
        MCP_API_KEY: GATEWAY, OrFile, Unset(""), Apart("`.env`, for development"),
            "one such key, instead of a file of them";
        MCP_AUTH: GATEWAY, Plain, Is("keys"), FromEnv(""),
            "`keys`, or `none` on a loopback address";
        MCP_POLICY_FILE: GATEWAY, Plain, Unset(""), FromEnv(""),
            "what each client may do: its keys, tools, schemas and budgets, as TOML; see \
             docs/DEPLOYMENT.md. The containers have the folder policy at /policy for it: \
             /policy/policy.toml";
        MCP_ALLOW_OPEN: GATEWAY, Plain, Is("false"), FromEnv(""),
            "allow MCP_AUTH=none on other addresses, where something in front checks who asks";
        MCP_ALLOWED_HOSTS: GATEWAY, Plain, Unset(""), Apart("`.env`; MCP_DOMAIN is added"),
            "names of this server besides localhost, comma-separated: \
             mcp.example.com,10.0.0.5:8000";
        MCP_PUBLIC_URL: GATEWAY, Plain, Unset(""), FromEnv(""),
            "the address that agents elsewhere use, without /mcp, for example \
             https://mcp.example.com; `doctor` tries it";
        MCP_ALLOWED_ORIGINS: GATEWAY, Plain, Unset(""), FromEnv(""),
            "web pages that may use it, comma-separated: https://app.example.com,file://";
        MCP_TRUSTED_PROXIES: GATEWAY, Plain, Unset(""), FromEnv(""),
            "addresses and ranges of proxies whose X-Forwarded-For, or Forwarded where that is \
             alone, is believed, comma-separated";
        MCP_ALLOW_WRITES: GATEWAY, Plain, Is("false"), FromEnv(""),
            "let agents run statements that write, with either engine";
        MCP_ALLOW_JOB_HISTORY: GATEWAY, Plain, Is("false"), FromEnv(""),
            "let agents query sys.jobs and sys.jobs_recent, which show what every other agent \
             asked";
        // A guess with room: the busiest agents were seen to make a few calls a second.
        MCP_RATE_LIMIT: GATEWAY, Plain, Is("6000/m"), FromEnv(""),
            "messages that one key may send, for example 600/m, or off; as many at once as in the \
             whole period";
        MCP_CALL_TIMEOUT: GATEWAY, Plain, Is("5m"), FromEnv(""),
            "limit for one call";
        MCP_QUERY_WAIT: GATEWAY, Plain, Is("45s"), FromEnv(""),
            "how long a call waits for its query; then the query runs on, and the agent asks for \
             its result with a handle. Many clients give up after 60 s";
        // Claude Code shows 10,000 tokens without a warning, and stops at 25,000.
        MCP_ANSWER_TOKENS: GATEWAY, Plain, Is("8000"), FromEnv(""),
            "most tokens of one answer, as estimated here; the rest comes with a handle";
        MCP_RESULT_FORMAT: GATEWAY, Plain, Is("csv"), FromEnv(""),
            "how rows are written where a call does not say: `csv`, or `json` with twice the \
             tokens";
        MCP_SUGGEST_VALUES: GATEWAY, Plain, Is("false"), FromEnv(""),
            "after an empty result, name values that the compared text columns have; a further \
             query over 10,000 rows at most";
        MCP_SESSION_IDLE: GATEWAY, Plain, Is("1h"), FromEnv(""),
            "a session that rests for so long is taken out of memory; its id stays good";
        MCP_DRAIN_TIMEOUT: GATEWAY, Plain, Is("20s"), FromEnv(""),
            "how long answers in flight get to finish after SIGTERM; with more, raise \
             GATEWAY_STOP_GRACE of the containers";
    }
    "The engine" {
        MCP_ENGINE: GATEWAY, Plain, Is("official"),
            Apart("DREMIO_MCP_TARGET chooses the image, which has its engine"),
            "`official` runs Dremio's own MCP server, `native` needs no Python";
        MCP_SERVER_COMMAND: GATEWAY, Plain,
            Is("dremio-mcp-server run --no-log-to-file --enable-json-logging"), FromEnv(""),
            "the official server's command line, split as a shell does, run without one";
        MCP_OFFICIAL_REPAIR: GATEWAY, Plain, Is("true"), FromEnv(""),
            "answer for the official server where it fails on Community Edition, and cut its rows; \
             `false` relays what it says";
        MCP_SERVER_CONFINE: GATEWAY, Plain, Is("true"), FromEnv(""),
            "keep its process from the token, the keys and other processes, where the kernel has \
             Landlock";
        MCP_SERVER_WRITABLE: GATEWAY, Plain, Unset(""), FromEnv(""),
            "folders in which that process may write besides its own, comma-separated";
        MCP_ENGINE_TIMEOUT: GATEWAY, Plain, Is("30s"), FromEnv(""),
            "an MCP server process that is silent for this long, although it was asked, is \
             replaced";
        MCP_STANDBY: GATEWAY, Plain, Is("false"), FromEnv(""),
            "keep a second MCP server process ready to take over: 170 MB more";
    }
    "Operation" {
        ADMIN_ADDR: BOTH, Plain,
            Each { refresher: "127.0.0.1:9465", gateway: "127.0.0.1:9464" },
            Apart("for containers of the same network only"),
            "/healthz, /readyz with reasons, /metrics; of dremio-mcp a page for people at /, of \
             token-refresher POST /refresh, too";
        ADMIN_ALLOWED_HOSTS: BOTH, Plain, Unset(""), FromEnv(""),
            "names with a dot by which tools may ask there, comma-separated (addresses, and names \
             without a dot, are known)";
        AUDIT_FILE: GATEWAY, Plain, Unset("the log alone"), FromEnv(""),
            "a file with one line for each call of a tool, written before its answer leaves; one \
             file for each gateway. The containers have a volume at /audit for it: \
             /audit/audit.jsonl";
        AUDIT_FILE_SIZE: GATEWAY, Plain, Is("100M"), FromEnv(""),
            "from this size on the file is set aside as FILE.NUMBER, and another one goes on; or \
             off. SIGHUP does the same at any time";
        AUDIT_SQL: GATEWAY, Plain, Is("off"), FromEnv(""),
            "`text` writes statements down in that file, up to 32,768 characters; `off` only \
             fingerprints of them";
        AUDIT_JOB_MARK: GATEWAY, Plain, Is("true"), FromEnv(""),
            "put a comment behind each query that says in Dremio's job history who asks: client, \
             tool, call";
        LOG_LEVEL: BOTH, Plain, Is("info"), FromEnv(""),
            "debug, info, warn or error";
        LOG_FORMAT: BOTH, Plain, Unset("text on a terminal, else json"), FromEnv("json"),
            "json or text";
    }
    "Traces" {
        OTEL_EXPORTER_OTLP_ENDPOINT: GATEWAY, Plain, Unset("no traces"), FromEnv(""),
            "where traces of tool calls go, by OTLP over HTTP: http://collector:4318";
        OTEL_EXPORTER_OTLP_PROTOCOL: GATEWAY, Plain, Is("http/protobuf"), FromEnv(""),
            "how they are written: http/protobuf or http/json";
        OTEL_EXPORTER_OTLP_HEADERS: GATEWAY, OrFile, Unset(""), FromEnv(""),
            "headers for the collector, a secret: Authorization=Bearer%20…, comma-separated";
        OTEL_SERVICE_NAME: GATEWAY, Plain, Unset("dremio-mcp"), FromEnv(""),
            "what this gateway is called there";
        OTEL_RESOURCE_ATTRIBUTES: GATEWAY, Plain, Unset(""),
            Apart("TRACES_ATTRIBUTES: Docker's own programs set this name for Compose"),
            "what else is said of it: name=value, comma-separated";
        OTEL_TRACES_SAMPLER: GATEWAY, Plain, Is("parentbased_traceidratio"), FromEnv(""),
            "which calls are traced: always_on, always_off or traceidratio; with parentbased_ in \
             front, a client that traces decides for its own";
        OTEL_TRACES_SAMPLER_ARG: GATEWAY, Plain, Is("0.01"), FromEnv(""),
            "the share of calls for traceidratio, from 0 to 1";
    }
    "Handed on to the official server" {
        DREMIOAI_TOOLS__SERVER_MODE: OFFICIAL, Plain, Unset("its own default"),
            FromEnv("FOR_DATA_PATTERNS"),
            "which tools it offers";
        DREMIOAI_DREMIO__ALLOW_DML: GATEWAY, Plain, Is("false"), FromEnv(""),
            "means the same as MCP_ALLOW_WRITES";
        DREMIOAI_DREMIO__ENABLE_SEARCH: OFFICIAL, Plain, Is("false"), FromEnv(""),
            "whether it offers Dremio's semantic search, with MCP_OFFICIAL_REPAIR=false";
        DREMIOAI_DREMIO__MAX_RESULT_BYTES: OFFICIAL, Plain, Is("204800"), FromEnv(""),
            "how much of a result it shows";
    }
}
