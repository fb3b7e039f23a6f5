// Draws a chart as SVG. Texts of cells become text nodes and nothing else.

const BAR = { height: 18, gap: 8, grouped: 12 };
const PLOT = { height: 260, top: 12, bottom: 30, right: 16 };
// What a letter of a label takes, in pixels: a guess that is wide enough for most.
const LETTER = 6.6;

function shape(parent, name, attributes = {}, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) {
    // The page's policy forbids the attribute `style`, but not this.
    if (key === "color") made.style.setProperty("--color", value);
    else made.setAttribute(key, String(value));
  }
  if (text !== undefined) made.textContent = text;
  parent?.append(made);
  return made;
}

function shortened(text, letters) {
  const line = text.replace(/\s+/g, " ");
  return line.length > letters ? line.slice(0, Math.max(letters - 1, 1)) + "…" : line;
}

function nameOf(cell) {
  return cell === null ? "NULL" : cell === "" ? "(empty)" : cell;
}

// How the numbers of a column are written: years without a comma, and large ticks short.
function formatOf(column, locale, largest) {
  const isPeriod = PERIOD.test(column.name);
  const isShort = largest >= 1e4 && !isPeriod;
  return new Intl.NumberFormat(locale, {
    notation: isShort ? "compact" : "standard",
    useGrouping: !isPeriod,
    maximumSignificantDigits: isShort ? 3 : 6,
  }).format;
}

function tickFormat(ticks, column, locale) {
  return formatOf(column, locale, Math.max(...ticks.map(Math.abs)));
}

const TIME_FORMATS = {
  second: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
  minute: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  day: { day: "numeric", month: "short" },
  month: { month: "short", year: "numeric" },
  year: { year: "numeric" },
};

// A chart of `rows` by `choice`, which is what `pickChart` gives, `width` pixels wide. Gives the
// picture, its `series` ({ name, color }), its `marks` ({ x, y, row }: where they are, for pointing at)
// and a `note` on what is not drawn.
function drawChart(choice, columns, rows, width, locale) {
  const { series, left } = seriesOf(choice, columns, rows);
  const svg = shape(null, "svg", { width, role: "img" });
  const of = (index) => columns[index].name;
  svg.setAttribute("aria-label", `${choice.type} chart of ${of(choice.y)} by ${of(choice.x)}`);
  const chart = {
    svg,
    width,
    series,
    marks: [],
    locale,
    x: columns[choice.x],
    y: columns[choice.y],
  };
  if (series.length === 0) return { ...chart, note: "There is no number to draw in this column." };
  if (choice.type === "bar") drawBars(chart, choice.split !== null);
  else drawPoints(chart, choice.type === "line");
  return { ...chart, note: left > 0 ? `${left.toLocaleString(locale)} rows are not drawn.` : "" };
}

// The points of a chart by series: { name, color, points: [{ label, x, y, row }] }; and how many rows
// are left out, because they are too many or have no number.
function seriesOf({ type, x, y, split }, columns, rows) {
  const byName = new Map();
  const axis = { time: timeOf, number: numberOf }[columns[x].kind];
  const places = new Map();
  let left = 0;
  const drawn = type === "bar" ? BARS_MAX : POINTS_MAX;
  let count = 0;
  rows.forEach((row, index) => {
    const label = nameOf(row[x]);
    if (!places.has(label)) places.set(label, places.size);
    const point = {
      label,
      x: axis && type !== "bar" ? axis(row[x]) : places.get(label),
      y: numberOf(row[y]),
      row: index,
    };
    const name = split === null ? columns[y].name : nameOf(row[split]);
    const isNew = !byName.has(name);
    // A line shows where a number is missing; the others have no way to.
    if (
      point.x === null ||
      (point.y === null && type !== "line") ||
      count >= drawn ||
      (isNew && byName.size >= SERIES_MAX)
    ) {
      left++;
      return;
    }
    if (isNew) byName.set(name, { name, color: `var(--series-${byName.size + 1})`, points: [] });
    byName.get(name).points.push(point);
    count++;
  });
  const series = [...byName.values()].filter(({ points }) =>
    points.some((point) => point.y !== null),
  );
  return { series, left };
}

// A scale from [from, to] in values to [start, end] in pixels.
function scale([from, to], [start, end]) {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

// Bars lie, so that labels of any length can be read. Those of one label stand together when the
// rows are split into series; else each row is a bar.
function drawBars(chart, isSplit) {
  const { svg, width, series, marks, locale } = chart;
  const points = series.flatMap(({ points, color }) =>
    points.map((point) => ({ ...point, color })),
  );
  const groups = new Map();
  for (const point of points) {
    const key = isSplit ? point.label : point.row;
    groups.set(key, [...(groups.get(key) || []), point]);
  }
  const longest = Math.max(...points.map(({ label }) => label.length));
  const letters = Math.floor(Math.min(longest, 28, (width * 0.3) / LETTER));
  const start = letters * LETTER + 12;
  const values = points.map(({ y }) => y);
  const ticks = numberTicks(
    Math.min(0, ...values),
    Math.max(0, ...values),
    Math.max(2, Math.floor((width - start) / 110)),
  );
  const written = tickFormat(ticks, chart.y, locale);
  const exact = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }).format;
  const across = scale([ticks[0], ticks.at(-1)], [start, width - 64]);
  const thick = isSplit ? BAR.grouped : BAR.height;
  let down = PLOT.top;
  const grid = shape(svg, "g");
  for (const [, bars] of groups) {
    const middle = down + (bars.length * thick) / 2;
    shape(
      svg,
      "text",
      { x: start - 8, y: middle, class: "label end" },
      shortened(bars[0].label, letters),
    );
    for (const { y, row, color } of bars) {
      const [from, to] = [across(Math.min(0, y)), across(Math.max(0, y))];
      shape(svg, "rect", {
        x: from,
        y: down + 1,
        width: Math.max(to - from, 1),
        height: thick - 2,
        rx: 2,
        class: "filled",
        color,
      });
      if (!isSplit) {
        const end = y < 0 ? { x: from - 6, class: "value end" } : { x: to + 6, class: "value" };
        shape(svg, "text", { ...end, y: middle }, Math.abs(y) < 1e6 ? exact(y) : written(y));
      }
      marks.push({
        x: (from + to) / 2,
        y: down + thick / 2,
        top: down,
        bottom: down + thick,
        row,
        color,
      });
      down += thick;
    }
    down += BAR.gap;
  }
  for (const tick of ticks) {
    shape(grid, "line", {
      x1: across(tick),
      x2: across(tick),
      y1: PLOT.top - 4,
      y2: down,
      class: tick === 0 ? "axis" : "grid",
    });
    shape(svg, "text", { x: across(tick), y: down + 12, class: "label middle" }, written(tick));
  }
  svg.setAttribute("height", down + 24);
}

