//! The demo data: built once per process, the same in every run.

mod builder;
pub(crate) mod generated;
mod information_schema;
mod numbers;
pub(crate) mod rare;
mod samples;
mod spaces;
mod system;
mod warehouse;

use std::sync::LazyLock;

pub(crate) use information_schema::rows as information_schema_rows;

use crate::catalog::{Namespace, Note};

/// Everything that a sandbox starts with.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) namespace: Namespace,
    pub(crate) notes: Vec<Note>,
    /// A SQLite database file.
    pub(crate) database: Vec<u8>,
}

impl Demo {
    /// The demo data; builds it on the first call, which takes a fraction of a second and blocks.
    ///
    /// # Errors
    /// What the SQL engine said: a defect of this crate.
    pub(crate) fn get() -> Result<&'static Self, String> {
        static DEMO: LazyLock<Result<Demo, String>> = LazyLock::new(build);
        DEMO.as_ref().map_err(Clone::clone)
    }
}

fn build() -> Result<Demo, String> {
    let mut builder = builder::Builder::new()?;
    // In the order in which views refer to each other.
    warehouse::add(&mut builder)?;
    samples::add(&mut builder)?;
    spaces::add(&mut builder)?;
    system::add(&mut builder)?;
    builder.finish()
}

fn path(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_data_builds() {
        let demo = Demo::get().unwrap();
        let datasets = demo.namespace.datasets_below(&[]).count();
        assert!(datasets > 40, "{datasets}");
        for note in &demo.notes {
            assert!(demo.namespace.find(&note.path).is_some(), "{:?}", note.path);
        }
    }
}
