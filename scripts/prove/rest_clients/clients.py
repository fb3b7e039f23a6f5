"""The clients, their pinned versions, and what they must get."""

import json
import re

from client import HERE, Client, Failed, contains, expect


def all_clients():
    return [DataHub(), Dbt(), Cube(), Pydremio(), Cli(), Airbyte()]


class DataHub(Client):
    """Its whole ingestion into a file; lineage from view definitions and from job history."""

    name = "datahub"
    packages = ("acryl-datahub[dremio]==1.7.0.17",)

    def prepare(self):
        self.output = self.work / "events.json"
        # Two sources are what other platforms call otherwise: without an instance of theirs it
        # warns, and warnings fail here.
        self.recipe = {
            "source": {
                "type": "dremio",
                "config": {
                    "hostname": "127.0.0.1",
                    "port": self.stand_in.port,
                    "tls": False,
                    "authentication_method": "password",
                    "username": self.stand_in.user,
                    "password": self.stand_in.password,
                    "include_query_lineage": True,
                    "source_mappings": [
                        {"source_name": name, "platform": platform, "platform_instance": "shop"}
                        for name, platform in (("Warehouse", "postgres"), ("Samples", "s3"))
                    ],
                },
            },
            "sink": {"type": "file", "config": {"filename": str(self.output)}},
        }

    def step_ingestion_without_a_warning(self):
        # So that there is a history to read.
        state = self.stand_in.query(
            "SELECT c.country, SUM(o.total_amount) AS revenue FROM Sales.orders o"
            " JOIN Sales.customers c ON c.customer_id = o.customer_id GROUP BY c.country"
        )
        expect(state, "COMPLETED")
        recipe = self.work / "recipe.yml"
        recipe.write_text(json.dumps(self.recipe))
        datahub = [self.folder / "bin/datahub", "ingest", "run", "--strict-warnings"]
        contains(self.call(*datahub, "--no-progress", "-c", recipe), "finished successfully")
        self.aspects = {}
        for event in json.loads(self.output.read_text()):
            if "aspectName" in event:
                aspect = event["aspect"].get("json", event["aspect"])
                found = self.aspects.setdefault(event["aspectName"], [])
                found.append((event["entityUrn"], aspect))

    def step_tables_views_and_columns(self):
        datasets = {urn for urn, _ in self.aspects["schemaMetadata"]}
        expect(len(datasets), 16)
        orders = next(
            aspect for urn, aspect in self.aspects["schemaMetadata"] if "sales.orders," in urn
        )
        expect(len(orders["fields"]), 10)

    def step_wikis_and_tags(self):
        described = [aspect for _, aspect in self.aspects["datasetProperties"]]
        contains(json.dumps(described), "# Orders")
        contains(json.dumps(self.aspects["glossaryTermInfo"]), "pii", "taxi")

    def step_lineage_from_views(self):
        upstream = {urn: aspect for urn, aspect in self.aspects["upstreamLineage"]}
        view = next(urn for urn in upstream if "finance.reports.order-margin," in urn)
        parents = json.dumps(upstream[view]["upstreams"])
        contains(parents, "sales.orders,", "sales.order_items,", "sales.products,")

    def step_lineage_from_job_history(self):
        subjects = [json.dumps(aspect) for _, aspect in self.aspects["querySubjects"]]
        if not any("sales.orders," in text and "sales.customers," in text for text in subjects):
            raise Failed(f"none of {len(subjects)} queries has the two views of the one that ran")


