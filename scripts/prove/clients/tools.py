#!/usr/bin/env python3
"""Has real clients call all seven tools with each engine, and shows what agents make of answers.

    cargo build --workspace --bins
    scripts/prove/clients/tools.py --cache ~/.cache/dremio-mcp-clients --model DIR \\
        --official 'dremio-mcp-server run --no-log-to-file --enable-json-logging -c empty.yaml'

Each client, in a pinned version, is installed below --cache and started against a gateway with the
native engine, and against one with the official server, which has a sandbox and a refresher beside
it. Everything listens on 127.0.0.1. Two tables come out:

- the SDKs: every tool is called once, GetQueryResult with the handle that RunSqlQuery gave; an
  answer is right if it says what only the right answer says
- the agent programs, which need --model (see restart.py): a query of 3,000 rows of 10 columns, one
  of 20 cells of 20,000 characters, and one that fails; what of each answer reached the model

Needs Python 3.11, npm, Node.js 20, and the official server for its half, which is left out without
it. Ends with 1 if an SDK got a wrong answer, or a client did not run.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

from agents import Agent
from options import chosen, model_of, parser
from program import Library
from stand import Stand

ANSWER_SECONDS = 60

HANDLE = object()
# Tool, arguments, and what only the right answer says.
CALLS = [
    (
        "RunSqlQuery",
        {"query": 'SELECT order_id FROM "Sales"."orders" ORDER BY 1', "max_rows": 1},
        "next: GetQueryResult",
    ),
    ("GetQueryResult", {"job_id": HANDLE, "offset": 1, "max_rows": 2}, "[rows 2-3 of "),
    ("SearchTableAndViews", {"query": "which table has the customers?"}, '"Sales"."customers"'),
    ("GetSchemaOfTable", {"table_name": ["Sales", "orders"]}, "order_id BIGINT"),
    ("GetDescriptionOfTableOrSchema", {"name": "Sales.customers"}, "One row per customer"),
    ("GetTableOrViewLineage", {"table_name": "Sales.customers"}, '"Warehouse"'),
    ("GetUsefulSystemTableNames", {}, "INFORMATION_SCHEMA"),
]

DIGITS = " UNION ALL ".join(f"SELECT {digit} AS n" for digit in range(10))
ROWS = f"""WITH d AS ({DIGITS}) SELECT a.n * 100 + b.n * 10 + c.n AS id, 'Customer ' || CAST(c.n AS
VARCHAR) AS "name", 'Bern' AS city, 12.5 AS x1, 12.5 AS x2, 12.5 AS x3, 12.5 AS x4, 'open' AS
"status", DATE '2024-01-31' AS "day", true AS ok FROM d a, d b, d c, (SELECT 1 AS one UNION ALL
SELECT 2 UNION ALL SELECT 3) AS t"""
CELLS = f"""WITH d AS ({DIGITS}) SELECT a.n AS id, REPEAT('words ', 3334) AS "text" FROM d a,
(SELECT 1 AS one UNION ALL SELECT 2) AS t"""
LARGE = {
    "3,000 rows of 10": ROWS.replace("\n", " "),
    "20 cells of 20 KB": CELLS.replace("\n", " "),
    "a wrong column": 'SELECT "ordr_id" FROM "Sales"."orders"',
}


def tools_of(program):
    """Calls each tool; by tool whether the answer was right, and what it said."""
    row, handle = {}, None
    for number, (tool, arguments, expected) in enumerate(CALLS, 1):
        given = {name: handle if value is HANDLE else value for name, value in arguments.items()}
        program.call(number, tool, given)
        ok, text = program.result(number, ANSWER_SECONDS) or (False, "no answer")
        row[tool] = (ok and expected in text, text)
        if found := re.search(r'job_id="([^"]+)"', text):
            handle = found[1]
    return row


def seen_of(program):
    """What the model got of each large answer."""
    row = {}
    for number, name in enumerate(LARGE, 1):
        program.begin(number, None)
        _, text = program.result(number, ANSWER_SECONDS) or (False, "no answer")
        row[name] = text
    return row


def strings(value):
    """All texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


