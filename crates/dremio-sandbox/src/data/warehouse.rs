//! The source `Warehouse`: the database of a small shop, from customers to order lines, and its
//! staff.

use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use rusqlite::types::Value;

use super::builder::Builder;
use super::numbers::Numbers;
use crate::catalog::Source;

const CUSTOMERS: i64 = 400;
/// Enough to need several result pages and to exceed 200 KB as JSON.
const ORDERS: i64 = 3_000;
/// Days from the first to the last order.
const DAYS: i64 = 910;
const FIRST_DAY: Date = date(2023, 1, 1);

const FIRST_NAMES: [&str; 20] = [
    "Ada",
    "Alan",
    "Barbara",
    "Bjarne",
    "Chiara",
    "Dennis",
    "Edsger",
    "Frances",
    "Grace",
    "Hedy",
    "Ines",
    "Jürgen",
    "Katherine",
    "Linus",
    "Margaret",
    "Niklaus",
    "Olga",
    "Peter",
    "Radia",
    "Søren",
];
const LAST_NAMES: [&str; 20] = [
    "Allen", "Berg", "Costa", "Dubois", "Engel", "Fischer", "García", "Hopper", "Ivanova",
    "Jensen", "Kowalski", "Lovelace", "Moreau", "Novák", "O'Brien", "Perlman", "Quinn", "Rossi",
    "Silva", "Turing",
];
const CITIES: [(&str, &str, &str); 10] = [
    ("Berlin", "DE", "10115"),
    ("Hamburg", "DE", "20095"),
    ("Paris", "FR", "75001"),
    ("Lyon", "FR", "69001"),
    ("Madrid", "ES", "28001"),
    ("Lisbon", "PT", "1100-148"),
    ("Vienna", "AT", "1010"),
    ("Copenhagen", "DK", "1050"),
    ("Warsaw", "PL", "00-001"),
    ("Dublin", "IE", "D01 F5P2"),
];
const PRODUCTS: [(&str, &str, i64); 24] = [
    ("Espresso Machine", "Kitchen", 24_900),
    ("Burr Grinder", "Kitchen", 11_950),
    ("Milk Frother", "Kitchen", 3_490),
    ("Kettle, Gooseneck", "Kitchen", 6_990),
    ("Pour-over Set", "Kitchen", 4_250),
    ("Digital Scale", "Kitchen", 2_999),
    ("House Blend 1 kg", "Coffee", 1_890),
    ("Ethiopia Yirgacheffe 250 g", "Coffee", 1_150),
    ("Colombia Huila 250 g", "Coffee", 1_050),
    ("Decaf 500 g", "Coffee", 1_290),
    ("Cold Brew Concentrate", "Coffee", 899),
    ("Sencha 100 g", "Tea", 950),
    ("Darjeeling 100 g", "Tea", 890),
    ("Earl Grey 50 bags", "Tea", 620),
    ("Rooibos 100 g", "Tea", 540),
    ("Matcha Set", "Tea", 3_900),
    ("Mug, stoneware", "Accessories", 1_450),
    ("Espresso Cups, pair", "Accessories", 1_990),
    ("Travel Cup", "Accessories", 2_490),
    ("Filter Papers, 100", "Accessories", 450),
    ("Descaler", "Accessories", 799),
    ("Cleaning Brush", "Accessories", 350),
    ("Gift Card 50", "Gifts", 5_000),
    ("Tasting Box", "Gifts", 3_450),
];

