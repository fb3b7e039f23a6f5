//! A bound query in SQLite's words. Whatever is in the tree can be written down; there is nothing
//! left to decide or to refuse.

use super::convert;
use super::parse::{quote_name, quote_text};
use super::tree::{
    Aggregate, Body, Expr, From, Item, Key, Kind, Query, RelationId, Select, Target, Window,
};
use crate::catalog::{Column, DremioType};
use crate::values::typing::is_wide;

/// The text of a query.
pub(super) fn query(query: &Query) -> String {
    let mut out = String::new();
    if !query.common.is_empty() {
        let common: Vec<String> = query
            .common
            .iter()
            .map(|common| {
                let columns = names(&common.columns);
                format!("{}({columns}) AS ({})", common_name(common.id), self::query(&common.query))
            })
            .collect();
        out.push_str(&format!("WITH RECURSIVE {} ", common.join(", ")));
    }
    match &query.body {
        Body::Select(select) => out.push_str(&self::select(select, &query.order)),
        other => {
            let body = body(other, &query.columns);
            if query.order.is_empty() {
                out.push_str(&body);
            } else {
                let keys = outer_keys(&query.order, &query.columns);
                out.push_str(&format!("SELECT * FROM ({body}) ORDER BY {keys}"));
            }
        }
    }
    match (&query.limit, &query.offset) {
        (None, None) => {}
        (limit, offset) => {
            let limit = limit.as_deref().unwrap_or("-1");
            out.push_str(&format!(" LIMIT {limit} OFFSET {}", offset.as_deref().unwrap_or("0")));
        }
    }
    out
}

/// A body as one operand, its columns called like `columns`.
fn body(body: &Body, columns: &[Column]) -> String {
    match body {
        Body::Select(select) => self::select(select, &[]),
        Body::Query(query) => format!("SELECT * FROM ({})", self::query(query)),
        Body::Values(rows) => {
            let rows: Vec<String> = rows.iter().map(|row| format!("({})", list(row))).collect();
            let columns: Vec<String> = (1..)
                .zip(columns)
                .map(|(number, column)| {
                    format!("\"column{number}\" AS {}", quote_name(&column.name))
                })
                .collect();
            format!("SELECT {} FROM (VALUES {})", columns.join(", "), rows.join(", "))
        }
        Body::Set { operator, left, right } => {
            let left = self::body(left, columns);
            let right = match &**right {
                // SQLite reads a chain from the left.
                set @ Body::Set { .. } => format!("SELECT * FROM ({})", self::body(set, columns)),
                other => self::body(other, columns),
            };
            format!("{left} {operator} {right}")
        }
        Body::Converted { body, from, to } => converted(body, from, to),
    }
}

/// A body whose columns are converted, in the items themselves if it is a SELECT: the recursive
/// part of a query may not be in brackets.
fn converted(body: &Body, from: &[Column], to: &[Column]) -> String {
    let convert = |expr: Expr, to: &Column| convert::convert(expr, &to.ty);
    if let Body::Select(select) = body {
        let items = select
            .items
            .iter()
            .zip(to)
            .map(|(item, to)| Item { expr: convert(item.expr.clone(), to), name: to.name.clone() });
        let select = Select { items: items.collect(), ..(**select).clone() };
        return self::select(&select, &[]);
    }
    let items: Vec<String> = from
        .iter()
        .zip(to)
        .map(|(from, to)| {
            let (name, shown) = (from.name.clone(), String::new());
            let column = Expr::new(Kind::Column { relation: 0, name, shown }, from.ty.clone());
            format!("{} AS {}", expr(&convert(column, to)), quote_name(&to.name))
        })
        .collect();
    let inner = self::body(body, from);
    format!("SELECT {} FROM ({inner}) AS {}", items.join(", "), relation_name(0))
}

