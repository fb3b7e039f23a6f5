//! Advice without what its reader may not do: a client whose policy names paths may not ask what
//! all of Dremio has.

use std::borrow::Cow;

use crate::policy::Gate;

/// What shows all that Dremio has, in lower case.
const SHOWS_ALL: [&str; 3] = ["information_schema.", "show schemas", "sys."];

/// What tells such a client the same, by the tool that it needs for it.
const INSTEAD: [(&str, &str); 2] = [
    ("SearchTableAndViews", "SearchTableAndViews finds the tables and views that you may query."),
    ("GetSchemaOfTable", "GetSchemaOfTable shows the columns of one."),
];

/// `advice` for whom the gate is to.
pub(super) fn permitted(advice: Cow<'static, str>, gate: &Gate) -> Cow<'static, str> {
    if !shows_all(&advice) || gate.lets_pass("TABLE INFORMATION_SCHEMA.\"TABLES\"") {
        return advice;
    }
    let may_call = |tool: &str| gate.caller().is_none_or(|caller| caller.may_call(tool));
    within(&advice, may_call).into()
}

/// `advice` without its sentences that send the reader to what shows all.
fn within(advice: &str, may_call: impl Fn(&str) -> bool) -> String {
    let kept = advice.split_inclusive(". ").map(str::trim).filter(|sentence| !shows_all(sentence));
    let instead = INSTEAD.into_iter().filter(|(tool, _)| may_call(tool)).map(|(_, said)| said);
    let text = kept.chain(instead).collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        "Query the tables that you know, by their whole path.".into()
    } else {
        text
    }
}

fn shows_all(text: &str) -> bool {
    let text = text.to_lowercase();
    SHOWS_ALL.iter().any(|sign| {
        text.match_indices(sign).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            // The end of a longer name is another name.
            before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '.' | '"'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{shows_all, within};
    use crate::engine::tools::TOOL_NAMES;

    #[test]
    fn what_may_not_be_asked_is_not_advised() {
        let (search, schema) = ("SearchTableAndViews", "GetSchemaOfTable");
        assert!(super::INSTEAD.iter().all(|(tool, _)| TOOL_NAMES.contains(tool)));
        for (advice, tools, expected) in [
            (
                "Look for it: SELECT TABLE_NAME FROM INFORMATION_SCHEMA.\"TABLES\" WHERE x. Write \
                 the whole path.",
                &[search, schema][..],
                "Write the whole path. SearchTableAndViews finds the tables and views that you may \
                 query. GetSchemaOfTable shows the columns of one.",
            ),
            (
                "Write SHOW SCHEMAS, or read INFORMATION_SCHEMA.SCHEMATA.",
                &[search],
                "SearchTableAndViews finds the tables and views that you may query.",
            ),
            (
                "Write (SELECT version FROM sys.version).",
                &[],
                "Query the tables that you know, by their whole path.",
            ),
        ] {
            assert_eq!(within(advice, |tool| tools.contains(&tool)), expected);
        }
        for text in ["Did you mean \"Sales\".\"sys.t\"?", "Write mysys.t.", "Write src.sys.t."] {
            assert!(!shows_all(text), "{text}");
        }
    }
}