class Dbt(Client):
    name = "dbt"
    packages = ("dbt-dremio==1.10.1", "dbt-core==1.10.23")

    PROJECT = """\
name: shop
version: 1.0.0
profile: shop
model-paths: [models]
flags: {send_anonymous_usage_stats: false}
"""
    SOURCES = """\
version: 2
sources:
  - name: sales
    database: Sales
    schema: no_schema
    tables: [{name: orders}, {name: customers}]
  - name: reports
    database: Finance
    schema: reports
    tables: [{name: order-margin}]
"""
    MODEL = """\
{{ config(materialized='view') }}
SELECT order_id, total_amount FROM {{ source('sales', 'orders') }} WHERE order_id <= 3
"""

    def prepare(self):
        target = {
            "type": "dremio",
            "software_host": "127.0.0.1",
            "port": self.stand_in.port,
            "use_ssl": False,
            "user": self.stand_in.user,
            "password": self.stand_in.password,
            "dremio_space": f"@{self.stand_in.user}",
            "dremio_space_folder": "no_schema",
            "object_storage_source": "$scratch",
            "object_storage_path": "no_schema",
            "threads": 2,
        }
        profiles = {"shop": {"target": "here", "outputs": {"here": target}}}
        (self.work / "models").mkdir()
        (self.work / "profiles.yml").write_text(json.dumps(profiles))
        (self.work / "dbt_project.yml").write_text(self.PROJECT)
        (self.work / "models/sources.yml").write_text(self.SOURCES)
        (self.work / "models/cheap.sql").write_text(self.MODEL)

    def dbt(self, *arguments):
        return self.call(self.folder / "bin/dbt", "--no-use-colors", *arguments)

    def step_debug(self):
        contains(self.dbt("debug"), "All checks passed!")

    def step_show(self):
        shown = self.dbt("show", "--select", "cheap", "--output", "json")
        contains(shown, '"order_id": 1', '"total_amount": 39.69', '"order_id": 3')

    def step_show_inline(self):
        sql = "select count(*) as n from {{ source('reports', 'order-margin') }}"
        contains(self.dbt("show", "--inline", sql, "--output", "json"), '"n": 3000')

    def step_compile(self):
        contains(self.dbt("compile"), "Found 1 model")
        compiled = (self.work / "target/compiled/shop/models/cheap.sql").read_text()
        contains(compiled, '"Sales"."orders"')

    def step_docs_generate(self):
        contains(self.dbt("docs", "generate"), "Catalog written to")
        catalog = json.loads((self.work / "target/catalog.json").read_text())
        source = catalog["sources"]["source.shop.reports.order-margin"]
        expect(list(source["columns"])[:2], ["order_id", "order_date"])
        expect(catalog["errors"], None)


class Cube(Client):
    name = "cube"
    packages = ("@cubejs-backend/dremio-driver@1.7.43",)
    pythons = None

    def prepare(self):
        # Node.js finds packages beside the script, not in the work folder.
        script = self.folder / "cube.js"
        script.write_text((HERE / "cube.js").read_text())
        login = [self.stand_in.port, self.stand_in.user, self.stand_in.password]
        self.script = ["node", script, *login]

    def last(self, step):
        return json.loads(self.call(*self.script, step).splitlines()[-1])

    def step_connect(self):
        expect(self.last("connect"), True)

    def step_query_of_1200_rows(self):
        rows = self.last("rows")
        expect([row["order_id"] for row in rows], list(range(1, 1201)))
        expect(rows[1199]["order_date"], "2024-01-05")

    def step_parameters(self):
        rows = self.last("parameters")
        expect([row["order_id"] for row in rows][:3], [1, 2, 3])

    def step_schema(self):
        schema = self.last("schema")
        expect("order-margin" in schema["Finance.reports"], True)
        contains(json.dumps(schema["Sales"]["orders"]), '"total_amount"', '"DECIMAL"')


class Script(Client):
    """A client that is a library: a script of ours calls it in its own environment."""

    def last(self, step):
        login = [self.stand_in.port, self.stand_in.user, self.stand_in.password]
        script = [self.folder / "bin/python", HERE / f"{self.name}_steps.py"]
        return json.loads(self.call(*script, *login, step).splitlines()[-1])


class Pydremio(Script):
    name = "pydremio"
    packages = ("pydremio==0.4.0",)
    pythons = ("3.13", "3.12")

    def step_query(self):
        rows = self.last("query")
        expect(len(rows), 3000)
        expect(rows[0], {"order_id": 1, "total_amount": 39.69})

    def step_catalog(self):
        expect(
            self.last("catalog"),
            {
                "Sales": "Space",
                "Sales.orders": "Dataset",
                "Warehouse": "Source",
                "Finance.reports": "Folder",
                "@dremio": "Home",
            },
        )

    def step_dataset(self):
        expect(self.last("dataset"), 3000)

    def step_wiki(self):
        expect(self.last("wiki"), ["# Orders", "# Written", "# Written again"])