function drawPoints(chart, isLine) {
  const { svg, width, series, marks, locale } = chart;
  const points = series.flatMap((one) => one.points);
  const values = points.map(({ y }) => y).filter((y) => y !== null);
  let low = values.reduce((a, b) => Math.min(a, b)),
    high = values.reduce((a, b) => Math.max(a, b));
  // From zero, unless that would press the picture flat.
  if (low > 0 && low < high * 0.6) low = 0;
  if (high < 0 && high > low * 0.6) high = 0;
  const ticks = numberTicks(low, high, 5);
  const written = tickFormat(ticks, chart.y, locale);
  const start = Math.max(...ticks.map((tick) => written(tick).length)) * LETTER + 14;
  const up = scale([ticks[0], ticks.at(-1)], [PLOT.height, PLOT.top]);
  for (const tick of ticks) {
    shape(svg, "line", {
      x1: start,
      x2: width - PLOT.right,
      y1: up(tick),
      y2: up(tick),
      class: tick === 0 ? "axis" : "grid",
    });
    shape(svg, "text", { x: start - 8, y: up(tick), class: "label end" }, written(tick));
  }
  const across = xAxis(chart, points, start, isLine);
  for (const { points, color } of series) {
    const placed = points.map((point) => ({
      ...point,
      at: across(point.x),
      height: point.y === null ? null : up(point.y),
    }));
    if (isLine) {
      placed.sort((a, b) => a.at - b.at);
      shape(svg, "path", { d: lineThrough(placed), class: "line", color });
    }
    for (const { at, height, row } of placed) {
      if (height === null) continue;
      // A line's points are drawn while they can be told apart; one alone has no line at all.
      if (!isLine) shape(svg, "circle", { cx: at, cy: height, r: 3.5, class: "filled dot", color });
      else if (points.length <= 60)
        shape(svg, "circle", { cx: at, cy: height, r: 2.5, class: "filled", color });
      marks.push({ x: at, y: height, row, color });
    }
  }
  svg.setAttribute("height", PLOT.height + PLOT.bottom + 18);
}

// The path through the points that have a height; broken where one has none.
function lineThrough(placed) {
  let pen = "M";
  return placed
    .map(({ at, height }) => {
      const step = height === null ? "" : `${pen}${at.toFixed(1)} ${height.toFixed(1)}`;
      pen = height === null ? "M" : "L";
      return step;
    })
    .join("");
}

// Draws the lower axis, and gives its scale.
function xAxis({ svg, width, locale, x: column }, points, start, isLine) {
  const room = [start + 8, width - PLOT.right - 8];
  const count = Math.max(2, Math.floor((room[1] - room[0]) / 90));
  const xs = points.map(({ x }) => x);
  const [min, max] = [xs.reduce((a, b) => Math.min(a, b)), xs.reduce((a, b) => Math.max(a, b))];
  let range = [min, max],
    labels;
  if (column.kind === "time") {
    const { ticks, unit } = timeTicks(min, max, count);
    const format = new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...TIME_FORMATS[unit] });
    labels = ticks.map((at) => [at, format.format(at)]);
  } else if (column.kind === "number") {
    const ticks = numberTicks(min, max, count);
    const isWhole = points.every(({ x }) => Number.isInteger(x));
    const written = tickFormat(ticks, column, locale);
    // A line of years ends with its last year; dots keep away from the edges.
    if (!isLine) range = [ticks[0], ticks.at(-1)];
    labels = ticks
      .filter(
        (tick) => tick >= range[0] && tick <= range[1] && (!isWhole || Number.isInteger(tick)),
      )
      .map((tick) => [tick, written(tick)]);
  } else {
    const names = new Map(points.map(({ x, label }) => [x, label]));
    const every = Math.ceil(names.size / count);
    labels = [...names]
      .filter((_, index) => index % every === 0)
      .map(([x, label]) => [x, shortened(label, 14)]);
  }
  const across = scale(range, room);
  for (const [at, text] of labels) {
    shape(svg, "line", {
      x1: across(at),
      x2: across(at),
      y1: PLOT.height,
      y2: PLOT.height + 4,
      class: "axis",
    });
    shape(svg, "text", { x: across(at), y: PLOT.height + 14, class: "label middle" }, text);
  }
  shape(
    svg,
    "text",
    { x: (room[0] + room[1]) / 2, y: PLOT.height + 34, class: "title middle" },
    shortened(column.name, 60),
  );
  return across;
}
