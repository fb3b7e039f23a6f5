"""A client as a process: installed, started, made to call the tool, stopped.

All kinds have `start`, `begin(number, sql)`, which does not wait, and `result(number, seconds)`.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.error

from stand import free_ports, http, until

HERE = pathlib.Path(__file__).parent

# Through a proxy that does not exist, nothing but loopback can be reached. No reports to anybody.
QUIET = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1,localhost",
    "DO_NOT_TRACK": "1",
    "CI": "1",
    "NO_COLOR": "1",
    "NO_UPDATE_NOTIFIER": "1",
    "FASTMCP_CHECK_FOR_UPDATES": "off",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "GEMINI_TELEMETRY_ENABLED": "false",
}


def sql_of(number):
    """A statement whose answer, and nothing else, holds `value_of(number)`."""
    return f"SELECT 71000 + {number} AS v"


def value_of(number):
    return str(71000 + number)


class Program:
    """A process of its own, with a home of its own, and a thread that reads what it says."""

    def __init__(self, name, version, packages, kind):
        self.name, self.version, self.packages, self.kind = name, version, packages, kind
        self.results, self.process, self.connected = {}, None, False

    # Installing

    def folder(self, cache):
        return cache / re.sub(r"[^\w.=-]+", "-", " ".join(self.packages)).strip("-")

    def install(self, cache):
        """Installs it unless that is done; what went wrong, or nothing."""
        folder, done = self.folder(cache), self.folder(cache) / "installed"
        wanted = " ".join(self.packages)
        if done.exists() and done.read_text() == wanted:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        if self.kind == "npm":
            commands = [
                [
                    "npm",
                    "install",
                    "--no-audit",
                    "--no-fund",
                    "--no-save",
                    "--prefix",
                    folder,
                    *self.packages,
                ]
            ]
        else:
            commands = [
                ["python3", "-m", "venv", folder],
                [
                    folder / "bin/pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    *self.packages,
                ],
            ]
        for command in commands:
            try:
                ran = subprocess.run(
                    command, capture_output=True, text=True, timeout=900, cwd=folder
                )
            except (OSError, subprocess.TimeoutExpired) as cause:
                return str(cause)
            if ran.returncode:
                return (ran.stderr or ran.stdout).strip()[-300:]
        done.write_text(wanted)
        return None

    def python(self, cache):
        return self.folder(cache) / "bin/python"

    # Running

    def start(self, cache, stand, work):
        self.work = work
        (work / "home").mkdir(parents=True)
        command, env = self.command(cache, stand)
        env = (
            {"PATH": os.environ["PATH"], "HOME": str(work / "home"), "LANG": "C.UTF-8"}
            | QUIET
            | env
        )
        self.process = subprocess.Popen(
            [str(part) for part in command],
            env=env,
            cwd=work,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=open(work / "stderr", "wb"),
            text=True,
            bufsize=1,
            start_new_session=True,
        )
        threading.Thread(target=self.read, daemon=True).start()
        self.connect()

    def read(self):
        with open(self.work / "stdout", "w") as copy:
            for line in self.process.stdout:
                copy.write(line)
                copy.flush()
                try:
                    self.hear(json.loads(line))
                except (ValueError, KeyError, AttributeError, TypeError):
                    pass  # not one of the lines that are meant for us

    def hear(self, message):
        pass

    def connect(self):
        until(f"{self.name} is connected", lambda: self.connected or not self.is_alive(), 60)
        if not self.is_alive():
            raise RuntimeError(
                "it ended: " + (self.work / "stderr").read_text(errors="replace").strip()[-300:]
            )

    def write(self, text):
        try:
            self.process.stdin.write(text + "\n")
            self.process.stdin.flush()
        except OSError:
            pass  # it has ended, which the result will say

    def result(self, number, seconds):
        """(ok, text), or None if nothing came within so many seconds."""
        end = time.monotonic() + seconds
        while number not in self.results and time.monotonic() < end:
            if not self.is_alive():
                time.sleep(0.2)  # its last words
                return self.results.get(number, (False, "the process of the client has ended"))
            time.sleep(0.02)
        return self.results.get(number)

    def is_alive(self):
        return self.process.poll() is None

    def stop(self):
        if self.process:
            end(self.process)


def end(process):
    """Ends a process and what it has started: each is the leader of a group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(10)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            continue


