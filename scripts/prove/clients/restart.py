#!/usr/bin/env python3
"""Restarts the gateway under real clients, and prints which of them go on without a person's help.

    cargo build --workspace --bins
    scripts/prove/clients/restart.py --cache ~/.cache/dremio-mcp-clients --model DIR

Each client, in a pinned version, is installed below --cache, never into this folder, and started
against a gateway with the native engine, which has a sandbox and a refresher beside it. Everything
listens on 127.0.0.1; the clients get a home of their own, no telemetry, and a proxy that does not
exist for every other address. Then:

- three calls
- a call of 1.5 s during which the gateway gets SIGTERM; another gateway on the same token folder;
  three calls
- the gateway stopped again, a call while none runs, the next gateway, three calls: some clients
  connect anew after a refused connection, though not after a 404

The agent programs need a model. --model names a folder with `scripted_model.py PORT LOG`, which
speaks the Anthropic and Gemini interfaces on loopback and does what the prompt's lines
`WAITFILE path` and `CALL tool arguments` say; without it they are left out, and the output says
so. Needs Python 3.11, npm and Node.js 20. Ends with 1 if a client did not go on after the restart,
or did not run. What follows the refused call is shown and not judged: some clients end then.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

from agents import Agent
from options import chosen, model_of, parser
from program import sql_of, value_of
from stand import Stand, until

BEFORE, AT_STOP, AFTER, WHILE_DOWN, AFTER_DOWN = (1, 2, 3), 4, (5, 6, 7), 8, (9, 10, 11)

ANSWER_SECONDS = 45
# With no gateway most clients fail at once; one that tries again is given its gateway after this.
DOWN_SECONDS = 6


def call(program, number, seconds=ANSWER_SECONDS):
    program.begin(number, sql_of(number))
    return judge(program.result(number, seconds), number)


def judge(result, number):
    """(right, what it said)"""
    if result is None:
        return False, "no answer"
    ok, text = result
    return ok and value_of(number) in text, text


def run(program, cache, stand, work):
    program.start(cache, stand, work)
    row = {"before": [call(program, number) for number in BEFORE]}

    stand.job_duration("1500ms")
    program.begin(AT_STOP, sql_of(AT_STOP))
    until(
        "Dremio has the call", lambda: stand.has_job(sql_of(AT_STOP)) or not program.is_alive(), 30
    )
    stand.stop_gateway()
    row["at_stop"] = judge(program.result(AT_STOP, ANSWER_SECONDS), AT_STOP)
    stand.job_duration("0s")
    stand.start_gateway()
    row["after"] = [call(program, number) for number in AFTER]
    row["same"] = program.is_alive()

    stand.stop_gateway()
    program.begin(WHILE_DOWN, sql_of(WHILE_DOWN))
    program.result(WHILE_DOWN, DOWN_SECONDS)
    stand.start_gateway()
    row["down"] = judge(program.result(WHILE_DOWN, ANSWER_SECONDS), WHILE_DOWN)
    row["after_down"] = [call(program, number) for number in AFTER_DOWN]
    return row


def verdict(calls):
    right = [right for right, _ in calls]
    if all(right):
        return "goes on"
    return "**dead**" if not any(right) else f"{right.count(False)} of {len(right)} fail"


def word(call):
    return "ok" if call[0] else "failed"


def reason(row):
    """What the first call that failed after the restart said."""
    text = next((text for right, text in row["after"] if not right), "")
    return re.sub(r"\s+", " ", text).replace("|", "/")[:200]


def main():
    arguments = parser(__doc__)
    arguments.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the gateway"
    )
    options = arguments.parse_args()
    cache, rows, missing = options.cache.expanduser().resolve(), [], []
    with tempfile.TemporaryDirectory(prefix="dremio-mcp-clients-") as scratch:
        folder = options.keep.resolve() if options.keep else pathlib.Path(scratch) / "run"
        folder.mkdir(parents=True)
        scripted = model_of(options.model, cache)
        for number, program in enumerate(chosen(options.only)):
            label = f"{program.name} {program.version}"
            problem = program.install(cache)
            if isinstance(program, Agent):
                problem = problem or (None if scripted else "there is no scripted model: --model")
                program.scripted = scripted
            if problem:
                missing.append(f"{label}: {problem}")
                print(f"!! NOT RUN  {missing[-1]}", file=sys.stderr, flush=True)
                continue
            print(f"   {label} …", file=sys.stderr, flush=True)
            work = folder / f"{number:02}-{program.name.replace(' ', '-')}"
            work.mkdir()
            stand = Stand(
                options.bin.resolve(), work, dict(setting.split("=", 1) for setting in options.set)
            )
            try:
                stand.start()
                rows.append((label, run(program, cache, stand, work / "client")))
                (work / "row.json").write_text(json.dumps(rows[-1], indent=1))
            except (TimeoutError, RuntimeError, subprocess.TimeoutExpired) as cause:
                missing.append(f"{label}: {cause}")
                print(f"!! NOT RUN  {missing[-1]}", file=sys.stderr, flush=True)
            finally:
                program.stop()
                stand.stop()
    print(table(rows))
    for line in missing:
        print(f"NOT RUN: {line}")
    sys.exit(1 if missing or any(verdict(row["after"]) != "goes on" for _, row in rows) else 0)


def table(rows):
    lines = [
        "| client | before | in flight at SIGTERM | after the restart | same process "
        "| call while none runs | after that | the first failure after the restart |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for label, row in rows:
        cells = [
            label,
            "ok" if all(right for right, _ in row["before"]) else "**failed**",
            word(row["at_stop"]),
            verdict(row["after"]),
            "yes" if row["same"] else "no",
            word(row["down"]),
            verdict(row["after_down"]),
            reason(row),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
