//! What an agent reads when its query has failed: Dremio's sentence, and the one thing that helps.
//!
//! Pure, and quick whatever the texts are. Nothing is rewritten and run: the agent decides.

mod elsewhere;

use std::time::Duration;

use crate::catalog::Snapshot;

/// How long a failed query waits for the catalog: advice must not delay an answer.
pub(crate) const PATIENCE: Duration = Duration::from_millis(300);

/// What to say of a failed query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    /// Dremio's own sentence.
    pub(crate) said: String,
    /// What helps.
    pub(crate) fix: String,
}

/// What to say of `sql`, which failed with what Dremio `said`. `catalog` is what there is to
/// compare names with.
pub(crate) fn advise(_sql: &str, said: &str, _catalog: Option<&Snapshot>) -> Advice {
    if let Some(advice) = broken_view(said) {
        return advice;
    }
    Advice { said: said.to_owned(), fix: hint(said).to_owned() }
}

/// What to say where a view's own text no longer works, because its tables or columns have
/// changed: nothing that the agent wrote is wrong. `None` if Dremio says something else.
pub(crate) fn broken_view(said: &str) -> Option<Advice> {
    let (_, after) = said.split_once("rror while expanding view ")?;
    // A name with dots in it ends at the first dot with a blank behind it.
    let view = after.split(". ").next().unwrap_or(after).trim_end_matches('.');
    let fix = format!(
        "The view {view} is broken: its own SQL no longer fits what it reads. Its owner must mend \
         it in Dremio; until then, query the tables below it (VIEW_DEFINITION in \
         INFORMATION_SCHEMA.\"VIEWS\" names them)."
    );
    Some(Advice { said: said.to_owned(), fix })
}

fn hint(said: &str) -> &'static str {
    let said = said.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if said.contains("not found") {
        return "Look names up in INFORMATION_SCHEMA.\"TABLES\" and \
                INFORMATION_SCHEMA.\"COLUMNS\", and write each part of a path in its own double \
                quotes.";
    }
    if let Some(advice) = elsewhere::advice(&said) {
        return advice;
    }
    if says(&["system error", "internal error", "nullpointer", "is currently unavailable"]) {
        "Nothing is wrong with the request. This needs the operator of Dremio; try again later."
    } else if said.contains("parsing") || said.contains("encountered") || said.contains("syntax") {
        "Check the syntax. Names that are reserved words, like \"date\", \"count\", \"value\" or \
         \"user\", need double quotes; strings need single quotes."
    } else {
        "Correct the query and try again."
    }
}

#[cfg(test)]
mod tests {
    use super::advise;

    #[test]
    fn advice_fits_what_dremio_says() {
        let check = |said: &str, start: &str| {
            assert!(advise("SELECT 1", said, None).fix.starts_with(start), "{said}");
        };
        check("Object 'orderz' not found within 'Sales'.", "Look names up");
        check("Column 'x' not found in any table", "Look names up");
        check("Failure parsing the query.", "Check the syntax");
        check("Encountered \"date\" at line 1, column 8.", "Check the syntax");
        check("Object 'out of memory' not found within 'queue resources'", "Look names up");
        check("Division by zero", "Correct the query");
        let fine = "Nothing is wrong with the";
        check(
            "Query was cancelled because it exceeded the memory limits set by the administrator.",
            fine,
        );
        check(
            "One or more nodes lost connectivity during query.  Identified nodes were \
             [10.0.0.5:45678].",
            fine,
        );
        check(
            "Unable to acquire queue resources for query within timeout.  Timeout for SMALL queue \
             was set at 300 seconds.",
            fine,
        );
        check("SYSTEM ERROR: NullPointerException", fine);
        check("The source [lake] is currently unavailable. Metadata is not accessible", fine);
    }
}
