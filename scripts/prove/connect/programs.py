"""The clients that are run, each in one version, and what makes each of them run."""

import json
import shlex

VALUE = "71042"
SQL = "SELECT 71000 + 42 AS v"


class Program:
    """`name` is that of `dremio-mcp connect`; `packages` are installed with `kind`."""

    def __init__(self, name, version, kind, packages, run, before=None, python="python3",
                 lists_only=False):
        self.name, self.version, self.kind, self.packages = name, version, kind, packages
        self.title, self.steps = name, []
        self.run, self.before, self.python, self.lists_only = run, before, python, lists_only


def agent(binary, *arguments, script=(), **env):
    """An agent program of the terminal: the prompt is the script for the model."""

    def run(stage):
        first = "".join(f"{line}\n" for line in script)
        prompt = f"Do this:\n{first}CALL RunSqlQuery {json.dumps({'query': SQL})}\nThat is all."
        fill = {"PROMPT": prompt, "MODEL": stage.model, "HOME": str(stage.home)}
        line = [stage.program(binary)]
        line += [fill.get(word, word) for word in arguments]
        filled = {name: value.replace("MODEL", stage.model) for name, value in env.items()}
        stage.call(line, filled)
        return stage.seen_by_model()

    return run


def shown_line(stage):
    """The line that `connect` shows below "Run:", in a shell, with the packages at hand."""
    text = stage.connect()
    line = text.split("Run:\n\n", 1)[1].splitlines()[0].strip()
    return stage.call(["sh", "-c", line])


def listed_by_line(stage):
    """It only lists: it is a tool for looking."""
    said = shown_line(stage)
    return said if '"RunSqlQuery"' in said else None


def shown_program(stage):
    """The program that `connect` shows, as it stands there."""
    text = stage.connect()
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(("  # ", "  // ")))
    end = next(i for i, line in enumerate(lines) if line.startswith("From "))
    program = "\n".join(line.removeprefix("  ") for line in lines[start:end])
    return stage.call_program(program)


def bridge(stage):
    """A bridge that a chat starts: it is written to as that chat would."""
    text = stage.connect()
    line = text.split("Run:\n\n", 1)[1].splitlines()[0].strip()
    return stage.talk(["sh", "-c", line], {})


def desktop(stage):
    """What Claude Desktop starts, from its own file."""
    stage.connect("--write")
    path = stage.home / ".config/Claude/claude_desktop_config.json"
    server = json.loads(path.read_text())["mcpServers"]["dremio"]
    return stage.talk([stage.program(server["command"]), *server["args"]], server["env"])


def openapi(stage):
    """mcpo as a server: its tool is called over its OpenAPI."""
    text = stage.connect()
    line = text.split("Run:\n\n", 1)[1].splitlines()[0].strip()
    port = stage.free_port()
    return stage.ask_openapi(["sh", "-c", line.replace("8500", str(port))], port)


def write(path, text):
    def before(stage):
        target = stage.home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace("MODEL", stage.model))

    return before


CODEX = """# Where the model is
model = "fake"
model_provider = "local"

[model_providers.local]
name = "local" # on this machine
base_url = "MODEL/v1"
wire_api = "responses"
env_key = "FAKE_KEY"
"""
GEMINI = """{
  "security": {"auth": {"selectedType": "gemini-api-key"}},
  "telemetry": {"enabled": false},
  "privacy": {"usageStatisticsEnabled": false},
  "general": {"disableAutoUpdate": true}
}
"""
OPENCODE = """{
  // the model on this machine
  "autoupdate": false,
  "share": "disabled",
  "provider": {"local": {"npm": "@ai-sdk/openai-compatible", "name": "local",
    "options": {"baseURL": "MODEL/v1", "apiKey": "fake"}, "models": {"fake": {"name": "fake"}}}},
  "model": "local/fake",
}
"""
QWEN = """{
  "security": {"auth": {"selectedType": "openai"}},
  "telemetry": {"enabled": false},
  "privacy": {"usageStatisticsEnabled": false},
  "general": {"disableAutoUpdate": true}
}
"""
VIBE = """# the model on this machine
active_model = "fake"
enable_telemetry = false
enable_auto_update = false
mcp_servers = []

[[providers]]
name = "local"
api_base = "MODEL/v1"
api_key_env_var = "FAKE_KEY"

[[models]]
name = "fake"
provider = "local"
alias = "fake"
"""
CONTINUE = """name: Local
version: 1.0.0
schema: v1
# the model on this machine
models:
  - name: fake
    provider: openai
    model: fake
    apiBase: MODEL/v1
    apiKey: fake
    roles: [chat]
    capabilities: [tool_use]
"""


def cline_account(stage):
    stage.call(
        shlex.split(
            f"{stage.program('cline')} auth -p openai -k fake -m fake -b {stage.model}/v1"
        )
    )


