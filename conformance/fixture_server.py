#!/usr/bin/env python3
"""The server behind the gateway while the public conformance suite runs.

It speaks MCP over standard input and output with the Python SDK that Dremio's own server is built on, and offers
what the suite's server scenarios call: their descriptions name each tool, prompt and resource. It uses the SDK's
low-level server, because that sends tool schemas as they are written here.

It deliberately offers nothing for the `input-required-*` scenarios: that SDK does not know such results.
"""

import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import mcp.types as types
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import McpError
from pydantic import AnyUrl

# The suite asks for about 50 ms between messages, so that they cannot arrive as one.
STEP_SECONDS = 0.05

# What a server says for a capability that the client of a call has not declared (revision 2026-07-28).
MISSING_CLIENT_CAPABILITY = -32021

# What a server up to revision 2025-11-25 says for a resource that does not exist.
RESOURCE_NOT_FOUND = -32002

PNG_OF_ONE_RED_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV_OF_ONE_SAMPLE = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="

NOTHING: dict[str, Any] = {"type": "object", "properties": {}}

# Every keyword of it must reach the client (SEP-1613, SEP-2106).
JSON_SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}

# Arguments that a client of revision 2026-07-28 must repeat in `Mcp-Param-…` headers (SEP-2243). The three types
# that may be so marked; the suite fills in what is required and varies the text.
HEADER_ARGUMENTS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "priority": {"type": "integer", "x-mcp-header": "Priority"},
        "verbose": {"type": "boolean", "x-mcp-header": "Verbose"},
    },
    "required": ["region"],
}

ELICIT_DEFAULTS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "User name", "default": "John Doe"},
        "age": {"type": "integer", "description": "User age", "default": 30},
        "score": {"type": "number", "description": "User score", "default": 95.5},
        "status": {
            "type": "string",
            "description": "Status",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": {"type": "boolean", "description": "Verification status", "default": True},
    },
    "required": [],
}

ELICIT_ENUMS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
        "titledSingle": {
            "type": "string",
            "oneOf": [
                {"const": "value1", "title": "First Option"},
                {"const": "value2", "title": "Second Option"},
                {"const": "value3", "title": "Third Option"},
            ],
        },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {
            "type": "array",
            "items": {"type": "string", "enum": ["option1", "option2", "option3"]},
        },
        "titledMulti": {
            "type": "array",
            "items": {
                "anyOf": [
                    {"const": "value1", "title": "First Choice"},
                    {"const": "value2", "title": "Second Choice"},
                    {"const": "value3", "title": "Third Choice"},
                ]
            },
        },
    },
    "required": [],
}

ELICIT_TEXT: dict[str, Any] = {
    "type": "object",
    "properties": {"response": {"type": "string", "description": "User's response"}},
    "required": ["response"],
}

server: Server[Any, Any] = Server("conformance-fixture", version="1.0.0")


def text(said: str) -> types.TextContent:
    return types.TextContent(type="text", text=said)


def image() -> types.ImageContent:
    return types.ImageContent(type="image", data=PNG_OF_ONE_RED_PIXEL, mimeType="image/png")


def embedded(uri: str, mime_type: str, content: str) -> types.EmbeddedResource:
    resource = types.TextResourceContents(uri=AnyUrl(uri), mimeType=mime_type, text=content)
    return types.EmbeddedResource(type="resource", resource=resource)


# ---- tools ---------------------------------------------------------------------------------------------------------

Content = list[types.ContentBlock]
Handler = Callable[[dict[str, Any]], Awaitable[Content]]
TOOLS: dict[str, tuple[types.Tool, Handler]] = {}


def tool(description: str, schema: dict[str, Any] = NOTHING) -> Callable[[Handler], Handler]:
    """Offers the function as the tool of its own name. The first one must work without arguments: the suite calls it."""

    def offer(handler: Handler) -> Handler:
        name = handler.__name__
        TOOLS[name] = (types.Tool(name=name, description=description, inputSchema=schema), handler)
        return handler

    return offer


@tool("Answers with text")
async def test_simple_text(_: dict[str, Any]) -> Content:
    return [text("This is a simple text response for testing.")]


@tool("Answers with an image")
async def test_image_content(_: dict[str, Any]) -> Content:
    return [image()]


@tool("Answers with a sound")
async def test_audio_content(_: dict[str, Any]) -> Content:
    return [types.AudioContent(type="audio", data=WAV_OF_ONE_SAMPLE, mimeType="audio/wav")]


@tool("Answers with an embedded resource")
async def test_embedded_resource(_: dict[str, Any]) -> Content:
    return [
        embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    ]


@tool("Answers with text, an image and a resource")
async def test_multiple_content_types(_: dict[str, Any]) -> Content:
    resource = embedded(
        "test://mixed-content-resource",
        "application/json",
        json.dumps({"test": "data", "value": 123}),
    )
    return [text("Multiple content types test:"), image(), resource]


