//! Aggregates and window functions.

use sqlparser::ast;

use super::calls::Call;
use super::scope::{Scope, same};
use super::{Binder, key};
use crate::catalog::DremioType;
use crate::sql::convert;
use crate::sql::error::SqlError;
use crate::sql::functions;
use crate::sql::tree::{Aggregate, Expr, Key, Kind, Target, Window};
use crate::values::typing;

/// What may stand before OVER besides the ranking functions.
const WINDOWED: [&str; 5] = ["COUNT", "SUM", "AVG", "MIN", "MAX"];

impl Binder<'_> {
    /// The call of an aggregate; `None` if the function is none.
    pub(super) fn aggregate(
        &mut self,
        call: &Call<'_>,
        scope: &Scope<'_>,
    ) -> Result<Option<Expr>, SqlError> {
        let name = call.name.as_str();
        let Some(function) = functions::aggregate(name) else {
            return Ok(None);
        };
        let star = matches!(call.arguments.as_slice(), [ast::FunctionArgExpr::Wildcard]);
        let mut arguments = Vec::new();
        if !(star && name == "COUNT") {
            arguments = self.arguments(call, scope)?;
            let arity = match function {
                "group_concat" => 1..=2,
                "corr" | "covar_pop" | "covar_samp" => 2..=2,
                _ => 1..=1,
            };
            if !arity.contains(&arguments.len()) {
                let message = format!("Invalid number of arguments to function '{name}'");
                return Err(match name {
                    "COUNT" => SqlError::unsupported("COUNT of several expressions"),
                    _ => SqlError::failed(message),
                });
            }
        }
        let mut distinct = call.distinct || matches!(name, "APPROX_COUNT_DISTINCT" | "NDV");
        let mut order = self.keys(call.within_group, scope)?;
        let ordered = ["group_concat", "dremio_percentile", "dremio_array_agg"];
        if !order.is_empty() && !ordered.contains(&function) {
            return Err(SqlError::unsupported(&format!("{name} WITHIN GROUP")));
        }
        let given = arguments.first().map_or(DremioType::BigInt, |argument| argument.ty.clone());
        let ty = match function {
            "count" => DremioType::BigInt,
            "dremio_sum" | "dremio_avg" => {
                let ty = if name == "SUM" { typing::sum(&given) } else { typing::average(&given) };
                check_numbers(name, &arguments)?;
                if !distinct {
                    arguments.push(Expr::text(ty.to_string()));
                } else if matches!(ty, DremioType::Decimal { .. }) {
                    return Err(SqlError::unsupported(&format!("{name} DISTINCT of a DECIMAL")));
                }
                ty
            }
            "dremio_array_agg" => {
                if distinct {
                    return Err(SqlError::unsupported("ARRAY_AGG DISTINCT"));
                }
                arguments.push(Expr::text(given.to_string()));
                DremioType::List(Box::new(given))
            }
            "bit_and" | "bit_or" => {
                if !matches!(given, DremioType::Integer | DremioType::BigInt) {
                    return Err(SqlError::unsupported(&format!("{name} of a {given}")));
                }
                given
            }
            "min" | "max" => {
                let wants_boolean = name.starts_with("BOOL_") && given != DremioType::Boolean;
                if given.is_nested() || wants_boolean {
                    return Err(SqlError::unsupported(&format!("{name} of a {given}")));
                }
                distinct = false;
                arguments = arguments.into_iter().map(convert::narrow).collect();
                given
            }
            "group_concat" => {
                // Dremio's default separator is nothing; SQLite's is a comma, the only one that it
                // takes with DISTINCT.
                let separator = if arguments.len() > 1 { arguments.pop() } else { None };
                let separator = separator.unwrap_or_else(|| Expr::text(""));
                arguments = arguments.into_iter().map(convert::as_text).collect();
                if !distinct {
                    arguments.push(separator);
                } else if !matches!(&separator.kind, Kind::Text(text) if text == ",") {
                    return Err(SqlError::unsupported(
                        "LISTAGG DISTINCT without the separator ','",
                    ));
                }
                DremioType::Varchar
            }
            "dremio_percentile" => {
                let (Some(only), true) = (order.pop(), order.is_empty()) else {
                    return Err(SqlError::failed(format!(
                        "Aggregate expression '{name}' must contain a WITHIN GROUP clause"
                    )));
                };
                let Target::Expr(value) = only.target else {
                    return Err(SqlError::unsupported("WITHIN GROUP (ORDER BY a number)"));
                };
                check_numbers(name, std::slice::from_ref(&value))?;
                let continuous = name == "PERCENTILE_CONT";
                let ty = if continuous { DremioType::Double } else { value.ty.clone() };
                let direction = if only.descending { "DESC" } else { "ASC" };
                let how =
                    Expr::text(format!("{} {direction}", name.trim_start_matches("PERCENTILE_")));
                arguments =
                    [convert::narrow(value)].into_iter().chain(arguments).chain([how]).collect();
                ty
            }
            _ => {
                check_numbers(name, &arguments)?;
                arguments = arguments.into_iter().map(convert::narrow).collect();
                DremioType::Double
            }
        };
        let filter = call.filter.map(|filter| self.condition(filter, scope)).transpose()?;
        let Some(over) = call.over else {
            let aggregate = Aggregate { name: function, distinct, arguments, order, filter };
            return Ok(Some(Expr::new(Kind::Aggregate(Box::new(aggregate)), ty)));
        };
        if distinct || filter.is_some() || !WINDOWED.contains(&name) {
            let what = format!("{name} with OVER, or with FILTER or DISTINCT and OVER,");
            return Err(SqlError::unsupported(&what));
        }
        self.windowed(Expr::call(function, arguments, ty), over, scope).map(Some)
    }

    /// The call of a function that exists only as a window function; `None` if it is none.
    pub(super) fn ranking(
        &mut self,
        call: &Call<'_>,
        scope: &Scope<'_>,
    ) -> Result<Option<Expr>, SqlError> {
        let Some((function, arity)) = functions::ranking(&call.name) else {
            return Ok(None);
        };
        let mut arguments = self.arguments(call, scope)?;
        if !arity.contains(&arguments.len()) {
            let name = &call.name;
            return Err(SqlError::failed(format!(
                "Invalid number of arguments to function '{name}'"
            )));
        }
        let Some(over) = call.over else {
            return Err(SqlError::failed("OVER clause is necessary for window functions"));
        };
        let ty = match function {
            "row_number" | "rank" | "dense_rank" => DremioType::BigInt,
            "percent_rank" | "cume_dist" => DremioType::Double,
            "ntile" => DremioType::Integer,
            _ => arguments.first().map_or(DremioType::Integer, |first| first.ty.clone()),
        };
        if let Some(default) = arguments.get_mut(2) {
            if typing::wider(&default.ty, &ty).as_ref() != Some(&ty) {
                return Err(SqlError::unsupported("A default of another type in LAG or LEAD"));
            }
            *default = convert::convert(default.clone(), &ty);
        }
        self.windowed(Expr::call(function, arguments, ty), over, scope).map(Some)
    }

    fn windowed(
        &mut self,
        call: Expr,
        over: &ast::WindowType,
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        let spec = match over {
            ast::WindowType::WindowSpec(spec) => spec,
            ast::WindowType::NamedWindow(name) => named(&name.value, scope)?,
        };
        if spec.window_name.is_some() {
            return Err(SqlError::unsupported("A window that extends another one"));
        }
        let partition = self.exprs(&spec.partition_by, scope)?;
        let order = self.keys(&spec.order_by, scope)?;
        let frame = spec.window_frame.as_ref().map(frame).transpose()?.unwrap_or_default();
        let window = Window { partition, order, frame };
        let ty = call.ty.clone();
        let kind = Kind::Window { call: Box::new(call), window: Box::new(window) };
        Ok(Expr::new(kind, ty))
    }

    fn arguments(&mut self, call: &Call<'_>, scope: &Scope<'_>) -> Result<Vec<Expr>, SqlError> {
        call.arguments.iter().map(|written| self.argument(written, scope)).collect()
    }

    fn keys(
        &mut self,
        written: &[ast::OrderByExpr],
        scope: &Scope<'_>,
    ) -> Result<Vec<Key>, SqlError> {
        let bound = written.iter().map(|one| key(Target::Expr(self.expr(&one.expr, scope)?), one));
        bound.collect()
    }
}

