#!/usr/bin/env python3
"""A small MCP client and load generator, standard library only.

  mcp.py list  --url URL --key-file FILE            the names of the tools
  mcp.py query --url URL --key-file FILE --sql SQL  the rows
  mcp.py load  --url URL --key-file FILE --stop-file FILE --workers N
                                                    calls until FILE exists; then one JSON line of figures
                                                    (worker by worker, with the keys of the file in turn)

Half of the load's workers speak revision 2026-07-28 (no session), half 2025-06-18 (with a session, opened again when
the server does not know it any more, as the protocol demands). Every call has a connection of its own and is sent
once: whatever does not come back with rows is a failed call.
"""

import argparse
import http.client
import json
import os
import ssl
import sys
import threading
import time
import urllib.parse

MODERN = "2026-07-28"
LEGACY = "2025-06-18"
CALL_TIMEOUT_SECONDS = 60


class Failed(Exception):
    """A call without a good result."""


class Client:
    def __init__(self, url, key, modern, ca_file=None):
        self.url = urllib.parse.urlsplit(url)
        self.key = key
        self.modern = modern
        self.session = None
        self.sessions_opened = 0
        self.next_id = 0
        self.tls = None
        if self.url.scheme == "https":
            self.tls = ssl.create_default_context(cafile=ca_file)

    def post(self, message, headers):
        timeout = CALL_TIMEOUT_SECONDS
        if self.tls:
            connection = http.client.HTTPSConnection(
                self.url.hostname, self.url.port, timeout=timeout, context=self.tls
            )
        else:
            connection = http.client.HTTPConnection(
                self.url.hostname, self.url.port, timeout=timeout
            )
        try:
            connection.request(
                "POST",
                self.url.path or "/mcp",
                json.dumps(message),
                {
                    "Authorization": f"Bearer {self.key}",
                    "Accept": "application/json, text/event-stream",
                    "Content-Type": "application/json",
                    "Connection": "close",
                    **headers,
                },
            )
            answer = connection.getresponse()
            body = answer.read()
            return answer.status, answer.headers, body
        except (OSError, http.client.HTTPException) as cause:
            raise Failed(f"{type(cause).__name__}: {cause}") from cause
        finally:
            connection.close()

    def request(self, method, params):
        self.next_id += 1
        message = {"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params}
        if self.modern:
            headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
            if "name" in params:
                headers["Mcp-Name"] = params["name"]
            meta = {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {},
            }
            message["params"] = {**params, "_meta": meta}
        else:
            if self.session is None:
                self.open()
            headers = {"MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": self.session}
        status, answered, body = self.post(message, headers)
        if status == 404 and not self.modern:
            self.open()
            headers["Mcp-Session-Id"] = self.session
            status, answered, body = self.post(message, headers)
        return self.result(status, answered, body)

    def open(self):
        self.session = None
        params = {
            "protocolVersion": LEGACY,
            "capabilities": {},
            "clientInfo": {"name": "verify", "version": "1"},
        }
        message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
        status, answered, body = self.post(message, {})
        self.result(status, answered, body)
        session = answered.get("Mcp-Session-Id")
        if not session:
            raise Failed("no session id")
        headers = {"MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": session}
        self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, headers)
        self.session = session
        self.sessions_opened += 1

    @staticmethod
    def result(status, answered, body):
        text = body.decode("utf-8", "replace")
        if (answered.get("Content-Type") or "").startswith("text/event-stream"):
            data = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
            text = data[-1] if data else ""
        try:
            message = json.loads(text)
        except ValueError:
            raise Failed(f"HTTP {status}: {text[:200]!r}") from None
        if "error" in message:
            raise Failed(f"HTTP {status}: {message['error'].get('message')}")
        return message["result"]

    def tools(self):
        return [tool["name"] for tool in self.request("tools/list", {})["tools"]]

    def query(self, sql):
        """The rows of `sql`, from whichever engine answers."""
        if not hasattr(self, "sql_tool"):
            names = self.tools()
            known = [
                name
                for name in ("RunSqlQuery", "run_sql_query", "run_sql", "query")
                if name in names
            ]
            if not known:
                raise Failed(f"no tool for SQL among {names}")
            self.sql_tool = known[0]
        result = self.request(
            "tools/call", {"name": self.sql_tool, "arguments": {"query": sql, "format": "json"}}
        )
        text = result["content"][0]["text"]
        if result.get("isError"):
            raise Failed(text[:300])
        return json.loads(text)


def load(arguments, keys):
    lock = threading.Lock()
    started = time.monotonic()
    figures = {"calls": 0, "failed": 0, "sessions_opened": 0}
    durations, failures, successes, reasons = [], [], [], {}

    def work(number):
        client = Client(arguments.url, keys[number % len(keys)], number % 2 == 0, arguments.ca_file)
        while not os.path.exists(arguments.stop_file):
            before = time.monotonic()
            try:
                rows = client.query(arguments.sql)
                if "1" not in json.dumps(rows):
                    raise Failed(f"wrong rows: {rows}")
                problem = None
            except Failed as cause:
                problem = str(cause)
            after = time.monotonic()
            with lock:
                figures["calls"] += 1
                durations.append(after - before)
                if problem is None:
                    successes.append(after)
                else:
                    figures["failed"] += 1
                    failures.append((before, after))
                    reasons[problem[:160]] = reasons.get(problem[:160], 0) + 1
            # A person's agent does not hammer; a failed call is tried again soon.
            time.sleep(arguments.pause)
        with lock:
            figures["sessions_opened"] += client.sessions_opened

    threads = [threading.Thread(target=work, args=(number,)) for number in range(arguments.workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = time.monotonic()
    durations.sort()
    marks = [started, *sorted(successes), ended]
    gaps = [later - earlier for earlier, later in zip(marks, marks[1:])]
    figures["seconds"] = round(ended - started, 1)
    figures["p50_ms"] = round(1000 * durations[len(durations) // 2], 1) if durations else None
    figures["max_ms"] = round(1000 * durations[-1], 1) if durations else None
    figures["longest_gap_seconds"] = round(max(gaps), 1)
    if failures:
        figures["failing_for_seconds"] = round(failures[-1][1] - failures[0][0], 1)
        figures["reasons"] = dict(sorted(reasons.items(), key=lambda item: -item[1])[:4])
    print(json.dumps(figures))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["list", "query", "load"])
    parser.add_argument("--sql", default="SELECT 1 AS one")
    parser.add_argument("--url", required=True)
    parser.add_argument("--key-file", required=True)
    parser.add_argument("--ca-file")
    parser.add_argument("--legacy", action="store_true")
    parser.add_argument("--stop-file")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--pause", type=float, default=0.05)
    arguments = parser.parse_args()
    with open(arguments.key_file, encoding="utf-8") as file:
        keys = file.read().split()
    if arguments.command == "load":
        return load(arguments, keys)
    client = Client(arguments.url, keys[0], not arguments.legacy, arguments.ca_file)
    try:
        print(
            json.dumps(
                client.tools() if arguments.command == "list" else client.query(arguments.sql)
            )
        )
    except Failed as cause:
        sys.exit(f"failed: {cause}")


if __name__ == "__main__":
    main()
