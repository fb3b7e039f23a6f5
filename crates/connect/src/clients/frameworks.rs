//! What programs are made with. Each program is complete: it lists the tools and runs one query.
//! Time limits are longer than the gateway's own limit for a call, 300 s.

use super::{Client, READ, Speaks};

pub(super) const ALL: &[Client] = &[
    Client {
        name: "python",
        title: "Python, mcp",
        code: Some(
            r#"# pip install mcp
import asyncio
{{if key}}import os
{{end}}
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

headers = {}
{{if key}}headers["Authorization"] = "Bearer " + os.environ["{{variable}}"]
{{end}}

async def main():
    async with httpx2.AsyncClient(headers=headers, timeout=300) as http:
        transport = streamable_http_client("{{url}}", http_client=http)
        async with Client(transport, mode="auto") as client:
            print([tool.name for tool in (await client.list_tools()).tools])
            print(await client.call_tool("RunSqlQuery", {"query": "SELECT 1"}))


asyncio.run(main())
"#,
        ),
        speaks: Speaks::Modern,
        source: "https://github.com/modelcontextprotocol/python-sdk",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "fastmcp",
        title: "Python, FastMCP",
        code: Some(
            r#"# pip install fastmcp
import asyncio
{{if key}}import os
{{end}}
from fastmcp import Client


async def main():
    key = {{if key}}os.environ["{{variable}}"] or {{end}}None
    async with Client("{{url}}", auth=key, timeout=300) as client:
        print([tool.name for tool in await client.list_tools()])
        print(await client.call_tool("RunSqlQuery", {"query": "SELECT 1"}))


asyncio.run(main())
"#,
        ),
        speaks: Speaks::Modern,
        source: "https://gofastmcp.com/clients/client",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "typescript",
        title: "TypeScript, @modelcontextprotocol/client",
        code: Some(
            r#"// npm install @modelcontextprotocol/client
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const headers = {};
{{if key}}headers.Authorization = `Bearer ${process.env.{{variable}}}`;
{{end}}const transport = new StreamableHTTPClientTransport(new URL("{{url}}"), {
  requestInit: { headers },
});
const client = new Client(
  { name: "example", version: "1" },
  { versionNegotiation: { mode: "auto" } },
);
await client.connect(transport);
const { tools } = await client.listTools();
console.log(tools.map((tool) => tool.name));
const call = { name: "RunSqlQuery", arguments: { query: "SELECT 1" } };
console.log(await client.callTool(call, { timeout: 300_000 }));
await client.close();
"#,
        ),
        speaks: Speaks::Modern,
        source: "https://github.com/modelcontextprotocol/typescript-sdk",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "ai-sdk",
        title: "TypeScript, Vercel AI SDK",
        code: Some(
            r#"// npm install @ai-sdk/mcp
import { createMCPClient } from "@ai-sdk/mcp";

const headers = {};
{{if key}}headers.Authorization = `Bearer ${process.env.{{variable}}}`;
{{end}}const client = await createMCPClient({
  transport: { type: "http", url: "{{url}}", headers },
});
const tools = await client.tools();
console.log(Object.keys(tools));
const options = { toolCallId: "1", messages: [] };
console.log(await tools.RunSqlQuery.execute({ query: "SELECT 1" }, options));
await client.close();
"#,
        ),
        speaks: Speaks::Modern,
        source: "https://ai-sdk.dev/docs/ai-sdk-core/mcp-tools",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "langchain",
        title: "Python, LangChain",
        code: Some(
            r#"# pip install langchain-mcp-adapters
import asyncio
{{if key}}import os
{{end}}
from langchain_mcp_adapters.client import MultiServerMCPClient

headers = {}
{{if key}}headers["Authorization"] = "Bearer " + os.environ["{{variable}}"]
{{end}}server = {"transport": "streamable_http", "url": "{{url}}", "headers": headers}


async def main():
    tools = await MultiServerMCPClient({"{{name}}": server}).get_tools()
    print([tool.name for tool in tools])
    run = next(tool for tool in tools if tool.name == "RunSqlQuery")
    print(await run.ainvoke({"query": "SELECT 1"}))


asyncio.run(main())
"#,
        ),
        source: "https://docs.langchain.com/oss/python/langchain/mcp",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "openai-agents",
        title: "Python, OpenAI Agents SDK",
        code: Some(
            r#"# pip install openai-agents
import asyncio
{{if key}}import os
{{end}}
from agents.mcp import MCPServerStreamableHttp

headers = {}
{{if key}}headers["Authorization"] = "Bearer " + os.environ["{{variable}}"]
{{end}}params = {"url": "{{url}}", "headers": headers, "timeout": 300, "sse_read_timeout": 300}


async def main():
    # Without the second limit it gives up after 5 s. In an agent: Agent(mcp_servers=[server])
    async with MCPServerStreamableHttp(
        params=params, name="{{name}}", client_session_timeout_seconds=300
    ) as server:
        print([tool.name for tool in await server.list_tools()])
        print(await server.call_tool("RunSqlQuery", {"query": "SELECT 1"}))


asyncio.run(main())
"#,
        ),
        speaks: Speaks::Modern,
        source: "https://openai.github.io/openai-agents-python/mcp/",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "pydantic-ai",
        title: "Python, Pydantic AI",
        code: Some(
            r#"# pip install 'pydantic-ai-slim[mcp]'
import asyncio
{{if key}}import os
{{end}}
from pydantic_ai.mcp import MCPToolset

headers = {}
{{if key}}headers["Authorization"] = "Bearer " + os.environ["{{variable}}"]
{{end}}

async def main():
    # In an agent: Agent(toolsets=[toolset])
    async with MCPToolset("{{url}}", headers=headers, read_timeout=300) as toolset:
        print([tool.name for tool in await toolset.list_tools()])
        print(await toolset.direct_call_tool("RunSqlQuery", {"query": "SELECT 1"}))


asyncio.run(main())
"#,
        ),
        speaks: Speaks::Modern,
        source: "https://ai.pydantic.dev/mcp/client/",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "google-adk",
        title: "Python, Google ADK",
        code: Some(
            r#"# pip install 'google-adk[mcp]'
import asyncio
{{if key}}import os
{{end}}
from google.adk.tools.mcp_tool import McpToolset, StreamableHTTPConnectionParams

headers = {}
{{if key}}headers["Authorization"] = "Bearer " + os.environ["{{variable}}"]
{{end}}

async def main():
    # In an agent: LlmAgent(tools=[toolset])
    connection = StreamableHTTPConnectionParams(
        url="{{url}}", headers=headers, timeout=300, sse_read_timeout=300
    )
    toolset = McpToolset(connection_params=connection)
    print([tool.name for tool in await toolset.get_tools()])
    await toolset.close()


asyncio.run(main())
"#,
        ),
        source: "https://google.github.io/adk-docs/tools/mcp-tools/",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "llama-index",
        title: "Python, LlamaIndex",
        code: Some(
            r#"# pip install llama-index-tools-mcp
import asyncio
{{if key}}import os
{{end}}
from llama_index.tools.mcp import BasicMCPClient

headers = {}
{{if key}}headers["Authorization"] = "Bearer " + os.environ["{{variable}}"]
{{end}}

async def main():
    # Without the limit it gives up after 30 s.
    client = BasicMCPClient("{{url}}", headers=headers, timeout=300)
    print([tool.name for tool in (await client.list_tools()).tools])
    print(await client.call_tool("RunSqlQuery", {"query": "SELECT 1"}))


asyncio.run(main())
"#,
        ),
        source: "https://developers.llamaindex.ai/python/framework/module_guides/mcp/",
        read_on: READ,
        ..Client::NEW
    },
    Client {
        name: "agno",
        title: "Python, Agno",
        code: Some(
            r#"# pip install agno 'fastmcp>=4,<5'
import asyncio
{{if key}}import os
{{end}}
from agno.tools.mcp import MCPTools, StreamableHTTPClientParams

headers = {}
{{if key}}headers["Authorization"] = "Bearer " + os.environ["{{variable}}"]
{{end}}params = StreamableHTTPClientParams(url="{{url}}", headers=headers)


async def main():
    # Without the limit it gives up after 10 s. In an agent: Agent(tools=[tools])
    async with MCPTools(
        transport="streamable-http", server_params=params, timeout_seconds=300
    ) as tools:
        print(list(tools.functions))
        print(await tools.session.call_tool("RunSqlQuery", {"query": "SELECT 1"}))


asyncio.run(main())
"#,
        ),
        source: "https://docs.agno.com/tools/mcp/overview",
        read_on: READ,
        ..Client::NEW
    },
];
