//! Tables of statements and what they are.

use super::*;

fn failure(sql: &str) -> String {
    match parse(sql) {
        Err(SqlError::Failed(message) | SqlError::Syntax(message))
        | Ok(Statement::Refused(message)) => message,
        other => panic!("{sql}: {other:?}"),
    }
}

#[test]
fn queries_may_have_comments_and_semicolons() {
    for sql in [
        "SELECT 1",
        "/* dremioai: submitter=RunSqlQuery */\nselect 1",
        "// a comment\nWITH x AS (SELECT 1) SELECT * FROM x",
        "VALUES (1)",
        "(SELECT 1)",
        "SELECT ';'; ;",
    ] {
        assert!(matches!(parse(sql), Ok(Statement::Query(_))), "{sql}");
    }
}

#[test]
fn several_statements_are_refused() {
    assert_eq!(
        failure("SELECT 1; DROP TABLE t"),
        "Dremio only supports single statement execution. Unable to execute the given query with \
            2 statements: \
         SELECT 1; DROP TABLE t"
    );
    assert!(failure("").contains("Encountered \"<EOF>\" at line 1, column 1."));
    assert!(failure("; SELECT 1").contains("Encountered \";\" at line 1, column 1."));
    assert!(failure("SELEC 1").contains("Encountered \"SELEC\" at line 1, column 1."));
}

#[test]
fn state_changes_are_refused() {
    let dml = "Table [Sales.orders] is not configured to support DML operations";
    for sql in [
        "INSERT INTO Sales.orders VALUES (1)",
        "DELETE FROM Sales.\"orders\" WHERE 1 = 1",
        "UPDATE Sales.orders SET status = 'x'",
        "MERGE INTO Sales.orders USING x ON 1 = 1",
        "TRUNCATE TABLE Sales.orders",
        "EXPLAIN PLAN FOR DELETE FROM Sales.orders",
    ] {
        assert_eq!(failure(sql), dml, "{sql}");
    }
    assert!(failure("CREATE VIEW Sales.v AS SELECT 1").starts_with("CREATE VIEW is refused"));
    assert!(failure("DROP TABLE t").starts_with("DROP TABLE is refused"));
    assert_eq!(
        failure("GRANT SELECT ON TABLE t TO USER x"),
        "GRANT action is only supported in Enterprise Edition."
    );
    assert_eq!(
        failure("CREATE PIPE p AS COPY INTO t FROM '@s'"),
        "This edition of Dremio does not support PIPE statements."
    );
}

#[test]
fn direct_commands() {
    let path = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let check = |sql: &str, expected: Statement| assert_eq!(parse(sql), Ok(expected), "{sql}");
    check(
        "DESCRIBE TABLE \"Samples\".\"samples.dremio.com\".\"NYC-taxi-trips\"",
        Statement::Describe {
            table: path(&["Samples", "samples.dremio.com", "NYC-taxi-trips"]),
            column: None,
        },
    );
    check(
        "desc Sales.orders order_id",
        Statement::Describe {
            table: path(&["Sales", "orders"]),
            column: Some("order_id".to_owned()),
        },
    );
    check("SHOW SCHEMAS", Statement::ShowSchemas { like: None });
    check(
        "SHOW TABLES IN \"@dremio\" LIKE 'top%'",
        Statement::ShowTables { within: Some(path(&["@dremio"])), like: Some("top%".to_owned()) },
    );
    check("USE Sales", Statement::Use(path(&["Sales"])));
    check(
        "ALTER SESSION SET \"planner.x\" = true",
        Statement::SetSession { name: "planner.x".to_owned() },
    );
    assert!(matches!(
        parse("ALTER SYSTEM SET \"token.expiration.min\" = 60"),
        Ok(Statement::SetSystem { value: Some(_), .. })
    ));
}
