#!/usr/bin/env python3
"""Asks a real Prometheus every expression of the dashboard and of the alerts, after a short load on real services.

    cargo build
    scripts/prove/observe.py --bin target/debug

Starts the stand-in for Dremio, the refresher, the gateway with the native engine, and `prometheus` (Debian: package `prometheus`), all
on loopback. Agents run good and bad queries, try to write, and come with wrong keys. Then it prints how many series each expression
has. Exits with 1 if Prometheus refuses one, or one of the dashboard is without a series that should have some. Takes a minute and a
half. Needs Linux, Python 3.11 and `prometheus` on the path.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEY = "observe-0123456789abcdef"
MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
# What a healthy native engine has nothing to say about.
MAY_BE_EMPTY = ("engine_starts", "engine_processes", "sessions_refused", "failures", "refusals")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def fetch(url, body=None, headers=None):
    request = urllib.request.Request(url, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def call(port, query, key=KEY):
    params = {"name": "RunSqlQuery", "arguments": {"query": query}, "_meta": MODERN}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    headers = {
        "Authorization": f"Bearer {key}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "RunSqlQuery",
    }
    return fetch(f"http://127.0.0.1:{port}/mcp", body, headers)


def until(what, seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"{what}: not within {seconds} s")
        time.sleep(0.2)


def expressions():
    """(where, expression) of the dashboard and the alerts, with Grafana's variables filled in."""
    dashboard = json.loads((ROOT / "deploy/grafana/dremio-mcp.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            text = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
            yield f"panel {panel['title']}", text, True
    checked = subprocess.run(["promtool", "check", "rules", ROOT / "deploy/prometheus/alerts.yml"], capture_output=True, text=True)
    if checked.returncode:
        sys.exit(checked.stdout + checked.stderr)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--bin", type=pathlib.Path, required=True, help="the folder with the programs")
    bin_folder = arguments.parse_args().bin.resolve()
    for program in ("prometheus", "promtool"):
        if not shutil.which(program):
            print(f"!! NOT RUN: there is no `{program}` here (Debian: apt-get install prometheus)")
            sys.exit(77)

    running = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)

        def start(command, env=None):
            log = open(folder / f"{len(running)}.log", "w")
            running.append(subprocess.Popen(command, env=os.environ | (env or {}), stdout=log, stderr=log, cwd=folder))

        try:
            dremio, mcp, admin, refresher, prometheus = (free_port() for _ in range(5))
            (folder / "password").write_text("observe-password-1")
            start([bin_folder / "dremio-sandbox", f"--listen=127.0.0.1:{dremio}", "--user=observer", f"--password-file={folder}/password"])
            common = {"DREMIO_URI": f"http://127.0.0.1:{dremio}", "TOKEN_FILE": f"{folder}/tokens/token.json", "LOG_LEVEL": "warn"}
            (folder / "tokens").mkdir(mode=0o750)
            start([bin_folder / "token-refresher"], common | {
                "DREMIO_USERNAME": "observer", "DREMIO_PASSWORD_FILE": f"{folder}/password", "ADMIN_ADDR": f"127.0.0.1:{refresher}",
            })
            start([bin_folder / "dremio-mcp"], common | {
                "MCP_ENGINE": "native", "MCP_ADDR": f"127.0.0.1:{mcp}", "MCP_API_KEY": KEY, "ADMIN_ADDR": f"127.0.0.1:{admin}",
            })
            scrape = lambda job, port: {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
            (folder / "prometheus.yml").write_text(json.dumps({
                "global": {"scrape_interval": "2s", "evaluation_interval": "2s"}, "rule_files": [str(ROOT / "deploy/prometheus/alerts.yml")],
                "scrape_configs": [scrape("dremio-mcp", admin), scrape("token-refresher", refresher)],
            }))
            start(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                   f"--web.listen-address=127.0.0.1:{prometheus}"])
            until("the gateway is ready", 60, lambda: fetch(f"http://127.0.0.1:{admin}/readyz")[0] == 200)
            until("Prometheus is ready", 30, lambda: fetch(f"http://127.0.0.1:{prometheus}/-/ready")[0] == 200)

            initialize = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "observe", "version": "1"}}
            fetch(f"http://127.0.0.1:{mcp}/mcp", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize}).encode(),
                  {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream"})
            answered = 0
            end = time.monotonic() + 60
            while time.monotonic() < end:
                status, text = call(mcp, 'SELECT * FROM INFORMATION_SCHEMA."TABLES"')
                answered += status == 200 and '"isError":false' in text
                call(mcp, "SELECT nothing FROM nowhere")
                call(mcp, "DROP TABLE x")
                call(mcp, "SELECT 1", key="observe-wrong-0123456789")
                time.sleep(0.5)
            print(f"{answered} good queries")

            bad = 0
            for where, text, must_have in expressions():
                status, answer = fetch(f"http://127.0.0.1:{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": text}))
                series = len(json.loads(answer)["data"]["result"]) if status == 200 else 0
                wrong = status != 200 or (must_have and not series and not any(word in text for word in MAY_BE_EMPTY))
                bad += wrong
                print(f"{'!!' if wrong else '  '} {series:3} series  {where}: {text}" + ("" if status == 200 else f"\n   {answer}"))
            status, answer = fetch(f"http://127.0.0.1:{prometheus}/api/v1/rules")
            rules = [rule for group in json.loads(answer)["data"]["groups"] for rule in group["rules"]]
            for rule in rules:
                healthy = rule["health"] == "ok"
                bad += not healthy
                print(f"{'  ' if healthy else '!!'} alert {rule['name']}: {rule['state']}" + ("" if healthy else f", {rule.get('lastError')}"))
            print(f"{bad} wrong")
            sys.exit(1 if bad or not answered else 0)
        finally:
            for process in reversed(running):
                process.send_signal(signal.SIGTERM)
            for process in running:
                process.wait(timeout=20)


if __name__ == "__main__":
    main()