def npm(name, version, package, run, **more):
    return Program(name, version, "npm", [f"{package}@{version}"], run, **more)


def pip(name, version, packages, run, **more):
    return Program(name, version, "pip", packages, run, **more)


ALL = [
    npm("claude-code", "2.1.332", "@anthropic-ai/claude-code",
        agent("claude", "-p", "PROMPT", "--allowedTools", "mcp__dremio__RunSqlQuery",
              ANTHROPIC_BASE_URL="MODEL", ANTHROPIC_API_KEY="sk-fake-local")),
    npm("codex", "0.169.0", "@openai/codex",
        agent("codex", "exec", "--skip-git-repo-check",
              "--dangerously-bypass-approvals-and-sandbox", "PROMPT", FAKE_KEY="fake"),
        before=write(".codex/config.toml", CODEX)),
    npm("gemini", "0.61.0", "@google/gemini-cli",
        agent("gemini", "-m", "gemini-2.5-flash", "-p", "PROMPT", "-y",
              GOOGLE_GEMINI_BASE_URL="MODEL", GEMINI_API_KEY="fake",
              GEMINI_CLI_TRUST_WORKSPACE="true"),
        before=write(".gemini/settings.json", GEMINI)),
    npm("opencode", "1.18.33", "opencode-ai",
        agent("opencode", "run", "-m", "local/fake", "PROMPT"),
        before=write(".config/opencode/opencode.json", OPENCODE)),
    npm("qwen", "0.24.4", "@qwen-code/qwen-code",
        agent("qwen", "-y", "-p", "PROMPT", OPENAI_BASE_URL="MODEL/v1", OPENAI_API_KEY="fake",
              OPENAI_MODEL="fake",
              # It shows tools of servers to a model that looks for them.
              script=['CALL tool_search {"query": "select:mcp__dremio__RunSqlQuery"}',
                      f'CALL tool_call {json.dumps({"name": "mcp__dremio__RunSqlQuery", "arguments": {"query": SQL}})}']),
        before=write(".qwen/settings.json", QWEN)),
    npm("copilot", "1.0.102", "@github/copilot",
        agent("copilot", "-p", "PROMPT", "--allow-all-tools",
              COPILOT_PROVIDER_BASE_URL="MODEL/v1", COPILOT_PROVIDER_API_KEY="fake",
              COPILOT_MODEL="fake", COPILOT_OFFLINE="true", COPILOT_AUTO_UPDATE="false")),
    npm("cline", "3.0.65", "cline",
        agent("cline", "--auto-approve", "true", "-P", "openai", "-m", "fake", "PROMPT"),
        before=cline_account),
    npm("continue", "1.5.47", "@continuedev/cli",
        agent("cn", "-p", "PROMPT", "--auto", "--config", "CONFIG",
              CONTINUE_TELEMETRY_ENABLED="0"),
        before=write(".continue/config.yaml", CONTINUE)),
    pip("vibe", "2.26.1", ["mistral-vibe==2.26.1"],
        # Its other harness calls tools from programs that the model writes.
        agent("vibe", "-p", "PROMPT", "--auto-approve", "--trust", "--legacy-harness",
              FAKE_KEY="fake"),
        before=write(".vibe/config.toml", VIBE), python="python3.12"),
    npm("claude-desktop", "0.15.1", "mcp-remote", desktop),
    npm("mcp-remote", "0.15.1", "mcp-remote", bridge),
    npm("inspector", "2.12.0", "@modelcontextprotocol/inspector", listed_by_line,
        lists_only=True),
    pip("mcpo", "0.0.20", ["mcpo==0.0.20", "mcp==1.30.0", "fastapi==0.120.0"], openapi),
    pip("python", "2.3.0", ["mcp==2.3.0"], shown_program),
    pip("fastmcp", "4.2.3", ["fastmcp==4.2.3"], shown_program),
    npm("typescript", "2.4.0", "@modelcontextprotocol/client", shown_program),
    npm("ai-sdk", "2.0.99", "@ai-sdk/mcp", shown_program),
    pip("langchain", "0.3.2", ["langchain-mcp-adapters==0.3.2"], shown_program),
    pip("openai-agents", "0.24.0", ["openai-agents==0.24.0"], shown_program),
    pip("pydantic-ai", "2.68.0", ["pydantic-ai-slim[mcp]==2.68.0"], shown_program),
    pip("google-adk", "2.13.0", ["google-adk[mcp]==2.13.0"], shown_program,
        lists_only=True),
    pip("llama-index", "0.6.0", ["llama-index-tools-mcp==0.6.0"], shown_program),
    pip("agno", "3.1.10", ["agno==3.1.10", "fastmcp==4.2.3"], shown_program),
]
