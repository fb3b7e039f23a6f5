//! An imitation of Dremio's own MCP server (`dremioai` 0.1.0, read in its source), for tests where
//! that is not installed: its tools with their arguments, the calls that they make to Dremio, and
//! the texts that they answer with. It has no guard of its own: the gateway switches that off.
#![expect(clippy::indexing_slicing, reason = "a JSON value has null where nothing is")]

use serde_json::{Map, Value, json};

use super::out::Out;
use super::{ask, in_background};

/// What it puts in front of each query.
const LABEL: &str = "/* dremioai: submitter=RunSqlQuery */\n";

/// Rows of one page.
const PAGE_ROWS: u64 = 500;

/// Its tools: name, and the schema of the arguments.
pub(crate) fn tools() -> Vec<Value> {
    let text = json!({ "type": "string" });
    let name = json!({ "anyOf": [text, { "items": text, "type": "array" }] });
    let allow_dml = is_set("DREMIOAI_DREMIO__ALLOW_DML");
    let tool = |tool: &str, properties: Value, writes: bool| {
        let title = "invokeArguments";
        json!({
            "name": tool,
            "description": format!("{tool}, as Dremio describes it."),
            "inputSchema": { "properties": properties, "title": title, "type": "object" },
            "annotations": { "readOnlyHint": !writes, "destructiveHint": writes },
        })
    };
    let mut tools = vec![
        tool("RunSqlQuery", json!({ "query": text }), allow_dml),
        tool("GetUsefulSystemTableNames", json!({}), false),
        tool("GetSchemaOfTable", json!({ "table_name": name }), false),
        tool("GetTableOrViewLineage", json!({ "table_name": name }), false),
        tool("GetDescriptionOfTableOrSchema", json!({ "name": name }), false),
    ];
    if is_set("DREMIOAI_DREMIO__ENABLE_SEARCH") {
        let properties = json!({ "query": text, "topN": { "type": "integer" } });
        tools.push(tool("SearchTableAndViews", properties, false));
    }
    tools
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| value == "true")
}

/// Answers a call of one of its tools; whether `tool` is one.
pub(crate) fn call(out: &Out, id: &Value, tool: &str, arguments: &Value) -> bool {
    let run: fn(&Dremio, &Value) -> Result<Value, String> = match tool {
        "RunSqlQuery" => run_sql_query,
        "GetUsefulSystemTableNames" => |_, _| Ok(json!({ "sys.project.engines": "Engines." })),
        "GetSchemaOfTable" => schema_of_table,
        "GetTableOrViewLineage" => |dremio, arguments| {
            Ok(lineage(dremio, arguments).unwrap_or_else(|_| {
                json!({ "error": "Unable to retrieve lineage for the specified table or view." })
            }))
        },
        "GetDescriptionOfTableOrSchema" => descriptions,
        "SearchTableAndViews" => search,
        _ => return false,
    };
    let (dremio, tool) = (Dremio { out: out.clone(), id: id.clone() }, tool.to_owned());
    let arguments = arguments.clone();
    in_background(move || {
        let (text, is_error) = match run(&dremio, &arguments) {
            Ok(value) => {
                let is_error = tool == "RunSqlQuery" && value.get("error").is_some();
                (format!("{value:#}"), is_error)
            }
            Err(cause) => (format!("Error executing tool {tool}: {cause}"), true),
        };
        dremio.out.tool_result(&dremio.id, &text, is_error);
    });
    true
}

/// Dremio, as one call reaches it.
struct Dremio {
    out: Out,
    id: Value,
}

impl Dremio {
    /// One call, in the words of its HTTP client where it fails.
    fn ask(&self, method: &str, path: &str, body: &str) -> Result<Value, String> {
        let answer = ask(&self.out, &self.id, method, path, body).map_err(|c| c.to_string())?;
        let line = answer.status_line.as_str();
        let status = line.strip_prefix("HTTP/1.1 ").unwrap_or(line);
        let (code, reason) = status.split_once(' ').unwrap_or((status, ""));
        if code != "200" {
            let uri = std::env::var_os("DREMIOAI_DREMIO__URI").unwrap_or_default();
            return Err(format!("{code}, message='{reason}', url='{}{path}'", uri.display()));
        }
        serde_json::from_str(&answer.body).map_err(|cause| cause.to_string())
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        self.ask("GET", path, "")
    }

    fn entity(&self, path: &[String]) -> Result<Value, String> {
        let path: Vec<String> = path.iter().map(|part| encoded(part)).collect();
        let path = path.join("/");
        self.get(&format!("/api/v3/catalog/by-path/{path}?removeCatalogName=true"))
    }

    fn described(&self, path: &[String]) -> Result<Value, String> {
        let mut entity = self.entity(path)?;
        let id = encoded(entity["id"].as_str().unwrap_or_default());
        let about = |what: &str| {
            self.get(&format!("/api/v3/catalog/{id}/collaboration/{what}")).unwrap_or_default()
        };
        let (tags, wiki) = (about("tag")["tags"].take(), about("wiki")["text"].take());
        entity["tags"] = tags;
        entity["description"] = wiki;
        Ok(entity)
    }
}

fn encoded(part: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'@' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    part.bytes().map(encode).collect()
}

