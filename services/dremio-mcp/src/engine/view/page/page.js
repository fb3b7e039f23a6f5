// What all parts of the page share: its state, and how elements are made.

const $ = (id) => document.getElementById(id);

const state = {
  // What the host says of itself and where we are.
  context: {},
  canCallTools: false,
  // Whether the host decides how high the page is.
  isFixed: false,
  // The result, as far as it is here: `next` is the offset of the first row that is not, or null.
  handle: null,
  offset: 0,
  columns: [],
  rows: [],
  total: 0,
  next: null,
  // The shortest length at which a value was cut, and the columns that the result has.
  cutAt: Infinity,
  columnsTotal: 0,
  // How it is shown.
  tab: "table",
  sort: null,
  order: [],
  shown: 0,
  chart: null,
  isLoading: false,
};

const count = (number) => number.toLocaleString(state.locale);

function make(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function say(text, isError = false) {
  $("message").textContent = text;
  $("message").hidden = text === "";
  $("message").classList.toggle("error", isError);
}
