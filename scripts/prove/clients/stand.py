"""Sandbox, refresher and gateway as processes on loopback; the gateway can be restarted alone."""

import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import time
import urllib.request


def http(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json"})
    # Whatever proxy the environment names is not for loopback.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        request, timeout=10
    ) as answer:
        return answer.read().decode()


def ask(url, body=None):
    return json.loads(http(url, body))


def until(what, condition, seconds=180):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if value := condition():
                return value
        except OSError:
            pass
        time.sleep(0.02)
    raise TimeoutError(f"never: {what}")


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [held.getsockname()[1] for held in sockets]
    for held in sockets:
        held.close()
    return ports


class Stand:
    def __init__(self, bin_dir, folder, settings):
        self.bin, self.folder, self.settings = bin_dir, folder, settings
        self.key = secrets.token_hex(32)
        self.processes, self.gateway, self.gateway_starts = [], None, 0
        for name, text in {"password": secrets.token_hex(16), "keys": self.key}.items():
            path = folder / name
            path.write_text(text + "\n")
            path.chmod(0o600)
        (folder / "tokens").mkdir()
        dremio, control, refresher, gateway, admin = free_ports(5)
        self.dremio, self.control = f"http://127.0.0.1:{dremio}", f"http://127.0.0.1:{control}"
        self.url, self.admin = f"http://127.0.0.1:{gateway}/mcp", f"http://127.0.0.1:{admin}"
        self.common = {
            "DREMIO_URI": self.dremio,
            "TOKEN_FILE": str(folder / "tokens/token.json"),
            "LOG_FORMAT": "json",
        }
        self.refresher_addr = f"127.0.0.1:{refresher}"

    def start(self):
        password = str(self.folder / "password")
        self.processes.append(
            self.spawn(
                "dremio-sandbox",
                [
                    "--listen",
                    self.dremio.removeprefix("http://"),
                    "--user",
                    "ada",
                    "--password-file",
                    password,
                    "--control",
                    self.control.removeprefix("http://"),
                ],
                {},
            )
        )
        until("the sandbox answers", lambda: http(f"{self.control}/healthz"))
        self.processes.append(
            self.spawn(
                "token-refresher",
                ["run"],
                self.common
                | {
                    "DREMIO_USERNAME": "ada",
                    "DREMIO_PASSWORD_FILE": password,
                    "ADMIN_ADDR": self.refresher_addr,
                },
            )
        )
        self.start_gateway()

    def spawn(self, name, arguments, env):
        log = open(self.folder / f"{name}.log", "ab")
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder)} | env
        return subprocess.Popen([self.bin / name, *arguments], env=env, stdout=log, stderr=log)

    def start_gateway(self):
        self.gateway = self.spawn(
            "dremio-mcp",
            ["run"],
            self.common
            | {
                "MCP_ADDR": self.url.removeprefix("http://").removesuffix("/mcp"),
                "MCP_ENGINE": "native",
                "ADMIN_ADDR": self.admin.removeprefix("http://"),
                "MCP_API_KEYS_FILE": str(self.folder / "keys"),
                "REFRESHER_URL": f"http://{self.refresher_addr}",
            }
            | self.settings,
        )
        self.gateway_starts += 1
        until("the gateway is ready", lambda: ask(f"{self.admin}/readyz")["ready"])

    def stop_gateway(self):
        """SIGTERM, as an update does; what it exited with."""
        self.gateway.send_signal(signal.SIGTERM)
        return self.gateway.wait(60)

    def job_duration(self, duration):
        http(f"{self.control}/job-duration", {"duration": duration})

    def has_job(self, text):
        return any(text in job["sql"] for job in ask(f"{self.control}/jobs"))

    def stop(self):
        running = [
            process
            for process in [self.gateway, *self.processes]
            if process and process.poll() is None
        ]
        for process in running:
            process.terminate()
        for process in running:
            process.wait(60)

    def log(self):
        return pathlib.Path(self.folder / "dremio-mcp.log").read_text(errors="replace")
