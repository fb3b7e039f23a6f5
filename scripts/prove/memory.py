#!/usr/bin/env python3
"""Measures how much memory the gateway takes while it is attacked, and whether an honest agent is served meanwhile.

    cargo build
    scripts/prove/memory.py --bin target/debug
    scripts/prove/memory.py --bin target/debug --server 'dremio-mcp-server run --no-log-to-file --enable-json-logging'

Four attacks, each on a gateway of its own, on loopback, over a stand-in for Dremio inside this program:

    bodies   320 calls with bodies of 4 MiB, with one key
    pages    100 queries of the native engine with pages of 30 MB, with one key
    heads    9,000 connections with 63 KiB of a head that never ends, without a key
    big      a query of 100 MB through the official server (needs --server), and 16 of them at a time

Prints the gateway's peak of resident memory, child not counted (VmHWM), and exits with 1 if one is over --limit-mb, or an honest call
failed. Takes less than two minutes and 2 GB of memory. Needs Linux, Python 3.11 and nothing else.
"""

import argparse
import asyncio
import collections
import concurrent.futures
import json
import logging
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

ATTACKER, HONEST = "attacker-0123456789abcdef", "honest-0123456789abcdef"
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Dremio:
    """As much of Dremio as a query needs. A statement says what its result looks like: `rows=… bytes=…`, bytes of each row."""

    def __init__(self):
        self.jobs, self.bytes_sent = {}, 0

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
                length = [
                    line
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                ]
                body = await reader.readexactly(int(length[0].split(b":")[1])) if length else b""
                await self.answer(writer, method, target, body)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def answer(self, writer, method, target, body):
        path, _, query = target.partition("?")
        if path == "/api/v3/sql":
            words = dict(
                word.split("=")
                for word in json.loads(body)["sql"].split()
                if word.startswith(("'rows=", "bytes="))
            )
            shape = {name.strip("'"): int(value.strip("'")) for name, value in words.items()}
            job = str(uuid.uuid4())
            self.jobs[job] = (shape.get("rows", 1), shape.get("bytes", 10))
            return await self.send(writer, {"id": job})
        if path.startswith("/api/v3/job/"):
            rows, size = self.jobs[path.split("/")[4]]
            if not path.endswith("/results"):
                return await self.send(
                    writer,
                    {
                        "jobState": "COMPLETED",
                        "rowCount": rows,
                        "queryType": "REST",
                        "errorMessage": "",
                    },
                )
            wanted = dict(pair.split("=") for pair in query.split("&"))
            return await self.page(writer, rows, size, int(wanted["offset"]), int(wanted["limit"]))
        await self.send(writer, True if path == "/apiv2/login" else {})

    async def send(self, writer, value):
        text = json.dumps(value).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
            % len(text)
            + text
        )
        await writer.drain()

    async def page(self, writer, rows, size, offset, limit):
        """In chunks, as Dremio sends its pages, which are of unknown length."""
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        start = b'{"rowCount":%d,"schema":[{"name":"a","type":{"name":"VARCHAR"}}],"rows":[' % rows
        row = b'{"a":"%s"}' % (b"x" * size)
        for number in range(min(limit, max(0, rows - offset))):
            data = (b"," if number else start) + row
            writer.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.bytes_sent += len(data)
            if number % 16 == 0:
                await writer.drain()
        writer.write(b"2\r\n]}\r\n0\r\n\r\n")
        await writer.drain()


