#!/usr/bin/env python3
"""A collector of traces for scripts/verify/traces.sh: prints a line for each request it gets.

Path, content type, the header x-collector-key, and the texts in the body. Listens on port 4318.
"""

import http.server
import re


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        texts = b" ".join(re.findall(rb"[ -~]{4,}", body)).decode()
        kind, key = self.headers["content-type"], self.headers["x-collector-key"]
        print(f"{self.path} {kind} key=[{key}] {texts}", flush=True)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("", 4318), Collector).serve_forever()