/// `"a"."b"` taken apart at its dots, as its CSV reader does.
fn parts(name: &str) -> Vec<String> {
    let (mut parts, mut is_quoted) = (vec![String::new()], false);
    for c in name.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => parts.push(String::new()),
            _ => parts.last_mut().into_iter().for_each(|part| part.push(c)),
        }
    }
    parts
}

fn quoted(path: &[String]) -> String {
    let parts: Vec<String> = path.iter().map(|part| format!("\"{part}\"")).collect();
    parts.join(".")
}

fn run_sql_query(dremio: &Dremio, arguments: &Value) -> Result<Value, String> {
    let Some(query) = arguments["query"].as_str() else {
        return Err("1 validation error for invokeArguments\nquery\n  Field required".to_owned());
    };
    let body = json!({ "sql": format!("{LABEL}{query}") }).to_string();
    let submitted = dremio.ask("POST", "/api/v3/sql", &body)?;
    let job = submitted["id"].as_str().unwrap_or_default();
    let status = loop {
        let status = dremio.get(&format!("/api/v3/job/{job}"))?;
        match status["jobState"].as_str().unwrap_or_default() {
            "COMPLETED" => break status,
            "FAILED" | "CANCELED" => {
                let said = status["errorMessage"].as_str().unwrap_or("Unknown error");
                return Ok(json!({
                    "error": format!("Job {job} failed: {said}"),
                    "message": "The query failed. Please check the syntax and try again",
                }));
            }
            _ => std::thread::sleep(std::time::Duration::from_secs(1)),
        }
    };
    let total = status["rowCount"].as_u64().unwrap_or_default();
    let mut rows = Vec::new();
    let mut offset = 0;
    while offset < total {
        let limit = PAGE_ROWS.min(total - offset);
        let path = format!("/api/v3/job/{job}/results?offset={offset}&limit={limit}");
        let mut page = dremio.get(&path)?;
        match page["rows"].take() {
            Value::Array(page) if !page.is_empty() => rows.extend(page),
            _ => break,
        }
        offset += limit;
    }
    Ok(json!({ "result": rows }))
}

fn schema_of_table(dremio: &Dremio, arguments: &Value) -> Result<Value, String> {
    // Of a list, it takes the first as a name with dots.
    let name = match &arguments["table_name"] {
        Value::Array(list) => list.first().and_then(Value::as_str).unwrap_or_default(),
        name => name.as_str().unwrap_or_default(),
    };
    if name.trim().is_empty() {
        return Ok(json!({ "error": "table_name must not be empty." }));
    }
    let mut schema = dremio.described(&parts(name))?;
    schema.as_object_mut().map(|members| members.remove("sql"));
    Ok(schema)
}

fn lineage(dremio: &Dremio, arguments: &Value) -> Result<Value, String> {
    let name = arguments["table_name"].as_str().ok_or("a list has no dot")?;
    let id = match name.contains('.') {
        true => dremio.entity(&parts(name))?["id"].as_str().unwrap_or_default().to_owned(),
        false => name.to_owned(),
    };
    let graph = dremio.get(&format!("/api/v3/catalog/{}/graph", encoded(&id)))?;
    let members = ["sources", "parents", "children"];
    if members.iter().any(|member| !graph[member].is_array()) {
        return Err("3 validation errors for LineageResponse".to_owned());
    }
    Ok(graph)
}

fn descriptions(dremio: &Dremio, arguments: &Value) -> Result<Value, String> {
    let names: Vec<&str> = match &arguments["name"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => vec![name.as_str().unwrap_or_default()],
    };
    let mut found = Map::new();
    for name in names {
        let path = parts(name);
        for end in (1..=path.len()).rev() {
            let path = path.get(..end).unwrap_or_default();
            let entity = dremio.described(path)?;
            let told: Map<String, Value> = ["description", "tags"]
                .into_iter()
                .map(|member| (member.to_owned(), entity[member].clone()))
                .collect();
            if told.values().any(|value| value.as_str() != Some("") && !value.is_null()) {
                found.insert(quoted(path), told.into());
            }
        }
    }
    Ok(found.into())
}

fn search(dremio: &Dremio, arguments: &Value) -> Result<Value, String> {
    let mut found = Vec::new();
    for category in ["TABLE", "VIEW"] {
        let body = json!({
            "maxResults": arguments["topN"].as_u64().unwrap_or(10),
            "filter": format!("category in [\"{category}\"]"),
            "query": arguments["query"],
        });
        let path = "/api/v3/search?removeCatalogName=true";
        let answer = dremio.ask("POST", path, &body.to_string())?;
        for result in answer["results"].as_array().into_iter().flatten() {
            let catalog = &result["catalogObject"];
            let path: Vec<String> = serde_json::from_value(catalog["path"].clone())
                .map_err(|cause| cause.to_string())?;
            let schema: Map<String, Value> = dremio.described(&path).unwrap_or_default()["fields"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|field| {
                    let name = field["name"].as_str().unwrap_or_default().to_owned();
                    (name, field["type"]["name"].clone())
                })
                .collect();
            found.push(json!({
                "path": path,
                "name": quoted(&path),
                "type": catalog["type"],
                "tags": catalog["labels"],
                "description": catalog["wiki"],
                "schema": schema,
            }));
        }
    }
    Ok(json!({ "results": { "tables_and_views": found } }))
}
