"""Runs the scenarios of one request each against three gateways behind a round robin, one of which is killed every 5 s.

Started by `conformance/run round-robin`, which says what it needs. Every request, `initialize` too, goes to the next
gateway; so with revisions that have sessions, a scenario passes only if any gateway goes on with any session.

The proxy sends a request again only if no gateway took it: nobody listens there. One that was delivered to a gateway
that is then killed is lost, answered with 502 and counted; the scenario that lost it is run again, and named.
"""

import argparse
import asyncio
import json
import os
import pathlib
import re
import signal
import sys
import time

GATEWAYS = 3
KILL_EVERY_SECONDS = 5
READY_SECONDS_MAX = 180
SCENARIO_SECONDS_MAX = 120
# A scenario that lost a request to a kill is run again so often.
RUNS_MAX = 3
# The run goes on until so many gateways were killed.
KILLS_MIN = 6

LEFT_OUT = {
    "streams": "server-sse-polling server-sse-multiple-streams",
    "subscriptions": "resources-subscribe resources-unsubscribe",
    "a log level that was asked for": "tools-call-with-logging",
    "a session that was ended": "server-session-lifecycle",
    "tasks": "tasks-*",
    "calls to the client": "tools-call-sampling tools-call-elicitation elicitation-* input-required-result-*",
}
BOTH = """completion-complete tools-list tools-call-simple-text tools-call-image tools-call-audio
tools-call-embedded-resource tools-call-mixed-content tools-call-error tools-call-with-progress json-schema-2020-12
resources-list resources-read-text resources-read-binary resources-templates-read prompts-list prompts-get-simple
prompts-get-with-args prompts-get-embedded-resource prompts-get-with-image dns-rebinding-protection""".split()
SCENARIOS = {
    "2025-11-25": ["server-initialize", "ping", "logging-set-level", *BOTH],
    "2026-07-28": [
        "server-stateless",
        "caching",
        "sep-2164-resource-not-found",
        "http-header-validation",
        "http-custom-header-server-validation",
        *BOTH,
    ],
}


class Gateway:
    """One gateway, started again whenever it was killed."""

    def __init__(self, number, options):
        self.number, self.options, self.port, self.process = number, options, None, None
        self.log = options.work / f"gateway-{number}.log"

    async def start(self):
        environment = {
            "PATH": os.environ["PATH"],
            "MCP_ADDR": "127.0.0.1:0",
            "ADMIN_ADDR": "127.0.0.1:0",
            "MCP_AUTH": "none",
            "DREMIO_URI": "http://127.0.0.1:9",
            "TOKEN_FILE": str(self.options.work / "tokens/token.json"),
            "LOG_FORMAT": "json",
            "MCP_SERVER_COMMAND": f"'{self.options.python}' '{self.options.fixture}'",
        }
        start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                self.options.gateway,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            text = self.log.read_bytes()[start:].decode(errors="replace")
            found = re.search(
                r'"message":"serving".*?"mcp":"http://[^:]*:(\d+)/mcp".*?"admin":"([^"]+)"', text
            )
            if found and await is_ready(found[2]):
                self.port = int(found[1])
                return
            if self.process.returncode is not None:
                raise SystemExit(f"gateway {self.number} ended:\n{text}")
            await asyncio.sleep(0.05)
        raise SystemExit(f"gateway {self.number} was not ready within {READY_SECONDS_MAX} s")

    async def kill(self):
        self.port = None
        os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()


async def is_ready(admin):
    """Whether the gateway's engine and token are there. Its Dremio is not, and nothing here calls it."""
    try:
        reader, writer = await asyncio.open_connection(*admin.rsplit(":", 1))
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        body = (await reader.read()).split(b"\r\n\r\n", 1)[1]
        writer.close()
        conditions = json.loads(body)["conditions"]
        return all(conditions[name]["ready"] for name in ("engine", "token"))
    except (OSError, ValueError, IndexError, KeyError):
        return False


