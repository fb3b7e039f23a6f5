"""The demo tables as queries see them, and the pieces that queries are made of."""

from dataclasses import dataclass, field

from expressions import Expression, Text


@dataclass(frozen=True)
class Table:
    name: str
    paths: tuple
    columns: tuple
    # About how many rows it has; a column that no two of them share, if there is one; and what
    # numbers name: columns of one kind may be joined.
    rows: int
    key: str
    links: dict = field(default_factory=dict)


TABLES = (
    Table(
        "customers",
        ("Warehouse.shop.customers", "Sales.customers"),
        (
            *(("customer_id", "int"), ("name", "text"), ("email", "text"), ("segment", "text")),
            *(("city", "text"), ("country", "text"), ("signup_date", "date")),
            *(("is_active", "bool"), ("credit_limit", "dec")),
        ),
        400,
        "customer_id",
        {"customer_id": "customer"},
    ),
    Table(
        "products",
        ("Warehouse.shop.products", "Sales.products"),
        (
            *(("product_id", "int"), ("name", "text"), ("category", "text"), ("price", "dec")),
            *(("cost", "dec"), ("launched_on", "date"), ("stock", "int")),
        ),
        24,
        "product_id",
        {"product_id": "product"},
    ),
    Table(
        "orders",
        ("Warehouse.shop.orders", "Sales.orders", 'warehouse."shop".ORDERS'),
        (
            *(("order_id", "int"), ("customer_id", "int"), ("order_date", "date")),
            *(("ordered_at", "ts"), ("status", "text"), ("channel", "text")),
            *(("total_amount", "dec"), ("discount_rate", "dbl"), ("shipped_date", "date")),
            ("note", "text"),
        ),
        3000,
        "order_id",
        {"order_id": "order", "customer_id": "customer"},
    ),
    Table(
        "order_items",
        ("Warehouse.shop.order_items", "Sales.order_items"),
        (
            *(("order_id", "int"), ("line_number", "int"), ("product_id", "int")),
            *(("quantity", "int"), ("unit_price", "dec"), ("line_total", "dec")),
        ),
        8000,
        "",
        {"order_id": "order", "product_id": "product"},
    ),
    Table(
        "employees",
        ("Warehouse.hr.employees",),
        (
            *(("employee_id", "int"), ("name", "text"), ("title", "text")),
            *(("manager_id", "int"), ("hired_on", "date"), ("salary", "dec"), ("remote", "bool")),
        ),
        40,
        "employee_id",
        {"employee_id": "employee", "manager_id": "employee"},
    ),
)


# Tables with more columns than these, of types that the engines do not share.
WIDER = ("customers", "products", "employees")


@dataclass(frozen=True)
class Column(Expression):
    name: str = ""
    kind: str = ""
    unique: bool = False


@dataclass(frozen=True)
class Query:
    text: Text
    columns: tuple
    rows: int
    ordered: bool = False


@dataclass(frozen=True)
class Source:
    text: Text
    columns: tuple
    rows: int
    # Whether a star gives `columns` and nothing else.
    starred: bool = True


def links(here, other):
    """Pairs of columns whose numbers name the same things."""
    pairs = ((left, right) for left in here.columns for right in other.columns)
    return [pair for pair in pairs if pair[0].kind and pair[0].kind == pair[1].kind]


def all_exact(columns):
    return all(column.exact for column in columns)
