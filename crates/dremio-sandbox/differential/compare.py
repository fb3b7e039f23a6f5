"""Whether two engines gave the same rows, and every difference of theirs that is not a fault.

1. AVG, division and statistics of decimals: DuckDB and SQLite answer with a double, Dremio with a
   decimal. They are compared to within half a unit of the last place that the stand-in declares.
2. Doubles are summed in any order: they are compared to nine digits.
3. A date and a timestamp at its midnight are the same moment; SQLite has both as text.
4. SQLite's booleans are 0 and 1.
5. DuckDB calls a column that is NULL in every row INTEGER, whatever its expression is.
6. Where NULLs come in an order, how integers are divided, what DuckDB makes of dates: written for
   each engine by `expressions.py` and `queries.py`.
"""

import datetime
import math
from decimal import Decimal

DIGITS_OF_DOUBLES = 9
FAMILIES = {
    **dict.fromkeys(("INTEGER", "BIGINT", "DECIMAL", "DOUBLE", "FLOAT"), "number"),
    **dict.fromkeys(("SMALLINT", "TINYINT", "HUGEINT", "UBIGINT", "UINTEGER"), "number"),
    **dict.fromkeys(("VARCHAR",), "text"),
    **dict.fromkeys(("DATE", "TIMESTAMP"), "moment"),
    **dict.fromkeys(("BOOLEAN",), "boolean"),
}


def family(type_name):
    """What a type is, whatever its width; None for a type that is not compared."""
    return FAMILIES.get(type_name.split("(")[0].strip())


def comparable(value, column_family):
    """A cell in a form in which all engines agree."""
    if value is None:
        return None
    if column_family == "boolean":
        return bool(value)
    if column_family == "moment":
        if isinstance(value, datetime.datetime):
            value = value.isoformat(" ", "milliseconds")
        text = str(value)
        return text if len(text) > 10 else f"{text} 00:00:00.000"
    return value


def tolerance(column):
    """How far a number of this column may be from the other engine's."""
    scale = column["type"].get("scale")
    return 0 if scale is None else 0.500001 * 10.0**-scale


def close(ours, theirs, slack):
    if ours is None or theirs is None or not isinstance(ours, (int, float, Decimal)):
        return ours == theirs
    if not isinstance(theirs, (int, float, Decimal)):
        return False
    if ours == theirs:
        return True
    if isinstance(ours, int) and isinstance(theirs, int):
        return False
    return math.isclose(ours, theirs, rel_tol=10.0**-DIGITS_OF_DOUBLES, abs_tol=max(slack, 1e-9))


def types_differ(schema, type_names, rows):
    """Why the types of columns are of different families, or None."""
    for at, (column, theirs) in enumerate(zip(schema, type_names, strict=True)):
        ours = column["type"]["name"]
        empty = all(row[at] is None for row in rows)
        known = not empty and family(ours) and family(theirs)
        if known and family(ours) != family(theirs):
            return f"column {column['name']} is {ours} in place of {theirs}"
    return None


def rough(value):
    """A key that sorts cells of one kind, and puts close ones together mostly."""
    if value is None:
        return (0, "")
    if isinstance(value, (bool, int, float, Decimal)):
        return (1, float(f"{float(value):.6g}"))
    return (2, str(value))


def difference(schema, ours, theirs, ordered):
    """Why the rows differ, or None. Rows are lists; `schema` is the stand-in's."""
    if len(ours) != len(theirs):
        return f"{len(ours)} rows in place of {len(theirs)}"
    families = [family(column["type"]["name"]) for column in schema]
    slacks = [tolerance(column) for column in schema]
    if theirs and len(theirs[0]) != len(schema):
        return f"{len(schema)} columns in place of {len(theirs[0])}"
    ours = [[comparable(*cell) for cell in zip(row, families, strict=True)] for row in ours]
    theirs = [[comparable(*cell) for cell in zip(row, families, strict=True)] for row in theirs]

    def equal(row, other):
        return all(map(close, row, other, slacks))

    if not ordered:
        ours.sort(key=lambda row: [rough(cell) for cell in row])
        theirs.sort(key=lambda row: [rough(cell) for cell in row])
    differing = [at for at, pair in enumerate(zip(ours, theirs)) if not equal(*pair)]
    if differing and not ordered:
        # Close numbers may have been sorted apart: match what is left, one by one.
        left = [theirs[at] for at in differing]
        for at in differing:
            found = next((row for row in left if equal(ours[at], row)), None)
            if found is None:
                return f"no such row: {ours[at]}; left: {left[:2]}"
            left.remove(found)
        return None
    if differing:
        at = differing[0]
        return f"row {at} is {ours[at]} in place of {theirs[at]}"
    return None