class Gateway:
    """A gateway that runs, and what it takes."""

    def __init__(self, program, folder, dremio, env):
        folder.mkdir()
        (folder / "token.json").write_text('{"token":"t0ken","expires_at":"2999-01-01T00:00:00Z"}')
        (folder / "keys").write_text(f"{ATTACKER}\n{HONEST}\n")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DREMIO_URI": f"http://127.0.0.1:{dremio}",
            "TOKEN_FILE": str(folder / "token.json"),
            "MCP_API_KEYS_FILE": str(folder / "keys"),
            "MCP_ADDR": f"127.0.0.1:{self.port}",
            "ADMIN_ADDR": "127.0.0.1:0",
            "LOG_FORMAT": "json",
        } | env
        self.log = folder / "log"
        self.process = subprocess.Popen(
            [program],
            env=env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
        )

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def peak_mb(self, pid=None):
        """The most that was resident, in 10^6 bytes; what it is now, of a process that is not the gateway."""
        status = pathlib.Path(f"/proc/{pid or self.process.pid}/status").read_text()
        return (
            next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
            * 1024
            / 1e6
        )

    def child_peak_mb(self):
        own, peak = str(self.process.pid), 0
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                if stat.read_text().rsplit(")", 1)[1].split()[1] == own:
                    peak = max(peak, self.peak_mb(int(stat.parent.name)))
            except (OSError, StopIteration):
                pass
        return peak

    def child_starts(self):
        return self.log.read_text().count("MCP server process ready")

    def head(self, key, tool, length):
        return (
            f"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
            f"accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\n"
            f"mcp-name: {tool}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        ).encode()

    async def call(self, key, tool, arguments, source="127.0.0.1", timeout=60):
        """Calls a tool in one request of revision 2026-07-28: status, and the text of the answer."""
        body = arguments if isinstance(arguments, bytes) else request(tool, arguments)
        head = self.head(key, tool, len(body))
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self.port, local_addr=(source, 0)
            )
            try:
                answer = asyncio.create_task(reader.read(-1))
                try:
                    writer.write(head)
                    writer.write(body)
                    await writer.drain()
                except ConnectionError:
                    pass
                text = await answer
            finally:
                writer.transport.abort()
        return text[9:12].decode(errors="replace"), text

    async def until_ready(self, tool, arguments):
        end = time.monotonic() + 150
        while time.monotonic() < end:
            try:
                status, text = await self.call(HONEST, tool, arguments)
                if status == "200" and b'"isError":false' in text:
                    return
            except (OSError, TimeoutError):
                pass
            await asyncio.sleep(0.1)
        sys.exit(f"the gateway did not come up:\n{self.log.read_text()[-2000:]}")


def request(tool, arguments):
    params = json.dumps({"name": tool, "arguments": arguments, "_meta": MODERN})
    return f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}'.encode()


class Honest:
    """An agent that calls again and again, with each of the keys given, and expects an answer."""

    def __init__(self, gateway, tool, arguments, keys):
        self.gateway, self.tool, self.arguments, self.keys = gateway, tool, arguments, keys
        self.good, self.bad, self.slowest = 0, [], 0

    async def run(self):
        while True:
            for key in self.keys:
                began = time.monotonic()
                try:
                    status, text = await self.gateway.call(
                        key, self.tool, self.arguments, source="127.0.0.9"
                    )
                    if status == "200" and b'"isError":false' in text:
                        self.good += 1
                    else:
                        self.bad.append(f"{status} {text[-200:]!r}")
                except (OSError, TimeoutError) as cause:
                    self.bad.append(repr(cause))
                self.slowest = max(self.slowest, time.monotonic() - began)
            await asyncio.sleep(0.1)


def counted(results):
    kinds = collections.Counter()
    for result in results:
        if isinstance(result, BaseException):
            kinds[type(result).__name__] += 1
        else:
            reason = (
                result[1].split(b'"reason":"', 1)[1].split(b'"', 1)[0].decode()
                if b'"reason":"' in result[1]
                else ""
            )
            kinds[f"{result[0]} {reason}".strip()] += 1
    return ", ".join(f"{count} × {kind}" for kind, count in kinds.items())


async def bodies(gateway, _):
    """Each is sent but for its last byte, which comes when all others are there, or after a while. By threads: a gigabyte must be
    sent within the 30 s that a body may take."""
    body = request("echo", {"text": "x" * (4 * 1024 * 1024 - 1000)})
    whole = gateway.head(ATTACKER, "echo", len(body)) + body
    all_sent = threading.Barrier(320)

    def send():
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=90) as stream:
            try:
                stream.sendall(memoryview(whole)[:-1])
                try:
                    all_sent.wait(15)
                except threading.BrokenBarrierError:
                    pass
                stream.sendall(whole[-1:])
            except (BrokenPipeError, ConnectionResetError):
                all_sent.abort()
            answer = b""
            try:
                while part := stream.recv(1 << 20):
                    answer = answer[:1000] + part[-1000:]
            except ConnectionResetError:
                pass
            return answer[9:12].decode(errors="replace"), answer

    with concurrent.futures.ThreadPoolExecutor(320) as threads:
        loop = asyncio.get_running_loop()
        return counted(
            await asyncio.gather(
                *(loop.run_in_executor(threads, send) for _ in range(320)), return_exceptions=True
            )
        )


async def pages(gateway, _):
    calls = (
        gateway.call(ATTACKER, "RunSqlQuery", {"query": "SELECT 'rows=5000 bytes=60000'"})
        for _ in range(100)
    )
    return counted(await asyncio.gather(*calls, return_exceptions=True))


