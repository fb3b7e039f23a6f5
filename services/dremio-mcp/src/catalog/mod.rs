//! What Dremio has: its tables and views with their columns, as far as they were read.

/// What Dremio's catalog holds, as far as it was read.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) tables: Vec<Table>,
}

/// A table or view with its columns, in their order.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) path: Vec<String>,
    pub(crate) kind: Kind,
    pub(crate) columns: Vec<Column>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Table,
    View,
    System,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) data_type: String,
}