async def log_thrice() -> None:
    context = server.request_context
    for number, message in enumerate(
        ["Tool execution started", "Tool processing data", "Tool execution completed"]
    ):
        if number > 0:
            await anyio.sleep(STEP_SECONDS)
        await context.session.send_log_message(
            "info", message, related_request_id=context.request_id
        )


@tool("Sends three log messages while it works")
async def test_tool_with_logging(_: dict[str, Any]) -> Content:
    await log_thrice()
    return [text("Tool with logging executed successfully")]


@tool("Sends log messages, which a client that did not ask for any must not get")
async def test_logging_tool(_: dict[str, Any]) -> Content:
    await log_thrice()
    return [text("Logged.")]


@tool("Reports progress thrice, if the client gave a token for it")
async def test_tool_with_progress(_: dict[str, Any]) -> Content:
    context = server.request_context
    token = context.meta.progressToken if context.meta else None
    for done in (0, 50, 100):
        if done > 0:
            await anyio.sleep(STEP_SECONDS)
        if token is not None:
            await context.session.send_progress_notification(
                token, done, 100, f"Completed step {done} of 100"
            )
    return [text(f"Progress was reported for {token!r}")]


@tool("Fails")
async def test_error_handling(_: dict[str, Any]) -> Content:
    raise RuntimeError("This tool intentionally returns an error for testing")


@tool("Takes arguments that are repeated in headers", HEADER_ARGUMENTS)
async def test_header_arguments(arguments: dict[str, Any]) -> Content:
    return [text(json.dumps(arguments))]


@tool("Has a schema that uses JSON Schema 2020-12", JSON_SCHEMA_2020_12)
async def json_schema_2020_12_tool(arguments: dict[str, Any]) -> Content:
    return [text(f"JSON Schema 2020-12 tool called with: {json.dumps(arguments)}")]


@tool("Needs a client that lets the server sample its model")
async def test_missing_capability(_: dict[str, Any]) -> Content:
    needed = types.ClientCapabilities(sampling=types.SamplingCapability())
    if server.request_context.session.check_client_capability(needed):
        return [text("The client has the capability.")]
    required = {"requiredCapabilities": {"sampling": {}}}
    raise McpError(
        types.ErrorData(
            code=MISSING_CLIENT_CAPABILITY, message="The client lacks `sampling`", data=required
        )
    )


@tool(
    "Asks the client's model",
    {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]},
)
async def test_sampling(arguments: dict[str, Any]) -> Content:
    message = types.SamplingMessage(role="user", content=text(arguments["prompt"]))
    result = await server.request_context.session.create_message([message], max_tokens=100)
    said = result.content.text if isinstance(result.content, types.TextContent) else "No response"
    return [text(f"LLM response: {said}")]


async def elicit(message: str, schema: dict[str, Any]) -> Content:
    result = await server.request_context.session.elicit(message, schema)
    return [
        text(
            f"Elicitation completed: action={result.action}, content={json.dumps(result.content or {})}"
        )
    ]


@tool(
    "Asks the user",
    {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]},
)
async def test_elicitation(arguments: dict[str, Any]) -> Content:
    return await elicit(arguments["message"], ELICIT_TEXT)


@tool("Asks the user, with defaults")
async def test_elicitation_sep1034_defaults(_: dict[str, Any]) -> Content:
    return await elicit("Please review and update the form fields with defaults", ELICIT_DEFAULTS)


@tool("Asks the user to choose")
async def test_elicitation_sep1330_enums(_: dict[str, Any]) -> Content:
    return await elicit("Please select options from the enum fields", ELICIT_ENUMS)


@tool("Asks the user if it can, and answers in any case")
async def test_streaming_elicitation(_: dict[str, Any]) -> Content:
    try:
        return await elicit("Anything to add?", ELICIT_TEXT)
    except McpError as cause:
        return [text(f"Nobody could be asked: {cause.error.message}")]


@tool("Changes the list of tools: adds one, or takes it away again")
async def test_trigger_tool_change(_: dict[str, Any]) -> Content:
    if TOOLS.pop(test_added_tool.__name__, None) is None:
        tool("Is there every other time")(test_added_tool)
    await server.request_context.session.send_tool_list_changed()
    return [text("The list of tools has changed.")]


async def test_added_tool(_: dict[str, Any]) -> Content:
    return [text("Here for now.")]


@tool("Changes the list of prompts: adds one, or takes it away again")
async def test_trigger_prompt_change(_: dict[str, Any]) -> Content:
    if PROMPTS.pop(ADDED_PROMPT.name, None) is None:
        PROMPTS[ADDED_PROMPT.name] = ADDED_PROMPT
    await server.request_context.session.send_prompt_list_changed()
    return [text("The list of prompts has changed.")]


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return [tool for tool, _ in TOOLS.values()]


@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> Content:
    if name not in TOOLS:
        raise ValueError(f"Unknown tool: {name}")
    _, handler = TOOLS[name]
    return await handler(arguments)


call_with_all_errors_in_results = server.request_handlers[types.CallToolRequest]


