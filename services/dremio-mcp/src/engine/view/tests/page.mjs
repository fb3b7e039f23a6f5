// The parts of the page that need no browser. Run by `cargo test` where there is Node.js, or with
// `node --test services/dremio-mcp/src/engine/view/tests/page.mjs`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const source = ["cells.js", "shape.js"]
  .map((part) => readFileSync(new URL(`../page/${part}`, import.meta.url), "utf8"))
  .join("");
const names = "kindOf numberOf timeOf sortedOrder toCsv pickChart numberTicks timeTicks";
const page = new Function(`${source}; return { ${names.replaceAll(" ", ", ")} };`)();

function sorted(cells, kind, descending) {
  const rows = cells.map((cell) => [cell]);
  return page.sortedOrder(rows, 0, kind, descending).map((index) => cells[index]);
}

test("kinds follow the names of Dremio's types", () => {
  for (const [type, kind] of [
    ["INTEGER", "number"],
    ["BIGINT", "number"],
    ["DECIMAL(38, 10)", "number"],
    ["double", "number"],
    ["DATE", "time"],
    ["TIMESTAMP", "time"],
    ["BOOLEAN", "boolean"],
    ["VARCHAR", "text"],
    ["VARBINARY", "text"],
    ["INTERVAL DAY TO SECOND", "text"],
    ["LIST", "nested"],
    ["STRUCT", "nested"],
    ["MAP", "nested"],
    ["constructor", "text"],
  ]) {
    assert.equal(page.kindOf(type), kind, type);
  }
});

test("numbers and times are read for drawing only where they are some", () => {
  for (const [cell, number] of [
    ["12.50", 12.5],
    ["-1", -1],
    ["1.0E10", 1e10],
    ["NaN", null],
    ["Infinity", null],
    ["1.7E308", null],
    ["", null],
    [" ", null],
    [null, null],
  ]) {
    assert.equal(page.numberOf(cell), number, String(cell));
  }
  for (const [cell, time] of [
    ["2024-01-31", Date.UTC(2024, 0, 31)],
    ["2024-01-31 13:45:01.123", Date.UTC(2024, 0, 31, 13, 45, 1, 123)],
    ["13:45:01.5", Date.UTC(1970, 0, 1, 13, 45, 1, 500)],
    ["0050-01-01", Date.parse("0050-01-01T00:00:00Z")],
    ["yesterday", null],
    ["", null],
    [null, null],
  ]) {
    assert.equal(page.timeOf(cell), time, String(cell));
  }
});

test("numbers are sorted by every digit, and NULL stands last either way", () => {
  const cells = ["9007199254740993", null, "9007199254740992", "-0.5", "10", "9", "NaN", "1.0E3"];
  const up = ["-0.5", "9", "10", "1.0E3", "9007199254740992", "9007199254740993", "NaN", null];
  assert.deepEqual(sorted(cells, "number", false), up);
  assert.deepEqual(sorted(cells, "number", true), [...up.slice(0, -1).reverse(), null]);
  const decimals = ["0.10000000000000000002", "0.10000000000000000001", "-0.10000000000000000002"];
  assert.deepEqual(sorted(decimals, "number", false), [decimals[2], decimals[1], decimals[0]]);
  assert.deepEqual(sorted(["-9007199254740992", "-9007199254740993"], "number", false), [
    "-9007199254740993",
    "-9007199254740992",
  ]);
});

test("rows that are equal stay as they came", () => {
  const rows = [
    ["b", "1"],
    ["a", "2"],
    ["b", "3"],
    ["a", "4"],
  ];
  assert.deepEqual(page.sortedOrder(rows, 0, "text", false), [1, 3, 0, 2]);
  assert.deepEqual(page.sortedOrder(rows, 0, "text", true), [0, 2, 1, 3]);
});

test("texts are sorted as people do, times in their order", () => {
  assert.deepEqual(sorted(["b10", "B2", "a", "", null], "text", false), [
    "",
    "a",
    "B2",
    "b10",
    null,
  ]);
  const times = ["2024-02-01 00:00:00.000", "2023-12-31 00:00:00.000"];
  assert.deepEqual(sorted(times, "time", false), [times[1], times[0]]);
});