pub(super) fn add(builder: &mut Builder) -> Result<(), String> {
    builder.source(
        "Warehouse",
        Source {
            ty: "POSTGRES",
            plugin: "com.dremio.exec.store.jdbc.JdbcStoragePlugin",
            is_file_system: false,
            is_internal: false,
        },
    );
    builder.folder(&["Warehouse", "shop"]);
    builder.folder(&["Warehouse", "hr"]);
    builder.table(
        &["Warehouse", "shop", "customers"],
        None,
        "customer_id BIGINT, name, email, segment, city, country, signup_date DATE, is_active \
            BOOLEAN, credit_limit DECIMAL(10,2), \
         tags LIST<VARCHAR>, address STRUCT<street VARCHAR, city VARCHAR, postal_code VARCHAR, \
         country VARCHAR>",
        &customers(),
    )?;
    builder.table(
        &["Warehouse", "shop", "products"],
        None,
        "product_id BIGINT, name, category, price DECIMAL(10,2), cost DECIMAL(10,2), launched_on \
            DATE, stock INTEGER, \
         attributes MAP<VARCHAR,VARCHAR>",
        &products(),
    )?;
    let (orders, items) = orders();
    builder.table(
        &["Warehouse", "shop", "orders"],
        None,
        "order_id BIGINT, customer_id BIGINT, order_date DATE, ordered_at TIMESTAMP, status, \
            channel, total_amount DECIMAL(12,2), \
         discount_rate DOUBLE, shipped_date DATE, note",
        &orders,
    )?;
    builder.table(
        &["Warehouse", "shop", "order_items"],
        None,
        "order_id BIGINT, line_number INTEGER, product_id BIGINT, quantity INTEGER, unit_price \
            DECIMAL(10,2), line_total DECIMAL(12,2)",
        &items,
    )?;
    builder.table(
        &["Warehouse", "hr", "employees"],
        None,
        "employee_id INTEGER, name, title, manager_id INTEGER, hired_on DATE, salary \
            DECIMAL(10,2), remote BOOLEAN, shift_starts_at TIME",
        &employees(),
    )?;
    builder.note(
        &["Warehouse", "shop", "orders"],
        &["sales", "fact"],
        "# Orders\nOne row per order. `total_amount` is the sum of its `order_items`, in EUR, \
            before `discount_rate`. \
         The orders cover 2023-01-01 to 2025-06-29.",
    );
    builder.note(
        &["Warehouse", "hr", "employees"],
        &["confidential"],
        "# Employees\nStaff of the shop. `manager_id` refers to `employee_id`; the owner has none.",
    );
    Ok(())
}

fn customers() -> Vec<Vec<Value>> {
    let mut numbers = Numbers::seeded(11);
    (1..=CUSTOMERS)
        .map(|id| {
            let first = numbers.pick_text(&FIRST_NAMES);
            let last = numbers.pick_text(&LAST_NAMES);
            let (city, country, postal_code) = numbers.pick(&CITIES).copied().unwrap_or_default();
            let street = format!(
                "{} {}",
                numbers.pick_text(&["Main Street", "Station Road", "Mill Lane", "Harbour View"]),
                numbers.between(1, 120)
            );
            let tags = match numbers.below(4) {
                0 => r#"["newsletter"]"#,
                1 => r#"["newsletter","wholesale"]"#,
                2 => "[]",
                _ => r#"["returns-often"]"#,
            };
            let address = serde_json::json!({"street": street, "city": city, "country": country,
                "postal_code": numbers.chance(90).then_some(postal_code)});
            let limit = if numbers.chance(80) {
                cents(numbers.between(1, 40) * 25_000)
            } else {
                Value::Null
            };
            vec![
                Value::Integer(id),
                text(format!("{first} {last}")),
                if numbers.chance(95) {
                    text(format!("customer{id}@example.com"))
                } else {
                    Value::Null
                },
                text(numbers.pick_text(&["Consumer", "Consumer", "Business", "Gastronomy"])),
                text(city),
                text(country),
                day(FIRST_DAY, -numbers.below(700)),
                flag(numbers.chance(88)),
                limit,
                text(tags),
                text(address.to_string()),
            ]
        })
        .collect()
}

fn products() -> Vec<Vec<Value>> {
    let mut numbers = Numbers::seeded(23);
    (1..)
        .zip(PRODUCTS)
        .map(|(id, (name, category, price))| {
            let attributes = serde_json::json!({
                "origin": numbers.pick_text(&["IT", "DE", "JP", "CO", "ET"]),
                "eco_label": if numbers.chance(40) { "yes" } else { "no" },
            });
            vec![
                Value::Integer(id),
                text(name),
                text(category),
                cents(price),
                cents(price * numbers.between(45, 75) / 100),
                day(date(2020, 1, 1), numbers.below(900)),
                Value::Integer(numbers.below(500)),
                text(attributes.to_string()),
            ]
        })
        .collect()
}

