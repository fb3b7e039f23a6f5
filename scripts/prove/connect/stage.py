"""Where one client runs: a home of its own, a gateway with the sandbox behind it, no network."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))

from program import QUIET, end  # noqa: E402
from stand import Stand, ask, free_ports, http, until  # noqa: E402

SECONDS = 300


class Failed(Exception):
    """What the client's user would see."""


class Stage:
    def __init__(self, program, options, work, model):
        self.spec, self.options, self.work = program, options, work
        self.home, self.installed = work / "home", folder(options.cache, program)
        (work / "bin").mkdir(parents=True)
        (work / "here").mkdir()
        self.home.mkdir()
        (work / "stand").mkdir()
        self.stand = Stand(options.bin, work / "stand", {})
        self.model_command, self.model, self.log = model, None, work / "model.log"
        self.started = []
        self.shims()

    def shims(self):
        """`npx -y X` and `uvx X` run what is installed: nothing is fetched."""
        node, here = self.options.node, self.work / "bin"
        binaries = self.installed / "node_modules/.bin"
        uvx = self.installed / "bin"
        texts = {
            "npx": f'#!/bin/sh\n[ "$1" = -y ] && shift\nname=${{1##*/}}; shift\n'
            f'[ "$name" = inspector ] && name=mcp-inspector\nexec "{binaries}/$name" "$@"\n',
            "uvx": f'#!/bin/sh\nname=$1; shift\nexec "{uvx}/$name" "$@"\n',
        }
        for name, text in texts.items():
            (here / name).write_text(text)
            (here / name).chmod(0o755)
        self.path = f"{here}:{binaries}:{node}:{os.environ['PATH']}"

    def __enter__(self):
        self.stand.start()
        if self.model_command:
            port = self.free_port()
            self.model = f"http://127.0.0.1:{port}"
            command = [*self.model_command, str(port), str(self.log)]
            self.log.touch()
            self.start(command, {})
            until("the scripted model listens", lambda: http(f"{self.model}/v1/models"))
        return self

    def __exit__(self, *_):
        for process in self.started:
            end(process)
        self.end_daemons()
        self.stand.stop()

    def end_daemons(self):
        """Ends what left its client's group: Cline's hub goes on by itself."""
        for command in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            number = int(command.parent.name)
            try:
                if f"{self.work}/".encode() in command.read_bytes() and number != os.getpid():
                    os.kill(number, signal.SIGKILL)
            except OSError:
                continue

    def free_port(self):
        return free_ports(1)[0]

    def env(self, more):
        base = {"PATH": self.path, "HOME": str(self.home), "LANG": "C.UTF-8"}
        return base | QUIET | {"DREMIO_MCP_KEY": self.stand.key} | more

    def program(self, name):
        places = ("bin", "node_modules/.bin")
        for place in (self.work / "bin", *(self.installed / place for place in places)):
            if (place / name).exists():
                return str(place / name)
        raise Failed(f"the package has no program {name}")

    def start(self, command, more, **pipes):
        log = open(self.work / "stderr", "ab")
        process = subprocess.Popen(
            command,
            env=self.env(more),
            cwd=self.work / "here",
            stderr=log,
            start_new_session=True,
            **({"stdin": subprocess.DEVNULL, "stdout": log} | pipes),
        )
        self.started.append(process)
        return process

    def call(self, command, more=None):
        """What a program says that ends by itself."""
        config = str(self.home / ".continue/config.yaml")
        command = [config if word == "CONFIG" else word for word in command]
        process = self.start(command, more or {}, stdout=subprocess.PIPE)
        try:
            said = process.communicate(timeout=SECONDS)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            end(process)
            raise Failed(f"it did not end within {SECONDS} s") from None
        (self.work / "stdout").write_text(said)
        if process.returncode:
            raise Failed(f"it ended with {process.returncode}: {self.last_words(said)}")
        return said

    def last_words(self, said):
        stderr = (self.work / "stderr").read_text(errors="replace")
        return (stderr.strip() or said.strip())[-300:]

    def connect(self, *flags):
        """What `dremio-mcp connect` says of this client."""
        key_file = str(self.work / "stand/keys")
        url = ["--url", self.stand.url, "--key-file", key_file]
        return self.call([str(self.options.bin / "dremio-mcp"), "connect", self.spec.name, *url,
                          *flags])

    def title(self):
        """What the client is called."""
        return self.connect().splitlines()[0]

    def steps(self):
        """What `connect` says is left to do by hand, a line each."""
        shown = self.connect().splitlines()
        key = ["Set the key where it runs."] if any("export " in line for line in shown) else []
        return key + [line[2:] for line in shown if line.startswith("- ")]

    def spec_writes(self):
        """Whether this client has a file of its own."""
        return "his into " in self.connect()

    def call_program(self, text):
        is_python = self.spec.kind == "pip"
        path = self.installed / ("connect_shown.py" if is_python else "connect_shown.mjs")
        path.write_text(text + "\n")
        interpreter = self.installed / "bin/python" if is_python else "node"
        said = self.call([str(interpreter), str(path)])
        lists = "RunSqlQuery" in said
        calls = "call" not in text.lower() or self.stand.has_job("SELECT 1")
        return said if lists and (calls or self.spec.lists_only) else None

    def seen_by_model(self):
        """The last result of the tool that reached the model, if it is the right one."""
        results = []
        for line in self.log.read_text(errors="replace").splitlines():
            try:
                results = json.loads(line.split(" ", 3)[3]).get("tool_results") or results
            except (IndexError, ValueError):
                continue
        text = json.dumps(results)
        if "71042" not in text:
            raise Failed(f"the model got {text[:200]}; {self.last_words('')}")
        return text

    def talk(self, command, more):
        """Speaks MCP over stdio to a bridge, and calls the tool."""
        process = self.start(command, more, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        answers = {}

        def read():
            for line in process.stdout:
                try:
                    message = json.loads(line)
                except ValueError:
                    continue
                answers[message.get("id")] = message

        threading.Thread(target=read, daemon=True).start()

        def send(**message):
            process.stdin.write((json.dumps({"jsonrpc": "2.0"} | message) + "\n").encode())
            process.stdin.flush()

        def answer(number):
            limit = time.monotonic() + 60
            while number not in answers:
                if process.poll() is not None or time.monotonic() > limit:
                    raise Failed(f"no answer: {self.last_words('')}")
                time.sleep(0.02)
            return json.dumps(answers[number])

        info = {"name": "claude-ai", "version": "0.1.0"}
        send(id=1, method="initialize", params={"protocolVersion": "2025-06-18",
             "capabilities": {}, "clientInfo": info})
        answer(1)
        send(method="notifications/initialized")
        send(id=2, method="tools/list")
        query = {"name": "RunSqlQuery", "arguments": {"query": "SELECT 71000 + 42 AS v"}}
        send(id=3, method="tools/call", params=query)
        said = answer(2), answer(3)
        return said[1] if "RunSqlQuery" in said[0] and "71042" in said[1] else None

    def ask_openapi(self, command, port):
        process = self.start(command, {})
        base = f"http://127.0.0.1:{port}"
        until("mcpo lists the tool", lambda: process.poll() is not None
              or "RunSqlQuery" in json.dumps(ask(f"{base}/openapi.json")), 60)
        if process.poll() is not None:
            raise Failed(self.last_words(""))
        said = json.dumps(ask(f"{base}/RunSqlQuery", {"query": "SELECT 71000 + 42 AS v"}))
        return said if "71042" in said else None


def folder(cache, program):
    return cache / f"{program.name}-{program.version}"


def install(cache, program, node):
    """Installs a client unless that is done; what went wrong, or nothing."""
    place = folder(cache, program)
    if (place / "installed").exists():
        return None
    place.mkdir(parents=True, exist_ok=True)
    if program.kind == "npm":
        npm = ["npm", "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(place)]
        commands = [[*npm, *program.packages]]
    else:
        pip = [str(place / "bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
        commands = [[program.python, "-m", "venv", str(place)], [*pip, *program.packages]]
    env = os.environ | ({"PATH": f"{node}:{os.environ['PATH']}"} if node else {})
    for command in commands:
        try:
            ran = subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=place,
                                 env=env)
        except (OSError, subprocess.TimeoutExpired) as cause:
            return str(cause)
        if ran.returncode:
            return (ran.stderr or ran.stdout).strip()[-300:]
    (place / "installed").touch()
    return None