async def call_or_refuse(request: types.CallToolRequest) -> types.ServerResult:
    """The SDK makes every exception of a tool a result; this one must be an error of the protocol."""
    if request.params.name == test_missing_capability.__name__:
        return types.ServerResult(types.CallToolResult(content=await test_missing_capability({})))
    return await call_with_all_errors_in_results(request)


server.request_handlers[types.CallToolRequest] = call_or_refuse


# ---- resources -----------------------------------------------------------------------------------------------------

RESOURCES = [
    types.Resource(
        uri=AnyUrl("test://static-text"),
        name="static-text",
        description="Text",
        mimeType="text/plain",
    ),
    types.Resource(
        uri=AnyUrl("test://static-binary"),
        name="static-binary",
        description="Image",
        mimeType="image/png",
    ),
    types.Resource(
        uri=AnyUrl("test://watched-resource"),
        name="watched",
        description="Text",
        mimeType="text/plain",
    ),
]
TEMPLATE = types.ResourceTemplate(
    uriTemplate="test://template/{id}/data",
    name="template",
    description="Data by id",
    mimeType="application/json",
)


@server.list_resources()
async def list_resources() -> list[types.Resource]:
    return RESOURCES


@server.list_resource_templates()
async def list_resource_templates() -> list[types.ResourceTemplate]:
    return [TEMPLATE]


@server.read_resource()
async def read_resource(uri: AnyUrl) -> list[ReadResourceContents]:
    match str(uri).removeprefix("test://").split("/"):
        case ["static-text"]:
            return [
                ReadResourceContents(
                    "This is the content of the static text resource.", "text/plain"
                )
            ]
        case ["static-binary"]:
            return [ReadResourceContents(base64.b64decode(PNG_OF_ONE_RED_PIXEL), "image/png")]
        case ["watched-resource"]:
            return [ReadResourceContents("Watched resource content", "text/plain")]
        case ["template", key, "data"]:
            data = {"id": key, "templateTest": True, "data": f"Data for ID: {key}"}
            return [ReadResourceContents(json.dumps(data), "application/json")]
        case _:
            raise McpError(
                types.ErrorData(
                    code=RESOURCE_NOT_FOUND, message="Resource not found", data={"uri": str(uri)}
                )
            )


@server.subscribe_resource()
async def subscribe_resource(_: AnyUrl) -> None:
    """Nothing changes, so there is nothing to remember."""


@server.unsubscribe_resource()
async def unsubscribe_resource(_: AnyUrl) -> None:
    """See `subscribe_resource`."""


# ---- prompts -------------------------------------------------------------------------------------------------------


def argument(name: str, description: str) -> types.PromptArgument:
    return types.PromptArgument(name=name, description=description, required=True)


ADDED_PROMPT = types.Prompt(name="test_added_prompt", description="Is there every other time")
PROMPTS = {
    prompt.name: prompt
    for prompt in [
        types.Prompt(name="test_simple_prompt", description="Has no arguments"),
        types.Prompt(
            name="test_prompt_with_arguments",
            description="Has two arguments",
            arguments=[
                argument("arg1", "First test argument"),
                argument("arg2", "Second test argument"),
            ],
        ),
        types.Prompt(
            name="test_prompt_with_embedded_resource",
            description="Includes a resource",
            arguments=[argument("resourceUri", "URI of the resource to embed")],
        ),
        types.Prompt(name="test_prompt_with_image", description="Includes an image"),
    ]
}


@server.list_prompts()
async def list_prompts() -> list[types.Prompt]:
    return list(PROMPTS.values())


@server.get_prompt()
async def get_prompt(name: str, arguments: dict[str, str] | None) -> types.GetPromptResult:
    if name not in PROMPTS:
        raise McpError(
            types.ErrorData(code=types.INVALID_PARAMS, message=f"Unknown prompt: {name}")
        )
    given = arguments or {}
    contents: Content
    match name:
        case "test_prompt_with_arguments":
            contents = [
                text(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'")
            ]
        case "test_prompt_with_embedded_resource":
            resource = embedded(
                given["resourceUri"], "text/plain", "Embedded resource content for testing."
            )
            contents = [resource, text("Please process the embedded resource above.")]
        case "test_prompt_with_image":
            contents = [image(), text("Please analyze the image above.")]
        case _:
            contents = [text("This is a simple prompt for testing.")]
    return types.GetPromptResult(
        messages=[types.PromptMessage(role="user", content=content) for content in contents]
    )


# ---- the rest ------------------------------------------------------------------------------------------------------


@server.completion()
async def complete(
    _: types.PromptReference | types.ResourceTemplateReference,
    being_typed: types.CompletionArgument,
    __: types.CompletionContext | None,
) -> types.Completion:
    words = [
        word
        for word in ("paris", "park", "party", "test", "testing")
        if word.startswith(being_typed.value)
    ]
    return types.Completion(values=words, total=len(words), hasMore=False)


@server.set_logging_level()
async def set_logging_level(_: types.LoggingLevel) -> None:
    """Everything is sent; who passes it on decides."""


async def main() -> None:
    changes = NotificationOptions(prompts_changed=True, tools_changed=True)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options(changes))


if __name__ == "__main__":
    anyio.run(main)
