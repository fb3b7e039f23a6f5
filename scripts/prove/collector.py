#!/usr/bin/env python3
"""Sends the trace of one call through collectors that others wrote, and asks what they have of it.

    cargo build
    scripts/prove/collector.py --bin target/debug --cache ~/.cache/dremio-collectors [--phoenix]

* `receiver`: a plain HTTP server reads the bodies strictly with OpenTelemetry's own message types
  (PyPI opentelemetry-proto), in Protobuf and in JSON: nothing unknown, and the same bytes written
  again.
* `rotel`: a collector in Rust (PyPI rotel) takes the spans and exports them again, to that server.
* `phoenix`: a trace store with a web page (PyPI arize-phoenix, a large installation) takes them,
  and is asked for what it has.

Each time the stand-in for Dremio, the refresher and the gateway with the native engine run on
loopback, and a client that traces makes one call. Shows the tree, and exits with 1 if names,
parents, kinds, status, ids or the resource are not as sent. Everything is installed in pinned
versions below --cache, sends no telemetry of its own, and has a proxy that does not exist for every
address but loopback. Needs Python 3.11, on Linux or macOS.
"""

import argparse
import base64
import contextlib
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.error

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/prove/clients"))

from stand import Stand, ask, free_ports, http as get, until
from trace import SECRET, SPAN, TRACE, collector, query

PROTO, ROTEL, PHOENIX = "opentelemetry-proto==1.45.2", "rotel==0.0.1a15", "arize-phoenix==20.26.1"
HEADER = "s3cret of the collector"
KINDS = {"tools/call RunSqlQuery": "SERVER"}
RESOURCE = {"service.name": "proof", "team": "data, and more", "service.version": None}
# Loopback only, and nothing is reported to anybody.
QUIET = {
    "PATH": os.environ["PATH"],
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1,localhost",
    "PHOENIX_TELEMETRY_ENABLED": "false",
    "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
    "DO_NOT_TRACK": "1",
}


