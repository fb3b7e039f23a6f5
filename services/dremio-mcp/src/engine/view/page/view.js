// The page: what the reader sees and does. Whatever comes from the result goes into text nodes.

// Rows that a click on "Load more" brings, and that the page keeps in all; beyond, SQL does better.
const MORE_ROWS = 1000;
const ROWS_MAX = 20000;
const RESULT = "dremio/result";

const host = connect({
  "ui/notifications/tool-input": ({ arguments: given }) => showStatement(given?.query),
  "ui/notifications/tool-result": (result) => take(result),
  "ui/notifications/tool-cancelled": () => say("The query was cancelled."),
  "ui/notifications/host-context-changed": (changed) => setContext(changed),
});

function showStatement(sql) {
  if (typeof sql !== "string") return;
  $("statement").hidden = false;
  $("statement").querySelector("pre").textContent = sql.slice(0, 20000);
}

// ---- the host

function setContext(changed) {
  Object.assign(state.context, changed);
  const { theme, styles, displayMode, availableDisplayModes } = state.context;
  const root = document.documentElement;
  if (theme === "light" || theme === "dark") root.style.colorScheme = theme;
  for (const [name, value] of Object.entries(styles?.variables || {})) {
    if (/^--[a-z0-9-]+$/.test(name) && typeof value === "string")
      root.style.setProperty(name, value);
  }
  if (changed.containerDimensions) state.isFixed = isFixedAt(changed.containerDimensions.height);
  root.classList.toggle("fills", state.isFixed || displayMode === "fullscreen");
  const isLarge = displayMode === "fullscreen";
  $("enlarge").hidden = !(availableDisplayModes || []).includes(isLarge ? "inline" : "fullscreen");
  $("enlarge").textContent = isLarge ? "Back" : "Enlarge";
  if (state.tab === "chart") drawChosen();
}

// Heights that the host was asked for. Some report one of these as if it could not change, or one that
// they had before: to fill it would be to stay as small as the page was before its rows came.
const asked = new Set();

function isFixedAt(height) {
  if (typeof height !== "number" || Math.abs(height - innerHeight) > 1) return false;
  return ![-1, 0, 1].some((apart) => asked.has(Math.round(height) + apart));
}

// ---- the rows

// What the tool said to the model, and in `_meta` where the rows are.
async function take(result) {
  const found = result._meta?.[RESULT];
  if (!found || !state.canCallTools) {
    say(textOf(result), result.isError === true);
    return;
  }
  Object.assign(state, { handle: found.job_id, offset: found.offset || 0 });
  Object.assign(state, {
    rows: [],
    columns: [],
    next: state.offset,
    sort: null,
    chart: null,
    shown: 0,
  });
  await load(1);
}

function textOf(result) {
  const texts = (result.content || []).filter((block) => block.type === "text");
  return (
    texts
      .map((block) => block.text)
      .join("\n")
      .slice(0, 20000) || "The result has no rows."
  );
}

// Asks for rows until `count` more are here, or there are no more.
async function load(count) {
  if (state.isLoading) return;
  state.isLoading = true;
  say(state.rows.length === 0 ? "Fetching the rows…" : "");
  const wanted = Math.min(state.rows.length + count, ROWS_MAX);
  let problem = "";
  try {
    do await loadPage();
    while (state.next !== null && state.rows.length < wanted);
  } catch (cause) {
    problem = cause.message;
  }
  state.isLoading = false;
  say(problem, problem !== "");
  showResult();
}

async function loadPage() {
  const args = { job_id: state.handle, offset: state.next };
  const answer = await host.request("tools/call", { name: "dremio_result_rows", arguments: args });
  const text = textOf(answer);
  if (answer.isError) throw new Error(text);
  const page = JSON.parse(answer.content[0].text);
  if (page.is_running) {
    say("The query is still running…");
    return;
  }
  if (state.columns.length === 0) {
    state.columns = page.columns.map(({ name, type }) => ({ name, type, kind: kindOf(type) }));
  }
  state.rows.push(...page.rows);
  Object.assign(state, { total: page.total, next: page.next ?? null });
  if (page.cut_at !== undefined) state.cutAt = Math.min(state.cutAt, page.cut_at);
  state.columnsTotal = page.columns_total || state.columns.length;
  showFooter();
}

// ---- what is seen

