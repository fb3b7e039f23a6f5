//! Calls: plain functions by the table of `functions`, and those with a syntax of their own.

use std::rc::Rc;

use rusqlite::types::Value;
use sqlparser::ast;

use super::scope::{Scope, path};
use super::{Binder, literals, operators};
use crate::catalog::{self, DremioType};
use crate::sql::error::SqlError;
use crate::sql::functions::{self, Argument};
use crate::sql::tree::{Expr, From, Kind};
use crate::values::moment::Unit;

/// Functions whose first argument may be a unit without quotes.
const UNIT_FIRST: [&str; 4] = ["TIMESTAMPADD", "TIMESTAMPDIFF", "DATE_TRUNC", "DATE_PART"];

/// A call without what is not here.
pub(super) struct Call<'c> {
    pub(super) name: String,
    pub(super) distinct: bool,
    pub(super) arguments: Vec<&'c ast::FunctionArgExpr>,
    pub(super) within_group: &'c [ast::OrderByExpr],
    pub(super) filter: Option<&'c ast::Expr>,
    pub(super) over: Option<&'c ast::WindowType>,
}

/// A call of a plain function.
///
/// # Errors
/// The function does not exist in Dremio, is not here, or does not take these arguments.
pub(super) fn function(name: &str, arguments: Vec<Expr>) -> Result<Expr, SqlError> {
    let described: Vec<Argument> = arguments.iter().map(argument).collect();
    let bound = functions::bind(name, &described)?;
    let ty = bound.ty.clone();
    Ok(Expr::new(Kind::Function { bound: Rc::new(bound), arguments }, ty))
}

fn argument(expr: &Expr) -> Argument {
    let literal = match &expr.kind {
        Kind::Text(text) => Some(Value::Text(text.clone())),
        Kind::Boolean(flag) => Some(Value::Integer(i64::from(*flag))),
        Kind::Number(digits) => match (digits.parse(), digits.parse()) {
            (Ok(whole), _) => Some(Value::Integer(whole)),
            (_, Ok(real)) => Some(Value::Real(real)),
            _ => None,
        },
        _ => None,
    };
    Argument { ty: (!expr.is_null()).then(|| expr.ty.clone()), literal }
}

/// `ANY (…)`, `SOME (…)` and `ALL (…)` after LIKE, which sqlparser takes for calls.
pub(super) fn quantifier(call: &ast::Function) -> Option<(&'static str, Vec<&ast::Expr>)> {
    let word = match call.name.to_string().to_uppercase().as_str() {
        "ANY" | "SOME" => "OR",
        "ALL" => "AND",
        _ => return None,
    };
    let ast::FunctionArguments::List(list) = &call.args else {
        return None;
    };
    let patterns = list.args.iter().map(|argument| match argument {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(pattern)) => Some(pattern),
        _ => None,
    });
    patterns.collect::<Option<Vec<_>>>().map(|patterns| (word, patterns))
}

