#!/usr/bin/env python3
"""The stand-in against engines that nobody here wrote: random queries over the demo tables.

    cargo build -p dremio-sandbox
    crates/dremio-sandbox/differential/run.py [--queries 600] [--seed 1] [--cache DIR]

Every query runs on the stand-in, on DuckDB, and on SQLite as well where plain SQLite has all that
it uses; rows are compared as multisets, in order where ORDER BY names every column. A query that
the stand-in refuses is counted, with the reason. The same seed gives the same queries.

DuckDB comes from PyPI in the version of requirements.txt, into an environment below --cache. Exit:
0 no difference; 1 a difference, or an engine that does not take a query; 77 not run, something is
missing.
"""

import argparse
import collections
import os
import pathlib
import random
import re
import subprocess
import sys
import time
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# Where cargo builds.
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
NOT_RUN = 77
# RIGHT and FULL JOIN came with this one.
SQLITE_MIN = (3, 39, 0)
SHOWN_MAX = 10
# What the queries consist of, for the report.
CONSTRUCTS = {
    "inner join": r" (INNER )?JOIN ",
    "left join": " LEFT JOIN ",
    "right join": " RIGHT JOIN ",
    "full join": " FULL OUTER JOIN ",
    "set operation": r" (UNION|INTERSECT|EXCEPT) ",
    "WITH": "^WITH ",
    "derived table": r"\(SELECT (?!\*)",
    "EXISTS": r"EXISTS \(",
    "IN (subquery)": r" IN \(SELECT",
    "GROUP BY": " GROUP BY ",
    "HAVING": " HAVING ",
    "window": r" OVER \(",
    "CASE": r"\bCASE ",
    "CAST": r"\bCAST\(",
    "interval": " INTERVAL '",
    "ORDER BY": r" ORDER BY [^()]*$",
    "LIMIT": " LIMIT ",
    "OFFSET": " OFFSET ",
    "DISTINCT": "DISTINCT ",
    "star": r"SELECT \* ",
    "VALUES": r"\(VALUES ",
}
# Fewer compared queries would prove little, whatever the reasons are.
COMPARED_MIN_PERCENT = 75


def not_run(reason):
    print(f"!! differential: NOT RUN, nothing was compared: {reason}", file=sys.stderr)
    sys.exit(NOT_RUN)


def inside_environment(cache):
    """Goes on in an environment that has DuckDB."""
    requirements = HERE / "requirements.txt"
    folder = cache / re.sub(r"[^\w.=-]+", "-", requirements.read_text().strip())
    python = folder / "bin/python"
    if pathlib.Path(sys.prefix).resolve() == folder.resolve():
        return
    if not (folder / "installed").exists():
        try:
            venv.create(folder, clear=True, with_pip=True)
            pip = [python, "-m", "pip", "install", "--quiet", "--requirement", requirements]
            subprocess.run(pip, check=True)
        except (subprocess.CalledProcessError, OSError) as error:
            not_run(f"DuckDB cannot be installed: {error}")
        (folder / "installed").touch()
    os.execv(python, [python, __file__, *sys.argv[1:]])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--queries", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first query")
    parser.add_argument("--stand-in", default=TARGET / "debug/dremio-sandbox")
    parser.add_argument("--cache", type=pathlib.Path, default=TARGET / "differential")
    options = parser.parse_args()
    inside_environment(options.cache.expanduser().resolve())
    if not pathlib.Path(options.stand_in).exists():
        not_run(f"{options.stand_in} is not there: cargo build -p dremio-sandbox")
    return run(options)


def run(options):
    import sqlite3

    import duckdb

    from engines import Duck, Lite, load, started
    from queries import Queries
    from tables import TABLES

    others = [Duck(duckdb)]
    if sqlite3.sqlite_version_info >= SQLITE_MIN:
        others.append(Lite())
    else:
        print(f"!! differential: SQLite {sqlite3.sqlite_version} is LEFT OUT: too old")
    began, report = time.monotonic(), Report()
    with started(options.stand_in) as stand_in:
        load(stand_in, TABLES, others)
        for number in range(options.first, options.first + options.queries):
            # A seed for each: one query can be run again without those before it.
            query = Queries(random.Random(f"{options.seed}/{number}")).query()
            judge(query, number, stand_in, others, report)
    names = ", ".join(engine.name for engine in others)
    print(f"seed {options.seed}, {names}, {time.monotonic() - began:.0f} s")
    return report.finish(options.queries)


def judge(query, number, stand_in, others, report):
    from compare import difference, types_differ
    from engines import Refused

    try:
        schema, rows = stand_in.query(query.text.dremio)
    except Refused as refused:
        report.refused[reason(str(refused))].append(number)
        return
    report.answered(query.text.dremio, len(rows))
    for engine, sql in zip(others, (query.text.duck, query.text.lite)):
        if sql is None:
            continue
        try:
            types, wanted = engine.query(sql)
        except Refused as refused:
            report.fault(f"query {number}: {engine.name} refuses it: {refused}", query)
            continue
        report.compared[engine.name] += 1
        found = difference(schema, rows, [list(row) for row in wanted], query.ordered)
        if found is None and types is not None:
            found = types_differ(schema, types, rows)
        if found:
            report.fault(f"query {number}: not as {engine.name} has it: {found}", query)


def reason(message):
    """A refusal without what differs from query to query."""
    message = re.sub(r"'[^']*'|\[[^\]]*\]|\"[^\"]*\"", "…", message.split("\n")[0])
    return re.sub(r"\d+", "N", message)[:160]


class Report:
    def __init__(self):
        self.refused = collections.defaultdict(list)
        self.faults, self.rows = [], 0
        self.compared, self.constructs = collections.Counter(), collections.Counter()

    def answered(self, sql, rows):
        self.rows += rows
        found = (name for name, how in CONSTRUCTS.items() if re.search(how, sql))
        self.constructs.update(found)

    def fault(self, text, query):
        self.faults.append(text)
        if len(self.faults) <= SHOWN_MAX:
            spelt = f"  stand-in: {query.text.dremio}\n  DuckDB:   {query.text.duck}"
            print(f"\n{text}\n{spelt}", flush=True)

    def finish(self, queries):
        refused = sum(map(len, self.refused.values()))
        ran = queries - refused
        for why, numbers in sorted(self.refused.items(), key=lambda item: -len(item[1])):
            print(f"refused {len(numbers)} x (query {numbers[0]}): {why}")
        print("with", ", ".join(f"{name} {count}" for name, count in self.constructs.most_common()))
        compared = ", ".join(f"{count} with {name}" for name, count in self.compared.items())
        print(
            f"{queries} queries: {refused} refused by the stand-in, {ran} answered with "
            f"{self.rows} rows; compared: {compared}; differing: {len(self.faults)}"
        )
        if ran * 100 < queries * COMPARED_MIN_PERCENT:
            print(f"!! fewer than {COMPARED_MIN_PERCENT} % of the queries could be compared")
            return 1
        return 1 if self.faults else 0


if __name__ == "__main__":
    sys.exit(main())
