"""The clients and their versions."""

from agents import Agent, claude, codex, gemini
from program import Bridge, Library, Mcpo


def all_programs():
    ts1, ts2 = ["@modelcontextprotocol/sdk@1.32.2"], ["@modelcontextprotocol/client@2.4.0"]
    return [
        Library("TypeScript SDK 1", "1.32.2", ts1, "npm", "1"),
        Library("TypeScript SDK 2", "2.4.0", ts2, "npm", "2"),
        Library("TypeScript SDK 2 auto", "2.4.0", ts2, "npm", "2-auto"),
        Library("Python mcp 1.27", "1.27.2", ["mcp==1.27.2"], "pip", "mcp-1"),
        Library("Python mcp 1", "1.30.0", ["mcp==1.30.0"], "pip", "mcp-1"),
        Library("Python mcp 2 legacy", "2.3.0", ["mcp==2.3.0"], "pip", "mcp-2-legacy"),
        Library("Python mcp 2 auto", "2.3.0", ["mcp==2.3.0"], "pip", "mcp-2-auto"),
        Library("fastmcp 2", "2.14.7", ["fastmcp==2.14.7"], "pip", "fastmcp"),
        Library("fastmcp 3", "3.4.11", ["fastmcp==3.4.11"], "pip", "fastmcp"),
        Mcpo("mcpo", "0.0.20", ["mcpo==0.0.20", "mcp==1.30.0", "fastapi==0.120.0"], "pip"),
        Bridge(
            "mcp-proxy",
            "0.13.0",
            ["mcp-proxy==0.13.0", "mcp==1.30.0"],
            "pip",
            lambda folder, stand: [
                folder / "bin/mcp-proxy",
                "--transport",
                "streamablehttp",
                "--headers",
                "Authorization",
                f"Bearer {stand.key}",
                stand.url,
            ],
        ),
        Bridge(
            "supergateway",
            "4.0.0",
            ["supergateway@4.0.0"],
            "npm",
            lambda folder, stand: [
                folder / "node_modules/.bin/supergateway",
                "--streamableHttp",
                stand.url,
                "--oauth2Bearer",
                stand.key,
            ],
        ),
        Bridge(
            "mcp-remote",
            "0.15.1",
            ["mcp-remote@0.15.1"],
            "npm",
            lambda folder, stand: [
                folder / "node_modules/.bin/mcp-remote",
                stand.url,
                "--header",
                "Authorization:${AUTH_HEADER}",
            ],
        ),
        Agent("Gemini CLI", "0.61.0", ["@google/gemini-cli@0.61.0"], "npm", gemini),
        Agent("Codex", "0.169.0", ["@openai/codex@0.169.0"], "npm", codex),
        Agent("Claude Code", "2.1.109", ["@anthropic-ai/claude-code@2.1.109"], "npm", claude),
        Agent("Claude Code", "2.1.197", ["@anthropic-ai/claude-code@2.1.197"], "npm", claude),
    ]
