//! Sentences of Dremio's that have one cure, whatever the query is.

/// Sentences with one cure, by what stands in them.
pub(super) const PLAIN: &[(&str, &str)] = &[
    ("single statement", "Send one statement per call, without a semicolon inside."),
    ("has no terminating AND", "BETWEEN needs AND between its two ends: x BETWEEN 1 AND 10."),
    (
        "join requires a condition",
        "Give the join its condition: ... JOIN b ON a.id = b.id, or USING (id); CROSS JOIN has \
         none.",
    ),
    ("Duplicate relation name", "Two tables in FROM have the same name: give each its own alias."),
    (
        "Only scalar sub-queries",
        "A subquery in SELECT may have one column and one row: name one column, and aggregate or \
         add LIMIT 1, or join it instead.",
    ),
    (
        "more than one value",
        "A subquery gave several rows where one value is needed: use IN instead of =, aggregate \
         (MAX), or add LIMIT 1.",
    ),
    (
        "more than one row",
        "A subquery gave several rows where one value is needed: use IN instead of =, aggregate \
         (MAX), or add LIMIT 1.",
    ),
    (
        "OVER must be applied to aggregate function",
        "OVER (...) can stand behind an aggregate or a window function only (SUM, COUNT, \
         ROW_NUMBER, RANK, LAG ...).",
    ),
    (
        "require ORDER BY clause in window",
        "Add ORDER BY inside OVER: RANK() OVER (PARTITION BY ... ORDER BY ...).",
    ),
    (
        "must contain an ORDER BY clause",
        "Add ORDER BY inside OVER: OVER (PARTITION BY ... ORDER BY ...).",
    ),
    (
        "Ordinal out of range",
        "A number in ORDER BY or GROUP BY counts the columns of SELECT from 1: name the column \
         instead.",
    ),
    (
        "clause must be a condition",
        "The condition must be TRUE or FALSE: compare the value with something (x = 1, x IS NOT \
         NULL).",
    ),
    (
        "Window expressions are not permitted in the HAVING",
        "Use QUALIFY instead of HAVING for window functions.",
    ),
    (
        "ORDER BY is only allowed on top-level",
        "Put the SELECT with its ORDER BY in brackets, or order once at the very end.",
    ),
    (
        "Cannot qualify common column",
        "A column of USING or NATURAL JOIN stands alone: write it without the table before it.",
    ),
    (
        "Time travel is not supported",
        "This table keeps no versions: remove AT SNAPSHOT, AT TIMESTAMP or AT BRANCH.",
    ),
    (
        "does not support AT BRANCH",
        "This source has no branches: remove AT BRANCH, AT TAG or AT COMMIT.",
    ),
    (
        "does not support versioning",
        "This source has no branches: remove AT BRANCH, AT TAG or AT COMMIT.",
    ),
    (
        "is not in the select clause",
        "With DISTINCT, ORDER BY may use columns of SELECT only: add the column to SELECT, or \
         order \
         by one that is there.",
    ),
    (
        "mixing of types in CASE",
        "All results of a CASE, and all arguments of COALESCE, need one type: CAST the ones that \
         differ, for example CAST(x AS VARCHAR).",
    ),
    (
        "ELSE clause or at least one THEN",
        "One result of the CASE must be something else than NULL.",
    ),
    (
        "same degree as table",
        "The list of column names behind the alias must name every column of the table.",
    ),
    (
        "in USING clause",
        "USING needs a column of that name in both tables: write ON a.x = b.y instead.",
    ),
    (
        "Windowed aggregate expressions cannot be nested",
        "A window function within another needs a subquery: SELECT ... OVER (...) FROM (SELECT ... \
         OVER (...) AS x FROM ...) t.",
    ),
    (
        "stack overflow",
        "Simplify the query: less nesting, an IN list or a join instead of long chains of OR.",
    ),
];
