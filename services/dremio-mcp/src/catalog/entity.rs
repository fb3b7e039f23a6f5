//! A catalog object as Dremio describes it (contract §5.1, §5.2), as far as it is of use here.

use std::fmt;

use serde::Deserialize;

/// A table, a view, or what holds them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entity {
    /// `dataset`, `space`, `source`, `folder`, `file`, `home` or `function`.
    pub(crate) entity_type: String,
    pub(crate) id: String,
    /// Of a dataset: `VIRTUAL_DATASET` or `PHYSICAL_DATASET`.
    #[serde(default, rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    path: Vec<String>,
    /// Of what has no path: a space, a source or a home.
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    pub(crate) fields: Vec<Field>,
    #[serde(default)]
    pub(crate) children: Vec<Child>,
    /// Of a view.
    #[serde(default)]
    pub(crate) sql: Option<String>,
    #[serde(default)]
    pub(crate) sql_context: Vec<String>,
    /// Of a function.
    #[serde(default)]
    pub(crate) is_scalar: bool,
    #[serde(default)]
    pub(crate) function_arg_list: Option<String>,
}

impl Entity {
    /// Its path. Dremio's own spelling of it, not that of who asked.
    pub(crate) fn path(&self) -> Vec<String> {
        match &self.name {
            Some(name) if self.path.is_empty() => vec![name.clone()],
            _ => self.path.clone(),
        }
    }

    pub(crate) fn is_dataset(&self) -> bool {
        self.entity_type == "dataset"
    }

    pub(crate) fn is_container(&self) -> bool {
        ["space", "source", "folder", "home"].contains(&&*self.entity_type)
    }

    pub(crate) fn is_view(&self) -> bool {
        self.kind.as_deref() == Some("VIRTUAL_DATASET")
    }

    /// What it is, in a word.
    pub(crate) fn word(&self) -> &str {
        match (self.is_dataset(), self.is_view()) {
            (true, true) => "view",
            (true, false) => "table",
            _ => &self.entity_type,
        }
    }
}

/// A column, or a part of one.
#[derive(Debug, Deserialize)]
pub(crate) struct Field {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) data_type: DataType,
}

/// A type. It is written as in a query: `DECIMAL(10,2)`, `LIST<INTEGER>`, `STRUCT<zip INTEGER>`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DataType {
    name: String,
    #[serde(default)]
    precision: Option<u32>,
    #[serde(default)]
    scale: Option<i32>,
    #[serde(default)]
    sub_schema: Vec<Field>,
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let (Some(precision), Some(scale)) = (self.precision, self.scale) {
            write!(f, "({precision},{scale})")?;
        }
        // A map is described as the struct of its key and its value.
        let parts = match self.sub_schema.as_slice() {
            [entry] if self.name == "MAP" => &entry.data_type.sub_schema,
            parts => parts,
        };
        for (place, part) in parts.iter().enumerate() {
            f.write_str(if place == 0 { "<" } else { ", " })?;
            if self.name == "STRUCT" {
                write!(f, "{} ", part.name)?;
            }
            write!(f, "{}", part.data_type)?;
        }
        if parts.is_empty() { Ok(()) } else { f.write_str(">") }
    }
}

/// What a container holds, and what a search of Dremio's finds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Child {
    #[serde(default)]
    pub(crate) path: Vec<String>,
    /// `DATASET`, `FILE` or `CONTAINER`.
    #[serde(default, rename = "type")]
    kind: String,
    /// Of a dataset: `VIRTUAL`, `PROMOTED` or `DIRECT`.
    #[serde(default)]
    dataset_type: String,
    /// Of a container: `FOLDER`, `FUNCTION` and others.
    #[serde(default)]
    container_type: String,
}

impl Child {
    pub(crate) fn is_dataset(&self) -> bool {
        self.kind == "DATASET"
    }

    /// What it is, in a few words.
    pub(crate) fn words(&self) -> &'static str {
        match (&*self.kind, &*self.dataset_type, &*self.container_type) {
            ("DATASET", "VIRTUAL", _) => "view",
            ("DATASET", ..) => "table",
            ("FILE", ..) => "file, not formatted as a table",
            (_, _, "SPACE") => "space",
            (_, _, "SOURCE") => "source",
            (_, _, "HOME") => "home",
            (_, _, "FUNCTION") => "function",
            _ => "folder",
        }
    }
}

/// What stands on the top level, and what a search of Dremio's finds.
#[derive(Debug, Deserialize)]
pub(super) struct Children {
    pub(super) data: Vec<Child>,
}

#[cfg(test)]
mod tests {
    use super::{Entity, Field};

    #[test]
    fn types_are_written_as_in_a_query() {
        let check = |json: &str, expected: &str| {
            let field: Field = serde_json::from_str(json).unwrap();
            assert_eq!(field.data_type.to_string(), expected);
        };
        check(r#"{"name":"a","type":{"name":"BIGINT"}}"#, "BIGINT");
        check(
            r#"{"name":"a","type":{"name":"DECIMAL","precision":10,"scale":2}}"#,
            "DECIMAL(10,2)",
        );
        check(
            r#"{"name":"a","type":{"name":"LIST","subSchema":[{"type":{"name":"VARCHAR"}}]}}"#,
            "LIST<VARCHAR>",
        );
        check(
            r#"{"name":"a","type":{"name":"STRUCT","subSchema":[
                {"name":"zip","type":{"name":"INTEGER"}},
                {"name":"at","type":{"name":"LIST","subSchema":[{"type":{"name":"DOUBLE"}}]}}]}}"#,
            "STRUCT<zip INTEGER, at LIST<DOUBLE>>",
        );
        check(
            r#"{"name":"a","type":{"name":"MAP","subSchema":[{"type":{"name":"STRUCT","subSchema":[
                {"name":"key","type":{"name":"VARCHAR"}},
                {"name":"value","type":{"name":"BIGINT"}}]}}]}}"#,
            "MAP<VARCHAR, BIGINT>",
        );
    }

    #[test]
    fn what_has_a_name_only_has_a_path() {
        let entity: Entity =
            serde_json::from_str(r#"{"entityType":"space","id":"1","name":"Sales","children":[]}"#)
                .unwrap();
        assert_eq!((entity.path(), entity.word()), (vec!["Sales".to_owned()], "space"));
    }
}
