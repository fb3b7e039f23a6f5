// The chart with what the reader can choose, and what a mark says when it is pointed at.

function showChoices() {
  const { columns, chart } = state;
  if (!chart) {
    $("choices").replaceChildren();
    $("legend").replaceChildren();
    $("drawing").textContent =
      "A chart needs two rows, a column of numbers, and another to hold them against.";
    return;
  }
  const select = (label, key, options) => {
    const chosen = make(
      "select",
      {},
      ...options.map(([value, text]) => make("option", { value }, text)),
    );
    chosen.value = String(chart[key]);
    chosen.addEventListener("change", () => {
      chart[key] =
        key === "type" ? chosen.value : chosen.value === "null" ? null : Number(chosen.value);
      drawChosen();
    });
    return make("label", {}, label, chosen);
  };
  const all = columns.map(({ name, kind }, index) => ({
    name,
    kind,
    option: [String(index), name],
  }));
  const options = (keep) => all.filter(keep).map(({ option }) => option);
  $("choices").replaceChildren(
    select("Chart", "type", [
      ["bar", "Bar"],
      ["line", "Line"],
      ["scatter", "Scatter"],
    ]),
    select(
      "Across",
      "x",
      options(({ kind }) => kind !== "nested"),
    ),
    select(
      "Value",
      "y",
      options(({ kind }) => kind === "number"),
    ),
    select("Split by", "split", [
      ["null", "–"],
      ...options(({ kind }) => kind === "text" || kind === "boolean"),
    ]),
  );
  drawChosen();
}

function drawChosen() {
  const { chart, columns, rows, context } = state;
  if (!chart || $("chart").hidden) return;
  const width = Math.max($("drawing").clientWidth, 280);
  const drawn = drawChart(chart, columns, rows, width, state.locale);
  $("drawing").replaceChildren(drawn.svg, make("p", { className: "note" }, drawn.note));
  state.marks = drawn.marks;
  const entries = drawn.series.map(({ name, color }) => {
    const swatch = make("span", { className: "swatch" });
    swatch.style.background = color;
    return make("li", {}, swatch, shortened(name, 40));
  });
  // One series needs no name: the column that was chosen is it.
  $("legend").replaceChildren(...(entries.length > 1 ? entries : []));
  hideTip();
}

function hideTip() {
  $("tip").hidden = true;
  document.querySelector(".pointed")?.remove();
}

$("drawing").addEventListener("pointerleave", hideTip);
$("drawing").addEventListener("pointermove", (event) => {
  const svg = $("drawing").querySelector("svg");
  const box = svg?.getBoundingClientRect();
  if (!box) return;
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const isBar = state.chart.type === "bar";
  const away = (mark) => (isBar ? Math.abs(mark.y - y) : Math.hypot(mark.x - x, mark.y - y));
  const mark = state.marks.reduce(
    (best, mark) => (!best || away(mark) < away(best) ? mark : best),
    null,
  );
  hideTip();
  if (!mark || away(mark) > (isBar ? 14 : 40)) return;
  if (!isBar)
    shape(svg, "circle", { cx: mark.x, cy: mark.y, r: 6, class: "pointed", color: mark.color });
  const { x: across, y: value, split } = state.chart;
  const lines = [split, across, value]
    .filter((column) => column !== null)
    .map((column) =>
      make(
        "span",
        {},
        make("b", {}, shortened(state.columns[column].name, 30)),
        " ",
        shortened(nameOf(state.rows[mark.row][column]), 60),
      ),
    );
  $("tip").replaceChildren(...lines);
  $("tip").hidden = false;
  const left = Math.min(Math.max(x + 14, 0), box.width - $("tip").offsetWidth);
  $("tip").style.left = `${$("drawing").offsetLeft + left}px`;
  $("tip").style.top = `${$("drawing").offsetTop + mark.y + 12}px`;
});
