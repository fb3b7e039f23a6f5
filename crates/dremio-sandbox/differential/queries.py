"""Random queries over the demo tables: joins, groups, windows, set operations, subqueries."""

from dataclasses import replace

from expressions import EXACT, Expression, Expressions, Text, fill, join, same
from tables import TABLES, WIDER, Column, Query, Source, all_exact, links

# Rows of the outer query times rows of the table: a subquery may be run for every row.
LOOK_UPS_MAX = 400_000
# The two tables with more rows than this have a column `order_id`.
FEW_ROWS = 400
# SQLite looks through one side of a full join for every row of the other.
FULL_JOIN_MAX = 200_000
# About what the branches of a set operation give.
BRANCH_ROWS = 800
# What few enough rows share, so that joining rows with their equals does not explode.
SELF_JOINED = ("order", "customer", "employee")


class Queries:
    def __init__(self, random):
        self.random, self.aliases = random, 0

    def query(self):
        draw = self.random.random()
        if draw < 0.12:
            return self.with_tables()
        if draw < 0.27:
            return self.finished(self.set_operation())
        return self.finished(self.select(2))

    def alias(self):
        self.aliases += 1
        return f"t{self.aliases}"

    # Where rows come from

    def table(self, tables=TABLES):
        table, alias = self.random.choice(tables), self.alias()
        text = Text(self.random.choice(table.paths), table.name, table.name)
        columns = tuple(
            Column(
                *(ty, same(f"{alias}.{name}"), ty != "dbl", name),
                *(table.links.get(name, ""), name == table.key),
            )
            for name, ty in table.columns
        )
        rows = table.rows
        if rows > FEW_ROWS and self.random.random() < 0.9:
            # Most queries look at some of the rows: thousands take seconds each.
            first = self.random.choice((20, 60, 90))
            text, rows = fill(f"(SELECT * FROM {{0}} WHERE order_id <= {first})", text), FEW_ROWS
        text = fill(f"{{0}} {self.random.choice(('AS ', ''))}{alias}", text)
        return Source(text, columns, rows, table.name not in WIDER)

    def derived(self, depth):
        query = self.select(depth - 1) if self.random.random() < 0.8 else self.set_operation()
        return self.named(fill("({0})", query.text), query)

    def named(self, text, query):
        alias = self.alias()
        # What was rounded is not reckoned with any further: the error would grow.
        inside = (
            replace(
                one,
                text=same(f"{alias}.{one.name}"),
                unique=False,
                ty="rounded" if one.ty == "dec" and not one.exact else one.ty,
            )
            for one in query.columns
        )
        return Source(fill(f"{{0}} AS {alias}", text), tuple(inside), query.rows)

    def values(self):
        alias, rows = self.alias(), []
        drawn = Expressions(self.random, ())
        types = self.random.sample(("int", "dec", "text", "date"), self.random.randint(1, 3))
        for _ in range(self.random.randint(1, 4)):
            rows.append(fill("({0})", join(", ", (drawn.literal(ty).text for ty in types))))
        names = [f"v{at}" for at in range(len(types))]
        text = fill(f"(VALUES {{0}}) AS {alias}({', '.join(names)})", join(", ", rows), lite="")
        columns = tuple(
            Column(ty, same(f"{alias}.{name}"), True, name) for ty, name in zip(types, names)
        )
        return Source(text, columns, len(rows))

    def source(self, depth):
        draw = self.random.random()
        if draw < 0.05:
            return self.values()
        return self.derived(depth) if depth > 0 and draw < 0.3 else self.table()

    def sources(self, depth):
        """What FROM says."""
        here = self.source(depth)
        for _ in range(self.random.choices((0, 1, 2), (45, 40, 15))[0]):
            other = self.source(0) if self.random.random() < 0.8 else self.source(depth)
            # A side without equals keeps the result as small as its other side.
            pairs = [pair for pair in links(here, other) if pair[0].unique or pair[1].unique]
            if not pairs:
                continue
            kind = self.random.choice(("JOIN", "INNER JOIN", "LEFT JOIN", "RIGHT JOIN"))
            if here.rows * other.rows <= FULL_JOIN_MAX and self.random.random() < 0.15:
                kind = "FULL OUTER JOIN"
            left, right = self.random.choice(pairs)
            condition = fill("{0} = {1}", left.text, right.text)
            if self.random.random() < 0.25 and kind != "FULL OUTER JOIN":
                more = Expressions(self.random, other.columns).predicate(0)
                condition = fill("{0} AND {1}", condition, more)
            text = fill(f"{{0}} {kind} {{1}} ON {{2}}", here.text, other.text, condition)
            columns = [replace(column, unique=False) for column in (*here.columns, *other.columns)]
            starred = here.starred and other.starred
            here = Source(text, tuple(columns), max(here.rows, other.rows), starred)
        return here

    # What is done with them

    def select(self, depth):
        here = self.sources(depth)
        where = []
        if self.random.random() < 0.6:
            where.append(Expressions(self.random, here.columns).predicate())
        if self.random.random() < 0.25:
            where.append(self.subquery_predicate(here))
        if where:
            condition = join(" AND ", (fill("({0})", one) for one in where))
            here = replace(here, text=fill("{0} WHERE {1}", here.text, condition))
        kind = self.random.random()
        if kind < 0.35:
            return self.grouped(here)
        return self.windowed(here) if kind < 0.5 else self.plain(here)

    def items(self, expressions):
        """The select list, and the columns that it makes."""
        texts, columns = [], []
        for at, one in enumerate(expressions):
            name = f"c{at}"
            texts.append(fill(f"{{0}}{self.random.choice((' AS ', ' '))}{name}", one.text))
            columns.append(Column(one.ty, same(name), one.exact, name, getattr(one, "kind", "")))
        return join(", ", texts), tuple(columns)

    def plain(self, here):
        names = [column.name for column in here.columns]
        if self.random.random() < 0.1 and here.starred and len(set(names)) == len(names):
            return Query(fill("SELECT * FROM {0}", here.text), here.columns, here.rows)
        draw = Expressions(self.random, here.columns)
        chosen = [column for column in here.columns if column.kind][:1]
        for _ in range(self.random.randint(1, 4)):
            chosen.append(draw.value(self.random.choice(("int", "dec", "dbl", *EXACT))))
        if self.random.random() < 0.1:
            chosen.append(self.scalar_subquery(here))
        items, out = self.items(chosen)
        distinct = "DISTINCT " if self.random.random() < 0.2 and all_exact(out) else ""
        text = fill(f"SELECT {distinct}{{0}} FROM {{1}}", items, here.text)
        return Query(text, out, here.rows)

    def grouped(self, here):
        draw = Expressions(self.random, here.columns)
        keys = [
            draw.column("text", "int", "date") or draw.literal("text")
            if self.random.random() < 0.7
            else draw.value(self.random.choice(("int", "text", "date")), 1)
            for _ in range(self.random.choice((0, 1, 1, 2)))
        ]
        named = [column.text.duck for column in here.columns]
        keys = [key for key in keys if any(name in key.text.duck for name in named)]
        aggregates = [self.aggregate(draw) for _ in range(self.random.randint(1, 3))]
        items, out = self.items([*keys, *aggregates])
        query = fill("SELECT {0} FROM {1}", items, here.text)
        if keys:
            rollup = self.random.random() < 0.08
            # A key that is written twice is one; ROLLUP would count it as two.
            by = join(", ", (key.text for key in dict.fromkeys(keys)))
            pattern = "{0} GROUP BY ROLLUP ({1})" if rollup else "{0} GROUP BY {1}"
            query = fill(pattern, query, by, lite="" if rollup else None)
        if self.random.random() < 0.3:
            having = f"{self.random.choice(('>', '<=', '<>'))} {self.random.choice((0, 1, 3, 50))}"
            query = fill(f"{{0}} HAVING COUNT(*) {having}", query)
        return Query(query, out, here.rows)

    def aggregate(self, draw):
        kind = self.random.randrange(8)
        if kind == 0:
            return Expression("int", same("COUNT(*)"))
        if kind in (1, 2):
            distinct = self.random.choice(("", "DISTINCT "))
            value = draw.value(self.random.choice(("int", "text", "date")), 1).text
            return Expression("int", fill(f"COUNT({distinct}{{0}})", value))
        ty = self.random.choice(("int", "dec", "dbl", "dec"))
        value = draw.column(ty) or draw.value(ty, 1)
        if kind in (3, 4):
            return Expression(ty, fill("SUM({0})", value.text), value.exact and ty != "dbl")
        if kind == 5:
            result = "dec" if ty == "dec" else "dbl"
            return Expression(result, fill("AVG({0})", value.text), False)
        if kind == 6 and ty != "int":
            name = self.random.choice(("STDDEV_SAMP", "VAR_POP", "STDDEV", "VAR_SAMP"))
            return Expression("dbl", fill(f"{name}({{0}})", value.text, lite=""), False)
        value = draw.value(self.random.choice(EXACT[:5]), 1)
        name = self.random.choice(("MIN", "MAX"))
        return Expression(value.ty, fill(f"{name}({{0}})", value.text))

    def windowed(self, here):
        draw = Expressions(self.random, here.columns)
        exact = [column for column in here.columns if column.exact]
        keys = self.random.sample(exact, min(len(exact), 2))
        items, out = self.items([*keys, self.window(draw)])
        return Query(fill("SELECT {0} FROM {1}", items, here.text), out, here.rows)

    def window(self, draw):
        # Which of two rows with equal keys comes first is nobody's to say: these do not ask.
        by = draw.column("text", "int", "date") or draw.literal("text")
        order = draw.column("int", "date", "text") or draw.literal("int")
        over = fill("(PARTITION BY {0} ORDER BY {1})", by.text, self.key(order))
        if self.random.random() < 0.3:
            over = fill("(PARTITION BY {0})", by.text)
            name = self.random.choice(("COUNT(*)", "MIN({0})", "MAX({0})", "SUM({0})"))
            value = draw.column("int", "dec") or draw.literal("int")
            ty = "int" if name == "COUNT(*)" else value.ty
            return Expression(ty, fill(f"{name} OVER {{1}}", value.text, over))
        name = self.random.choice(("RANK()", "DENSE_RANK()", "COUNT(*)", "SUM({0})", "MAX({0})"))
        value = draw.column("int", "dec") or draw.literal("int")
        ty = "int" if name[0] in "RDC" else value.ty
        return Expression(ty, fill(f"{name} OVER {{1}}", value.text, over))

    def linked(self, here):
        """A table that a subquery may look up for every row, and what links it; or None."""
        few = [table for table in TABLES if table.rows * here.rows <= LOOK_UPS_MAX]
        inner = self.table(few) if few else None
        pairs = links(here, inner) if inner else []
        return (inner, *self.random.choice(pairs)) if pairs else None

    def subquery_predicate(self, here):
        """EXISTS or IN, correlated or not."""
        linked = self.linked(here)
        if not linked:
            return Expressions(self.random, here.columns).predicate(0)
        inner, one, other = linked
        negated = self.random.choice(("", "NOT "))
        inside = Expressions(self.random, inner.columns).predicate(1)
        if self.random.random() < 0.5:
            select = "SELECT 1 FROM {0} WHERE {1} = {2} AND {3}"
            subquery = fill(select, inner.text, other.text, one.text, inside)
            return fill(f"{negated}EXISTS ({{0}})", subquery)
        subquery = fill("SELECT {0} FROM {1} WHERE {2}", other.text, inner.text, inside)
        return fill(f"{{0}} {negated}IN ({{1}})", one.text, subquery)

    def scalar_subquery(self, here):
        linked = self.linked(here)
        inner = linked[0] if linked else self.table()
        aggregate = self.aggregate(Expressions(self.random, inner.columns))
        where = fill("{0} = {1}", linked[1].text, linked[2].text) if linked else same("1 = 1")
        text = fill("(SELECT {0} FROM {1} WHERE {2})", aggregate.text, inner.text, where)
        return Expression(aggregate.ty, text, aggregate.exact)

    def set_operation(self):
        """Branches whose columns have types that widen: int to dec to dbl, or the same."""
        types = [self.random.choice(EXACT[:4]) for _ in range(self.random.randint(1, 3))]
        wide = {"int": ("int", "dec", "int"), "dec": ("int", "dec", "dec")}
        branches, kinds = [], []
        for _ in range(self.random.choice((2, 2, 2, 3))):
            source = self.table()
            draw = Expressions(self.random, source.columns)
            drawn = [self.random.choice(wide.get(ty, (ty,))) for ty in types]
            kinds.append(drawn)
            items, _ = self.items([draw.value(ty, 1) for ty in drawn])
            text = fill("SELECT {0} FROM {1}", items, source.text)
            if self.random.random() < 0.6:
                text = fill("{0} WHERE {1}", text, draw.predicate(1))
            branches.append(text)
        operator = self.random.choice(("UNION ALL", "UNION", "INTERSECT", "EXCEPT", "UNION ALL"))
        widest = ["dec" if "dec" in column else column[0] for column in zip(*kinds)]
        columns = tuple(
            Column(ty, same(f"c{at}"), True, f"c{at}") for at, ty in enumerate(widest)
        )
        return Query(join(f" {operator} ", branches), columns, BRANCH_ROWS)

    def with_tables(self):
        first, name = self.select(1), f"w{self.alias()}"
        one, two = self.named(same(name), first), self.named(same(name), first)
        joined = [at for at, column in enumerate(first.columns) if column.kind in SELF_JOINED]
        if joined and self.random.random() < 0.5:
            ends = one.columns[joined[0]].text, two.columns[joined[0]].text
            select = "SELECT COUNT(*) AS c0 FROM {0} JOIN {1} ON {2} = {3}"
            text = fill(select, one.text, two.text, *ends)
            query = Query(text, (Column("int", same("c0"), True, "c0"),), 1)
        else:
            query = self.plain(one)
        return replace(query, text=fill(f"WITH {name} AS ({{0}}) {{1}}", first.text, query.text))

    # The end

    def key(self, column, direction=None):
        """A sort key. Dremio puts NULLs last going up and first going down, unless it says."""
        direction = direction or self.random.choice(("", " ASC", " DESC"))
        nulls = self.random.choice(("", "", " NULLS FIRST", " NULLS LAST"))
        default = " NULLS FIRST" if direction == " DESC" else " NULLS LAST"
        text, spelt = column.text, direction + (nulls or default)
        lite = None if text.lite is None else text.lite + spelt
        return Text(text.dremio + direction + nulls, text.duck + spelt, lite)

    def finished(self, query):
        """With an order over all columns, and some of the rows, where that says which."""
        if not all_exact(query.columns) or self.random.random() < 0.4:
            return query
        keys = list(query.columns)
        self.random.shuffle(keys)
        if self.random.random() < 0.2:
            numbers = [query.columns.index(key) + 1 for key in keys]
            keys = [replace(key, text=same(str(at))) for key, at in zip(keys, numbers)]
        else:
            keys = [replace(key, text=same(key.name)) for key in keys]
        text = fill("{0} ORDER BY {1}", query.text, join(", ", (self.key(key) for key in keys)))
        if self.random.random() < 0.5:
            text = fill(f"{{0}} LIMIT {self.random.choice((0, 1, 7, 40))}", text)
            if self.random.random() < 0.5:
                text = fill(f"{{0}} OFFSET {self.random.choice((0, 1, 5))}", text)
        return replace(query, text=text, ordered=True)
