#!/usr/bin/env python3
"""Shows the result view in a real MCP Apps host, takes pictures, and checks that no cell does harm.

    cargo build --workspace --bins
    scripts/prove/result_view/run.py --cache ~/.cache/dremio-mcp-host --keep /tmp/result-view

The host is MCP Inspector (npm), in a pinned version, installed below --cache, never into this
folder. It stands before a gateway with a sandbox and a refresher, and a Chromium opens its page
Apps: first the tool, then the view, as a person would. Everything listens on 127.0.0.1; requests to
other addresses are blocked, and one by the view is a failure. For each case, in light and in dark:

- a table with more rows than one answer holds: sorted, and with "Load more" to its end
- a bar chart, a line chart and a scatter chart, each of them picked by the view itself
- cells, and names of columns, with a script, an image with onerror, an end of the page's own
  script; a cell of 5 MB
- a query that fails

The pictures, `CASE-SCHEME.png`, and what the page held stay in --keep. Needs Python 3.11, npm, and
Chromium (--chromium). Ends with 1 if a check fails.
"""

import base64
import json
import os
import pathlib
import secrets
import subprocess
import sys
import tempfile
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

from options import parser, wanted
from program import QUIET, end
from stand import Stand, free_ports, http, until

# The host needs Node.js 22; npm gives old versions to older ones without a word.
PACKAGES = [
    "@modelcontextprotocol/inspector@2.12.0",
    "playwright-core@1.65.1",
    "node@22.22.2",
]

IMAGE = '<img src="http://attacker.invalid/x.png" onerror="window.top.harmed = 1">'
SCRIPT = "</script><script>window.top.harmed = 1; window.harmed = 1</script>"
DIGITS = " UNION ALL ".join(f"SELECT {digit} AS n" for digit in range(10))
MANY = f"WITH d AS ({DIGITS}) SELECT a.n * 100 + b.n * 10 + c.n AS n FROM d a, d b, d c"


def text(value):
    return "'" + value.replace("'", "''") + "'"


CASES = {
    "table": f"""SELECT n AS id, 'Customer ' || CAST(n AS VARCHAR) AS name,
  CAST(n * 12.5 AS DECIMAL(18, 2)) AS amount, CASE WHEN MOD(n, 7) = 0 THEN NULL ELSE 'text' END
  AS note, REPEAT('words of a text ', 6) AS remark, MOD(n, 2) = 0 AS is_even
FROM ({MANY}) AS t ORDER BY 1""",
    "bar": """SELECT * FROM (VALUES ('Zürich', 1250), ('Genève', 980), ('Basel', 640),
  ('Bern', -120), ('Lausanne', 410)) AS t(city, revenue)""",
    "line": """SELECT * FROM (VALUES
  (DATE '2024-01-01', 'online', 10), (DATE '2024-02-01', 'online', 14),
  (DATE '2024-03-01', 'online', 12), (DATE '2024-04-01', 'online', 21),
  (DATE '2024-01-01', 'shops', 20), (DATE '2024-02-01', 'shops', 18),
  (DATE '2024-03-01', 'shops', 19), (DATE '2024-04-01', 'shops', 16))
  AS t("month", channel, orders)""",
    "scatter": f"""SELECT CAST(n AS DOUBLE) / 10 AS distance, CAST(MOD(n * 37, 100) AS DOUBLE) / 9
  + n / 100 AS fare FROM ({MANY}) AS t WHERE n < 300""",
    "hostile": f"""SELECT {text(SCRIPT)} AS "script", {text(IMAGE)} AS "image", 7 AS {
        '"' + IMAGE.replace('"', '""') + '"'}, content AS "large"
FROM Large.wide_cells ORDER BY LENGTH(content) DESC LIMIT 3""",
    "failure": 'SELECT "nope" FROM "Sales"."orders"',
}


def install(cache):
    """Installs what is not there yet."""
    done, wanted = cache / "installed", " ".join(PACKAGES)
    if done.exists() and done.read_text() == wanted:
        return
    cache.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-save", "--prefix", cache]
    subprocess.run([*command, *PACKAGES], check=True, cwd=cache)
    done.write_text(wanted)


class Host:
    """MCP Inspector in front of the gateway."""

    def __init__(self, cache, stand, folder):
        self.token = secrets.token_hex(24)
        port, sandbox, origin = free_ports(3)
        self.url, self.stand = f"http://127.0.0.1:{port}", stand
        home = folder / "host"
        home.mkdir()
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "HOST": "127.0.0.1",
            "CLIENT_PORT": str(port),
            "MCP_SANDBOX_PORT": str(sandbox),
            "MCP_APP_ORIGIN_PORT": str(origin),
            "MCP_AUTO_OPEN_ENABLED": "false",
            "MCP_INSPECTOR_API_TOKEN": self.token,
        }
        inspector = cache / "node_modules/@modelcontextprotocol/inspector"
        self.process = subprocess.Popen(
            [
                cache / "node_modules/.bin/node",
                inspector / "clients/launcher/build/index.js",
                "--web",
            ],
            env=QUIET | env,
            stdin=subprocess.DEVNULL,
            stdout=open(home / "log", "wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        until("the host answers", lambda: http(self.url) or self.process.poll() is not None, 60)

    def link(self, query):
        """Its page with the tool opened and the query filled in."""
        arguments = json.dumps({"query": query}).encode()
        return f"{self.url}/?" + "&".join(
            [
                f"serverUrl={urllib.parse.quote(self.stand.url, safe='')}",
                "transport=http",
                f"autoConnect={self.token}",
                "openApp=RunSqlQuery",
                "appArgs=" + base64.urlsafe_b64encode(arguments).decode().rstrip("="),
            ]
        )

    def stop(self):
        end(self.process)


def main():
    arguments = parser(__doc__, model=False)
    arguments.add_argument("--chromium", default="/usr/bin/chromium")
    arguments.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the gateway"
    )
    options = arguments.parse_args()
    cache = options.cache.expanduser().resolve()
    install(cache)
    with tempfile.TemporaryDirectory(prefix="dremio-mcp-view-") as scratch:
        folder = options.keep.resolve() if options.keep else pathlib.Path(scratch) / "run"
        folder.mkdir(parents=True)
        # The host's link has no place for a key.
        settings = {"MCP_AUTH": "none", "MCP_API_KEYS_FILE": ""}
        settings |= dict(setting.split("=", 1) for setting in options.set)
        stand, host = Stand(options.bin.resolve(), folder, settings), None
        try:
            stand.start()
            http(f"{stand.control}/large-tables", {})
            host = Host(cache, stand, folder)
            cases = {
                name: host.link(query)
                for name, query in CASES.items()
                if wanted(options.only, name)
            }
            plan = {
                "cache": str(cache),
                "chromium": options.chromium,
                "folder": str(folder),
                "cases": cases,
            }
            node = cache / "node_modules/.bin/node"
            ran = subprocess.run(
                [node, HERE / "drive.mjs"], input=json.dumps(plan), text=True, env=os.environ
            )
        finally:
            if host:
                host.stop()
            stand.stop()
    sys.exit(ran.returncode)


if __name__ == "__main__":
    main()