fn select(select: &Select, order: &[Key]) -> String {
    // What needs a second look at the outcome: an order after DISTINCT, a filter after windows.
    let wrapped = select.qualify.is_some() || (select.distinct && !order.is_empty());
    let named = |item: &Item| format!("{} AS {}", expr(&item.expr), quote_name(&item.name));
    let mut items: Vec<String> = select.items.iter().map(named).collect();
    if let Some(qualify) = &select.qualify {
        items.push(format!("{} AS \"\u{1}qualify\"", expr(qualify)));
    }
    for (index, key) in order.iter().enumerate().filter(|_| wrapped) {
        if let Target::Expr(target) = &key.target {
            items.push(format!("{} AS \"\u{1}key{index}\"", sort_key(target)));
        }
    }
    let distinct = if select.distinct { "DISTINCT " } else { "" };
    let within = if select.qualify.is_none() { distinct } else { "" };
    let mut out = format!("SELECT {within}{}", items.join(", "));
    if let Some(from) = &select.from {
        out.push_str(&format!(" FROM {}", self::from(from)));
    }
    if let Some(filter) = &select.filter {
        out.push_str(&format!(" WHERE {}", expr(filter)));
    }
    if let Some(groups) = &select.groups {
        // A number alone would be the number of an item.
        let group = |one: &Expr| if one.is_constant() { "NULL".to_owned() } else { expr(one) };
        let groups: Vec<String> = groups.iter().map(group).collect();
        out.push_str(&format!(" GROUP BY {}", groups.join(", ")));
    }
    if let Some(having) = &select.having {
        out.push_str(&format!(" HAVING {}", expr(having)));
    }
    let column = |item: &Item| Column::new(item.name.clone(), item.expr.ty.clone());
    let columns: Vec<Column> = select.items.iter().map(column).collect();
    if wrapped {
        let names = names(&columns);
        out = format!("SELECT {distinct}{names} FROM ({out})");
        if select.qualify.is_some() {
            out.push_str(" WHERE \"\u{1}qualify\"");
        }
    }
    let key = |(index, key): (usize, &Key)| match &key.target {
        Target::Expr(_) if wrapped => direction(&format!("\"\u{1}key{index}\""), key),
        Target::Expr(target) => direction(&sort_key(target), key),
        Target::Output(index) if wrapped => outer_key(*index, key, &columns),
        Target::Output(index) => {
            let item = select.items.get(*index).map(|item| sort_key(&item.expr));
            direction(&item.unwrap_or_else(|| "NULL".to_owned()), key)
        }
    };
    if !order.is_empty() {
        let keys: Vec<String> = order.iter().enumerate().map(key).collect();
        out.push_str(&format!(" ORDER BY {}", keys.join(", ")));
    }
    out
}

fn outer_keys(order: &[Key], columns: &[Column]) -> String {
    let keys: Vec<String> = order
        .iter()
        .map(|key| match &key.target {
            Target::Output(index) => outer_key(*index, key, columns),
            Target::Expr(target) => direction(&sort_key(target), key),
        })
        .collect();
    keys.join(", ")
}

/// A key by the name of an output column.
fn outer_key(index: usize, key: &Key, columns: &[Column]) -> String {
    let Some(column) = columns.get(index) else {
        return "NULL".to_owned();
    };
    direction(&ordered(quote_name(&column.name), &column.ty), key)
}

fn direction(text: &str, key: &Key) -> String {
    let descending = if key.descending { " DESC" } else { "" };
    let nulls = if key.nulls_first { "FIRST" } else { "LAST" };
    format!("{text}{descending} NULLS {nulls}")
}

/// An expression in a form that sorts as Dremio does.
fn sort_key(target: &Expr) -> String {
    if target.is_constant() {
        return "NULL".to_owned();
    }
    ordered(expr(target), &target.ty)
}

fn ordered(text: String, ty: &DremioType) -> String {
    match ty {
        DremioType::Decimal { scale, .. } if is_wide(ty) => {
            format!("dremio_sort_key({text}, {scale})")
        }
        _ => text,
    }
}

fn from(from: &From) -> String {
    match from {
        From::Table { table, id } => format!("{} AS {}", quote_name(table), relation_name(*id)),
        From::Common { common, id } => {
            format!("{} AS {}", common_name(*common), relation_name(*id))
        }
        From::Query { query, id } => format!("({}) AS {}", self::query(query), relation_name(*id)),
        From::Flatten { list, id } => {
            format!("json_each({}) AS {}", expr(list), relation_name(*id))
        }
        From::Join { left, right, kind, on } => {
            let left = self::from(left);
            let right = match &**right {
                join @ From::Join { .. } => format!("({})", self::from(join)),
                other => self::from(other),
            };
            let on = on.as_ref().map(|on| format!(" ON {}", expr(on))).unwrap_or_default();
            format!("{left} {kind} {right}{on}")
        }
    }
}

