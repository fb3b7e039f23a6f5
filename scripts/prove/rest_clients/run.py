#!/usr/bin/env python3
"""Runs real clients of Dremio's REST API, unmodified, against the stand-in.

    cargo build -p dremio-sandbox
    scripts/prove/rest_clients/run.py --cache ~/.cache/dremio-rest-clients [--only NAME]

Each client, in a pinned version, is installed below --cache, in an environment of its own, and
never into this folder. The stand-in listens on 127.0.0.1; clients get a home of their own, no
telemetry, and a proxy that does not exist for every other address.

Prints a line for each client and step: `ok`, or `FAILED` with the reason. Ends with 1 if a step
failed or a client could not be installed. Needs Python 3.11; the clients need what `clients.py`
says (several Pythons; node and npm), found on PATH or below ~/.pyenv.
"""

import argparse
import pathlib
import sys
import tempfile

from clients import all_clients
from stand_in import StandIn

ROOT = pathlib.Path(__file__).resolve().parents[3]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin-dir", type=pathlib.Path, default=ROOT / "target/debug")
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--only", action="append", help="the name of a client; may be repeated")
    options = parser.parse_args()
    cache = options.cache.expanduser().resolve()
    if cache.is_relative_to(ROOT):
        sys.exit(f"--cache must be outside of {ROOT}")
    clients = [client for client in all_clients() if client.name in (options.only or [client.name])]
    if not clients:
        sys.exit(f"no such client; there are {', '.join(one.name for one in all_clients())}")

    failed = 0
    for client in clients:
        trouble = client.install(cache)
        if trouble:
            failed += 1
            print(f"{client.title}: NOT RUN, it could not be installed: {trouble}", flush=True)
            continue
        # A stand-in for each client, so that none sees what another left behind.
        with tempfile.TemporaryDirectory() as work, StandIn(options.bin_dir) as stand_in:
            for step, reason in client.run(stand_in, pathlib.Path(work)):
                failed += reason is not None
                outcome = "ok" if reason is None else f"FAILED: {reason}"
                print(f"{client.title}: {step}: {outcome}", flush=True)
    print(f"{failed} failed" if failed else "all ok")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