function showResult() {
  const { columns, rows } = state;
  if (columns.length === 0) {
    $("table").hidden = $("chart").hidden = true;
    showFooter();
    return;
  }
  state.chart ??= pickChart(columns, rows);
  $("copy").hidden = rows.length === 0;
  if (state.shown > 0 && !state.sort) {
    // What is there stays where the reader has scrolled to.
    state.order = rows.map((_, index) => index);
    showRows();
  } else {
    sort(state.sort);
  }
  show(state.tab);
}

function show(tab) {
  state.tab = tab;
  for (const name of ["table", "chart"]) {
    $(`tab-${name}`).setAttribute("aria-pressed", String(name === tab));
    $(name).hidden = name !== tab || state.columns.length === 0;
  }
  if (tab === "chart") showChoices();
  showFooter();
}

function showFooter() {
  const { rows, total, next, offset, isLoading, columns } = state;
  if (columns.length > 0) {
    const all = offset === 0 && rows.length === total;
    const which = all
      ? count(total)
      : `${count(offset + 1)}–${count(offset + rows.length)} of ${count(total)}`;
    const noun = total === 1 ? "row" : "rows";
    $("summary").textContent = rows.length === 0 ? "No rows" : `${which} ${noun}`;
  }
  const isFull = rows.length >= ROWS_MAX;
  $("more").hidden = next === null || isFull;
  $("more").disabled = isLoading;
  $("more").textContent = isLoading ? "Loading…" : "Load more";
  const notes = [];
  if (next !== null && state.sort && state.tab === "table")
    notes.push("Only the rows loaded so far are sorted.");
  if (next !== null && state.tab === "chart") notes.push("Only the rows loaded so far are drawn.");
  if (isFull && next !== null) notes.push("This view holds no more; aggregate or filter in SQL.");
  if (state.cutAt < Infinity)
    notes.push(`Values longer than ${count(state.cutAt)} characters are cut.`);
  if (state.columnsTotal > columns.length) {
    notes.push(`Columns 1–${count(columns.length)} of ${count(state.columnsTotal)}.`);
  }
  $("note").textContent = notes.join(" ");
  document.querySelector("footer").hidden = $("more").hidden && notes.length === 0;
}

// ---- what the reader does

for (const tab of ["table", "chart"]) $(`tab-${tab}`).addEventListener("click", () => show(tab));
$("choices").addEventListener("submit", (event) => event.preventDefault());
$("more").addEventListener("click", () => load(MORE_ROWS));

$("copy").addEventListener("click", async () => {
  const rows = state.order.map((index) => state.rows[index]);
  const isCopied = await copy(
    toCsv(
      state.columns.map(({ name }) => name),
      rows,
    ),
  );
  $("copy").textContent = isCopied ? `Copied ${count(rows.length)} rows` : "Not allowed here";
  setTimeout(() => ($("copy").textContent = "Copy as CSV"), 2000);
});

// A sandboxed page may lack the modern way; the old one needs a selection.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = make("textarea", { value: text });
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    return isCopied;
  }
}

$("enlarge").addEventListener("click", async () => {
  const mode = state.context.displayMode === "fullscreen" ? "inline" : "fullscreen";
  const changed = await host.request("ui/request-display-mode", { mode }).catch(() => ({}));
  if (changed.mode) setContext({ displayMode: changed.mode });
});

// ---- begin

// A host that puts the page into the body of its own takes the policy out of the head, and it counts
// nowhere else (HTML, "http-equiv", "Content security policy state"). From here on it does.
if ($("policy").parentElement !== document.head) document.head.append($("policy"));

let lastHeight = 0;
new ResizeObserver(() => {
  const height = Math.ceil(document.body.getBoundingClientRect().height);
  if (height !== lastHeight) {
    asked.add(height);
    host.notify("ui/notifications/size-changed", { width: document.body.clientWidth, height });
  }
  lastHeight = height;
}).observe(document.body);
let lastWidth = 0;
new ResizeObserver(() => {
  if ($("drawing").clientWidth !== lastWidth) drawChosen();
  lastWidth = $("drawing").clientWidth;
}).observe($("drawing"));

introduce(host).then(
  ({ hostCapabilities, hostContext }) => {
    state.canCallTools = hostCapabilities?.serverTools !== undefined;
    try {
      [state.locale] = Intl.getCanonicalLocales(hostContext?.locale || []);
    } catch {
      // The browser's own, then.
    }
    setContext(hostContext || {});
  },
  (cause) => say(`The host does not take this view: ${cause.message}`, true),
);
