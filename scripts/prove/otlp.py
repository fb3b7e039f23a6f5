#!/usr/bin/env python3
"""Reads traces strictly, for collector.py: bodies of OTLP requests in, spans out, a JSON line each.

On standard input there is `[content type, body in base64]`, a line for each request. Ends with an
assertion where something is unknown, malformed, or would be written in another way by
OpenTelemetry's own message types (PyPI opentelemetry-proto), which it needs.
"""

import base64
import json
import sys

from google.protobuf import json_format, unknown_fields
from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

IDS = ("traceId", "spanId", "parentSpanId")


def all_known(message):
    """Nothing is in it that this version of the messages does not have."""
    name = message.DESCRIPTOR.name
    assert not len(unknown_fields.UnknownFieldSet(message)), f"an unknown field in {name}"
    for field, value in message.ListFields():
        for part in value if field.is_repeated else [value]:
            if isinstance(part, Message):
                all_known(part)


def as_protobuf_has_it(value):
    """JSON of OTLP, where ids are hex and enumerations are numbers, as JSON of Protobuf."""
    if isinstance(value, list):
        return [as_protobuf_has_it(part) for part in value]
    if not isinstance(value, dict):
        return value
    for name in ("kind", "code"):
        assert not isinstance(value.get(name), str), f"{name} is no number"
    return {
        name: base64.b64encode(bytes.fromhex(part)).decode()
        if name in IDS
        else as_protobuf_has_it(part)
        for name, part in value.items()
    }


def read(kind, body):
    message = ExportTraceServiceRequest()
    if kind == "application/json":
        text = as_protobuf_has_it(json.loads(body))
        json_format.ParseDict(text, message, ignore_unknown_fields=False)
    else:
        assert kind == "application/x-protobuf", f"content type {kind}"
        message.ParseFromString(body)
        again = message.SerializeToString(deterministic=True)
        assert again == body, "other bytes when written again"
    all_known(message)
    return message


def plain(any_value):
    return getattr(any_value, any_value.WhichOneof("value"))


def spans(message):
    for of_resource in message.resource_spans:
        resource = {it.key: plain(it.value) for it in of_resource.resource.attributes}
        for scope in of_resource.scope_spans:
            for span in scope.spans:
                assert (len(span.trace_id), len(span.span_id)) == (16, 8)
                assert len(span.parent_span_id) in (0, 8)
                assert span.end_time_unix_nano >= span.start_time_unix_nano
                status = Status.StatusCode.Name(span.status.code)
                yield {
                    "trace": span.trace_id.hex(),
                    "id": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "name": span.name,
                    "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    "status": status.removeprefix("STATUS_CODE_"),
                    "start": span.start_time_unix_nano,
                    "attributes": {it.key: plain(it.value) for it in span.attributes},
                    "resource": resource,
                    "scope": scope.scope.name,
                }


if __name__ == "__main__":
    for line in sys.stdin:
        content_type, content = json.loads(line)
        for found in spans(read(content_type, base64.b64decode(content))):
            print(json.dumps(found))
