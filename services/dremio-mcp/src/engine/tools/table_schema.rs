//! What Dremio's catalog says about one table or view: columns with their exact types, tags and
//! wiki.

use std::borrow::Cow;

use dremio_client::Error;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::failure::{Failure, broken_view};
use super::table_name::TableName;
use crate::catalog::quoted;
use crate::dremio::{DremioCaller, DremioError};

/// Room that one call takes: for what Dremio says of a table, and for the answer made of it.
pub(super) const ROOM_BYTES: usize = 10 * 1024 * 1024;

/// Most columns that an answer carries, in bytes of JSON; see the same limit for rows.
const FIELDS_BYTES_MAX: usize = 200 * 1024;

/// Longest description that is passed on, in characters. Dremio allows 100,000, far more than an
/// agent should have to read.
const DESCRIPTION_CHARS_MAX: usize = 16_000;

/// Most tags that are passed on. A guess: people set a handful.
const TAGS_MAX: usize = 100;

/// How many names a hint lists of what a container holds.
const CHILDREN_MAX: usize = 30;

/// A catalog object, as far as it is of use here (contract §5.2).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entity<'a> {
    #[serde(borrow)]
    entity_type: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(default)]
    path: Vec<String>,
    #[serde(borrow, default)]
    fields: Vec<&'a RawValue>,
    #[serde(default)]
    children: Vec<Child>,
    /// Of a function.
    #[serde(default)]
    is_scalar: bool,
    #[serde(default)]
    function_arg_list: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Child {
    #[serde(default)]
    path: Vec<String>,
    /// `DATASET`, `FILE` or `CONTAINER` (contract §5.1).
    #[serde(default, rename = "type")]
    kind: String,
    /// Of a container: `FOLDER`, `FUNCTION` and others.
    #[serde(default)]
    container_type: String,
}

impl Child {
    /// The name, with a mark if it cannot be queried like a table.
    fn listed(&self) -> String {
        let mark = match (self.kind.as_str(), self.container_type.as_str()) {
            ("FILE", _) => " (a file, not formatted as a table)",
            ("CONTAINER", "FUNCTION") => " (a function)",
            ("CONTAINER", _) => " (a folder)",
            _ => "",
        };
        format!("{}{mark}", quoted(&self.path))
    }
}

/// The answer: the official server's members that mean something on Community Edition.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Schema<'a> {
    entity_type: &'a str,
    id: &'a str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    path: &'a [String],
    fields: &'a [&'a RawValue],
    /// Set when `fields` was cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    tags: Vec<String>,
    description: Option<String>,
}

/// The schema of the table or view `name`, as JSON.
///
/// # Errors
/// When there is no such table, it is something else, or Dremio cannot be asked.
pub(super) async fn fetch(dremio: &DremioCaller, name: &TableName) -> Result<String, Failure> {
    let found =
        dremio
            .ask(|client, token| async move {
                client.catalog_by_path(token.secret(), name.parts()).await
            })
            .await;
    let text = found.map_err(|cause| missing(name, cause))?;
    let unusable = || {
        Failure::new(
            format!("what Dremio says about {} cannot be read", quoted(name.parts())),
            "Use DESCRIBE instead.",
        )
    };
    let entity: Entity<'_> = serde_json::from_str(text.get()).map_err(|_| unusable())?;
    if entity.entity_type != "dataset" {
        return Err(not_a_table(name, &entity));
    }
    // Only tables and views are asked for their wiki: the first look at a home's makes Dremio store
    // one (contract §5.4).
    let id = &*entity.id;
    let tags = dremio.ask(|client, token| async move { client.tags(token.secret(), id).await });
    let wiki = dremio.ask(|client, token| async move { client.wiki(token.secret(), id).await });
    let (tags, wiki) = tokio::join!(tags, wiki);
    let (tags, wiki) = (optional(tags).unwrap_or_default(), optional(wiki).flatten());
    serde_json::to_string(&entity.schema(tags, wiki)).map_err(|_| unusable())
}

/// The columns are what matters: without tags or wiki the answer is still good.
fn optional<T>(answer: Result<T, DremioError>) -> Option<T> {
    answer
        .inspect_err(|cause| {
            tracing::debug!(
                error = %cause,
                "a table's schema is shown without its tags or wiki",
            );
        })
        .ok()
}

