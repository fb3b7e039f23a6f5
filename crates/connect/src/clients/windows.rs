//! Programs with windows: editors and chats.

use super::{Client, File, READ, SHELL_REFERENCE, Speaks, TYPED_ENTRY, URL_ENTRY};

/// An entry as Windsurf has it.
const SERVER_URL_ENTRY: &str =
    r#"{"serverUrl": "{{url}}", "headers": {"Authorization": "Bearer {{key}}"}}"#;

/// A reference as editors that descend from VS Code have it.
const EDITOR_REFERENCE: Option<&str> = Some("${env:{{variable}}}");

/// Editors read their environment once, when they start.
const START_AGAIN: &str = "Quit it and start it again: it reads variables only when it starts.";

pub(super) const ALL: &[Client] = &[
    Client {
        name: "claude-desktop",
        title: "Claude Desktop",
        file: Some(File {
            macos: &["~/Library/Application Support/Claude/claude_desktop_config.json"],
            windows: &["~/AppData/Roaming/Claude/claude_desktop_config.json"],
            ..File::json(
                &["~/.config/Claude/claude_desktop_config.json"],
                "mcpServers",
                // No blank after the colon: Claude Desktop for Windows cuts arguments at blanks.
                r#"{"command": "npx", "args": ["-y", "mcp-remote", "{{url}}",
                    "{{if key}}--header{{end}}",
                    "{{if key}}Authorization:${AUTH_HEADER}{{end}}"],
                    "env": {"AUTH_HEADER": "Bearer {{key}}"}}"#,
                None,
            )
        }),
        notes: &[
            "It needs Node.js, whose npx fetches the bridge mcp-remote.",
            "Quit Claude Desktop and start it again.",
        ],
        source: "https://modelcontextprotocol.io/docs/develop/connect-local-servers",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "cursor",
        title: "Cursor",
        file: Some(File::json(&["~/.cursor/mcp.json"], "mcpServers", URL_ENTRY, EDITOR_REFERENCE)),
        notes: &[START_AGAIN],
        source: "https://userjot.com/docs/mcp-cursor",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "vscode",
        title: "VS Code with Copilot",
        file: Some(File {
            macos: &["~/Library/Application Support/Code/User/mcp.json"],
            windows: &["~/AppData/Roaming/Code/User/mcp.json"],
            ..File::json(
                &["~/.config/Code/User/mcp.json"],
                "servers",
                TYPED_ENTRY,
                EDITOR_REFERENCE,
            )
        }),
        command: Some(
            "code --add-mcp '{\"name\":\"{{name}}\",\"type\":\"http\",\"url\":\"{{url}}\"\
             {{if key}},\"headers\":{\"Authorization\":\"Bearer ${env:{{variable}}}\"}{{end}}}'",
        ),
        notes: &[
            START_AGAIN,
            "Tools work in agent mode only; VS Code asks once whether you trust the server.",
        ],
        source: "https://code.visualstudio.com/docs/agents/reference/mcp-configuration",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "windsurf",
        title: "Windsurf",
        file: Some(File::json(
            &["~/.codeium/windsurf/mcp_config.json"],
            "mcpServers",
            SERVER_URL_ENTRY,
            EDITOR_REFERENCE,
        )),
        notes: &[START_AGAIN],
        source: "https://docs.windsurf.com/windsurf/cascade/mcp",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "antigravity",
        title: "Antigravity",
        file: Some(File::json(
            &["~/.gemini/config/mcp_config.json", "~/.gemini/antigravity/mcp_config.json"],
            "mcpServers",
            SERVER_URL_ENTRY,
            None,
        )),
        source: "https://developer.mescius.com/mcp/docs/configure-your-ai-client/\
                 command-line-clients/google-antigravity-cli",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "zed",
        title: "Zed",
        file: Some(File {
            windows: &["~/AppData/Roaming/Zed/settings.json"],
            ..File::json(&["~/.config/zed/settings.json"], "context_servers", URL_ENTRY, None)
        }),
        source: "https://zed.dev/docs/ai/mcp",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "roo",
        title: "Roo Code",
        file: Some(File {
            macos: &[
                "~/Library/Application Support/Code/User/globalStorage/rooveterinaryinc.roo-cline/\
                 settings/mcp_settings.json",
            ],
            windows: &[
                "~/AppData/Roaming/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/\
                 mcp_settings.json",
            ],
            ..File::json(
                &["~/.config/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/\
                   mcp_settings.json"],
                "mcpServers",
                r#"{"type": "streamable-http", "url": "{{url}}",
                    "headers": {"Authorization": "Bearer {{key}}"}}"#,
                None,
            )
        }),
        source: "https://docs.roocode.com/features/mcp/using-mcp-in-roo",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "kiro",
        title: "Kiro",
        file: Some(File::json(
            &["~/.kiro/settings/mcp.json"],
            "mcpServers",
            URL_ENTRY,
            SHELL_REFERENCE,
        )),
        notes: &["Kiro asks once whether it may read the variable: say yes."],
        source: "https://kiro.dev/docs/mcp/configuration",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "lm-studio",
        title: "LM Studio",
        file: Some(File::json(&["~/.lmstudio/mcp.json"], "mcpServers", URL_ENTRY, None)),
        source: "https://lmstudio.ai/docs/app/mcp",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "open-webui",
        title: "Open WebUI",
        command: Some(
            "export TOOL_SERVER_CONNECTIONS='[{\"type\":\"mcp\",\"url\":\"{{url}}\",\"path\":\"\",\
             {{if key}}\"auth_type\":\"bearer\",\"key\":\"'\"${{variable}}\"'\",{{end}}\
             \"config\":{\"enable\":true},\
             \"info\":{\"id\":\"{{name}}\",\"name\":\"{{name}}\"}}]'",
        ),
        notes: &[
            "Open WebUI reads the variable only at its first start. Later: Admin Settings, \
             External Tools, +, type MCP (Streamable HTTP).",
            "If it runs in a container, write host.docker.internal instead of 127.0.0.1, and add \
             that name to MCP_ALLOWED_HOSTS.",
        ],
        speaks: Speaks::Modern,
        source: "https://docs.openwebui.com/features/mcp",
        read_on: READ,
        ..Client::NEW
    },
];
