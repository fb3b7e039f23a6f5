"""A client built on the Python package `mcp`: version 1.x speaks protocol 2025-11-25, 2.x speaks 2026-07-28.

    client.py URL KEY smoke            list the tools and run one query
    client.py URL KEY load SECONDS N   N clients call without pause
    client.py URL KEY time COUNT SQL   how long COUNT calls take, one after the other

Prints one JSON object.
"""

import asyncio
import json
import statistics
import sys
import time
from contextlib import asynccontextmanager
from importlib.metadata import version

if version("mcp").startswith("1."):
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    @asynccontextmanager
    async def connect(url, key):
        async with streamablehttp_client(url, headers={"Authorization": f"Bearer {key}"}) as (
            read,
            write,
            _,
        ):
            async with ClientSession(read, write) as session:
                yield session, (await session.initialize()).protocolVersion
else:
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    @asynccontextmanager
    async def connect(url, key):
        async with httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {key}"}, timeout=60
        ) as http:
            async with Client(streamable_http_client(url, http_client=http)) as client:
                yield client, client.protocol_version


async def smoke(url, key):
    async with connect(url, key) as (session, protocol):
        tools = await session.list_tools()
        answer = await session.call_tool(
            "RunSqlQuery", {"query": "SELECT 1 AS one, 12.50 AS amount", "format": "json"}
        )
        print(
            json.dumps(
                {
                    "package": version("mcp"),
                    "protocol": protocol,
                    "tools": [tool.name for tool in tools.tools],
                    "error": failed(answer),
                    "answer": json.loads(answer.content[0].text),
                }
            )
        )


def failed(answer):
    return answer.is_error if hasattr(answer, "is_error") else answer.isError


async def timed(url, key, count, sql):
    async with connect(url, key) as (session, _):
        took = []
        for _ in range(count):
            started = time.monotonic()
            answer = await session.call_tool("RunSqlQuery", {"query": sql})
            took.append((time.monotonic() - started) * 1000)
            assert not failed(answer), answer
        print(
            json.dumps(
                {
                    "calls": count,
                    "median_ms": round(statistics.median(took), 1),
                    "max_ms": round(max(took), 1),
                }
            )
        )


async def one(url, key, number, until, counts):
    async with connect(url, key) as (session, _):
        call = 0
        while time.monotonic() < until:
            call += 1
            value = f"client {number} call {call}"
            started = time.monotonic()
            try:
                answer = await session.call_tool(
                    "RunSqlQuery", {"query": f"SELECT '{value}' AS v", "format": "json"}
                )
                text = answer.content[0].text
                if failed(answer):
                    counts["failures"].append(
                        {"at": started, "took": time.monotonic() - started, "text": text}
                    )
                elif json.loads(text)["result"] != [{"v": value}]:
                    counts["wrong"].append(text)
            except Exception as cause:  # what the client's user would see
                counts["failures"].append(
                    {"at": started, "took": time.monotonic() - started, "text": str(cause)}
                )
            counts["calls"] += 1
            counts["ends"].append(time.monotonic())


async def load(url, key, seconds, clients):
    counts = {"calls": 0, "failures": [], "wrong": [], "ends": []}
    until = time.monotonic() + seconds
    await asyncio.gather(*(one(url, key, number, until, counts) for number in range(clients)))
    ends = counts.pop("ends")
    counts["longest_gap_s"] = round(max((b - a for a, b in zip(ends, ends[1:])), default=0), 3)
    print(json.dumps(counts))


if __name__ == "__main__":
    url, key, what, *rest = sys.argv[1:]
    asyncio.run(
        {
            "smoke": lambda: smoke(url, key),
            "load": lambda: load(url, key, float(rest[0]), int(rest[1])),
            "time": lambda: timed(url, key, int(rest[0]), rest[1]),
        }[what]()
    )