class Proxy:
    """Sends each request to the next gateway that listens."""

    def __init__(self, gateways):
        self.gateways, self.turn = gateways, 0
        self.requests, self.sent_again, self.lost = 0, 0, 0

    async def serve(self, reader, writer):
        try:
            request = await read_request(reader)
            if request:
                self.requests += 1
                await self.pass_on(request, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def pass_on(self, request, writer):
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            self.turn += 1
            gateway = self.gateways[self.turn % len(self.gateways)]
            if gateway.port is None:
                await asyncio.sleep(0.005)
                continue
            try:
                upstream, out = await asyncio.open_connection("127.0.0.1", gateway.port)
            except OSError:
                # Nobody listens: nobody took it.
                self.sent_again += 1
                continue
            try:
                await relay(request, upstream, out, writer)
            except Lost:
                self.lost += 1
                writer.write(
                    b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                await writer.drain()
            finally:
                out.close()
            return


class Lost(Exception):
    """The gateway went away after it was given the request, and before it answered."""


async def relay(request, upstream, out, writer):
    try:
        out.write(request)
        await out.drain()
        chunk = await upstream.read(65536)
    except OSError as cause:
        raise Lost from cause
    if not chunk:
        raise Lost
    while chunk:
        writer.write(chunk)
        await writer.drain()
        chunk = await upstream.read(65536)


async def read_request(reader):
    """One request, made the only one of its connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    headers = dict(re.findall(rb"(?im)^([a-z-]+):[ \t]*(.*?)\r$", head.lower()))
    body = b""
    if headers.get(b"transfer-encoding") == b"chunked":
        while not body.endswith(b"0\r\n\r\n"):
            body += await reader.readuntil(b"\r\n")
    elif b"content-length" in headers:
        body = await reader.readexactly(int(headers[b"content-length"]))
    head = re.sub(rb"(?im)^connection:.*\r\n", b"", head)
    return head[:-2] + b"Connection: close\r\n\r\n" + body


async def kill_one_after_another(gateways, kills):
    while True:
        await asyncio.sleep(KILL_EVERY_SECONDS)
        gateway = gateways[len(kills) % len(gateways)]
        if gateway.port is None or sum(other.port is not None for other in gateways) < 2:
            continue
        kills.append(gateway.number)
        await gateway.kill()
        # Not waited for: the next kill comes on time.
        asyncio.create_task(gateway.start())


async def run_scenario(options, url, revision, scenario, number):
    output = options.work / f"{revision}-{scenario}-{number}"
    process = await asyncio.create_subprocess_exec(
        *options.suite,
        "server",
        "--url",
        url,
        "--scenario",
        scenario,
        "--spec-version",
        revision,
        "--output-dir",
        str(output),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), SCENARIO_SECONDS_MAX)
    except TimeoutError:
        process.kill()
        return False, "it took too long"
    return process.returncode == 0, said.decode(errors="replace")


async def run(options):
    # Asked to stop, it ends like any failure, so that no gateway is left behind.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    tokens = options.work / "tokens"
    tokens.mkdir()
    (tokens / "token.json").write_text(
        '{"token":"not-a-token","expires_at":"2999-01-01T00:00:00Z"}'
    )
    # As token-refresher makes it.
    (tokens / "gateway.key").write_bytes(os.urandom(32))
    gateways = [Gateway(number, options) for number in range(GATEWAYS)]
    killer = None
    try:
        await asyncio.gather(*(gateway.start() for gateway in gateways))
        proxy = Proxy(gateways)
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=1 << 20)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
        kills, failed, repeated, ran = [], [], [], 0
        killer = asyncio.create_task(kill_one_after_another(gateways, kills))
        began = time.monotonic()
        while ran == 0 or (len(kills) < KILLS_MIN and not failed):
            for revision, scenarios in SCENARIOS.items():
                for scenario in scenarios:
                    ran += 1
                    for number in range(RUNS_MAX):
                        lost = proxy.lost
                        passed, said = await run_scenario(
                            options, url, revision, scenario, f"{ran}-{number}"
                        )
                        if passed or proxy.lost == lost:
                            break
                        repeated.append(scenario)
                    if not passed:
                        failed.append(f"{revision} {scenario}")
                        print(f"FAILED {revision} {scenario}\n{said[-1500:]}", flush=True)
        took = time.monotonic() - began
    finally:
        if killer:
            killer.cancel()
        for gateway in gateways:
            if gateway.process and gateway.process.returncode is None:
                os.killpg(gateway.process.pid, signal.SIGKILL)
    resumed = sum(
        gateway.log.read_text(errors="replace").count('"event":"session_resumed"')
        for gateway in gateways
    )
    print(
        f"{ran} runs of {sum(map(len, SCENARIOS.values()))} scenarios in {took:.0f} s: {len(failed)} failed"
    )
    print(
        f"{len(kills)} gateways killed; {proxy.requests} requests, {proxy.sent_again} sent again because nobody took them, "
        f"{proxy.lost} lost with a killed gateway; {resumed} sessions taken up again"
    )
    print("run again after a loss: " + (", ".join(repeated) or "none"))
    print("left out, since they need one process:")
    for what, names in LEFT_OUT.items():
        print(f"  {what}: {names}")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--fixture", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("suite", nargs="+", help="the suite's command line")
    options = parser.parse_args()
    sys.exit(asyncio.run(run(options)))


if __name__ == "__main__":
    main()
