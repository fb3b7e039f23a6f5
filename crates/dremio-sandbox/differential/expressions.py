"""Random expressions over typed columns, each written for three engines at a time.

Types are `int`, `dec`, `dbl`, `text`, `date`, `ts` and `bool`. Where two engines write the same
thing differently, this file and `queries.py` know it; where they answer differently, `compare.py`
does.
"""

from dataclasses import dataclass

NUMBERS = ("int", "dec", "dbl")
EXACT = ("int", "dec", "text", "date", "ts", "bool")
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
WORDS = ("Berlin", "web", "SHIPPED", "OPEN", "Coffee", "a", "e", "", "O'Brien", "Kettle, Gooseneck")


@dataclass(frozen=True)
class Text:
    """A piece of SQL in each engine's spelling; `lite` is None if SQLite has nothing like it."""

    dremio: str
    duck: str
    lite: str | None


@dataclass(frozen=True)
class Expression:
    ty: str
    text: Text
    # The same digits in every engine: it may be a key to sort, group or join by.
    exact: bool = True


def same(text):
    return Text(text, text, text)


def join(separator, texts):
    texts = list(texts)
    lite = [text.lite for text in texts]
    return Text(
        separator.join(text.dremio for text in texts),
        separator.join(text.duck for text in texts),
        None if None in lite else separator.join(lite),
    )


def fill(pattern, *texts, duck=None, lite=None):
    """`pattern` with `{0}`, `{1}` … filled in; `lite=""` says that SQLite does not have it."""
    lite = pattern if lite is None else lite
    known = lite != "" and all(text.lite is not None for text in texts)
    return Text(
        pattern.format(*(text.dremio for text in texts)),
        (pattern if duck is None else duck).format(*(text.duck for text in texts)),
        lite.format(*(text.lite for text in texts)) if known else None,
    )


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