fn named<'s>(wanted: &str, scope: &'s Scope<'_>) -> Result<&'s ast::WindowSpec, SqlError> {
    let found = scope.windows.iter().find(|definition| same(&definition.0.value, wanted));
    match found.map(|definition| &definition.1) {
        Some(ast::NamedWindowExpr::WindowSpec(spec)) => Ok(spec),
        Some(_) => Err(SqlError::unsupported("A window that is another one")),
        None => Err(SqlError::failed(format!("Window '{wanted}' not found"))),
    }
}

/// `ROWS BETWEEN 1 PRECEDING AND CURRENT ROW`, which SQLite reads as well.
fn frame(frame: &ast::WindowFrame) -> Result<String, SqlError> {
    use ast::WindowFrameBound as Bound;
    let is_plain = |bound: &Bound| match bound {
        Bound::CurrentRow | Bound::Preceding(None) | Bound::Following(None) => true,
        Bound::Preceding(Some(rows)) | Bound::Following(Some(rows)) => {
            rows.to_string().parse::<u32>().is_ok()
        }
    };
    let mut bounds = std::iter::once(&frame.start_bound).chain(&frame.end_bound);
    if frame.units == ast::WindowFrameUnits::Groups || !bounds.all(is_plain) {
        return Err(SqlError::unsupported("A frame of GROUPS, or with other than whole numbers,"));
    }
    let ast::WindowFrame { units, start_bound, end_bound } = frame;
    Ok(match end_bound {
        Some(end) => format!("{units} BETWEEN {start_bound} AND {end}"),
        None => format!("{units} {start_bound}"),
    })
}

/// SQLite would take the number that a text begins with.
fn check_numbers(name: &str, arguments: &[Expr]) -> Result<(), SqlError> {
    let wrong = arguments.iter().find(|argument| !argument.ty.is_numeric() && !argument.is_null());
    wrong.map_or(Ok(()), |argument| {
        Err(SqlError::failed(format!(
            "Cannot apply '{name}' to arguments of type '{name}(<{}>)' (not supported by this \
             stand-in for Dremio; CAST them).",
            argument.ty
        )))
    })
}