def environment(cache, name, packages):
    """A virtual environment with these packages, made once; its folder."""
    folder = cache / name
    done = folder / "installed"
    if not done.exists() or done.read_text() != " ".join(packages):
        print(f"  installing {' '.join(packages)} below {folder}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *packages]
        subprocess.run(pip, check=True, timeout=1800)
        done.write_text(" ".join(packages))
    return folder


def run(at_the_end, command, folder, env):
    """Starts a program that ends with the proof; its log is in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "log", "ab") as log:
        process = subprocess.Popen(
            [str(part) for part in command],
            env=QUIET | {"HOME": str(folder)} | env,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    at_the_end.callback(process.wait, 30)
    at_the_end.callback(process.terminate)
    return process


class Receiver:
    """Takes what it gets on /v1/traces, and has it read strictly."""

    def __init__(self, cache, at_the_end):
        self.bodies, self.headers = [], []
        self.python = environment(cache, "proto", [PROTO]) / "bin/python"
        server = collector(self.take)
        at_the_end.callback(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"

    def take(self, path, headers, body):
        if headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        self.headers.append(headers)
        self.bodies.append((path, headers["content-type"], body))

    def spans(self):
        assert all(path == "/v1/traces" for path, *_ in self.bodies), self.bodies
        lines = "\n".join(
            json.dumps([kind, base64.b64encode(body).decode()]) for _, kind, body in self.bodies
        )
        command = [self.python, ROOT / "scripts/prove/otlp.py"]
        read = subprocess.run(command, input=lines, capture_output=True, text=True, env=QUIET)
        if read.returncode:
            raise AssertionError(read.stderr.strip().splitlines()[-1])
        return [json.loads(line) for line in read.stdout.splitlines()]


class Plain:
    """The receiver itself is the collector."""

    def __init__(self, cache, _work, at_the_end):
        self.receiver = Receiver(cache, at_the_end)
        self.url = self.receiver.url

    def spans(self):
        until("the receiver has spans", lambda: self.receiver.bodies, 15)
        sent = [headers["x-collector-key"] for headers in self.receiver.headers]
        assert set(sent) == {HEADER}, f"OTEL_EXPORTER_OTLP_HEADERS arrived as {set(sent)}"
        return self.receiver.spans()


class Rotel:
    """rotel takes the spans, and exports them to the receiver."""

    def __init__(self, cache, work, at_the_end):
        self.receiver = Receiver(cache, at_the_end)
        folder = environment(cache, "rotel", [ROTEL])
        program = next(folder.glob("lib/python*/site-packages/rotel/rotel-agent"))
        program.chmod(0o755)
        grpc, port = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        command = [program, "start", "--otlp-http-endpoint", f"127.0.0.1:{port}"]
        command += ["--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--exporter", "otlp"]
        command += ["--otlp-exporter-endpoint", self.receiver.url]
        command += ["--otlp-exporter-protocol", "http", "--otlp-exporter-compression", "none"]
        command += ["--pid-file", work / "rotel/pid", "--log-file", work / "rotel/own.log"]
        run(at_the_end, command, work / "rotel", {})
        until("rotel listens", lambda: listens(self.url), 30)

    def spans(self):
        until("rotel has exported", lambda: self.receiver.bodies, 15)
        return self.receiver.spans()


class Phoenix:
    """Phoenix stores the spans, and says what it has."""

    def __init__(self, cache, work, at_the_end):
        folder = environment(cache, "phoenix", [PHOENIX])
        grpc, port = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        variables = {
            "PHOENIX_HOST": "127.0.0.1",
            "PHOENIX_PORT": str(port),
            "PHOENIX_GRPC_PORT": str(grpc),
            "PHOENIX_WORKING_DIR": str(work / "phoenix"),
        }
        run(at_the_end, [folder / "bin/phoenix", "serve"], work / "phoenix", variables)
        until("Phoenix is ready", lambda: get(f"{self.url}/healthz") is not None, 600)

    def stored(self):
        return ask(f"{self.url}/v1/projects/default/spans?limit=100")["data"]

    def spans(self):
        has_call = lambda: any("tools/call" in span["name"] for span in self.stored())
        until("Phoenix has stored the call", has_call, 30)
        return [
            {
                "trace": it["context"]["trace_id"],
                "id": it["context"]["span_id"],
                "parent": it["parent_id"] or "",
                "name": it["name"],
                "status": it["status_code"],
                "start": it["start_time"],
                "attributes": it["attributes"],
            }
            for it in self.stored()
        ]


def listens(url):
    try:
        get(url)
    except urllib.error.HTTPError:
        pass
    return True


def tree(spans, parent, depth):
    """Prints the spans below `parent`, those that look the same once; their ids."""
    shown, last = [], None
    for span in sorted((it for it in spans if it["parent"] == parent), key=lambda it: it["start"]):
        about = " ".join(f"{name}={value}" for name, value in sorted(span["attributes"].items()))
        name = "  " * depth + span["name"]
        line = f"  {name:32} {span.get('kind', ''):7} {span['status']:6} {about}"
        if line != last:
            print(line.rstrip())
        shown, last = [*shown, span["id"], *tree(spans, span["id"], depth + 1)], line
    return shown


def faults(spans, shown, job):
    """What is wrong with the spans of one call, in words."""
    roots = [span["name"] for span in spans if span["parent"] == SPAN]
    by_name = {span["name"]: span for span in spans}
    if roots != ["tools/call RunSqlQuery"] or sorted(shown) != sorted(it["id"] for it in spans):
        yield "not one tree below the client's span"
    if {"submit", "dremio request", "job wait", "results"} - set(by_name):
        yield f"spans are missing: there are {sorted(by_name)}"
    if {span["trace"] for span in spans} != {TRACE}:
        yield "another trace"
    if by_name.get("job wait", {"attributes": {}})["attributes"].get("dremio.job.id") != job:
        yield "the job is not named"
    if any(span["status"] != "UNSET" for span in spans):
        yield "a status that nobody set"
    for span in spans:
        if "kind" in span and span["kind"] != KINDS.get(span["name"], "CLIENT"):
            yield f"{span['name']} is of kind {span['kind']}"
        for name, value in RESOURCE.items():
            sent = span.get("resource", RESOURCE).get(name, "nowhere")
            if value and sent != value or sent == "nowhere":
                yield f"{name} of the resource is {sent!r}"
        if span.get("scope", "dremio-mcp") != "dremio-mcp":
            yield f"the scope is {span['scope']}"
    if re.search(f"{SECRET}|SELECT|s3cret", json.dumps(spans)):
        yield "the statement or a header is in it"


def prove(given, title, kind, settings):
    print(title, flush=True)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as at_the_end:
        work = pathlib.Path(name)
        collector = kind(given.cache, work, at_the_end)
        (work / "headers").write_text(f"x-collector-key={HEADER.replace(' ', '%20')}\n")
        traces = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS_FILE": str(work / "headers"),
            "OTEL_SERVICE_NAME": "proof",
            "OTEL_RESOURCE_ATTRIBUTES": "team=data%2C%20and%20more",
        }
        stand = Stand(given.bin.resolve(), work, traces | settings)
        at_the_end.callback(stand.stop)
        stand.start()
        stand.job_duration("300ms")
        assert SECRET in query(stand)
        job = ask(f"{stand.control}/jobs")[-1]["id"]
        # A stop sends what waits.
        stand.stop_gateway()
        assert "traces do not reach" not in stand.log(), stand.log()
        try:
            spans = collector.spans()
            shown = tree(spans, SPAN, 0)
            found = list(dict.fromkeys(faults(spans, shown, job)))
        except (AssertionError, TimeoutError) as cause:
            found = [str(cause)]
    print("  as sent" if not found else f"  !! {'; '.join(found)}", flush=True)
    return not found


def main():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    path = {"type": pathlib.Path, "required": True}
    arguments.add_argument("--bin", help="folder of the programs", **path)
    arguments.add_argument("--cache", help="folder for what is installed", **path)
    arguments.add_argument("--phoenix", action="store_true", help="with Phoenix, 1 GB to install")
    arguments.add_argument("--only", metavar="NAME", help="proofs with this in their name")
    given = arguments.parse_args()
    given.cache = given.cache.expanduser().resolve()
    if given.cache.is_relative_to(ROOT):
        sys.exit(f"--cache must be outside of {ROOT}")
    given.cache.mkdir(parents=True, exist_ok=True)
    as_json = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}
    proofs = [("receiver, Protobuf", Plain, {}), ("receiver, JSON", Plain, as_json)]
    proofs += [("rotel, Protobuf", Rotel, {}), ("rotel, JSON", Rotel, as_json)]
    if given.phoenix:
        proofs.append(("Phoenix, Protobuf", Phoenix, {}))
    wanted = [proof for proof in proofs if (given.only or "").lower() in proof[0].lower()]
    results = [prove(given, *proof) for proof in wanted]
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