class Expressions:
    """Draws expressions over `columns` from `random`."""

    def __init__(self, random, columns):
        self.random, self.columns = random, columns

    def column(self, *types):
        fit = [column for column in self.columns if column.ty in types]
        return self.random.choice(fit) if fit else None

    def literal(self, ty):
        draw = self.random
        if draw.random() < 0.08:
            names = {"int": "BIGINT", "dec": "DECIMAL(10,2)", "dbl": "DOUBLE", "text": "VARCHAR"}
            names |= {"date": "DATE", "ts": "TIMESTAMP", "bool": "BOOLEAN"}
            return Expression(ty, fill(f"CAST(NULL AS {names[ty]})", lite="NULL"))
        if ty == "int":
            return Expression(ty, same(str(draw.choice((0, 1, 2, 3, 5, 7, 100, 1500, -1, -4)))))
        if ty == "dec":
            return Expression(ty, same(draw.choice(("0.5", "2.50", "100.25", "-3.75", "1234.567"))))
        if ty == "dbl":
            number = draw.choice(("0.25", "1e1", "-2.5", "150"))
            return Expression(ty, fill(f"CAST({number} AS DOUBLE)"))
        if ty == "text":
            return Expression(ty, same(quoted(draw.choice(WORDS))))
        if ty == "bool":
            return Expression(ty, fill(draw.choice(("TRUE", "FALSE")), lite=""))
        day = f"{draw.randint(2022, 2025)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
        if ty == "date":
            return Expression(ty, fill(f"DATE '{day}'", lite=f"'{day}'"))
        moment = f"{day} {draw.randint(0, 23):02}:30:15"
        return Expression(ty, fill(f"TIMESTAMP '{moment}'", lite=f"'{moment}.000'"))

    def value(self, ty, depth=2):
        """An expression of the type; of a column if there is one."""
        draw = self.random
        if depth <= 0 or draw.random() < 0.35:
            return self.column(ty) if draw.random() < 0.85 and self.column(ty) else self.literal(ty)
        return draw.choice(self.builders(ty))(ty, depth - 1)

    def builders(self, ty):
        own = {
            "int": (self.arithmetic, self.of_text, self.of_date, self.remainder, self.cast),
            "dec": (self.arithmetic, self.rounded, self.cast),
            "dbl": (self.arithmetic, self.cast),
            "text": (self.changed_text, self.changed_text, self.cast),
            "date": (self.moved_date,),
            "ts": (self.moved_date,),
            "bool": (lambda _, depth: self.as_value(self.predicate(depth)),),
        }
        return (*own[ty], self.case, self.coalesce, self.nullif)

    # One kind of expression each

    def arithmetic(self, ty, depth):
        operator = self.random.choice(("+", "-", "*"))
        # Products of products outgrow 38 digits, where engines round differently.
        left = self.value(ty, 0 if operator == "*" else depth)
        right = self.value(ty, 0)
        exact = left.exact and right.exact and ty != "dbl"
        # Plain SQLite computes decimals as doubles.
        lite = "" if ty == "dec" else None
        text = fill(f"({{0}} {operator} {{1}})", left.text, right.text, lite=lite)
        return Expression(ty, text, exact)

    def remainder(self, _, depth):
        by = self.random.choice((2, 3, 7, 100))
        value = self.value("int", depth).text
        if self.random.random() < 0.5:
            return Expression("int", fill(f"MOD({{0}}, {by})", value, lite=f"({{0}} % {by})"))
        return Expression("int", fill(f"({{0}} / {by})", value, duck=f"({{0}} // {by})"))

    def of_text(self, _, depth):
        text = self.value("text", depth).text
        if self.random.random() < 0.6:
            return Expression("int", fill("LENGTH({0})", text))
        part = quoted(self.random.choice(("e", "an", "1", "x")))
        found = fill(f"POSITION({part} IN {{0}})", text, lite=f"INSTR({{0}}, {part})")
        return Expression("int", found)

    def of_date(self, _, depth):
        moment = self.value(self.random.choice(("date", "ts")), depth).text
        part = self.random.choice(("YEAR", "MONTH", "DAY", "QUARTER", "DOY"))
        return Expression("int", fill(f"EXTRACT({part} FROM {{0}})", moment, lite=""))

    def rounded(self, ty, depth):
        name = self.random.choice(("ROUND({0}, 1)", "ABS({0})", "ROUND({0}, 0)"))
        return Expression(ty, fill(name, self.value(ty, depth).text, lite=""))

    def changed_text(self, ty, depth):
        patterns = (
            ("UPPER({0})", None, ""),
            ("LOWER({0})", None, ""),
            ("TRIM({0})", None, None),
            ("SUBSTR({0}, 2, 4)", None, None),
            ("SUBSTRING({0}, 3)", None, "SUBSTR({0}, 3)"),
            ("LEFT({0}, 3)", None, "SUBSTR({0}, 1, 3)"),
            ("RIGHT({0}, 2)", None, ""),
            ("REPLACE({0}, 'e', '_')", None, None),
            ("REVERSE({0})", None, ""),
            ("LPAD({0}, 6, '*')", None, ""),
            ("({0} || '-' || {1})", None, None),
            ("CONCAT({0}, '/', {1})", None, ""),
        )
        pattern, duck, lite = self.random.choice(patterns)
        texts = self.value(ty, depth).text, self.value(ty, 0).text
        return Expression(ty, fill(pattern, *texts, duck=duck, lite=lite))

    def moved_date(self, ty, depth):
        value = self.value(ty, depth).text
        if self.random.random() < 0.5:
            unit = self.random.choice(("YEAR", "QUARTER", "MONTH", "WEEK", "DAY"))
            text = f"DATE_TRUNC('{unit}', {{0}})"
        else:
            amount, unit = self.random.choice(((3, "DAY"), (1, "MONTH"), (2, "YEAR"), (40, "DAY")))
            text = f"({{0}} {self.random.choice('+-')} INTERVAL '{amount}' {unit})"
        # DuckDB makes a timestamp of a date.
        duck = f"CAST({text} AS DATE)" if ty == "date" else None
        return Expression(ty, fill(text, value, duck=duck, lite=""))

    def cast(self, ty, depth):
        if ty == "int":
            digits = self.column("int") or self.literal("int")
            text = fill("CAST(CAST({0} AS VARCHAR) AS BIGINT)", digits.text, lite="{0}")
            return Expression(ty, text)
        if ty == "dec":
            source = self.value("int", depth).text
            return Expression(ty, fill("CAST({0} AS DECIMAL(20,2))", source, lite=""))
        if ty == "dbl":
            source = self.value(self.random.choice(("int", "dec")), depth).text
            return Expression(ty, fill("CAST({0} AS DOUBLE)", source), False)
        source = self.value(self.random.choice(("int", "date")), depth).text
        return Expression(ty, fill("CAST({0} AS VARCHAR)", source, lite=""))

    def case(self, ty, depth):
        arms = [
            fill("WHEN {0} THEN {1}", self.predicate(depth), self.value(ty, depth).text)
            for _ in range(self.random.randint(1, 2))
        ]
        last = [fill("ELSE {0}", self.value(ty, depth).text)] if self.random.random() < 0.7 else []
        text = fill("CASE {0} END", join(" ", arms + last))
        return Expression(ty, text, ty in EXACT)

    def coalesce(self, ty, depth):
        texts = [self.value(ty, depth).text, self.value(ty, 0).text]
        return Expression(ty, fill("COALESCE({0}, {1})", *texts), ty in EXACT)

    def nullif(self, ty, depth):
        texts = [self.value(ty, depth).text, self.value(ty, 0).text]
        return Expression(ty, fill("NULLIF({0}, {1})", *texts), ty in EXACT)

    # Predicates

    def as_value(self, predicate):
        # SQLite has no booleans to give back.
        return Expression("bool", fill("({0})", predicate, lite=""))

    def predicate(self, depth=2):
        draw = self.random
        if depth > 0 and draw.random() < 0.3:
            if draw.random() < 0.3:
                return fill("NOT ({0})", self.predicate(depth - 1))
            operator = draw.choice(("AND", "OR"))
            return fill(f"({{0}} {operator} {{1}})", self.predicate(depth - 1), self.predicate(0))
        ty = draw.choice(("int", "int", "dec", "dbl", "text", "text", "date", "ts", "bool"))
        column = self.column(ty)
        if ty == "bool":
            return fill("{0}", column.text, lite="{0}") if column else self.predicate(0)
        value = (self.value(ty, depth) if draw.random() < 0.3 or not column else column).text
        kind = draw.randrange(5)
        if kind == 0:
            return fill(f"{{0}} IS {draw.choice(('', 'NOT '))}NULL", value)
        if kind == 1:
            few = [self.literal(ty).text for _ in range(draw.randint(1, 3))]
            return fill(f"{{0}} {draw.choice(('', 'NOT '))}IN ({{1}})", value, join(", ", few))
        if kind == 2:
            pair = self.literal(ty).text, self.literal(ty).text
            return fill(f"{{0}} {draw.choice(('', 'NOT '))}BETWEEN {{1}} AND {{2}}", value, *pair)
        if kind == 3 and ty == "text":
            like = quoted(draw.choice(("%e%", "S%", "_a%", "%n", "%'%", "web")))
            return fill(f"{{0}} {draw.choice(('', 'NOT '))}LIKE {like}", value, lite="")
        # Numbers of different types compare by value.
        other = draw.choice(NUMBERS) if ty in NUMBERS and draw.random() < 0.4 else ty
        right = self.column(other) if draw.random() < 0.4 else None
        operator = draw.choice(COMPARISONS)
        return fill(f"{{0}} {operator} {{1}}", value, (right or self.literal(other)).text)