test("CSV keeps NULL apart from empty text, and every character", () => {
  const rows = [
    ["1", null],
    ["", 'say "hi"'],
    ["a,b", "two\nlines"],
    ["=SUM(A1)", "ü"],
  ];
  const csv = page.toCsv(["n", "a,b"], rows);
  assert.equal(csv, 'n,"a,b"\r\n1,\r\n"","say ""hi"""\r\n"a,b","two\nlines"\r\n=SUM(A1),ü\r\n');
});

function picked(columns, rows) {
  const kinds = { n: "number", t: "time", s: "text", b: "boolean", l: "nested" };
  const read = columns.split(" ").map((column) => {
    const [name, kind] = column.split(":");
    return { name, kind: kinds[kind] };
  });
  const chart = page.pickChart(read, rows);
  const name = (index) => (index === null ? "" : read[index].name);
  return chart && [chart.type, name(chart.x), name(chart.y), name(chart.split)].join(" ").trim();
}

test("the chart follows the columns' types", () => {
  const two = (...cells) => [cells, cells.map((cell) => `${cell}1`)];
  for (const [columns, rows, chart] of [
    ["product:s revenue:n", two("a", "1"), "bar product revenue"],
    ["month:t revenue:n", two("2024-01-01", "1"), "line month revenue"],
    ["year:n revenue:n", two("2023", "1"), "line year revenue"],
    ["distance:n fare:n", two("1", "2"), "scatter distance fare"],
    ["customer_id:n name:s total:n", two("1", "a", "2"), "bar name total"],
    ["total:n name:s customer_id:n", two("1", "a", "2"), "bar name total"],
    ["paid:b n:n", two("true", "1"), "bar paid n"],
    [
      "month:t region:s n:n",
      [
        ["1", "a", "1"],
        ["1", "b", "2"],
      ],
      "line month n region",
    ],
    [
      "month:t n:n",
      [
        ["1", "1"],
        ["1", "2"],
      ],
      "scatter month n",
    ],
    [
      "region:s kind:s n:n",
      [
        ["a", "x", "1"],
        ["a", "y", "2"],
      ],
      "bar region n kind",
    ],
    ["a:s b:s", two("a", "b"), null],
    ["n:n", two("1"), null],
    ["year:n", two("2023"), null],
    ["tags:l n:n", two("[]", "1"), null],
    ["product:s revenue:n", [["a", "1"]], null],
  ]) {
    assert.equal(picked(columns, rows), chart, columns);
  }
});

test("ticks are round and hold the range", () => {
  assert.deepEqual(page.numberTicks(0, 97, 5), [0, 20, 40, 60, 80, 100]);
  assert.deepEqual(page.numberTicks(-3, 3, 4), [-4, -2, 0, 2, 4]);
  assert.deepEqual(page.numberTicks(0.1, 0.3, 2), [0.1, 0.2, 0.3]);
  for (const [min, max] of [
    [0, 0],
    [5, 5],
    [-5, -5],
    [1e-300, 2e-300],
    [-1e300, 1e300],
    [1e15, 1e15 + 1],
  ]) {
    const ticks = page.numberTicks(min, max, 5);
    assert.ok(
      ticks.length > 1 && ticks.length <= 50 && ticks.every(Number.isFinite),
      `${min} ${max}: ${ticks}`,
    );
    assert.ok(ticks[0] <= min && ticks.at(-1) >= max, `${min} ${max}: ${ticks}`);
  }
  const ticks = page.timeTicks(Date.UTC(2024, 0, 15), Date.UTC(2024, 11, 15), 6);
  assert.equal(ticks.unit, "month");
  assert.deepEqual(
    ticks.ticks.map((at) => new Date(at).toISOString().slice(0, 7)),
    ["2024-03", "2024-05", "2024-07", "2024-09", "2024-11"],
  );
  assert.equal(page.timeTicks(0, 3600_000, 6).unit, "minute");
  assert.equal(page.timeTicks(Date.UTC(1900), Date.UTC(2024), 6).unit, "year");
  assert.ok(page.timeTicks(-8e15, 8e15, 6).ticks.length <= 50);
});
