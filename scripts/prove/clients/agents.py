"""Agent programs, which need a model, and how each is told of the gateway."""

import json
import subprocess
import threading
import time
import urllib.error

from program import Program, end, sql_of
from stand import free_ports, http, until


class Agent(Program):
    """An agent program in front of a scripted model: each call waits for a file.

    A call's result is what the model received. `calls` are the queries that it will be told to run,
    in their order.
    """

    CALLS = 11

    def __init__(self, name, version, packages, kind, configure):
        super().__init__(name, version, packages, kind)
        self.configure = configure
        self.calls = [sql_of(number) for number in range(1, self.CALLS + 1)]

    def start(self, cache, stand, work):
        # The model reads its script from the prompt: the statements that the run will ask for.
        work.mkdir(parents=True, exist_ok=True)
        self.gates, self.model_log, port = work / "gates", work / "model.log", free_ports(1)[0]
        self.gates.mkdir()
        lines = []
        for number, sql in enumerate(self.calls, 1):
            lines += [
                f"WAITFILE {self.gates / str(number)}",
                f"CALL RunSqlQuery {json.dumps({'query': sql})}",
            ]
        self.prompt, self.model = "\n".join(lines), f"http://127.0.0.1:{port}"
        python, script = self.scripted
        self.model_process = subprocess.Popen(
            [python, script, str(port), self.model_log],
            stdout=subprocess.DEVNULL,
            stderr=open(work / "model.stderr", "wb"),
            start_new_session=True,
        )
        until("the scripted model listens", lambda: listens(self.model))
        super().start(cache, stand, work)

    def command(self, cache, stand):
        return self.configure(self, self.folder(cache), stand)

    def connect(self):
        # Codex reads it to its end before it begins.
        self.process.stdin.close()
        # The model is asked once the program has connected to its servers and knows the tool.
        until(
            f"{self.name} asks the model with the tool at hand",
            lambda: self.asks() or not self.is_alive(),
            300,
        )
        if not self.is_alive():
            raise RuntimeError(
                "it ended: " + (self.work / "stderr").read_text(errors="replace").strip()[-300:]
            )
        threading.Thread(target=self.follow, daemon=True).start()

    def asks(self):
        return "RunSqlQuery" in self.model_log.read_text(errors="replace")

    def begin(self, number, _sql):
        (self.gates / str(number)).touch()

    def follow(self):
        while self.is_alive():
            self.look()
            time.sleep(0.05)
        self.look()

    def look(self):
        for line in self.model_log.read_text(errors="replace").splitlines():
            try:
                answers = json.loads(line.split(" ", 3)[3]).get("tool_results", [])
            except (IndexError, ValueError):
                continue
            for number, answer in enumerate(answers, 1):
                text = json.dumps(answer)
                self.results.setdefault(number, (not answer.get("is_error"), text))

    def stop(self):
        super().stop()
        if process := getattr(self, "model_process", None):
            end(process)


def listens(url):
    try:
        http(url)
    except urllib.error.HTTPError:
        pass
    return True


def claude(agent, folder, stand):
    config = agent.work / "mcp.json"
    config.write_text(
        json.dumps(
            {
                "mcpServers": {
                    "dremio": {
                        "type": "http",
                        "url": stand.url,
                        "headers": {"Authorization": f"Bearer {stand.key}"},
                    }
                }
            }
        )
    )
    return [
        folder / "node_modules/.bin/claude",
        "-p",
        agent.prompt,
        "--mcp-config",
        config,
        "--strict-mcp-config",
        "--allowedTools",
        "mcp__dremio__RunSqlQuery",
    ], {
        "ANTHROPIC_BASE_URL": agent.model,
        "ANTHROPIC_API_KEY": "sk-fake-local",
        "ENABLE_TOOL_SEARCH": "false",
        # On a busy machine it would ask the model before it has connected.
        "MCP_CONNECTION_NONBLOCKING": "false",
        "MCP_TIMEOUT": "120000",
    }


def gemini(agent, folder, stand):
    settings = agent.work / "home/.gemini/settings.json"
    settings.parent.mkdir()
    settings.write_text(
        json.dumps(
            {
                "mcpServers": {
                    "dremio": {
                        "httpUrl": stand.url,
                        "headers": {"Authorization": f"Bearer {stand.key}"},
                        "trust": True,
                    }
                },
                "security": {"auth": {"selectedType": "gemini-api-key"}},
                "telemetry": {"enabled": False},
                "privacy": {"usageStatisticsEnabled": False},
                "general": {"disableAutoUpdate": True},
            }
        )
    )
    # With a model named, it asks no other one which to take.
    model = ["-m", "gemini-2.5-flash"]
    return [folder / "node_modules/.bin/gemini", *model, "-p", agent.prompt, "-y"], {
        "GOOGLE_GEMINI_BASE_URL": agent.model,
        "GEMINI_API_KEY": "fake",
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }


CODEX = """model = "fake"
model_provider = "scripted"

[model_providers.scripted]
name = "scripted"
base_url = "{model}/v1"
wire_api = "responses"
env_key = "FAKE_KEY"

[mcp_servers.dremio]
url = "{url}"
bearer_token_env_var = "DREMIO_MCP_KEY"
"""


def codex(agent, folder, stand):
    config = agent.work / "home/.codex/config.toml"
    config.parent.mkdir()
    config.write_text(CODEX.format(model=agent.model, url=stand.url))
    return [
        folder / "node_modules/.bin/codex",
        "exec",
        "--skip-git-repo-check",
        "--dangerously-bypass-approvals-and-sandbox",
        agent.prompt,
    ], {"FAKE_KEY": "fake", "DREMIO_MCP_KEY": stand.key}
