"""A client built on a Python package: `python.py MODE URL KEY`.

MODE is mcp-1, mcp-2-legacy, mcp-2-auto or fastmcp. Every line on standard input, JSON of
{"number", "tool", "arguments"}, is one call; every call ends in one line of JSON: {"number", "ok",
"text"}. The first line says that it is connected, and which tools there are.
"""

import asyncio
import json
import sys
from contextlib import asynccontextmanager

LIMIT_SECONDS = 20


@asynccontextmanager
async def connect(mode, url, key):
    headers = {"Authorization": f"Bearer {key}"}
    if mode == "mcp-1":
        from mcp import ClientSession
        from mcp.client.streamable_http import streamablehttp_client

        async with (
            streamablehttp_client(url, headers=headers) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            yield session
    elif mode == "fastmcp":
        from fastmcp import Client

        async with Client(url, auth=key) as client:
            yield client
    else:
        import httpx2
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client

        async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
            transport = streamable_http_client(url, http_client=http)
            async with Client(transport, mode=mode.removeprefix("mcp-2-")) as client:
                yield client


def say(**value):
    print(json.dumps(value), flush=True)


async def call(client, number, tool, arguments):
    try:
        answer = await asyncio.wait_for(client.call_tool(tool, arguments), LIMIT_SECONDS)
        failed = getattr(answer, "is_error", getattr(answer, "isError", False))
        say(
            number=number,
            ok=not failed,
            text="\n".join(getattr(part, "text", "") for part in answer.content),
        )
    except Exception as cause:  # what the client's user would see
        say(number=number, ok=False, text=f"{type(cause).__name__}: {cause}")


async def main(mode, url, key):
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    async with connect(mode, url, key) as client:
        listed = await client.list_tools()
        say(connected=True, tools=[tool.name for tool in getattr(listed, "tools", listed)])
        calls = set()
        while line := (await lines.readline()).decode():
            calls.add(asyncio.create_task(call(client, **json.loads(line))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
