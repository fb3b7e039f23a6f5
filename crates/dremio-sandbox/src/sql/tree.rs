//! A query after binding: every name is resolved, every expression has one type, every output
//! column a name of its own.
//!
//! What is not in here cannot run: `bind` makes it, `check` looks at it, `lower` writes it down.

use std::rc::Rc;

use crate::catalog::{Column, DremioType};

use super::functions;

/// What a reference leads to: a number that no other relation of the statement has.
pub(super) type RelationId = usize;

#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) common: Vec<Common>,
    pub(super) body: Body,
    pub(super) order: Vec<Key>,
    pub(super) limit: Option<String>,
    pub(super) offset: Option<String>,
    /// Names are unique without regard to case.
    pub(super) columns: Vec<Column>,
    /// For each column whether it is a bare NULL, which goes with any type.
    pub(super) nulls: Vec<bool>,
}

/// A common table expression; it refers to itself if it is recursive.
#[derive(Debug, Clone)]
pub(super) struct Common {
    pub(super) id: RelationId,
    pub(super) columns: Vec<Column>,
    pub(super) query: Query,
}

#[derive(Debug, Clone)]
pub(super) enum Body {
    Select(Box<Select>),
    Query(Box<Query>),
    Values(Vec<Vec<Expr>>),
    Set {
        operator: &'static str,
        left: Box<Body>,
        right: Box<Body>,
    },
    /// The body with its columns in other types.
    Converted {
        body: Box<Body>,
        from: Vec<Column>,
        to: Vec<Column>,
    },
}

#[derive(Debug, Clone)]
pub(super) struct Select {
    pub(super) distinct: bool,
    pub(super) items: Vec<Item>,
    pub(super) from: Option<From>,
    pub(super) filter: Option<Expr>,
    /// `None` without GROUP BY.
    pub(super) groups: Option<Vec<Expr>>,
    pub(super) having: Option<Expr>,
    pub(super) qualify: Option<Expr>,
}

#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) expr: Expr,
    pub(super) name: String,
}

#[derive(Debug, Clone)]
pub(super) enum From {
    Table {
        table: String,
        id: RelationId,
    },
    Common {
        common: RelationId,
        id: RelationId,
    },
    Query {
        query: Box<Query>,
        id: RelationId,
    },
    /// One row for each item of a list.
    Flatten {
        list: Expr,
        id: RelationId,
    },
    Join {
        left: Box<From>,
        right: Box<From>,
        kind: &'static str,
        on: Option<Expr>,
    },
}

/// What is sorted by.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) target: Target,
    pub(super) descending: bool,
    pub(super) nulls_first: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Target {
    /// An output column, by its index.
    Output(usize),
    Expr(Expr),
}

#[derive(Debug, Clone)]
pub(super) struct Expr {
    pub(super) kind: Kind,
    pub(super) ty: DremioType,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Null,
    /// As SQLite reads it.
    Number(String),
    Text(String),
    Boolean(bool),
    Column {
        relation: RelationId,
        name: String,
        /// As it was written, for messages.
        shown: String,
    },
    /// A member or an item: the JSON path below a value.
    Member {
        of: Box<Expr>,
        path: String,
    },
    /// An operator between operands that SQLite takes as they are.
    Infix {
        operator: &'static str,
        operands: Vec<Expr>,
    },
    Not(Box<Expr>),
    /// `IS NULL` and its kind.
    Is {
        of: Box<Expr>,
        what: &'static str,
    },
    /// A call of one of our functions, or of SQLite's.
    Call {
        name: &'static str,
        arguments: Vec<Expr>,
    },
    /// A call of one of Dremio's functions.
    Function {
        bound: Rc<functions::Bound>,
        arguments: Vec<Expr>,
    },
    Case {
        arms: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    InList {
        of: Box<Expr>,
        items: Vec<Expr>,
    },
    InQuery {
        of: Box<Expr>,
        query: Box<Query>,
    },
    Exists(Box<Query>),
    Scalar(Box<Query>),
    Aggregate(Box<Aggregate>),
    Window {
        call: Box<Expr>,
        window: Box<Window>,
    },
}

#[derive(Debug, Clone)]
pub(super) struct Aggregate {
    pub(super) name: &'static str,
    pub(super) distinct: bool,
    /// None for `COUNT(*)`.
    pub(super) arguments: Vec<Expr>,
    pub(super) order: Vec<Key>,
    pub(super) filter: Option<Expr>,
}

#[derive(Debug, Clone)]
pub(super) struct Window {
    pub(super) partition: Vec<Expr>,
    pub(super) order: Vec<Key>,
    /// The frame in SQLite's words, which are Dremio's.
    pub(super) frame: String,
}

impl Expr {
    pub(super) fn new(kind: Kind, ty: DremioType) -> Self {
        Self { kind, ty }
    }

