//! Phrases of other systems.

/// Phrases, with the cure. A word stands for itself, `#` for a number or name, `'` for a text, and
/// a symbol for itself.
pub(super) const PHRASES: &[(&str, &str)] = &[
    (
        "DISTINCT ON (",
        "Dremio has no DISTINCT ON: number the rows, SELECT ... QUALIFY ROW_NUMBER() OVER \
         (PARTITION BY ... ORDER BY ...) = 1.",
    ),
    ("LATERAL VIEW", "Dremio has no LATERAL VIEW: write FLATTEN(list) in SELECT."),
    ("CROSS APPLY", "Dremio has no APPLY: write FLATTEN(list) in SELECT, or a join."),
    ("OUTER APPLY", "Dremio has no APPLY: write FLATTEN(list) in SELECT, or a left join."),
    (
        "WITH RECURSIVE",
        "Dremio has no recursive queries: remove RECURSIVE, and join the table with itself once \
         for each level.",
    ),
    ("WITH ( NOLOCK", "Remove WITH (NOLOCK): Dremio has no table hints."),
    (
        "FOR SYSTEM_TIME",
        "Write AT TIMESTAMP '2024-01-31 00:00:00' behind the table, for tables that keep versions.",
    ),
    (
        "TIMESTAMP AS OF",
        "Write AT TIMESTAMP '2024-01-31 00:00:00' behind the table, for tables that keep versions.",
    ),
    ("VERSION AS OF", "Write AT SNAPSHOT '...' behind the table, for tables that keep versions."),
    (
        "AS OF",
        "Write AT TIMESTAMP '2024-01-31 00:00:00' behind the table, for tables that keep versions.",
    ),
    ("FOR UPDATE", "Remove FOR UPDATE: this is for reading."),
    (
        "GROUP BY ALL",
        "Dremio has no GROUP BY ALL: name the columns of SELECT that are not aggregated, or their \
         numbers, GROUP BY 1, 2.",
    ),
    ("ORDER BY ALL", "Dremio has no ORDER BY ALL: name the columns."),
    ("ELSE IF", "In CASE write WHEN for each further condition, instead of ELSE IF."),
    (
        "PRAGMA",
        "Write DESCRIBE and the table's path to see its columns. INFORMATION_SCHEMA.\"COLUMNS\" \
         has those of all tables.",
    ),
    (
        "SHOW TABLES FROM",
        "Write SHOW TABLES IN and the path of the space, folder or source. \
         INFORMATION_SCHEMA.\"TABLES\" has all tables.",
    ),
    (
        "SHOW TABLES LIKE",
        "Read them: SELECT TABLE_SCHEMA, TABLE_NAME FROM INFORMATION_SCHEMA.\"TABLES\" WHERE \
         TABLE_NAME LIKE '%...%'.",
    ),
    (
        "SHOW FULL",
        "Write DESCRIBE and the table's path. INFORMATION_SCHEMA.\"TABLES\" has all tables, and \
         INFORMATION_SCHEMA.\"COLUMNS\" their columns.",
    ),
    ("SHOW INDEX", "Dremio has no indexes. Write DESCRIBE and the table's path for its columns."),
    ("SHOW KEYS", "Dremio has no keys. Write DESCRIBE and the table's path for its columns."),
    ("SHOW CATALOGS", "Write SHOW SCHEMAS, or read INFORMATION_SCHEMA.SCHEMATA."),
    ("SHOW COLUMNS", "Write DESCRIBE and the table's path to see its columns."),
    ("SHOW FIELDS", "Write DESCRIBE and the table's path to see its columns."),
    (
        "SHOW DATABASES",
        "Write SHOW SCHEMAS, or SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA.",
    ),
    ("EXPLAIN SELECT", "Write EXPLAIN PLAN FOR SELECT ..."),
    ("EXPLAIN ANALYZE", "Write EXPLAIN PLAN FOR SELECT ..."),
    ("EXPLAIN WITH", "Write EXPLAIN PLAN FOR WITH ..."),
    (
        "LIKE ANY (",
        "Write the patterns one by one: x LIKE 'a%' OR x LIKE 'b%', or REGEXP_LIKE(x, '^(a|b)').",
    ),
    ("LIKE ALL (", "Write the patterns one by one: x LIKE 'a%' AND x LIKE '%b'."),
    ("ILIKE ANY (", "Write the patterns one by one: x ILIKE 'a%' OR x ILIKE 'b%'."),
    ("USING SAMPLE", "Remove the sample: write LIMIT n, or WHERE RANDOM() < 0.1."),
    ("SAMPLE #", "Remove the sample: write LIMIT n, or WHERE RANDOM() < 0.1."),
    ("TABLESAMPLE", "Remove the sample: write LIMIT n, or WHERE RANDOM() < 0.1."),
    ("COUNT ( )", "Write COUNT(*)."),
    ("OVER PARTITION", "OVER needs brackets: OVER (PARTITION BY ... ORDER BY ...)."),
    ("OVER ORDER", "OVER needs brackets: OVER (ORDER BY ...)."),
    ("SEPARATOR '", "Write LISTAGG(x, ', '), with WITHIN GROUP (ORDER BY x) to sort."),
    ("SELECT SELECT", "SELECT stands twice: remove one."),
    ("FROM FROM", "FROM stands twice: remove one."),
    ("WHERE WHERE", "WHERE stands twice: write AND for the second."),
    ("LIMIT ALL", "Remove LIMIT ALL."),
    ("LIMIT # PERCENT", "Dremio has no LIMIT in percent: write a number of rows."),
    ("IS NOT EMPTY", "Write x <> '' for texts, or ARRAY_LENGTH(x) > 0 for lists."),
    ("IS EMPTY", "Write x = '' for texts, or ARRAY_LENGTH(x) = 0 for lists."),
    ("ALLOW FILTERING", "Remove ALLOW FILTERING."),
    ("OPTION (", "Remove OPTION (...): Dremio has no query hints."),
    ("STRAIGHT_JOIN", "Write JOIN."),
    ("SEMI JOIN", "Dremio has no SEMI JOIN: write WHERE EXISTS (SELECT 1 FROM ... WHERE ...)."),
    ("ANTI JOIN", "Dremio has no ANTI JOIN: write WHERE NOT EXISTS (SELECT 1 FROM ... WHERE ...)."),
    (
        "ASOF JOIN",
        "Dremio has no ASOF JOIN: join on the times with <=, and keep the last row by QUALIFY \
         ROW_NUMBER() OVER (...) = 1.",
    ),
    (
        "TIME ZONE '",
        "Write CONVERT_TIMEZONE('UTC', 'Europe/Berlin', x): source zone, target zone, time.",
    ),
];