/// Orders and their lines, so that the totals agree.
fn orders() -> (Vec<Vec<Value>>, Vec<Vec<Value>>) {
    let mut numbers = Numbers::seeded(42);
    let mut orders = Vec::new();
    let mut items = Vec::new();
    for id in 1..=ORDERS {
        // Business grows: later days have more orders.
        let days = (id * DAYS / ORDERS + numbers.below(14) - 7).clamp(0, DAYS);
        let total = order_lines(&mut numbers, id, &mut items);
        let status = match numbers.below(20) {
            0 => "CANCELLED",
            1 | 2 => "RETURNED",
            3 | 4 if days > DAYS - 20 => "OPEN",
            _ => "SHIPPED",
        };
        let shipped = status == "SHIPPED" || status == "RETURNED";
        let time = format!(
            "{:02}:{:02}:{:02}.{:03}",
            numbers.between(6, 22),
            numbers.below(60),
            numbers.below(60),
            numbers.below(1_000)
        );
        let note = match numbers.below(10) {
            0 => text("Leave with the neighbours, please."),
            1 => text("It's a gift: no invoice in the box."),
            _ => Value::Null,
        };
        let order_date = FIRST_DAY.saturating_add(days.days());
        orders.push(vec![
            Value::Integer(id),
            // Squared, so that some customers order far more often than others.
            Value::Integer(
                1 + numbers.below(CUSTOMERS) * numbers.between(1, CUSTOMERS) / CUSTOMERS,
            ),
            text(order_date.to_string()),
            text(format!("{order_date} {time}")),
            text(status),
            text(numbers.pick_text(&["web", "web", "app", "store"])),
            cents(total),
            Value::Real(
                numbers.pick(&[0.0, 0.0, 0.0, 0.05, 0.1, 0.15]).copied().unwrap_or_default(),
            ),
            if shipped { day(FIRST_DAY, days + numbers.between(1, 6)) } else { Value::Null },
            note,
        ]);
    }
    (orders, items)
}

fn order_lines(numbers: &mut Numbers, order: i64, items: &mut Vec<Vec<Value>>) -> i64 {
    let mut total = 0;
    for line in 1..=numbers.between(1, 4) {
        let product = numbers.below(24);
        let price = usize::try_from(product)
            .ok()
            .and_then(|index| PRODUCTS.get(index))
            .map_or(0, |(_, _, price)| *price);
        let quantity = numbers.between(1, 3);
        total += price * quantity;
        items.push(vec![
            Value::Integer(order),
            Value::Integer(line),
            Value::Integer(product + 1),
            Value::Integer(quantity),
            cents(price),
            cents(price * quantity),
        ]);
    }
    total
}

fn employees() -> Vec<Vec<Value>> {
    let mut numbers = Numbers::seeded(7);
    let titles = [
        "Owner",
        "Head of Sales",
        "Head of Logistics",
        "Sales",
        "Sales",
        "Support",
        "Warehouse",
        "Warehouse",
        "Barista",
        "Barista",
    ];
    (1..=25_i64)
        .zip(titles.iter().chain(["Barista"].iter().cycle()))
        .map(|(id, title)| {
            let manager = match id {
                1 => Value::Null,
                2 | 3 => Value::Integer(1),
                _ => Value::Integer(2 + id % 2),
            };
            vec![
                Value::Integer(id),
                text(format!(
                    "{} {}",
                    numbers.pick_text(&FIRST_NAMES),
                    numbers.pick_text(&LAST_NAMES)
                )),
                text(*title),
                manager,
                day(date(2018, 3, 1), numbers.below(2_200)),
                cents((220_000 - id * 4_000).max(90_000) * 30),
                flag(numbers.chance(30)),
                text(numbers.pick_text(&["06:30:00.000", "08:00:00.000", "13:45:00.000"])),
            ]
        })
        .collect()
}

pub(super) fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn flag(flag: bool) -> Value {
    Value::Integer(i64::from(flag))
}

/// An amount in whole cents as a decimal number with two places.
#[expect(clippy::cast_precision_loss, reason = "prices are far below 2^53 cents")]
fn cents(amount: i64) -> Value {
    Value::Real(amount as f64 / 100.0)
}

fn day(from: Date, days: i64) -> Value {
    text(from.saturating_add(days.days()).to_string())
}
