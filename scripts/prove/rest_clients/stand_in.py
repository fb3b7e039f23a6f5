"""The stand-in as a process on a free port of loopback."""

import json
import secrets
import subprocess
import tempfile
import time
import urllib.request

START_SECONDS_MAX = 30
JOB_SECONDS_MAX = 30
STOP_SECONDS_MAX = 10
USER = "dremio"


class StandIn:
    def __init__(self, bin_dir):
        self.program, self.user = bin_dir / "dremio-sandbox", USER
        self.password = secrets.token_hex(16)

    def __enter__(self):
        with tempfile.NamedTemporaryFile("w", suffix=".password") as file:
            file.write(self.password)
            file.flush()
            self.process = subprocess.Popen(
                [
                    *(self.program, "--listen", "127.0.0.1:0"),
                    *("--user", self.user, "--password-file", file.name),
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
            # It writes this line when it is ready.
            self.uri = json.loads(self.process.stdout.readline())["uri"]
        self.port = int(self.uri.rsplit(":", 1)[1])
        login = {"userName": self.user, "password": self.password}
        self.token = self.ask("/apiv2/login", login)["token"]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(STOP_SECONDS_MAX)

    def ask(self, path, body=None):
        headers = {"Content-Type": "application/json"}
        if path != "/apiv2/login":
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.uri + path, data=data, headers=headers)
        # Whatever proxy the environment names is not for loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=START_SECONDS_MAX) as answer:
            return json.load(answer)

    def query(self, sql):
        """Runs a statement to its end, and returns its job's state."""
        job = self.ask("/api/v3/sql", {"sql": sql})["id"]
        end = time.monotonic() + JOB_SECONDS_MAX
        while time.monotonic() < end:
            state = self.ask(f"/api/v3/job/{job}")["jobState"]
            if state in ("COMPLETED", "FAILED", "CANCELED"):
                return state
            time.sleep(0.05)
        raise TimeoutError(sql)
