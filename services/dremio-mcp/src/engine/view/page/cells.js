// Cells: what they are, how they compare, how they are written. Needs neither a page nor a host.
//
// A cell is text as Dremio spelt it, or null. Numbers stay text: a double would lose the digits of
// large integers and decimals.

const NUMBERS = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL"];
const TIMES = ["DATE", "TIME", "TIMESTAMP"];
const NESTED = ["LIST", "STRUCT", "MAP", "UNION"];

// "number", "time", "boolean", "nested" or "text", by the name of Dremio's type.
function kindOf(type) {
  const name = String(type).toUpperCase().replace(/\(.*/, "").trim();
  if (NUMBERS.includes(name)) return "number";
  if (TIMES.includes(name)) return "time";
  if (NESTED.includes(name)) return "nested";
  return name === "BOOLEAN" ? "boolean" : "text";
}

// The number that a cell is drawn as, or null: NaN and the infinities have no place in a chart, nor
// has what is so large that the difference of two is infinite.
function numberOf(cell) {
  if (cell === null || cell.trim() === "") return null;
  const number = Number(cell);
  return Math.abs(number) <= 1e300 ? number : null;
}

// Milliseconds since 1970 of `2024-01-31`, `2024-01-31 13:45:01.123` or `13:45:01.123`, or null.
// Dremio's times are UTC.
function timeOf(cell) {
  if (cell === null) return null;
  const found =
    /^(?:([+-]?\d{4,6})-(\d\d)-(\d\d))?(?:[ T]?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,3})\d*)?)?$/.exec(
      cell,
    );
  if (!found || cell === "") return null;
  const [, year = "1970", month = "01", day = "01", hour = 0, minute = 0, second = 0, part = ""] =
    found;
  const date = new Date(0);
  // Date.UTC would take the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute), Number(second), Number(part.padEnd(3, "0")));
  return date.getTime();
}

const PLAIN_NUMBER = /^(-?)0*(\d*)(?:\.(\d*?)0*)?$/;

// Compares digit by digit what is the same as a double, like 9007199254740992 and ...993.
function compareDigits(a, b) {
  const [left, right] = [PLAIN_NUMBER.exec(a), PLAIN_NUMBER.exec(b)];
  if (!left || !right) return 0;
  const sign = left[1] ? -1 : 1;
  if (left[2] !== right[2]) {
    const longer = left[2].length - right[2].length;
    return sign * (longer || (left[2] < right[2] ? -1 : 1));
  }
  const [x, y] = [left[3] || "", right[3] || ""];
  return x === y ? 0 : sign * (x < y ? -1 : 1);
}

function compareNumbers(a, b) {
  const [x, y] = [Number(a), Number(b)];
  // NaN is larger than all numbers, as in Dremio.
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
  return x === y ? compareDigits(a, b) : x < y ? -1 : 1;
}

// The order of the rows by one column: indexes into `rows`. NULL stands last in either direction;
// rows that are equal stay as they came.
function sortedOrder(rows, column, kind, descending) {
  const collator = new Intl.Collator(undefined, { numeric: true });
  const byKind = {
    number: compareNumbers,
    // Texts of one form: their order is that of time.
    time: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
  };
  const compare = byKind[kind] || collator.compare;
  return rows
    .map((_, index) => index)
    .sort((i, j) => {
      const [a, b] = [rows[i][column], rows[j][column]];
      if (a === null || b === null) return Number(a === null) - Number(b === null);
      return descending ? compare(b, a) : compare(a, b);
    });
}

// One field of CSV (RFC 4180). NULL is empty, and empty text is "".
function csvField(cell) {
  if (cell === null) return "";
  return cell === "" || /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

// Rows as CSV with a header; each line ends with CRLF.
function toCsv(names, rows) {
  return [names, ...rows].map((row) => row.map(csvField).join(",") + "\r\n").join("");
}
