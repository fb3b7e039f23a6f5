//! The shape of a Dremio function: one row says its name, what it takes, the type of its result and
//! how it is computed.
//!
//! [`bind`] finds the row for a call whose arguments have types, and [`Bound::sql`] is the call's
//! text for SQLite: `dremio_call('NAME…', arguments)`. The first argument carries the name and the
//! types, which SQLite's own values do not have.

use rusqlite::types::Value;

use super::argument::Argument;
use super::call::Call;
use super::{FunctionError, Outcome, cast, families};
use crate::catalog::DremioType;
use crate::sql::error::SqlError;
use crate::sql::parse::quote_text;

/// Separates the parts of a signature on its way through SQLite; no type is spelt with it.
const SEPARATOR: char = '\u{1f}';

/// Why a call is refused before it runs, without the words around it.
type Typed = Result<DremioType, SqlError>;

/// The type of a function's result.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    Boolean,
    Integer,
    BigInt,
    Double,
    Varchar,
    Varbinary,
    Date,
    Time,
    Timestamp,
    /// That of the argument with this index, from 0.
    Same(usize),
    /// The least type that all arguments go into, to which they are converted.
    Widest,
    By(fn(&[Argument]) -> Typed),
}

/// How a function is computed.
#[derive(Clone, Copy)]
pub(super) enum Run {
    Rust(fn(&Call<'_>) -> Outcome),
    /// By the SQLite function of this name, which evaluates only the arguments that it needs.
    Sqlite(&'static str),
}

/// One function, or one of the forms that a function has.
pub(crate) struct Function {
    pub(super) name: &'static str,
    /// What it takes, see [`families`]: `text, int, text?`.
    pub(super) takes: &'static str,
    result: Rule,
    run: Run,
    /// Whether it sees NULL arguments; for the others a NULL makes the result NULL.
    takes_nulls: bool,
    /// Whether it has another result each time.
    is_volatile: bool,
}

pub(super) const fn row(
    name: &'static str,
    takes: &'static str,
    result: Rule,
    run: fn(&Call<'_>) -> Outcome,
) -> Function {
    Function { name, takes, result, run: Run::Rust(run), takes_nulls: false, is_volatile: false }
}

/// A row for a function that SQLite computes.
pub(super) const fn native(
    name: &'static str,
    takes: &'static str,
    result: Rule,
    sqlite: &'static str,
) -> Function {
    Function {
        name,
        takes,
        result,
        run: Run::Sqlite(sqlite),
        takes_nulls: true,
        is_volatile: false,
    }
}

impl Function {
    /// The same function, which also sees NULL arguments.
    pub(super) const fn with_nulls(mut self) -> Self {
        self.takes_nulls = true;
        self
    }

    pub(super) const fn volatile(mut self) -> Self {
        self.is_volatile = true;
        self
    }

    fn result(&self, arguments: &[Argument]) -> Typed {
        // NULL without a type is an INTEGER in Dremio.
        let of = |index: usize| arguments.get(index).and_then(|argument| argument.ty.clone());
        Ok(match self.result {
            Rule::Boolean => DremioType::Boolean,
            Rule::Integer => DremioType::Integer,
            Rule::BigInt => DremioType::BigInt,
            Rule::Double => DremioType::Double,
            Rule::Varchar => DremioType::Varchar,
            Rule::Varbinary => DremioType::Varbinary,
            Rule::Date => DremioType::Date,
            Rule::Time => DremioType::Time,
            Rule::Timestamp => DremioType::Timestamp,
            Rule::Same(index) => of(index).unwrap_or(DremioType::Integer),
            Rule::Widest => return families::widest(self.name, arguments),
            Rule::By(rule) => return rule(arguments),
        })
    }
}

/// A call that has found its row.
pub(crate) struct Bound {
    function: &'static Function,
    /// The type of the result.
    pub(crate) ty: DremioType,
    arguments: Vec<Conversion>,
}

/// The type of an argument, and the one that the function takes.
#[derive(Debug, Clone, PartialEq)]
struct Conversion {
    from: Option<DremioType>,
    to: Option<DremioType>,
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{:?} -> {}", self.function.name, self.arguments, self.ty)
    }
}

/// Finds the row for a call of `name`, in capitals.
///
/// # Errors
/// The function does not exist in Dremio, is not here, or does not take these arguments.
pub(crate) fn bind(name: &str, arguments: &[Argument]) -> Result<Bound, SqlError> {
    let mut rows = super::rows().filter(|row| row.name == name).peekable();
    if rows.peek().is_none() {
        return Err(super::names::absent(name, arguments));
    }
    let mut fits_in_number = false;
    let mut best: Option<(u32, &'static Function, Vec<Option<DremioType>>)> = None;
    for function in rows {
        let Some(families) = families::of(function.takes, arguments.len()) else {
            continue;
        };
        fits_in_number = true;
        let fits: Option<Vec<(u32, Option<DremioType>)>> = families
            .iter()
            .zip(arguments)
            .map(|(family, given)| families::fit(family, given.ty.as_ref()))
            .collect();
        let Some(fits) = fits else { continue };
        let cost = fits.iter().map(|(cost, _)| cost).sum();
        if best.as_ref().is_none_or(|(lowest, ..)| cost < *lowest) {
            best = Some((cost, function, fits.into_iter().map(|(_, ty)| ty).collect()));
        }
    }
    let Some((_, function, types)) = best else {
        return Err(if fits_in_number {
            unfit(name, arguments)
        } else {
            wrong_number(name, arguments)
        });
    };
    let taken: Vec<Argument> = arguments
        .iter()
        .zip(types)
        .map(|(given, ty)| Argument { ty, literal: given.literal.clone() })
        .collect();
    let ty = function.result(&taken)?;
    let widest = matches!(function.result, Rule::Widest);
    let arguments = arguments.iter().zip(taken).map(|(given, taken)| Conversion {
        from: given.ty.clone(),
        to: if widest { Some(ty.clone()) } else { taken.ty },
    });
    Ok(Bound { function, arguments: arguments.collect(), ty })
}

/// A function that the stand-in has, but not for arguments of these types.
fn unfit(name: &str, arguments: &[Argument]) -> SqlError {
    SqlError::failed(format!(
        "Cannot apply '{name}' to arguments of type '{name}({})' (not supported by this stand-in \
         for Dremio; CAST them).",
        shown(arguments)
    ))
}

/// The forms of a function that are here may not be all that it has.
fn wrong_number(name: &str, arguments: &[Argument]) -> SqlError {
    SqlError::failed(format!(
        "Invalid number of arguments to function '{name}': {} is not supported by this stand-in \
         for Dremio.",
        arguments.len()
    ))
}

/// `<INTEGER>, <VARCHAR>`.
fn shown(arguments: &[Argument]) -> String {
    let types = arguments.iter().map(|argument| match &argument.ty {
        Some(ty) => format!("<{ty}>"),
        None => "<NULL>".to_owned(),
    });
    types.collect::<Vec<_>>().join(", ")
}

impl Bound {
    /// The call in SQLite's words, with its arguments in SQLite's words.
    pub(crate) fn sql(&self, arguments: &[String]) -> String {
        match self.function.run {
            Run::Rust(_) => {
                let name =
                    if self.function.is_volatile { super::VOLATILE_CALL } else { super::CALL };
                let arguments: String =
                    arguments.iter().map(|argument| format!(", {argument}")).collect();
                format!("{name}({}{arguments})", quote_text(&self.signature()))
            }
            Run::Sqlite(name) => {
                let arguments: Vec<String> = arguments
                    .iter()
                    .zip(&self.arguments)
                    .map(|(argument, conversion)| conversion.sql(argument))
                    .collect();
                format!("{name}({})", arguments.join(", "))
            }
        }
    }

    /// The name and all types, as [`Bound::parse`] reads them.
    fn signature(&self) -> String {
        let spelt = |ty: &Option<DremioType>| ty.as_ref().map(ToString::to_string);
        let mut parts = vec![self.function.name.to_owned(), self.function.takes.to_owned()];
        parts.push(self.ty.to_string());
        for conversion in &self.arguments {
            parts.push(spelt(&conversion.from).unwrap_or_default());
            parts.push(spelt(&conversion.to).unwrap_or_default());
        }
        parts.join(&SEPARATOR.to_string())
    }

    pub(super) fn parse(signature: &str) -> Option<Self> {
        let parts: Vec<&str> = signature.split(SEPARATOR).collect();
        let [name, takes, ty, types @ ..] = parts.as_slice() else { return None };
        let function = super::rows().find(|row| row.name == *name && row.takes == *takes)?;
        let arguments = types.chunks(2).map(|pair| match pair {
            [from, to] => Conversion { from: DremioType::parse(from), to: DremioType::parse(to) },
            _ => Conversion { from: None, to: None },
        });
        Some(Self { function, ty: DremioType::parse(ty)?, arguments: arguments.collect() })
    }

    /// Computes the call.
    pub(super) fn run(&self, mut values: Vec<Value>, now: &str) -> Outcome {
        if !self.function.takes_nulls && values.contains(&Value::Null) {
            return Ok(Value::Null);
        }
        for (value, conversion) in values.iter_mut().zip(&self.arguments) {
            if let Some(converted) = conversion.run(value)? {
                *value = converted;
            }
        }
        let types: Vec<Option<&DremioType>> =
            self.arguments.iter().map(|conversion| conversion.to.as_ref()).collect();
        match self.function.run {
            Run::Rust(run) => run(&Call { values: &values, types: &types, ty: &self.ty, now }),
            Run::Sqlite(name) => Err(FunctionError(format!("{name} has no function here"))),
        }
    }
}

impl Conversion {
    fn is_needed(&self) -> bool {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => from != to && !(from.is_numeric() && to.is_numeric()),
            _ => false,
        }
    }

    fn run(&self, value: &Value) -> Result<Option<Value>, FunctionError> {
        match &self.to {
            Some(to) if self.is_needed() && *value != Value::Null => {
                cast::convert(value, self.from.as_ref(), to).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn sql(&self, argument: &str) -> String {
        match &self.to {
            Some(to) if self.is_needed() => {
                format!("dremio_cast({argument}, {})", quote_text(&to.to_string()))
            }
            _ => argument.to_owned(),
        }
    }
}
