#!/usr/bin/env python3
"""Shows one call as a trace, from the client to the job at Dremio.

    cargo build
    scripts/prove/trace.py --bin target/debug \\
        [--server 'dremio-mcp-server run --no-log-to-file --enable-json-logging']

Starts the stand-in for Dremio, the refresher, the gateway and a collector of its own on loopback,
with the native engine, and with `--server` again over that server, as it is and repaired. A query
of 300 ms is a part of a client's trace. Prints its spans as a tree, with when they began and how
long they took. Exits with 1 if they are not one tree below the client's span, do not name the job,
or hold the statement. Needs Python 3.11 and nothing else.
"""

import argparse
import contextlib
import http.server
import json
import pathlib
import sys
import tempfile
import threading
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/prove/clients"))

from stand import Stand, ask, until

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "nobody may read this"
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "traceparent": f"00-{TRACE}-{SPAN}-01",
}


def collector(take):
    """A collector of traces (OTLP over HTTP) on loopback: `take(path, headers, body)` gets each."""

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            take(self.path, self.headers, self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def query(stand):
    params = {
        "name": "RunSqlQuery",
        "arguments": {"query": f"SELECT '{SECRET}' AS one"},
        "_meta": META,
    }
    body = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    ).encode()
    headers = {
        "Authorization": f"Bearer {stand.key}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "RunSqlQuery",
    }
    with urllib.request.urlopen(
        urllib.request.Request(stand.url, data=body, headers=headers), timeout=60
    ) as answer:
        return answer.read().decode()


def tree(spans, parent, depth, began):
    """Prints the spans below `parent`; how many there are."""
    below = [span for span in spans if span["parentSpanId"] == parent]
    count = len(below)
    for span in sorted(below, key=lambda span: int(span["startTimeUnixNano"])):
        start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
        attributes = " ".join(
            f"{it['key']}={it['value']['stringValue']}" for it in span.get("attributes", [])
        )
        name = "  " * depth + span["name"]
        at, took = (start - began) / 1e6, (end - start) / 1e6
        print(f"  {name:32} at {at:7.1f} ms for {took:7.1f} ms  {attributes}")
        count += tree(spans, span["spanId"], depth + 1, began)
    return count


def prove(bin_folder, name, settings):
    bodies = []
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as at_the_end:
        server = collector(lambda _path, _headers, body: bodies.append(body.decode()))
        at_the_end.callback(server.shutdown)
        traces = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        }
        stand = Stand(bin_folder, pathlib.Path(folder), settings | traces)
        at_the_end.callback(stand.stop)
        stand.start()
        stand.job_duration("300ms")
        assert SECRET in query(stand)
        job = ask(f"{stand.control}/jobs")[-1]["id"]
        # A stop sends what waits.
        stand.stop_gateway()
        until("the spans are there", lambda: bodies, 10)
    batches = [
        scope
        for body in bodies
        for resource in json.loads(body)["resourceSpans"]
        for scope in resource["scopeSpans"]
    ]
    spans = [span for batch in batches for span in batch["spans"] if span["traceId"] == TRACE]
    print(f"{name}: job {job}, {len(spans)} spans")
    shown = tree(spans, SPAN, 0, min(int(span["startTimeUnixNano"]) for span in spans))
    faults = {
        "not one tree": shown != len(spans)
        or sum(span["parentSpanId"] == SPAN for span in spans) != 1,
        "the job is not named": not any(
            job in json.dumps(span) for span in spans if span["name"] == "job wait"
        ),
        "the statement is in it": any(SECRET in body or "SELECT" in body for body in bodies),
    }
    found = [fault for fault, is_there in faults.items() if is_there]
    print("  as promised" if not found else f"  !! {', '.join(found)}")
    return not found


def main():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument(
        "--bin", type=pathlib.Path, required=True, help="the folder with the programs"
    )
    arguments.add_argument("--server", help="the command line of the official server")
    given = arguments.parse_args()
    engines = {"native engine": {"MCP_ENGINE": "native"}}
    if given.server:
        official = {"MCP_ENGINE": "official", "MCP_SERVER_COMMAND": given.server}
        engines["official server, repaired"] = official
        engines["official server, as it is"] = official | {"MCP_OFFICIAL_REPAIR": "false"}
    results = [prove(given.bin.resolve(), name, settings) for name, settings in engines.items()]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