/// The text of an expression, in brackets where its neighbours could take it apart.
pub(super) fn expr(expr: &Expr) -> String {
    match &expr.kind {
        Kind::Null => "NULL".to_owned(),
        Kind::Number(digits) => digits.clone(),
        Kind::Text(text) => quote_text(text),
        Kind::Boolean(flag) => if *flag { "TRUE" } else { "FALSE" }.to_owned(),
        Kind::Column { relation, name, .. } => {
            format!("{}.{}", relation_name(*relation), quote_name(name))
        }
        Kind::Member { of, path } => {
            format!("json_extract({}, {})", self::expr(of), quote_text(&format!("${path}")))
        }
        Kind::Infix { operator, operands } => format!("({})", infix(operator, operands)),
        Kind::Not(of) => format!("(NOT {})", self::expr(of)),
        Kind::Is { of, what } => format!("({} {what})", self::expr(of)),
        Kind::Call { name, arguments } => format!("{name}({})", list(arguments)),
        Kind::Function { bound, arguments } => {
            let arguments: Vec<String> = arguments.iter().map(self::expr).collect();
            bound.sql(&arguments)
        }
        Kind::Case { arms, otherwise } => {
            let mut out = String::from("CASE");
            for (condition, value) in arms {
                let (condition, value) = (self::expr(condition), self::expr(value));
                out.push_str(&format!(" WHEN {condition} THEN {value}"));
            }
            if let Some(value) = otherwise {
                out.push_str(&format!(" ELSE {}", self::expr(value)));
            }
            out + " END"
        }
        Kind::InList { of, items } => format!("({} IN ({}))", self::expr(of), list(items)),
        Kind::InQuery { of, query } => {
            format!("({} IN ({}))", self::expr(of), self::query(query))
        }
        Kind::Exists(query) => format!("EXISTS ({})", self::query(query)),
        Kind::Scalar(query) => format!("({})", self::query(query)),
        Kind::Aggregate(aggregate) => self::aggregate(aggregate),
        Kind::Window { call, window } => format!("{} OVER ({})", self::expr(call), over(window)),
    }
}

/// A chain of AND or OR as a tree of little depth, for which SQLite has a limit.
fn infix(operator: &str, operands: &[Expr]) -> String {
    match operands {
        [] => String::new(),
        [only] => expr(only),
        [left, right] => format!("{} {operator} {}", expr(left), expr(right)),
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            format!("({}) {operator} ({})", infix(operator, left), infix(operator, right))
        }
    }
}

fn aggregate(aggregate: &Aggregate) -> String {
    let Aggregate { name, distinct, arguments, order, filter } = aggregate;
    let arguments = if arguments.is_empty() { "*".to_owned() } else { list(arguments) };
    let distinct = if *distinct { "DISTINCT " } else { "" };
    let order = match order.as_slice() {
        [] => String::new(),
        keys => format!(" ORDER BY {}", outer_keys(keys, &[])),
    };
    let filter = match filter {
        Some(filter) => format!(" FILTER (WHERE {})", expr(filter)),
        None => String::new(),
    };
    format!("{name}({distinct}{arguments}{order}){filter}")
}

fn over(window: &Window) -> String {
    let Window { partition, order, frame } = window;
    let mut out = Vec::new();
    if !partition.is_empty() {
        out.push(format!("PARTITION BY {}", list(partition)));
    }
    if !order.is_empty() {
        out.push(format!("ORDER BY {}", outer_keys(order, &[])));
    }
    if !frame.is_empty() {
        out.push(frame.clone());
    }
    out.join(" ")
}

fn list(exprs: &[Expr]) -> String {
    exprs.iter().map(expr).collect::<Vec<_>>().join(", ")
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|column| quote_name(&column.name)).collect::<Vec<_>>().join(", ")
}

fn relation_name(id: RelationId) -> String {
    format!("\"t{id}\"")
}

fn common_name(id: RelationId) -> String {
    format!("\"c{id}\"")
}
