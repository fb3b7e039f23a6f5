#!/usr/bin/env python3
"""Prints why checks of the conformance suite failed: `explain.py RESULTS EXPECTED_FAILURES`.

RESULTS is what the suite wrote with `--output-dir`. Scenarios of EXPECTED_FAILURES are left out, and so are those
of extensions that nobody promised (`tasks-*`). Whether a run is good is not decided here: the suite does.
"""

import json
import re
import sys
from pathlib import Path

FOLDER = re.compile(r"server-(?P<scenario>.+?)-\d{4}-\d\d-\d\dT.*")
ENTRY = re.compile(r"^\s*-\s*(?P<scenario>[^\s:#]+)")


def main(results: Path, expected: Path) -> None:
    known = {
        entry["scenario"]
        for line in expected.read_text().splitlines()
        if (entry := ENTRY.match(line))
    }
    for checks in sorted(results.glob("*/checks.json")):
        folder = FOLDER.fullmatch(checks.parent.name)
        scenario = folder["scenario"] if folder else checks.parent.name
        if scenario in known or scenario.startswith("tasks-"):
            continue
        for check in json.loads(checks.read_text()):
            # The suite counts a broken SHOULD as a failure as soon as failures are expected at all.
            if check["status"] in ("FAILURE", "WARNING"):
                print(
                    f"{scenario}: {check['id']} ({check['status']}): {check.get('errorMessage', '')}"
                )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