async def heads(gateway, _):
    """From four addresses, because one alone may be held back."""
    head = b"POST /mcp HTTP/1.1\r\nhost: x\r\nx: " + b"a" * (63 * 1024)

    def is_open(stream):
        stream.setblocking(False)
        try:
            return stream.recv(1) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def send(number):
        stream = socket.socket()
        try:
            stream.settimeout(20)
            stream.bind((f"127.0.0.{2 + number % 4}", 0))
            stream.connect(("127.0.0.1", gateway.port))
            stream.sendall(head)
            return stream, True
        except OSError:
            return stream, False

    def attack():
        # Many at a time: a full queue of the listener makes each wait for a second.
        with concurrent.futures.ThreadPoolExecutor(300) as threads:
            sent = list(threads.map(send, range(9000)))
        time.sleep(1)
        whole, still_open = (
            sum(good for _, good in sent),
            sum(is_open(stream) for stream, _ in sent),
        )
        for stream, _ in sent:
            stream.close()
        return (
            f"9000 connections, {whole} of them sent all, {still_open} are open 1 s after the last"
        )

    return await asyncio.to_thread(attack)


async def big(gateway, dremio):
    query = {"query": "SELECT 'rows=100000 bytes=1000'"}
    first = await gateway.call(ATTACKER, "RunSqlQuery", query)
    many = await asyncio.gather(
        *(gateway.call(ATTACKER, "RunSqlQuery", query) for _ in range(16)), return_exceptions=True
    )
    said = first[1].rsplit(b'"text":', 1)[-1][:330].decode(errors="replace")
    return (
        f"{counted([first, *many])}; child's peak {gateway.child_peak_mb():.0f} MB, children started {gateway.child_starts()}, "
        f"Dremio sent {dremio.bytes_sent / 1e6:.0f} MB\n      the first was told: {said}"
    )


async def run(arguments, folder):
    dremio = Dremio()
    port = await dremio.start()
    program, fixture = arguments.bin / "dremio-mcp", arguments.bin / "stdio-fixture"
    native, relayed = {"MCP_ENGINE": "native"}, {"MCP_SERVER_COMMAND": f"'{fixture}'"}
    query = ("RunSqlQuery", {"query": "SELECT 1"})
    plans = {
        "bodies": (bodies, relayed, "echo", {"text": "honest"}, [HONEST, ATTACKER]),
        "pages": (pages, native, *query, [HONEST]),
        "heads": (heads, relayed, "echo", {"text": "honest"}, [HONEST]),
    }
    if arguments.server:
        plans["big"] = (
            big,
            {
                "MCP_SERVER_COMMAND": arguments.server,
                "DREMIOAI_DREMIO__API__POLLING_INTERVAL": "0.1",
            },
            *query,
            [HONEST],
        )
    else:
        print("big: left out, because it needs the official server (--server)")
    is_good = True
    for name, (attack, env, tool, call, keys) in plans.items():
        if arguments.attack and name not in arguments.attack:
            continue
        gateway = Gateway(program, folder / name, port, env)
        try:
            await gateway.until_ready(tool, call)
            before, began = gateway.peak_mb(), time.monotonic()
            honest = Honest(gateway, tool, call, keys)
            serving = asyncio.create_task(honest.run())
            found = await attack(gateway, dremio)
            took, end = time.monotonic() - began, time.monotonic() + 30
            while not honest.good and time.monotonic() < end:
                await asyncio.sleep(0.1)
            serving.cancel()
            lives = gateway.process.poll() is None
            peak = gateway.peak_mb() if lives else float("inf")
        finally:
            gateway.stop()
        good = lives and peak <= arguments.limit_mb and honest.good and not honest.bad
        is_good &= bool(good)
        print(
            f"{name:7}{'ok  ' if good else 'FAIL'} peak {peak:.0f} MB (before: {before:.0f} MB), {took:.0f} s; honest calls: {honest.good} good, "
            f"{len(honest.bad)} failed, slowest {honest.slowest:.1f} s\n      attackers: {found}",
            flush=True,
        )
        for bad in honest.bad[:3]:
            print(f"      honest call failed: {bad}")
    return is_good


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--bin",
        type=pathlib.Path,
        default=pathlib.Path("target/debug"),
        help="where the programs are [target/debug]",
    )
    parser.add_argument("--server", help="the official server's command line")
    parser.add_argument(
        "--attack",
        action="append",
        choices=["bodies", "pages", "heads", "big"],
        help="only this one; may be given again",
    )
    parser.add_argument(
        "--limit-mb", type=float, default=400, help="what the gateway may take [400]"
    )
    arguments = parser.parse_args()
    arguments.bin = arguments.bin.resolve()
    # It warns of every connection that the gateway closes.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < 10_000:
        sys.exit(f"the attack on heads needs 10,000 open files, and the hard limit is {hard}")
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(0 if asyncio.run(run(arguments, pathlib.Path(folder))) else 1)


if __name__ == "__main__":
    main()