def description(text):
    """In a cell of the table: how long it is, and whether the rows and the last line are there."""
    try:
        text = max(strings(json.loads(text)), key=len)
    except ValueError:
        pass
    text = text.replace("\\n", "\n")
    rows = sum(bool(re.match(r"\d+,", line)) for line in text.splitlines())
    last = re.search(r"\[(rows [\d-]+ of \d+|\d+ rows)[^\n]*", text)
    parts = [f"{len(text):,} characters"]
    if rows:
        parts.append(f"{rows} rows")
    parts.append(f"`{last[0][:60]}…`" if last else f"no last line: `{text[:70]!r}`")
    return ", ".join(parts).replace("|", "/")


def run(programs, options, scripted, folder):
    engines = {"native": {}}
    if options.official:
        official = {"MCP_ENGINE": "official", "MCP_SERVER_COMMAND": options.official}
        engines["official"] = official
    else:
        print("!! NOT RUN  the official engine: --official", file=sys.stderr)
    tools, seen, missing = [], [], []
    for engine, settings in engines.items():
        work = folder / engine
        work.mkdir()
        stand = Stand(options.bin.resolve(), work, settings)
        try:
            try:
                stand.start()
            except TimeoutError as cause:
                missing.append(f"all clients, {engine}: {cause}")
                continue
            for number, program in enumerate(programs):
                label = f"{program.name} {program.version}"
                print(f"   {engine}: {label} …", file=sys.stderr, flush=True)
                program.results, program.connected = {}, False
                program.scripted, program.calls = scripted, list(LARGE.values())
                try:
                    program.start(options.cache, stand, work / f"{number:02}")
                    if isinstance(program, Agent):
                        seen.append((label, engine, seen_of(program)))
                    else:
                        row = tools_of(program)
                        tools.append((label, engine, program.tools, row))
                except (TimeoutError, RuntimeError, subprocess.TimeoutExpired) as cause:
                    missing.append(f"{label}, {engine}: {cause}")
                finally:
                    program.stop()
        finally:
            stand.stop()
    return tools, seen, missing


def main():
    arguments = parser(__doc__)
    arguments.add_argument("--official", help="command line of the official server")
    options = arguments.parse_args()
    options.cache = options.cache.expanduser().resolve()
    scripted = model_of(options.model, options.cache)
    programs, missing = [], []
    for program in chosen(options.only):
        label = f"{program.name} {program.version}"
        if not isinstance(program, (Library, Agent)):
            continue
        problem = program.install(options.cache)
        if isinstance(program, Agent) and not scripted:
            problem = problem or "there is no scripted model: --model"
        if problem:
            missing.append(f"{label}: {problem}")
        else:
            programs.append(program)
    with tempfile.TemporaryDirectory(prefix="dremio-mcp-tools-") as scratch:
        folder = options.keep.resolve() if options.keep else pathlib.Path(scratch) / "run"
        folder.mkdir(parents=True)
        tools, seen, failed = run(programs, options, scripted, folder)
        (folder / "rows.json").write_text(json.dumps([tools, seen], indent=1))
    names = [tool for tool, _, _ in CALLS]
    print(f"| client | engine | tools listed | {' | '.join(names)} |\n|{'---|' * (len(names) + 3)}")
    for label, engine, listed, row in tools:
        cells = ["ok" if row[name][0] else "**wrong**" for name in names]
        print(f"| {label} | {engine} | {len(listed)} | {' | '.join(cells)} |")
    for label, engine, _, row in tools:
        for name in names:
            if not row[name][0]:
                print(f"!! {label}, {engine}, {name}: {row[name][1][:300]}")
    print(f"\n| agent program | engine | {' | '.join(LARGE)} |\n|{'---|' * (len(LARGE) + 2)}")
    for label, engine, row in seen:
        print(f"| {label} | {engine} | {' | '.join(description(row[name]) for name in LARGE)} |")
    for line in missing + failed:
        print(f"NOT RUN: {line}")
    wrong = any(not right for *_, row in tools for right, _ in row.values())
    sys.exit(1 if wrong or missing or failed else 0)


if __name__ == "__main__":
    main()
