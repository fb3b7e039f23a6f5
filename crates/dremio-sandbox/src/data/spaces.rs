//! What people made of the sources: the spaces `Sales` and `Finance` and the home of `dremio`, all
//! of them views.

use super::builder::Builder;

const REVENUE_BY_MONTH: &str = "\
SELECT DATE_TRUNC('MONTH', o.order_date) AS order_month,
       COUNT(*) AS order_count,
       COUNT(DISTINCT o.customer_id) AS customer_count,
       SUM(o.total_amount) AS revenue
FROM Sales.orders o
WHERE o.status <> 'CANCELLED'
GROUP BY DATE_TRUNC('MONTH', o.order_date)";

const TOP_PRODUCTS: &str = "\
SELECT p.product_id, p.name, p.category, SUM(i.quantity) AS units_sold, SUM(i.line_total) AS revenue
FROM Sales.order_items i
JOIN Sales.products p ON p.product_id = i.product_id
GROUP BY p.product_id, p.name, p.category";

const MARGIN: &str = "\
SELECT o.order_id, o.order_date, o.channel, SUM(i.line_total) AS revenue, SUM(i.quantity * \
p.cost) AS cost,
       SUM(i.line_total) - SUM(i.quantity * p.cost) AS margin
FROM Sales.orders o
JOIN Sales.order_items i ON i.order_id = o.order_id
JOIN Sales.products p ON p.product_id = i.product_id
GROUP BY o.order_id, o.order_date, o.channel";

const TOP_CUSTOMERS: &str = "\
SELECT c.customer_id, c.name, c.country, COUNT(*) AS order_count, SUM(o.total_amount) AS revenue
FROM Sales.customers c
JOIN Sales.orders o ON o.customer_id = c.customer_id
GROUP BY c.customer_id, c.name, c.country
ORDER BY revenue DESC
LIMIT 20";

pub(super) fn add(builder: &mut Builder) -> Result<(), String> {
    builder.space("Sales");
    builder.view(&["Sales", "customers"], "SELECT * FROM Warehouse.shop.customers")?;
    builder.view(&["Sales", "orders"], "SELECT * FROM Warehouse.shop.orders")?;
    builder.view(&["Sales", "order_items"], "SELECT * FROM Warehouse.shop.order_items")?;
    builder.view(&["Sales", "products"], "SELECT * FROM Warehouse.shop.products")?;
    builder.view(&["Sales", "revenue_by_month"], REVENUE_BY_MONTH)?;
    builder.view(&["Sales", "top_products"], TOP_PRODUCTS)?;
    builder.space("Finance");
    builder.folder(&["Finance", "reports"]);
    builder.view(&["Finance", "reports", "order-margin"], MARGIN)?;
    builder.home("@dremio");
    builder.view(&["@dremio", "top_customers"], TOP_CUSTOMERS)?;
    builder.note(
        &["Sales"],
        &[],
        "# Sales\nStart here: customers, orders and what was in them. Amounts are in EUR. \
         The orders cover 2023-01-01 to 2025-06-29; nothing is newer.",
    );
    builder.note(
        &["Sales", "customers"],
        &["sales", "pii"],
        "# Customers\nOne row per customer. `address` is a struct (`address.city`), `tags` a list \
            (`tags[0]`).",
    );
    builder.note(
        &["Sales", "orders"],
        &["sales"],
        "# Orders\nOne row per order; see `order_items` for its lines. `status` is OPEN, SHIPPED, \
            RETURNED or CANCELLED. \
         The orders cover 2023-01-01 to 2025-06-29.",
    );
    builder.note(
        &["Sales", "revenue_by_month"],
        &["sales", "report"],
        "# Revenue by month\nCancelled orders are left out. `order_month` is the first day of the \
            month, from 2023-01 to 2025-06.",
    );
    Ok(())
}
