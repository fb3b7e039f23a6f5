"""The engines: the stand-in over its REST API, DuckDB, and SQLite without a function of ours."""

import contextlib
import csv
import http.client
import json
import sqlite3
import subprocess
import tempfile
import time
from decimal import Decimal

PAGE_ROWS = 500
JOB_SECONDS_MAX = 30
STOP_SECONDS_MAX = 10
USER, PASSWORD = "dremio", "for-this-test-1"


class Refused(Exception):
    """An engine does not take a statement; the text says why."""


class StandIn:
    """The stand-in as a process on a free port of loopback."""

    def __init__(self, program):
        with tempfile.NamedTemporaryFile("w", suffix=".password") as file:
            file.write(PASSWORD)
            file.flush()
            self.process = subprocess.Popen(
                [
                    *(program, "--listen", "127.0.0.1:0"),
                    *("--user", USER, "--password-file", file.name),
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
            uri = json.loads(self.process.stdout.readline())["uri"]
        self.connection = http.client.HTTPConnection(uri.removeprefix("http://"))
        self.headers = {"Content-Type": "application/json"}
        token = self.ask("POST", "/apiv2/login", {"userName": USER, "password": PASSWORD})["token"]
        self.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body)
        try:
            self.connection.request(method, path, data, self.headers)
            answer = self.connection.getresponse()
        except (ConnectionError, http.client.RemoteDisconnected):
            # It was closed for want of requests while another engine took its time.
            self.connection.close()
            self.connection.request(method, path, data, self.headers)
            answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]}")
        return json.loads(text, parse_float=Decimal)

    def query(self, sql):
        """The schema, and rows as lists."""
        job = self.ask("POST", "/api/v3/sql", {"sql": sql})["id"]
        end = time.monotonic() + JOB_SECONDS_MAX
        while (status := self.ask("GET", f"/api/v3/job/{job}"))["jobState"] != "COMPLETED":
            if status["jobState"] in ("FAILED", "CANCELED"):
                raise Refused(status["errorMessage"] or status["cancellationReason"])
            if time.monotonic() > end:
                raise Refused(f"no answer within {JOB_SECONDS_MAX} s")
            time.sleep(0.001)
        rows, schema = [], []
        while True:
            page = f"/api/v3/job/{job}/results?offset={len(rows)}&limit={PAGE_ROWS}"
            answer = self.ask("GET", page)
            schema = answer["schema"]
            rows += [list(row.values()) for row in answer["rows"]]
            if len(rows) >= answer["rowCount"]:
                return schema, rows

    def close(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait(STOP_SECONDS_MAX)


class Duck:
    def __init__(self, duckdb):
        self.name, self.error = f"DuckDB {duckdb.__version__}", duckdb.Error
        self.connection = duckdb.connect()

    def load(self, table, columns, rows):
        spec = ", ".join(f"{name} {DUCK_TYPES[ty]}" for name, ty in columns)
        self.connection.execute(f"CREATE TABLE {table} ({spec})")
        # From a file: a row at a time takes half a minute.
        with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as file:
            cells = [[r"\N" if cell is None else cell for cell in row] for row in rows]
            csv.writer(file).writerows(cells)
            file.flush()
            how = r"(FORMAT csv, HEADER false, NULLSTR '\N')"
            self.connection.execute(f"COPY {table} FROM '{file.name}' {how}")

    def query(self, sql):
        """The names of the columns' types, and rows."""
        try:
            done = self.connection.execute(sql)
            return [str(column[1]) for column in done.description], done.fetchall()
        except self.error as error:
            raise Refused(str(error)) from error


class Lite:
    def __init__(self):
        self.name = f"SQLite {sqlite3.sqlite_version}"
        self.connection = sqlite3.connect(":memory:")

    def load(self, table, columns, rows):
        spec = ", ".join(f"{name} {LITE_TYPES[ty]}" for name, ty in columns)
        self.connection.execute(f"CREATE TABLE {table} ({spec})")
        marks = ", ".join("?" * len(columns))
        plain = [list(map(without_decimals, row)) for row in rows]
        self.connection.executemany(f"INSERT INTO {table} VALUES ({marks})", plain)

    def query(self, sql):
        try:
            return None, self.connection.execute(sql).fetchall()
        except sqlite3.Error as error:
            raise Refused(str(error)) from error


def without_decimals(cell):
    return float(cell) if isinstance(cell, Decimal) else cell


DUCK_TYPES = {
    **{"int": "BIGINT", "dec": "DECIMAL(12,2)", "dbl": "DOUBLE", "text": "VARCHAR"},
    **{"date": "DATE", "ts": "TIMESTAMP", "bool": "BOOLEAN"},
}
LITE_TYPES = {
    **{"int": "INTEGER", "dec": "REAL", "dbl": "REAL", "text": "TEXT"},
    **{"date": "TEXT", "ts": "TEXT", "bool": "INTEGER"},
}


def load(stand_in, tables, engines):
    """Copies the demo tables out of the stand-in into the other engines."""
    for table in tables:
        names = ", ".join(name for name, _ in table.columns)
        _, rows = stand_in.query(f"SELECT {names} FROM {table.paths[0]}")
        for engine in engines:
            engine.load(table.name, table.columns, rows)


@contextlib.contextmanager
def started(program):
    stand_in = StandIn(program)
    try:
        yield stand_in
    finally:
        stand_in.close()