class Cli(Client):
    """What it offers of Dremio Software. Its `job list`, `user list`, `role list`, `reflection
    list`, `lineage` and `job profile` call paths that the community edition does not have (404 or
    405 there too, contract §5.5 and §5.7)."""

    name = "alt-dremio-cli"
    packages = ("alt-dremio-cli==1.11.0",)

    def prepare(self):
        self.environment |= {
            "DREMIO_HERE_TYPE": "software",
            "DREMIO_HERE_BASE_URL": self.stand_in.uri,
            "DREMIO_HERE_AUTH_TYPE": "username_password",
            "DREMIO_HERE_USERNAME": self.stand_in.user,
            "DREMIO_HERE_PASSWORD": self.stand_in.password,
            # It wraps JSON at the width of the terminal.
            "COLUMNS": "100000",
        }

    def ask(self, *arguments):
        said = self.call(self.folder / "bin/alt-dremio-cli", "-p", "here", "-o", "json", *arguments)
        # Notes for people may stand before the JSON.
        return json.loads(said[re.search(r"^[{\[]", said, re.MULTILINE).start() :])

    def entity(self):
        return self.ask("catalog", "get-by-path", "Sales/orders")

    def step_catalog(self):
        names = [item["path"][0] for item in self.ask("catalog", "list")["data"]]
        expect(names, ["@dremio", "Finance", "Sales", "Samples", "Warehouse"])
        found = self.ask("catalog", "get", self.entity()["id"])
        expect(found["path"], ["Sales", "orders"])

    def step_sources_and_spaces(self):
        expect([one["path"][0] for one in self.ask("source", "list")], ["Samples", "Warehouse"])
        expect([one["path"][0] for one in self.ask("space", "list")], ["Finance", "Sales"])

    def step_sql(self):
        result = self.ask("sql", "execute", "SELECT COUNT(*) AS n FROM Sales.orders")
        expect(result["rows"], [{"n": 3000}])

    def step_wiki_and_tags(self):
        contains(self.ask("wiki", "get", self.entity()["id"])["text"], "# Orders")
        expect(self.ask("tag", "get", self.entity()["id"])["tags"], ["sales"])


class Airbyte(Client):
    name = "airbyte"
    packages = ("airbyte-source-dremio==0.1.15",)
    # Its framework has dataclasses that 3.11 refuses.
    pythons = ("3.10", "3.9")

    def prepare(self):
        config = {"base_url": self.stand_in.uri, "api_key": self.stand_in.token}
        (self.work / "config.json").write_text(json.dumps(config))
        stream = {
            "stream": {
                "name": "catalogs",
                "json_schema": {},
                "supported_sync_modes": ["full_refresh"],
            },
            "sync_mode": "full_refresh",
            "destination_sync_mode": "overwrite",
        }
        (self.work / "streams.json").write_text(json.dumps({"streams": [stream]}))

    def source(self, *arguments):
        said = self.call(self.folder / "bin/source-dremio", *arguments)
        messages = []
        for line in said.splitlines():
            if line.startswith("{"):
                messages.append(json.loads(line))
        return messages

    def step_check(self):
        messages = self.source("check", "--config", "config.json")
        status = [one["connectionStatus"] for one in messages if one["type"] == "CONNECTION_STATUS"]
        expect(status, [{"status": "SUCCEEDED"}])

    def step_discover(self):
        messages = self.source("discover", "--config", "config.json")
        catalog = next(one["catalog"] for one in messages if one["type"] == "CATALOG")
        expect([stream["name"] for stream in catalog["streams"]], ["catalogs"])

    def step_read(self):
        messages = self.source("read", "--config", "config.json", "--catalog", "streams.json")
        records = [one["record"]["data"] for one in messages if one["type"] == "RECORD"]
        expect(len(records), 1)
        expect(len(records[0]["data"]), 5)
