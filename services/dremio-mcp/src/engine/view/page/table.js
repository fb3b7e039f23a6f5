// The table: sorted by a click on a column's name, and made longer as it is scrolled.

// Rows that it shows at first, and adds whenever its end comes into sight.
const SHOWN_ROWS = 200;
// What it shows of a cell: the rest would be a page by itself.
const CELL_CHARS = 2000;

function sort(by) {
  state.sort = by;
  const { columns, rows } = state;
  state.order = by
    ? sortedOrder(rows, by.column, columns[by.column].kind, by.descending)
    : rows.map((_, i) => i);
  const heads = columns.map(({ name, type, kind }, index) => {
    const mine = by?.column === index;
    const arrow = make(
      "span",
      { className: "arrow", ariaHidden: "true" },
      mine ? (by.descending ? "↓" : "↑") : "",
    );
    const label = make(
      "button",
      { title: "Sort" },
      make("span", { className: "name" }, name),
      arrow,
    );
    label.addEventListener("click", () => sort(nextSort(index)));
    const head = make("th", { className: kind, scope: "col" }, label, make("small", {}, type));
    head.setAttribute("aria-sort", mine ? (by.descending ? "descending" : "ascending") : "none");
    return head;
  });
  document.querySelector("thead").replaceChildren(make("tr", {}, ...heads));
  document.querySelector("tbody").replaceChildren();
  state.shown = 0;
  showRows();
  showFooter();
}

// Up, down, and as the rows came.
function nextSort(column) {
  if (state.sort?.column !== column) return { column, descending: false };
  return state.sort.descending ? null : { column, descending: true };
}

function showRows() {
  const { order, rows, columns, shown } = state;
  const more = order.slice(shown, shown + SHOWN_ROWS);
  state.shown += more.length;
  document
    .querySelector("tbody")
    .append(
      ...more.map((index) =>
        make("tr", {}, ...rows[index].map((cell, at) => cellOf(cell, columns[at].kind))),
      ),
    );
}

function cellOf(cell, kind) {
  if (cell === null) return make("td", { className: `${kind} null` }, "NULL");
  const shown = cell.length > CELL_CHARS ? cell.slice(0, CELL_CHARS) + "…" : cell;
  const made = make("td", { className: kind }, make("div", {}, shown));
  // A long text is shown whole when it is asked for.
  if (cell.length > 40 || /\n/.test(cell)) made.classList.add("long");
  return made;
}

$("table").addEventListener("scroll", ({ target }) => {
  if (target.scrollTop + target.clientHeight > target.scrollHeight - 400) showRows();
});

document.querySelector("tbody").addEventListener("click", ({ target }) => {
  // Who selects text does not ask for anything.
  if (String(getSelection()) === "") target.closest("td.long")?.classList.toggle("open");
});
