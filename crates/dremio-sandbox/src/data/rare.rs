//! What is seldom in a catalog, and confuses its readers.

use super::path;
use crate::catalog::{Dataset, Entity, Function, Kind, Origin, Rows, columns};

pub(crate) fn entries() -> Vec<Entity> {
    vec![
        entity(&["Rare"], Kind::Space),
        view("lost_column", "SELECT order_id, gross_amount FROM Warehouse.shop.orders"),
        view("lost_table", "SELECT order_id, gross_amount FROM Warehouse.shop.invoices"),
        entity(
            &["Rare", "net_price"],
            Kind::Function(Function {
                arguments: "\"price\" DECIMAL(10,2)",
                returns: "DECIMAL(10,2)",
                body: "price / 1.19",
            }),
        ),
        // One of those that Dremio's samples begin with.
        entity(&["Samples", "samples.dremio.com", "zip_lookup.csv"], Kind::File),
    ]
}

/// A view whose columns were known once.
fn view(name: &str, sql: &str) -> Entity {
    let columns = columns("order_id BIGINT, gross_amount DECIMAL(12,2)").unwrap_or_default();
    let origin = Origin::View { sql: sql.to_owned(), context: Vec::new() };
    Entity::of_dataset(Dataset::new(path(&["Rare", name]), columns, origin, Rows::Stored))
}

fn entity(names: &[&str], kind: Kind) -> Entity {
    Entity::new(path(names), kind)
}