impl Entity<'_> {
    fn schema(&self, mut tags: Vec<String>, wiki: Option<String>) -> Schema<'_> {
        tags.truncate(TAGS_MAX);
        let mut bytes = 0;
        let fits = |field: &&&RawValue| {
            bytes += field.get().len() + 1;
            bytes <= FIELDS_BYTES_MAX
        };
        let count = self.fields.iter().take_while(fits).count();
        let total = self.fields.len();
        let note = (count < total).then(|| {
            format!(
                "Only the first {count} of {total} columns are here. DESCRIBE lists them as rows."
            )
        });
        Schema {
            entity_type: &self.entity_type,
            id: &self.id,
            kind: self.kind.as_deref(),
            path: &self.path,
            fields: self.fields.get(..count).unwrap_or_default(),
            note,
            tags,
            description: wiki.map(|text| shortened(&text)),
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(DESCRIPTION_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Dremio has three answers for a path that does not exist: 404 below spaces and homes, 400 below
/// databases, 500 below file systems (contract §5.2). Of these, only the first is certain.
fn missing(name: &TableName, cause: DremioError) -> Failure {
    let DremioError::Dremio(error) = &cause else { return cause.into() };
    if let Some(failure) = error.remote_message().and_then(broken_view) {
        return failure;
    }
    let asked = quoted(name.parts());
    let what_happened = match error {
        Error::NotFound { .. } => format!("there is no table {asked}"),
        Error::Refused { status: 400, .. } | Error::ServerStatus { status: 500, .. } => {
            let said = error
                .remote_message()
                .map_or_else(String::new, |said| format!("; Dremio says: {said}"));
            format!("there is no table {asked}, or its source does not answer{said}")
        }
        _ => return cause.into(),
    };
    Failure::new(what_happened, search_hint(name.last()))
}

fn search_hint(table: &str) -> String {
    // In the pattern, % and _ of the name stay wildcards: it then finds more, not less.
    let pattern = table.to_lowercase().replace('\'', "''");
    format!(
        "Give the whole path from the top, and put a part that contains dots in double quotes: \
         \"source\".\"folder\".\"table\". Find tables with RunSqlQuery: SELECT TABLE_SCHEMA, \
         TABLE_NAME FROM INFORMATION_SCHEMA.\"TABLES\" WHERE LOWER(TABLE_NAME) LIKE \
         '%{pattern}%'. Columns of tables in sys and INFORMATION_SCHEMA are shown by DESCRIBE."
    )
}

fn not_a_table(name: &TableName, entity: &Entity<'_>) -> Failure {
    let error =
        format!("{} is a {}, not a table or view", quoted(name.parts()), entity.entity_type);
    if entity.entity_type == "file" {
        return Failure::new(
            error,
            "A file must be formatted as a table in Dremio (promoted) before it can be queried.",
        );
    }
    if entity.entity_type == "function" {
        let asked = quoted(name.parts());
        let call = if entity.is_scalar {
            format!("SELECT {asked}(…)")
        } else {
            format!("SELECT * FROM TABLE({asked}(…))")
        };
        let arguments = entity
            .function_arg_list
            .as_deref()
            .map(|list| format!(" with ({})", shortened(list)))
            .unwrap_or_default();
        return Failure::new(
            error,
            format!("Call it in a query, {call}{arguments}; DESCRIBE FUNCTION {asked} shows more."),
        );
    }
    let children: Vec<String> =
        entity.children.iter().take(CHILDREN_MAX).map(Child::listed).collect();
    let more = if entity.children.len() > CHILDREN_MAX {
        format!(", … ({} in all)", entity.children.len())
    } else {
        String::new()
    };
    let advice = if children.is_empty() {
        "It is empty.".to_owned()
    } else {
        format!("It contains: {}{more}", children.join(", "))
    };
    Failure::new(error, advice)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use dremio_client::{Error, RemoteMessage};

    use super::{
        DESCRIPTION_CHARS_MAX, DremioError, Entity, FIELDS_BYTES_MAX, TableName, missing,
        not_a_table, search_hint,
    };

    #[test]
    fn fields_keep_their_text_and_view_definitions_stay_out() {
        let entity = r#"{"entityType":"dataset","id":"c3","type":"VIRTUAL_DATASET","path":["Sales","v"],"tag":"x=","sql":"SELECT 1",
            "fields":[{"name":"id","type":{"name":"BIGINT"}},{"name":"amount","type":{"name":"DECIMAL","precision":10, "scale":2}}]}"#;
        let entity: Entity<'_> = serde_json::from_str(entity).unwrap();
        assert_eq!(
            serde_json::to_string(
                &entity.schema(vec!["pii".to_owned()], Some("# Orders".to_owned()))
            )
            .unwrap(),
            r##"{"entityType":"dataset","id":"c3","type":"VIRTUAL_DATASET","path":["Sales","v"],"fields":[{"name":"id","type":{"name":"BIGINT"}},{"name":"amount","type":{"name":"DECIMAL","precision":10, "scale":2}}],"tags":["pii"],"description":"# Orders"}"##
        );
    }

    #[test]
    fn everything_is_bounded() {
        let field = json!({ "name": "n".repeat(1000), "type": { "name": "VARCHAR" } });
        let children = vec![json!({ "path": ["a", "b"], "type": "DATASET" }); 5000];
        let text =
            json!({ "entityType": "dataset", "id": "1", "path": ["a"], "fields": vec![field; 1000], "children": children }).to_string();
        let entity: Entity<'_> = serde_json::from_str(&text).unwrap();
        let schema = entity.schema(vec!["t".to_owned(); 5000], Some("é".repeat(100_000)));
        let schema: Value = serde_json::to_value(&schema).unwrap();
        assert!(schema["fields"].to_string().len() <= FIELDS_BYTES_MAX + 1);
        assert_eq!(
            schema["note"],
            "Only the first 197 of 1000 columns are here. DESCRIBE lists them as rows."
        );
        assert_eq!(schema["tags"].as_array().unwrap().len(), 100);
        assert_eq!(
            schema["description"].as_str().unwrap().chars().count(),
            DESCRIPTION_CHARS_MAX + 1
        );
        let folder = not_a_table(&TableName::parse("a").unwrap(), &entity).text();
        assert!(folder.contains("(5000 in all)") && folder.len() < 2000, "{folder}");
    }

    #[test]
    fn what_cannot_be_queried_is_marked() {
        let said = |text: &str| {
            not_a_table(&TableName::parse("a.b").unwrap(), &serde_json::from_str(text).unwrap())
                .text()
        };
        let folder = said(
            r#"{"entityType":"folder","id":"1","path":["a","b"],"children":[{"path":["a","b","t"],"type":"DATASET","datasetType":"PROMOTED"},
            {"path":["a","b","x.csv"],"type":"FILE"},{"path":["a","b","d"],"type":"CONTAINER","containerType":"FOLDER"},
            {"path":["a","b","f"],"type":"CONTAINER","containerType":"FUNCTION"}]}"#,
        );
        let expected = r#""a"."b"."t", "a"."b"."x.csv" (a file, not formatted as a table), "a"."b"."d" (a folder), "a"."b"."f" (a function)"#;
        assert!(folder.contains(expected), "{folder}");
        let function = said(
            r#"{"entityType":"function","id":"1","path":["a","b"],"isScalar":true,"functionArgList":"x INT","returnType":"INT"}"#,
        );
        assert!(
            function.contains(r#"SELECT "a"."b"(…) with (x INT)"#) && !function.contains("empty"),
            "{function}"
        );
        let table = said(r#"{"entityType":"function","id":"1","path":["a","b"],"isScalar":false}"#);
        assert!(table.contains(r#"SELECT * FROM TABLE("a"."b"(…))"#), "{table}");
        assert!(
            said(r#"{"entityType":"folder","id":"1","path":["a","b"]}"#).contains("It is empty.")
        );
    }

    #[test]
    fn a_broken_view_is_no_missing_table() {
        let message = RemoteMessage::new(
            "Error while expanding view a.b. Table 'gone' not found. Verify the view's SQL \
             definition.",
        );
        let cause =
            DremioError::Dremio(Error::Refused { operation: "catalog", status: 400, message });
        let said = missing(&TableName::parse("a.b").unwrap(), cause).text();
        assert!(
            said.contains("The view a.b is broken") && !said.contains("there is no table"),
            "{said}"
        );
    }

    #[test]
    fn a_name_cannot_leave_the_string_in_the_hint() {
        assert!(search_hint("O'Brien").contains("LIKE '%o''brien%'"));
    }
}
