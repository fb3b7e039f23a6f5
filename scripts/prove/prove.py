#!/usr/bin/env python3
"""Proves the main job with the official server itself, on this machine, without Docker.

    cargo build --profile dist
    scripts/prove/prove.py --server 'dremio-mcp-server run --no-log-to-file --enable-json-logging' \\
        --client /path/to/venv-with-mcp-1/bin/python --client /path/to/venv-with-mcp-2/bin/python

Starts sandbox, refresher and gateway as processes, with the official server as the gateway's child, and runs: a smoke
test per client, 20 rotations under load, `kill -9` of the child under load, revocation of all tokens, the time of a
50 ms query, and a search of everything that was written for the password, the tokens and the key. Ends with the list of
results and exit code 0, or 1 if one of them is not as promised. Needs Python 3.11 and nothing else.
"""

import argparse
import json
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

PASSWORD = "correct-horse-9-battery"
HERE = pathlib.Path(__file__).parent


def http(url, body=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data=data, method=method, headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def until(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if value := condition():
                return value
        except OSError:
            pass
        time.sleep(0.02)
    sys.exit(f"never: {what}")


class Stand:
    """Everything that runs, and everything that it wrote."""

    def __init__(self, bin_dir, server, folder):
        self.folder, self.bin, self.server = folder, bin_dir, server
        self.key = secrets.token_hex(32)
        self.logs, self.outputs, self.processes, self.tokens = {}, [], {}, set()
        for name, text in {"password": PASSWORD, "keys": self.key}.items():
            path = folder / name
            path.write_text(text + "\n")
            path.chmod(0o600)
        (folder / "tokens").mkdir()
        self.control, self.admin, self.mcp = (
            "http://127.0.0.1:19048",
            "http://127.0.0.1:19464",
            "http://127.0.0.1:18000/mcp",
        )

    def start(self, lifetime):
        token = str(self.folder / "tokens/token.json")
        self.run(
            "dremio-sandbox",
            [
                "--listen",
                "127.0.0.1:19047",
                "--user",
                "ada",
                "--password-file",
                str(self.folder / "password"),
                "--token-lifetime",
                lifetime,
                "--control",
                "127.0.0.1:19048",
            ],
            {},
        )
        until("the sandbox answers", lambda: http(f"{self.control}/healthz"))
        common = {
            "DREMIO_URI": "http://127.0.0.1:19047",
            "TOKEN_FILE": token,
            "LOG_LEVEL": "debug",
            "LOG_FORMAT": "json",
        }
        self.run(
            "token-refresher",
            ["run"],
            common
            | {
                "DREMIO_USERNAME": "ada",
                "DREMIO_PASSWORD_FILE": str(self.folder / "password"),
                "ADMIN_ADDR": "127.0.0.1:19465",
                "TOKEN_REVOKE_AFTER": "1s",
            },
        )
        self.run(
            "dremio-mcp",
            ["run"],
            common
            | {
                "MCP_ADDR": "127.0.0.1:18000",
                "ADMIN_ADDR": "127.0.0.1:19464",
                "MCP_API_KEYS_FILE": str(self.folder / "keys"),
                "REFRESHER_URL": "http://127.0.0.1:19465",
                "MCP_SERVER_COMMAND": self.server,
            },
        )
        until("the gateway is ready", self.ready)

    def ready(self):
        return json.loads(http(f"{self.admin}/readyz"))["ready"]

    def run(self, name, arguments, env):
        log = open(self.folder / f"{name}.log", "ab")
        env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | env
        self.logs[name] = self.folder / f"{name}.log"
        self.processes[name] = subprocess.Popen(
            [self.bin / name, *arguments], env=env, stdout=log, stderr=log
        )

    def stop(self):
        for process in self.processes.values():
            process.terminate()
        return {name: process.wait(30) for name, process in self.processes.items()}

    def children(self):
        """The gateway's child processes."""
        own = str(self.processes["dremio-mcp"].pid)
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                if stat.read_text().rsplit(")", 1)[1].split()[1] == own:
                    found.append(int(stat.parent.name))
            except OSError:
                pass
        return found

    def metric(self, name, admin="http://127.0.0.1:19464"):
        lines = [line for line in http(f"{admin}/metrics").splitlines() if line.startswith(name)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def note_tokens(self):
        """Remembers the tokens that the sandbox has seen; its record of requests is limited."""
        self.tokens |= {
            request["token"]
            for request in json.loads(http(f"{self.control}/requests"))
            if request.get("token")
        }

    def client(self, python, *arguments):
        process = subprocess.run(
            [python, HERE / "client.py", self.mcp, self.key, *map(str, arguments)],
            capture_output=True,
            text=True,
        )
        self.outputs.append(process.stdout + process.stderr)
        if process.returncode:
            sys.exit(f"client failed: {process.stderr[-2000:]}")
        return json.loads(process.stdout)

    def client_in_background(self, *arguments):
        result = {}
        thread = threading.Thread(target=lambda: result.update(self.client(*arguments)))
        thread.start()
        return lambda: (thread.join(), result)[1]


class Results:
    def __init__(self):
        self.bad = 0

    def say(self, name, good, **figures):
        self.bad += not good
        shown = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in figures.items())
        print(f"{'PASS' if good else 'FAIL'}  {name}: {shown}", flush=True)


def smoke(stand, results, pythons):
    for python in pythons:
        got = stand.client(python, "smoke")
        good = not got["error"] and got["answer"]["result"] and "RunSqlQuery" in got["tools"]
        results.say(
            f"client mcp {got['package']}",
            good,
            protocol=got["protocol"],
            tools=len(got["tools"]),
            answer=got["answer"],
        )


def rotation(stand, results, python):
    logins = lambda: int(stand.metric("token_refresher_logins_total", "http://127.0.0.1:19465"))
    before, seconds = logins(), 70
    wait = stand.client_in_background(python, "load", seconds, 8)
    for _ in range(seconds // 2):
        time.sleep(2)
        stand.note_tokens()
    got = wait()
    rotations, started = logins() - before, int(stand.metric("dremio_mcp_engine_starts_total"))
    good = rotations >= 20 and not got["failures"] and not got["wrong"] and started == 1
    results.say(
        "rotation under load",
        good,
        rotations=rotations,
        clients=8,
        calls=got["calls"],
        failures=len(got["failures"]),
        wrong_answers=len(got["wrong"]),
        child_processes_started=started,
    )
    for failure in got["failures"][:3]:
        print("      ", failure)


def kill(stand, results, python):
    wait = stand.client_in_background(python, "load", 15, 8)
    time.sleep(4)
    child = stand.children()[0]
    os.kill(child, signal.SIGKILL)
    got = wait()
    texts = sorted({failure["text"][:110] for failure in got["failures"]})
    gone = not pathlib.Path(f"/proc/{child}").exists()
    good = (
        gone
        and len(stand.children()) == 1
        and len(got["failures"]) <= 8
        and not got["wrong"]
        and got["calls"] > 100
    )
    results.say(
        "kill -9 of the child under load",
        good,
        calls=got["calls"],
        failures=len(got["failures"]),
        how=texts,
        longest_time_without_an_answer_s=got["longest_gap_s"],
        old_process_gone=gone,
        children_now=len(stand.children()),
    )


def revoke(stand, results, python):
    took = []
    for _ in range(5):
        http(f"{stand.control}/revoke-tokens", {})
        took.append(stand.client(python, "time", 1, "SELECT 1")["max_ms"])
    started = int(stand.metric("dremio_mcp_engine_starts_total"))
    results.say(
        "all tokens revoked",
        max(took) < 2000,
        time_of_the_next_call_ms=took,
        child_processes_started_so_far=started,
    )


def quick_query(stand, results, python):
    http(f"{stand.control}/job-duration", {"duration": "50ms"})
    got = stand.client(python, "time", 20, "SELECT 1")
    http(f"{stand.control}/job-duration", {"duration": "0s"})
    results.say("a 50 ms query", got["median_ms"] < 150, **got)


def leaks(stand, results, environments):
    stand.note_tokens()
    needles = stand.tokens | {PASSWORD, stand.key}
    haystacks = {
        name: path.read_text(errors="replace")
        for name, path in stand.logs.items()
        if name != "dremio-sandbox"
    }
    for admin in ("http://127.0.0.1:19464", "http://127.0.0.1:19465"):
        haystacks |= {f"{admin}{path}": http(admin + path) for path in ("/readyz", "/metrics")}
    haystacks |= {f"client output {i}": text for i, text in enumerate(stand.outputs)} | environments
    found = [name for name, text in haystacks.items() for needle in needles if needle in text]
    size = sum(len(text) for text in haystacks.values())
    results.say(
        "secrets in logs, answers, child environment",
        not found,
        searched_for=f"{len(stand.tokens)} tokens, password, key",
        in_kilobytes=size // 1024,
        found=found or "nothing",
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--server", required=True, help="command line of the official server")
    parser.add_argument(
        "--client",
        action="append",
        required=True,
        help="a Python with the package `mcp`; may be given twice",
    )
    parser.add_argument(
        "--bin",
        type=pathlib.Path,
        default=HERE.parent.parent / "target/dist",
        help="folder of the built programs",
    )
    options = parser.parse_args()
    results = Results()
    with tempfile.TemporaryDirectory(prefix="dremio-mcp-prove-") as folder:
        stand = Stand(options.bin, options.server, pathlib.Path(folder))
        try:
            stand.start("4s")
            child = stand.children()[0]
            environments = {
                f"/proc/child/{name}": pathlib.Path(f"/proc/{child}/{name}").read_text(
                    errors="replace"
                )
                for name in ("environ", "cmdline")
            }
            smoke(stand, results, options.client)
            rotation(stand, results, options.client[0])
            http(f"{stand.control}/token-lifetime", {"duration": "30h"})
            kill(stand, results, options.client[-1])
            revoke(stand, results, options.client[0])
            quick_query(stand, results, options.client[0])
            leaks(stand, results, environments)
        finally:
            before = stand.children() if "dremio-mcp" in stand.processes else []
            codes = stand.stop()
        left = [pid for pid in before if pathlib.Path(f"/proc/{pid}").exists()]
        results.say(
            "stop",
            not left and set(codes.values()) == {0},
            exit_codes=codes,
            processes_left=len(left),
        )
    sys.exit(1 if results.bad else 0)


if __name__ == "__main__":
    main()
