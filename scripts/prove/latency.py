#!/usr/bin/env python3
"""Measures what the native engine adds to the time of a job, on this machine.

    cargo build --profile dist
    scripts/prove/latency.py --bin target/dist

Starts sandbox, refresher and gateway on loopback, and one client that asks one query after the
other over one connection, in revision 2026-07-28. The sandbox's jobs take a fixed time; what a call
takes beyond that is what was added: two requests to start the job and read its rows, the pauses
between questions whether it is done, and the gateway's own work. Other programs on the machine
spoil the figures. Needs Python 3.11 and nothing else; takes half a minute.
"""

import argparse
import http.client
import json
import pathlib
import statistics
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "clients"))

from stand import Stand

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
# How long the job takes, and how many calls.
ROUNDS = [(50, 200), (200, 25), (1000, 8)]


class Client:
    def __init__(self, url, key):
        address = urllib.parse.urlsplit(url)
        self.http = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        self.headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/call",
            "Mcp-Name": "RunSqlQuery",
        }

    def ask(self, number):
        """Seconds that a right answer took."""
        arguments = {"query": f"SELECT {number} AS n"}
        params = {"name": "RunSqlQuery", "arguments": arguments, "_meta": META}
        call = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
        started = time.perf_counter()
        self.http.request("POST", "/mcp", json.dumps(call), self.headers)
        answer = self.http.getresponse().read().decode()
        seconds = time.perf_counter() - started
        if f"n\\n{number}\\n[1 row]" not in answer:
            sys.exit(f"not the answer: {answer}")
        return seconds


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument(
        "--bin", type=pathlib.Path, default=root / "target/dist", help="the built programs"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dremio-mcp-latency-") as folder:
        stand = Stand(options.bin.resolve(), pathlib.Path(folder), {"LOG_LEVEL": "warn"})
        try:
            stand.start()
            client = Client(stand.url, stand.key)
            for number in range(20):
                client.ask(number)
            print("| job, ms | calls | added, ms: p50 | p95 | share of the job, p50 |")
            print("|---|---|---|---|---|")
            for job, calls in ROUNDS:
                stand.job_duration(f"{job}ms")
                added = [client.ask(number) * 1000 - job for number in range(calls)]
                middle, high = statistics.median(added), sorted(added)[int(calls * 0.95)]
                print(f"| {job} | {calls} | {middle:.1f} | {high:.1f} | {middle / job:.1%} |")
        finally:
            stand.stop()


if __name__ == "__main__":
    main()
