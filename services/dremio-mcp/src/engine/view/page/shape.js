// Which chart fits some columns, and where its axes are divided. Needs neither a page nor a host.

// A chart of more marks is slower than it is clear.
const BARS_MAX = 40;
const POINTS_MAX = 5000;
const SERIES_MAX = 8;

// Numbers that name a row or a period, and are not measured.
const KEY = /(^|[_\s])(id|key|code|no|nr|zip)$|[a-z](Id|Key|Code)$/;
const PERIOD =
  /^(.*[_\s])?(year|quarter|month|week|day|hour|minute|yr|qtr|dow|doy)(_?num(ber)?)?$/i;

// The different texts of a column, in the order in which they come; at most `max + 1`.
function distinct(rows, column, max) {
  const found = new Set();
  for (const row of rows) {
    if (found.size > max) break;
    if (row[column] !== null) found.add(row[column]);
  }
  return [...found];
}

function hasRepeats(rows, column) {
  return new Set(rows.map((row) => row[column])).size < rows.length;
}

// The chart that the columns' types suggest: { type, x, y, split }, columns by index and `split` null
// for one series; or null where there is nothing to draw. `columns` are { name, kind }.
function pickChart(columns, rows) {
  const all = columns.map((column, index) => ({ ...column, index }));
  const numbers = all.filter(({ kind }) => kind === "number");
  if (rows.length < 2 || numbers.length === 0) return null;
  const isPeriod = (column) => column.kind === "time" || PERIOD.test(column.name);
  const measures = numbers.filter((column) => !isPeriod(column) && !KEY.test(column.name));
  const labels = all.filter(({ kind }) => kind === "text" || kind === "boolean");
  const period =
    all.find(({ kind }) => kind === "time") || numbers.find((column) => isPeriod(column));
  const y = (measures.length > 0 ? measures : numbers.filter((column) => column !== period))[0];
  if (!y) return null;
  const splits = labels.filter(({ index }) => {
    const { length } = distinct(rows, index, SERIES_MAX);
    return length > 1 && length <= SERIES_MAX;
  });
  if (period) {
    const repeats = hasRepeats(rows, period.index);
    const split = repeats && splits.length > 0 ? splits[0].index : null;
    const type = repeats && split === null ? "scatter" : "line";
    return { type, x: period.index, y: y.index, split };
  }
  if (labels.length > 0) {
    const [x] = labels;
    const split = hasRepeats(rows, x.index) && splits.find((column) => column !== x);
    return { type: "bar", x: x.index, y: y.index, split: split ? split.index : null };
  }
  const x = numbers.find((column) => column !== y);
  // Against each other: of two measures the first lies across.
  if (x && measures.length > 1)
    return { type: "scatter", x: measures[0].index, y: measures[1].index, split: null };
  return x ? { type: "scatter", x: x.index, y: y.index, split: null } : null;
}

// Round numbers that divide the range from `min` to `max` into about `count` parts, the first at or
// below `min`, the last at or above `max`.
function numberTicks(min, max, count) {
  // What a double can hardly tell apart is seen from zero.
  if (max - min <= 1e-12 * Math.max(Math.abs(min), Math.abs(max))) {
    [min, max] = [Math.min(min, 0), Math.max(max, 0)];
  }
  if (min === max) max = 1;
  const rough = (max - min) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const ticks = [];
  for (let i = Math.floor(min / step); i <= Math.ceil(max / step) && ticks.length < 50; i++) {
    // Without the tail that a binary fraction leaves: 0.30000000000000004.
    ticks.push(Number((i * step).toPrecision(15)));
  }
  return ticks;
}

const SECOND = 1000,
  MINUTE = 60 * SECOND,
  HOUR = 60 * MINUTE,
  DAY = 24 * HOUR;
const TIME_STEPS = [
  SECOND,
  5 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
];
const MONTH_STEPS = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000];

// Times within `min` to `max` that divide it into at most about `count` parts, and what to show of
// them: "second", "minute", "day", "month" or "year".
function timeTicks(min, max, count) {
  const rough = Math.max(max - min, 1) / count;
  const step = TIME_STEPS.find((step) => step >= rough);
  const ticks = [];
  if (step) {
    for (let at = Math.ceil(min / step) * step; at <= max && ticks.length < 50; at += step)
      ticks.push(at);
    return { ticks, unit: step < MINUTE ? "second" : step < DAY ? "minute" : "day" };
  }
  const months = MONTH_STEPS.find((months) => months * 30 * DAY >= rough) || MONTH_STEPS.at(-1);
  const first = new Date(min);
  let month = Math.floor((first.getUTCFullYear() * 12 + first.getUTCMonth()) / months) * months;
  for (let at = 0; at <= max && ticks.length < 50; month += months) {
    const date = new Date(0);
    date.setUTCFullYear(Math.floor(month / 12), month % 12, 1);
    at = date.getTime();
    if (at >= min && at <= max) ticks.push(at);
  }
  return { ticks, unit: months < 12 ? "month" : "year" };
}
