#!/usr/bin/env python3
"""Opens a session's GET stream and fails unless its first bytes come within 20 s, while the stream stays open."""

import argparse
import http.client
import ssl
import sys
import urllib.parse

from mcp import LEGACY, Client


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--key-file", required=True)
    parser.add_argument("--ca-file")
    arguments = parser.parse_args()
    with open(arguments.key_file, encoding="utf-8") as file:
        key = file.readline().strip()
    client = Client(arguments.url, key, modern=False, ca_file=arguments.ca_file)
    client.open()
    url = urllib.parse.urlsplit(arguments.url)
    if url.scheme == "https":
        tls = ssl.create_default_context(cafile=arguments.ca_file)
        connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=20, context=tls)
    else:
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
    connection.request(
        "GET",
        url.path,
        headers={
            "Authorization": f"Bearer {key}",
            "Accept": "text/event-stream",
            "MCP-Protocol-Version": LEGACY,
            "Mcp-Session-Id": client.session,
        },
    )
    answer = connection.getresponse()
    first = answer.read1(64)
    print(answer.status, answer.headers.get("Content-Type"), first)
    sys.exit(0 if answer.status == 200 and first else 1)


if __name__ == "__main__":
    main()
