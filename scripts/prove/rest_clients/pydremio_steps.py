"""Calls pydremio over HTTP: PORT USER PASSWORD STEP; the last line of output is JSON."""

import json
import sys

from dremio import Dremio

port, user, password, step = sys.argv[1:]
dremio = Dremio("127.0.0.1", username=user, password=password, port=int(port), protocol="http")


def query():
    sql = "SELECT order_id, total_amount FROM Sales.orders ORDER BY order_id"
    return dremio.query(sql, method="http").rows


def catalog():
    paths = ["Sales", "Sales.orders", "Warehouse", "Finance.reports", "@dremio"]
    return {path: type(dremio.get_catalog_by_path(path)).__name__ for path in paths}


def dataset():
    return dremio.get_dataset("Sales.orders").run(method="http").rowCount


def wiki():
    texts = [dremio.get_dataset("Sales.orders").get_wiki().text.splitlines()[0]]
    for text in ("# Written", "# Written again"):
        dremio.get_dataset("Sales.products").set_wiki_text(text)
        texts.append(dremio.get_dataset("Sales.products").get_wiki().text)
    return texts


print(json.dumps(globals()[step]()))
