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
import contextlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/prove/clients"))

from stand import Stand, free_ports, until

MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
# What a healthy native engine has nothing to say about.
MAY_BE_EMPTY = ("engine_starts", "engine_processes", "sessions_refused", "failures", "refusals")


def fetch(url, body=None, headers=None):
    request = urllib.request.Request(url, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def post(url, key, method, params, headers):
    """Sends one message of MCP to the gateway."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    common = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    }
    return fetch(url, body, common | headers)


def call(url, query, key):
    params = {"name": "RunSqlQuery", "arguments": {"query": query}, "_meta": MODERN}
    headers = {
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "RunSqlQuery",
    }
    return post(url, key, "tools/call", params, headers)


def expressions():
    """(where, expression) of the dashboard, with Grafana's variables filled in."""
    dashboard = json.loads((ROOT / "deploy/grafana/dremio-mcp.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            text = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
            yield f"panel {panel['title']}", text


def main():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument(
        "--bin", type=pathlib.Path, required=True, help="the folder with the programs"
    )
    bin_folder = arguments.parse_args().bin.resolve()
    for program in ("prometheus", "promtool"):
        if not shutil.which(program):
            print(f"!! NOT RUN: there is no `{program}` here (Debian: apt-get install prometheus)")
            sys.exit(77)
    checked = subprocess.run(
        ["promtool", "check", "rules", ROOT / "deploy/prometheus/alerts.yml"],
        capture_output=True,
        text=True,
    )
    if checked.returncode:
        sys.exit(checked.stdout + checked.stderr)

    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as at_the_end:
        folder = pathlib.Path(name)
        stand = Stand(bin_folder, folder, {"LOG_LEVEL": "warn"})
        at_the_end.callback(stand.stop)
        stand.start()

        scrape = lambda job, address: {"job_name": job, "static_configs": [{"targets": [address]}]}
        (folder / "prometheus.yml").write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "2s", "evaluation_interval": "2s"},
                    "rule_files": [str(ROOT / "deploy/prometheus/alerts.yml")],
                    "scrape_configs": [
                        scrape("dremio-mcp", stand.admin.removeprefix("http://")),
                        scrape("token-refresher", stand.refresher_addr),
                    ],
                }
            )
        )
        address = f"127.0.0.1:{free_ports(1)[0]}"
        command = [
            "prometheus",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address={address}",
        ]
        with open(folder / "prometheus.log", "w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        at_the_end.callback(process.wait, 20)
        at_the_end.callback(process.terminate)
        prometheus = f"http://{address}"
        until("Prometheus is ready", lambda: fetch(f"{prometheus}/-/ready")[0] == 200, 30)

        initialize = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "observe", "version": "1"},
        }
        post(stand.url, stand.key, "initialize", initialize, {})
        answered = 0
        end = time.monotonic() + 60
        while time.monotonic() < end:
            status, text = call(stand.url, 'SELECT * FROM INFORMATION_SCHEMA."TABLES"', stand.key)
            answered += status == 200 and '"isError":false' in text
            call(stand.url, "SELECT nothing FROM nowhere", stand.key)
            call(stand.url, "DROP TABLE x", stand.key)
            call(stand.url, "SELECT 1", "observe-wrong-0123456789")
            time.sleep(0.5)
        print(f"{answered} good queries")

        bad = 0
        for where, text in expressions():
            status, answer = fetch(
                f"{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": text})
            )
            series = len(json.loads(answer)["data"]["result"]) if status == 200 else 0
            wrong = status != 200 or (not series and not any(word in text for word in MAY_BE_EMPTY))
            bad += wrong
            print(
                f"{'!!' if wrong else '  '} {series:3} series  {where}: {text}"
                + ("" if status == 200 else f"\n   {answer}")
            )
        status, answer = fetch(f"{prometheus}/api/v1/rules")
        rules = [rule for group in json.loads(answer)["data"]["groups"] for rule in group["rules"]]
        for rule in rules:
            healthy = rule["health"] == "ok"
            bad += not healthy
            print(
                f"{'  ' if healthy else '!!'} alert {rule['name']}: {rule['state']}"
                + ("" if healthy else f", {rule.get('lastError')}")
            )
        print(f"{bad} wrong")
        sys.exit(1 if bad or not answered else 0)


if __name__ == "__main__":
    main()
