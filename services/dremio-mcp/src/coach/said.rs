//! What Dremio says of a query that failed: the sentence in it, and what kind of complaint that
//! is.
//!
//! Dremio's texts come in three forms: the bare sentence of its own classes (`Failure parsing the
//! query.`), the sentence with its context and a stack trace (`PARSE ERROR: … SQL Query … [Error
//! Id: …]`, over
//! JDBC and in old versions), and Calcite's text, with a position before it (`From line 1, column
//! 8 to …: `) or a list
//! of up to a hundred expected tokens behind it. Calcite's sentences are those of its
//! `CalciteResource`.

mod plain;

/// Longest sentence that is repeated, in characters.
const SENTENCE_CHARS_MAX: usize = 600;

/// Where the sentence ends and Dremio's context begins.
const CONTEXTS: [&str; 11] = [
    "Was expecting one of:",
    "Was expecting:",
    "\nSQL Query",
    "\nstartLine",
    "\nendLine",
    "\n[Error Id",
    "[Error Id:",
    "\nView SQL",
    "\n  (",
    "\nFragment ",
    "\nErrorOrigin",
];

/// Where a sentence of the parser starts that stands in a stack trace only.
const IN_TRACE: [&str; 3] = ["Encountered \"", "Incorrect syntax near", "Lexical error at"];