class Library(Program):
    """One of our own small programs around a client library."""

    def __init__(self, name, version, packages, kind, mode):
        super().__init__(name, version, packages, kind)
        self.mode = mode

    def command(self, cache, stand):
        if self.kind == "pip":
            return [self.python(cache), HERE / "python.py", self.mode, stand.url, stand.key], {}
        # Node looks for packages beside the file that imports them.
        script = self.folder(cache) / "typescript.mjs"
        script.write_text((HERE / "typescript.mjs").read_text())
        return ["node", script, self.mode, stand.url, stand.key], {}

    def hear(self, message):
        if message.get("connected"):
            self.connected, self.tools = True, message["tools"]
        else:
            self.results[message["number"]] = (message["ok"], message["text"])

    def begin(self, number, sql):
        self.call(number, "RunSqlQuery", {"query": sql})

    def call(self, number, tool, arguments):
        self.write(json.dumps({"number": number, "tool": tool, "arguments": arguments}))


class Bridge(Program):
    """A program that speaks MCP over stdio, and is itself the client of the gateway."""

    def __init__(self, name, version, packages, kind, arguments):
        super().__init__(name, version, packages, kind)
        self.arguments = arguments

    def command(self, cache, stand):
        return self.arguments(self.folder(cache), stand), {"AUTH_HEADER": f"Bearer {stand.key}"}

    def connect(self):
        # Some of them read only once they are connected themselves.
        self.write(
            json.dumps(
                {
                    "jsonrpc": "2.0",
                    "id": "first",
                    "method": "initialize",
                    "params": {
                        "protocolVersion": "2025-11-25",
                        "capabilities": {},
                        "clientInfo": {"name": "restart", "version": "1"},
                    },
                }
            )
        )
        super().connect()
        self.write(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))

    def hear(self, message):
        if message.get("id") == "first":
            self.connected = True
        elif "result" in message:
            result = message["result"]
            self.results[message["id"]] = (
                not result.get("isError"),
                json.dumps(result["content"]),
            )
        elif "error" in message:
            self.results[message["id"]] = (False, json.dumps(message["error"]))

    def begin(self, number, sql):
        self.write(
            json.dumps(
                {
                    "jsonrpc": "2.0",
                    "id": number,
                    "method": "tools/call",
                    "params": {"name": "RunSqlQuery", "arguments": {"query": sql}},
                }
            )
        )


class Mcpo(Program):
    """Serves the tools as plain HTTP."""

    def command(self, cache, stand):
        self.port = free_ports(1)[0]
        header = json.dumps({"Authorization": f"Bearer {stand.key}"})
        return [
            self.folder(cache) / "bin/mcpo",
            "--host",
            "127.0.0.1",
            "--port",
            self.port,
            "--server-type",
            "streamable-http",
            "--header",
            header,
            "--",
            stand.url,
        ], {}

    def connect(self):
        until(
            "mcpo shows the tool",
            lambda: "/RunSqlQuery" in http(f"http://127.0.0.1:{self.port}/openapi.json"),
        )

    def begin(self, number, sql):
        def call():
            try:
                self.results[number] = (
                    True,
                    http(f"http://127.0.0.1:{self.port}/RunSqlQuery", {"query": sql}),
                )
            except urllib.error.HTTPError as cause:
                self.results[number] = (
                    False,
                    f"HTTP {cause.code}: {cause.read().decode(errors='replace')[:200]}",
                )
            except OSError as cause:
                self.results[number] = (False, str(cause))

        threading.Thread(target=call, daemon=True).start()