impl Binder<'_> {
    pub(super) fn call(
        &mut self,
        call: &ast::Function,
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        if let Ok(path) = path(&call.name)
            && let Some(entity) = self.at.namespace.find(&path)
            && matches!(entity.kind, catalog::Kind::Function(_))
        {
            let name = path.join(".");
            return Err(SqlError::unsupported(&format!("The user-defined function {name}")));
        }
        let call = read(call)?;
        if let Some(aggregate) = self.aggregate(&call, scope)? {
            return Ok(aggregate);
        }
        if !call.within_group.is_empty() || call.filter.is_some() || call.distinct {
            let name = &call.name;
            return Err(SqlError::unsupported(&format!(
                "FILTER, DISTINCT or WITHIN GROUP of {name}"
            )));
        }
        if let Some(window) = self.ranking(&call, scope)? {
            return Ok(window);
        }
        if call.over.is_some() {
            return Err(SqlError::unsupported(&format!("{} as a window function", call.name)));
        }
        if call.arguments.is_empty()
            && let Some(now) = literals::now(&call.name)
        {
            return Ok(now);
        }
        // Whoever runs the statement, also in a view.
        if call.arguments.is_empty() && call.name == "QUERY_USER" {
            return Ok(Expr::text(self.at.user));
        }
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for (index, written) in call.arguments.iter().enumerate() {
            let unit = match written {
                ast::FunctionArgExpr::Expr(ast::Expr::Identifier(ident))
                    if index == 0 && UNIT_FIRST.contains(&call.name.as_str()) =>
                {
                    let unit = ident.value.to_uppercase();
                    (call.name == "DATE_PART" || Unit::parse(&unit).is_some()).then_some(unit)
                }
                _ => None,
            };
            arguments.push(match unit {
                Some(unit) => Expr::text(unit),
                None => self.argument(written, scope)?,
            });
        }
        match call.name.as_str() {
            "FLATTEN" => self.flatten(arguments),
            "MAP" => map(arguments),
            name => function(name, arguments),
        }
    }

    pub(super) fn argument(
        &mut self,
        written: &ast::FunctionArgExpr,
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        match written {
            ast::FunctionArgExpr::Expr(expr) => self.expr(expr, scope),
            ast::FunctionArgExpr::QualifiedWildcard(_)
            | ast::FunctionArgExpr::Wildcard
            | ast::FunctionArgExpr::WildcardWithOptions(_) => {
                Err(SqlError::unsupported("A star as an argument"))
            }
        }
    }

    /// One row for each item of the list.
    fn flatten(&mut self, mut arguments: Vec<Expr>) -> Result<Expr, SqlError> {
        let (Some(list), true) = (arguments.pop(), arguments.is_empty()) else {
            return Err(SqlError::failed("Invalid number of arguments to function 'FLATTEN'"));
        };
        let DremioType::List(item) = &list.ty else {
            return Err(SqlError::unsupported(&format!("FLATTEN of a {}", list.ty)));
        };
        let item = (**item).clone();
        let id = self.next_relation();
        let Some(flattened) = &mut self.flattened else {
            return Err(SqlError::unsupported("FLATTEN outside of a SELECT list"));
        };
        flattened.push(From::Flatten { list, id });
        let shown = "FLATTEN".to_owned();
        let kind = Kind::Column { relation: id, name: "value".to_owned(), shown };
        Ok(Expr::new(kind, item))
    }
}

/// `MAP['a', 1, 'b', 2]`.
fn map(arguments: Vec<Expr>) -> Result<Expr, SqlError> {
    let (keys, values): (Vec<_>, Vec<_>) =
        arguments.into_iter().enumerate().partition(|(index, _)| index % 2 == 0);
    if keys.len() != values.len() || keys.is_empty() {
        return Err(SqlError::failed("Map requires an even number of arguments"));
    }
    if keys.iter().any(|(_, key)| key.ty != DremioType::Varchar) {
        return Err(SqlError::unsupported("A MAP with keys that are no VARCHAR"));
    }
    let values = values.into_iter().map(|(_, value)| value).collect();
    let (ty, values) = operators::unify(values, "Parameters must be of the same type")?;
    let pairs = keys.into_iter().zip(values);
    let entries = pairs.flat_map(|((_, key), value)| [key, operators::as_json(value)]).collect();
    Ok(Expr::call("json_object", entries, DremioType::Map(Box::new(ty))))
}

fn read(call: &ast::Function) -> Result<Call<'_>, SqlError> {
    let ast::Function { name, args, within_group, filter, over, .. } = call;
    if call.parameters != ast::FunctionArguments::None || call.null_treatment.is_some() {
        return Err(SqlError::unsupported("IGNORE NULLS, or another option of a call"));
    }
    let name = match name.0.as_slice() {
        [ast::ObjectNamePart::Identifier(ident)] => ident.value.to_uppercase(),
        _ => return Err(SqlError::no_such_function(&path(name)?.join("."))),
    };
    let (distinct, arguments) = match args {
        ast::FunctionArguments::None => (false, Vec::new()),
        ast::FunctionArguments::Subquery(_) => {
            return Err(SqlError::unsupported("A query as the argument of a call"));
        }
        ast::FunctionArguments::List(list) => {
            if !list.clauses.is_empty() {
                return Err(SqlError::unsupported(&format!("A clause in the brackets of {name}")));
            }
            let arguments = list.args.iter().map(|argument| match argument {
                ast::FunctionArg::Unnamed(argument) => Ok(argument),
                ast::FunctionArg::Named { .. } | ast::FunctionArg::ExprNamed { .. } => {
                    Err(SqlError::unsupported("An argument by name"))
                }
            });
            let distinct = list.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct);
            (distinct, arguments.collect::<Result<_, SqlError>>()?)
        }
    };
    let (filter, over) = (filter.as_deref(), over.as_ref());
    Ok(Call { name, distinct, arguments, within_group, filter, over })
}