/// Dremio's text without context, and without lists of what could have been there.
pub(super) fn sentence(said: &str) -> String {
    let cut = |text: &str| {
        let end = CONTEXTS.iter().filter_map(|context| text.find(context)).min();
        let text = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut sentence = cut(said.trim_start());
    if is_unparsed(&sentence) && !IN_TRACE.iter().any(|start| sentence.contains(start)) {
        let found = IN_TRACE.iter().filter_map(|start| said.find(start)).min();
        if let Some(more) = found.and_then(|found| said.get(found..)) {
            sentence = format!("{} {}", sentence, cut(more.lines().next().unwrap_or_default()));
        }
    }
    match sentence.char_indices().nth(SENTENCE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", sentence.get(..end).unwrap_or_default()),
        None => sentence,
    }
}

/// The kind of a complaint, with the names in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Complaint {
    /// A column that no table in FROM has, or not the one with this name or alias.
    NoColumn {
        name: String,
        table: Option<String>,
    },
    /// A table, view, folder or source.
    NoObject {
        name: String,
        within: Option<String>,
    },
    /// What a column is qualified with, or a table.
    NoTable(String),
    Ambiguous(String),
    NotGrouped(String),
    /// An aggregate where none can stand; the clause in Dremio's words.
    Aggregate {
        clause: String,
        is_window: bool,
    },
    NestedAggregates,
    /// The SELECTs of a set operation differ, in one column by number or in how many they have.
    SetOperation(Option<usize>),
    /// QUALIFY without a window function.
    NoWindow,
    /// A window function without OVER.
    NoOver,
    /// A field of a struct.
    NoField(String),
    NoFunction(String),
    /// A function or operator that does not take these arguments.
    Arguments {
        of: String,
        types: String,
    },
    /// A type that Dremio does not have.
    NoType(String),
    DivisionByZero,
    /// A value that is not of the type that it is to have.
    Value,
    /// A literal that is not in the form of its type.
    Literal {
        kind: String,
        text: String,
    },
    /// The text cannot be parsed; where, and at what.
    Unparsed {
        found: Option<String>,
        position: Option<(usize, usize)>,
    },
    /// A sentence that has a cure of its own.
    Plain(&'static str),
    Other,
}

/// What Dremio complains about; `sentence` is what [`sentence`] made of its text.
pub(super) fn complaint(sentence: &str) -> Complaint {
    let between = |before: &str, after: &str| {
        let (_, rest) = sentence.split_once(before)?;
        rest.split_once(after).map(|(found, rest)| (found.to_owned(), rest))
    };
    if let Some((name, rest)) = between("Column '", "' not found") {
        let table = rest
            .split_once("in table '")
            .and_then(|(_, rest)| rest.split_once('\''))
            .map(|(table, _)| table.to_owned());
        return Complaint::NoColumn { name, table };
    }
    if let Some((name, _)) = between("Unknown field '", "'") {
        return Complaint::NoField(name);
    }
    if let Some((name, rest)) = between("Object '", "' not found") {
        let within = rest
            .strip_prefix(" within '")
            .and_then(|rest| rest.split_once('\''))
            .map(|(within, _)| within.to_owned());
        return Complaint::NoObject { name, within };
    }
    for (before, after) in [
        ("Table '", "' not found"),
        ("Table [", "] not found"),
        ("Unable to find table ", "."),
        ("Dataset path '", "', table not found"),
        ("Unable to find requested dataset ", "."),
        ("Unknown identifier '", "'"),
    ] {
        if let Some((name, _)) = between(before, after) {
            return if before.starts_with("Table '") || before.starts_with("Unknown") {
                Complaint::NoTable(name)
            } else {
                Complaint::NoObject { name, within: None }
            };
        }
    }
    if let Some((name, _)) = between("Column '", "' is ambiguous")
        .or_else(|| between("Table '", "' is ambiguous"))
        .or_else(|| between("Column name '", "' in NATURAL join or USING"))
    {
        return Complaint::Ambiguous(name);
    }
    if let Some((name, _)) = between("Expression '", "' is not being grouped") {
        return Complaint::NotGrouped(name);
    }
    if let Some((clause, _)) = between("ggregate expression is illegal in ", " clause") {
        return Complaint::Aggregate { clause, is_window: sentence.contains("Windowed") };
    }
    if sentence.contains("Aggregate expressions cannot be nested") {
        return Complaint::NestedAggregates;
    }
    if sentence.contains("Column count mismatch") {
        return Complaint::SetOperation(None);
    }
    if let Some((number, _)) = between("Type mismatch in column ", " of ") {
        return Complaint::SetOperation(number.replace(',', "").parse().ok());
    }
    if sentence.contains("must contain a window function") {
        return Complaint::NoWindow;
    }
    if sentence.contains("OVER clause is necessary") || sentence.contains("requires an OVER clause")
    {
        return Complaint::NoOver;
    }
    if let Some((signature, _)) = between("No match found for function signature ", ")") {
        let name = signature.split('(').next().unwrap_or_default().trim();
        return Complaint::NoFunction(name.trim_matches(['"', '`']).to_owned());
    }
    if let Some((name, _)) =
        between("Function '", "' is not defined").or_else(|| between("Function '", "' not found"))
    {
        return Complaint::NoFunction(name);
    }
    if let Some((of, _)) = between("Invalid number of arguments to function '", "'") {
        return Complaint::Arguments { of, types: String::new() };
    }
    if let Some((of, rest)) = between("Cannot apply '", "' to arguments of type") {
        let types = rest.split("Supported form").next().unwrap_or(rest).to_owned();
        return Complaint::Arguments { of, types };
    }
    if sentence.contains("must have compatible types")
        || sentence.contains("not comparable to")
        || sentence.contains("Cannot compare values")
        || sentence.contains("Parameters must be of the same type")
    {
        return Complaint::Arguments { of: "=".to_owned(), types: String::new() };
    }
    if let Some((of, types)) = sentence.split_once(" does not support operand types") {
        let of = of.rsplit(' ').next().unwrap_or_default().to_owned();
        return Complaint::Arguments { of, types: types.to_owned() };
    }
    if let Some((name, _)) =
        between("Unknown datatype name '", "'").or_else(|| between("Type '", "' is not supported"))
    {
        return Complaint::NoType(name);
    }
    let lower = sentence.to_lowercase();
    let has = |sign: &str| lower.contains(sign);
    if has("divide by zero") || has("division by zero") || has("/ by zero") {
        return Complaint::DivisionByZero;
    }
    if let Some((kind, rest)) = between("Illegal ", " literal '")
        && !kind.contains(' ')
    {
        let text = rest.split('\'').next().unwrap_or_default().to_owned();
        return Complaint::Literal { kind, text };
    }
    if let Some((text, rest)) = between("Literal '", "' can") {
        let kind =
            rest.rsplit(['\'', ' ']).find(|word| !word.is_empty()).unwrap_or_default().to_owned();
        return Complaint::Literal { kind, text };
    }
    if let Some((_, cure)) = plain::PLAIN.iter().find(|(sign, _)| sentence.contains(sign)) {
        return Complaint::Plain(cure);
    }
    if is_unparsed(sentence) {
        return Complaint::Unparsed { found: found(sentence), position: position(sentence) };
    }
    let values = [
        "for input string",
        "failed to cast",
        "cannot cast",
        "unable to cast",
        "cannot be cast",
        "cannot convert",
        "unable to convert",
        "could not be parsed",
        "can not be parsed",
        "invalid value for boolean",
        "casting or coercing",
        "invalid date format",
        "failure parsing the formatting string",
        "error parsing value",
        "parsing value",
        "not a valid",
        "unable to parse",
        "out of range",
        "overflow",
        "illegal instant",
        "invalid format",
        "numberformatexception",
        "cannot be formatted to",
        "unparseable",
    ];
    if values.iter().any(|sign| has(sign)) {
        return Complaint::Value;
    }
    Complaint::Other
}

/// Whether it is the parser that speaks.
fn is_unparsed(sentence: &str) -> bool {
    [
        "Encountered \"",
        "Encountered: \"",
        "Incorrect syntax near",
        "Lexical error",
        "Failure parsing the query",
        "PARSE ERROR",
        "SQL parse failed",
        "is not allowed under the current SQL conformance level",
        "Non-query expression encountered",
        "encountered in illegal context",
        "Expecting alias, found",
        "ORDER BY unexpected",
        "must be a simple identifier",
        "syntax error",
    ]
    .iter()
    .any(|sign| sentence.contains(sign))
}

fn found(sentence: &str) -> Option<String> {
    ["Encountered \"", "near the keyword '", "Encountered: \""].iter().find_map(|start| {
        let (_, rest) = sentence.split_once(start)?;
        let end =
            ["\" at line", "' at line", "\" ("].iter().filter_map(|end| rest.find(end)).min()?;
        rest.get(..end).map(|found| found.replace("\\'", "'").replace("\\\"", "\""))
    })
}

/// Line and column, both from 1.
fn position(sentence: &str) -> Option<(usize, usize)> {
    let (_, rest) = sentence.split_once("line ")?;
    let (line, rest) = rest.split_once(", column ")?;
    let column: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((line.trim().parse().ok()?, column.parse().ok()?))
}