    pub(super) fn call(name: &'static str, arguments: Vec<Self>, ty: DremioType) -> Self {
        Self::new(Kind::Call { name, arguments }, ty)
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::new(Kind::Text(text.into()), DremioType::Varchar)
    }

    /// A NULL without a type is an INTEGER in Dremio.
    pub(super) fn null() -> Self {
        Self::new(Kind::Null, DremioType::Integer)
    }

    pub(super) fn infix(operator: &'static str, operands: Vec<Self>) -> Self {
        Self::new(Kind::Infix { operator, operands }, DremioType::Boolean)
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    pub(super) fn is_constant(&self) -> bool {
        matches!(self.kind, Kind::Null | Kind::Number(_) | Kind::Text(_) | Kind::Boolean(_))
    }

    /// Calls `see` with this expression and, as long as it answers `true`, with those inside;
    /// subqueries included.
    pub(super) fn walk<'e>(&'e self, see: &mut dyn FnMut(&'e Self) -> bool) {
        if !see(self) {
            return;
        }
        let (mut parts, mut inner): (Vec<&'e Self>, Option<&'e Query>) = (Vec::new(), None);
        match &self.kind {
            Kind::Null
            | Kind::Number(_)
            | Kind::Text(_)
            | Kind::Boolean(_)
            | Kind::Column { .. } => {}
            Kind::Member { of, .. } | Kind::Not(of) | Kind::Is { of, .. } => parts.push(of),
            Kind::Infix { operands: all, .. }
            | Kind::Call { arguments: all, .. }
            | Kind::Function { arguments: all, .. } => parts.extend(all),
            Kind::Case { arms, otherwise } => {
                parts.extend(arms.iter().flat_map(|(condition, value)| [condition, value]));
                parts.extend(otherwise.as_deref());
            }
            Kind::InList { of, items } => {
                parts.push(of);
                parts.extend(items);
            }
            Kind::InQuery { of, query } => {
                parts.push(of);
                inner = Some(query);
            }
            Kind::Exists(query) | Kind::Scalar(query) => inner = Some(query),
            Kind::Aggregate(aggregate) => {
                parts.extend(&aggregate.arguments);
                parts.extend(keys(&aggregate.order).chain(&aggregate.filter));
            }
            Kind::Window { call, window } => {
                parts.push(call);
                parts.extend(window.partition.iter().chain(keys(&window.order)));
            }
        }
        parts.into_iter().for_each(|part| part.walk(see));
        if let Some(query) = inner {
            query.walk(see);
        }
    }
}

/// The expressions that keys are, where they are no output columns.
pub(super) fn keys(keys: &[Key]) -> impl Iterator<Item = &Expr> {
    keys.iter().filter_map(|key| match &key.target {
        Target::Expr(expr) => Some(expr),
        Target::Output(_) => None,
    })
}

impl Query {
    pub(super) fn walk<'e>(&'e self, see: &mut dyn FnMut(&'e Expr) -> bool) {
        self.common.iter().for_each(|common| common.query.walk(see));
        self.body.walk(see);
        keys(&self.order).for_each(|key| key.walk(see));
    }
}

impl Body {
    fn walk<'e>(&'e self, see: &mut dyn FnMut(&'e Expr) -> bool) {
        match self {
            Self::Select(select) => {
                select.items.iter().for_each(|item| item.expr.walk(see));
                if let Some(from) = &select.from {
                    from.walk(see);
                }
                let single = [&select.filter, &select.having, &select.qualify];
                let groups = select.groups.iter().flatten();
                single.into_iter().flatten().chain(groups).for_each(|expr| expr.walk(see));
            }
            Self::Query(query) => query.walk(see),
            Self::Values(rows) => rows.iter().flatten().for_each(|expr| expr.walk(see)),
            Self::Set { left, right, .. } => {
                left.walk(see);
                right.walk(see);
            }
            Self::Converted { body, .. } => body.walk(see),
        }
    }
}

impl From {
    fn walk<'e>(&'e self, see: &mut dyn FnMut(&'e Expr) -> bool) {
        match self {
            Self::Table { .. } | Self::Common { .. } => {}
            Self::Query { query, .. } => query.walk(see),
            Self::Flatten { list, .. } => list.walk(see),
            Self::Join { left, right, on, .. } => {
                left.walk(see);
                right.walk(see);
                if let Some(on) = on {
                    on.walk(see);
                }
            }
        }
    }
}
