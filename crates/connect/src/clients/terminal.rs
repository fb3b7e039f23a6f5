//! Programs of the terminal.

use super::{Client, File, Format, Place, READ, SHELL_REFERENCE, Speaks, TYPED_ENTRY, URL_ENTRY};

/// An entry as Gemini CLI has it.
const HTTP_URL_ENTRY: &str =
    r#"{"httpUrl": "{{url}}", "headers": {"Authorization": "Bearer {{key}}"}}"#;

pub(super) const ALL: &[Client] = &[
    Client {
        name: "claude-code",
        title: "Claude Code",
        file: Some(File {
            moved_by: Some(("CLAUDE_CONFIG_DIR", "~")),
            ..File::json(&["~/.claude.json"], "mcpServers", TYPED_ENTRY, SHELL_REFERENCE)
        }),
        command: Some(
            "claude mcp add --transport http --scope user {{name}} {{url}}\
             {{if key}} --header 'Authorization: Bearer ${{{variable}}}'{{end}}",
        ),
        speaks: Speaks::Modern,
        source: "https://www.npmjs.com/package/@anthropic-ai/claude-code",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "codex",
        title: "Codex CLI",
        file: Some(File {
            format: Format::Toml,
            moved_by: Some(("CODEX_HOME", "~/.codex")),
            ..File::json(
                &["~/.codex/config.toml"],
                "mcp_servers",
                r#"{"url": "{{url}}", "bearer_token_env_var": "{{variable}}"}"#,
                Some(""),
            )
        }),
        command: Some(
            "codex mcp add {{name}} --url {{url}}\
             {{if key}} --bearer-token-env-var {{variable}}{{end}}",
        ),
        speaks: Speaks::Handshake("2025-06-18"),
        source: "https://www.npmjs.com/package/@openai/codex",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "copilot",
        title: "GitHub Copilot CLI",
        file: Some(File {
            moved_by: Some(("COPILOT_HOME", "~/.copilot")),
            ..File::json(
                &["~/.copilot/mcp-config.json"],
                "mcpServers",
                r#"{"type": "http", "url": "{{url}}",
                    "headers": {"Authorization": "Bearer {{key}}"}, "tools": ["*"]}"#,
                SHELL_REFERENCE,
            )
        }),
        command: Some(
            "copilot mcp add --transport http {{name}} {{url}}\
             {{if key}} --header 'Authorization: Bearer ${{{variable}}}'{{end}}",
        ),
        speaks: Speaks::Modern,
        source: "https://www.npmjs.com/package/@github/copilot",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "gemini",
        title: "Gemini CLI",
        file: Some(File {
            moved_by: Some(("GEMINI_CLI_HOME", "~")),
            ..File::json(
                &["~/.gemini/settings.json"],
                "mcpServers",
                HTTP_URL_ENTRY,
                SHELL_REFERENCE,
            )
        }),
        command: Some(
            "gemini mcp add --transport http --scope user {{name}} {{url}}\
             {{if key}} --header 'Authorization: Bearer ${{{variable}}}'{{end}}",
        ),
        notes: &[
            "Gemini CLI asks whether you trust the folder: say yes, or it starts no servers there.",
            "After a restart of the server: /mcp refresh",
        ],
        source: "https://www.npmjs.com/package/@google/gemini-cli",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "qwen",
        title: "Qwen Code",
        file: Some(File {
            moved_by: Some(("QWEN_HOME", "~/.qwen")),
            ..File::json(&["~/.qwen/settings.json"], "mcpServers", HTTP_URL_ENTRY, SHELL_REFERENCE)
        }),
        command: Some(
            "qwen mcp add --transport http --scope user {{name}} {{url}}\
             {{if key}} --header 'Authorization: Bearer ${{{variable}}}'{{end}}",
        ),
        source: "https://www.npmjs.com/package/@qwen-code/qwen-code",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "opencode",
        title: "opencode",
        file: Some(File {
            moved_by: Some(("XDG_CONFIG_HOME", "~/.config")),
            ..File::json(
                &["~/.config/opencode/opencode.json", "~/.config/opencode/opencode.jsonc"],
                "mcp",
                r#"{"type": "remote", "url": "{{url}}", "enabled": true,
                    "headers": {"Authorization": "Bearer {{key}}"}}"#,
                Some("{env:{{variable}}}"),
            )
        }),
        source: "https://www.npmjs.com/package/opencode-ai",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "cline",
        title: "Cline",
        file: Some(File::json(
            &["~/.cline/data/settings/cline_mcp_settings.json"],
            "mcpServers",
            r#"{"type": "streamableHttp", "url": "{{url}}",
                "headers": {"Authorization": "Bearer {{key}}"}}"#,
            None,
        )),
        command: Some(
            "cline mcp add {{name}} {{url}} --transport streamableHttp --yes\
             {{if key}} --header \"Authorization: Bearer ${{variable}}\"{{end}}",
        ),
        notes: &[
            "In VS Code: Cline's panel, MCP Servers, Configure; put the entry into the file that \
             opens.",
        ],
        source: "https://www.npmjs.com/package/cline",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "continue",
        title: "Continue",
        file: Some(File {
            format: Format::Yaml,
            place: Place::List,
            begins: "name: Local Config\nversion: 1.0.0\nschema: v1\n",
            ..File::json(
                &["~/.continue/config.yaml"],
                "mcpServers",
                r#"{"name": "{{name}}", "type": "streamable-http", "url": "{{url}}",
                    "requestOptions": {"headers": {"Authorization": "Bearer {{key}}"}}}"#,
                None,
            )
        }),
        notes: &["Tools work in agent mode only."],
        source: "https://docs.continue.dev/customize/deep-dives/mcp",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "goose",
        title: "goose",
        file: Some(File {
            format: Format::Yaml,
            moved_by: Some(("XDG_CONFIG_HOME", "~/.config")),
            windows: &["~/AppData/Roaming/Block/goose/config/config.yaml"],
            ..File::json(
                &["~/.config/goose/config.yaml"],
                "extensions",
                r#"{"enabled": true, "type": "streamable_http", "name": "{{name}}",
                    "description": "SQL and the catalog of a Dremio", "uri": "{{url}}",
                    "timeout": 300, "env_keys": ["{{variable}}"],
                    "headers": {"Authorization": "Bearer {{key}}"}}"#,
                SHELL_REFERENCE,
            )
        }),
        source: "https://github.com/aaif-goose/goose/blob/main/documentation/docs/guides/\
                 config-files.md",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "amp",
        title: "Amp",
        file: Some(File::json(&["~/.config/amp/settings.json"], "amp.mcpServers", URL_ENTRY, None)),
        command: Some(
            "amp mcp add {{name}}\
             {{if key}} --header \"Authorization=Bearer ${{variable}}\"{{end}} {{url}}",
        ),
        source: "https://www.npmjs.com/package/@ampcode/cli",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "vibe",
        title: "Mistral Vibe",
        file: Some(File {
            format: Format::Toml,
            place: Place::List,
            moved_by: Some(("VIBE_HOME", "~/.vibe")),
            ..File::json(
                &["~/.vibe/config.toml"],
                "mcp_servers",
                r#"{"name": "{{name}}", "transport": "streamable-http", "url": "{{url}}",
                    "api_key_env": "{{variable}}", "tool_timeout_sec": 300}"#,
                Some(""),
            )
        }),
        command: Some(
            "vibe mcp add {{name}} --url {{url}}{{if key}} --api-key-env {{variable}}{{end}}",
        ),
        source: "https://docs.mistral.ai/vibe/code/cli/mcp-servers",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "inspector",
        title: "MCP Inspector",
        command: Some(
            "npx -y @modelcontextprotocol/inspector --cli {{url}} --transport http \
             --method tools/list\
             {{if key}} --header \"Authorization: Bearer ${{variable}}\"{{end}}",
        ),
        source: "https://github.com/modelcontextprotocol/inspector",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "mcp-remote",
        title: "mcp-remote",
        command: Some(
            "npx -y mcp-remote {{url}}\
             {{if key}} --header \"Authorization:Bearer ${{variable}}\"{{end}}",
        ),
        notes: &["A bridge for clients that can only start a program; it passes messages on."],
        source: "https://github.com/geelen/mcp-remote",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "mcpo",
        title: "mcpo",
        command: Some(
            "uvx mcpo --port 8500 --server-type streamable-http\
             {{if key}} --header '{\"Authorization\":\"Bearer '\"${{variable}}\"'\"}'{{end}} \
             -- {{url}}",
        ),
        notes: &[
            "The tools are then an OpenAPI server: http://127.0.0.1:8500/docs",
            "After a restart of the server: restart mcpo",
        ],
        source: "https://github.com/open-webui/mcpo",
        read_on: READ,
        ..Client::NEW
    },
];
