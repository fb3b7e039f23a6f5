//! What kind of statement a text is (contract §7.2, §7.3): one query, one direct command, or
//! something that is refused.

use crate::sql::{
    Kind, SqlError, Token, encountered, is_reserved, lexical, tokenize, unexpected_end,
};

/// A text that is exactly one statement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    /// SELECT, WITH, VALUES, a parenthesised query.
    Query(Vec<Token>),
    /// EXPLAIN … FOR a query.
    Explain(Vec<Token>),
    Describe {
        table: Vec<String>,
        column: Option<String>,
    },
    ShowSchemas {
        like: Option<String>,
    },
    ShowTables {
        within: Option<Vec<String>>,
        like: Option<String>,
    },
    ShowViews {
        within: Option<Vec<String>>,
    },
    ShowFunctions,
    ShowCreate {
        path: Vec<String>,
        view: bool,
    },
    Use(Vec<String>),
    /// `SET`, `RESET`, `ALTER SESSION …`: answered, and forgotten with the session, which ends with
    /// the job (contract §4.1).
    SetSession {
        name: String,
    },
    /// `ALTER SYSTEM SET` and `RESET` (`value` is `None`).
    SetSystem {
        name: String,
        value: Option<Token>,
    },
    /// Understood and not done.
    Refused(String),
}

/// Parses a text.
///
/// # Errors
/// It is empty, it has a lexical error, it is more than one statement, or it begins with nothing
/// that Dremio knows.
pub(crate) fn parse(sql: &str) -> Result<Statement, SqlError> {
    let mut tokens = tokenize(sql).map_err(|cause| lexical(sql, &cause))?;
    while tokens.last().is_some_and(|token| token.is_symbol(";")) {
        tokens.pop();
    }
    let mut count = 0_usize;
    for statement in tokens.split(|token| token.is_symbol(";")) {
        if statement.is_empty() {
            let at = tokens.iter().find(|token| token.is_symbol(";"));
            return Err(at.map_or_else(|| unexpected_end(sql), |token| encountered(sql, token)));
        }
        count += 1;
    }
    if count > 1 {
        return Err(SqlError::failed(format!(
            "Dremio only supports single statement execution. Unable to execute the given query \
                with {count} statements: {sql}"
        )));
    }
    let mut cursor = Cursor { sql, tokens: &tokens, at: 0 };
    cursor.statement()
}

struct Cursor<'a> {
    sql: &'a str,
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn statement(&mut self) -> Result<Statement, SqlError> {
        let Some(first) = self.tokens.first() else {
            return Err(unexpected_end(self.sql));
        };
        if first.is_symbol("(") || first.is_any_word(&["SELECT", "WITH", "VALUES"]) {
            return Ok(Statement::Query(self.tokens.to_vec()));
        }
        self.at = 1;
        match first.text.to_ascii_uppercase().as_str() {
            "EXPLAIN" => self.explain(),
            "DESCRIBE" | "DESC" => self.describe(),
            "SHOW" => self.show(),
            "USE" => {
                let path = self.path()?;
                self.end(Statement::Use(path))
            }
            "SET" | "RESET" => self.set_session(),
            "ALTER" if self.eat("SESSION") => self.set_session(),
            "ALTER" if self.eat("SYSTEM") => self.set_system(),
            "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE" | "COPY" => Ok(self.refuse_dml()),
            "CREATE" | "DROP" | "ALTER" | "OPTIMIZE" | "VACUUM" | "ANALYZE" | "REFRESH"
            | "ROLLBACK" | "LOAD" | "COMPACT" | "CALL" | "UPSERT" | "TRIGGER" | "GRANT"
            | "REVOKE" => Ok(self.refuse()),
            _ => Err(encountered(self.sql, first)),
        }
    }

    fn explain(&mut self) -> Result<Statement, SqlError> {
        let target = self.tokens.iter().position(|token| token.is_word("FOR"));
        let inner = target.and_then(|at| self.tokens.get(at + 1..));
        match inner {
            Some([first, ..])
                if first.is_any_word(&["SELECT", "WITH", "VALUES"]) || first.is_symbol("(") =>
            {
                Ok(Statement::Explain(inner.unwrap_or_default().to_vec()))
            }
            Some([first, ..]) if first.is_any_word(&["INSERT", "DELETE", "UPDATE", "MERGE"]) => {
                Ok(self.refuse_dml())
            }
            Some([first, ..]) => Err(encountered(self.sql, first)),
            _ => Err(unexpected_end(self.sql)),
        }
    }

    fn describe(&mut self) -> Result<Statement, SqlError> {
        if self.eat("PIPE") {
            return Ok(pipes());
        }
        if self.eat("FUNCTION") {
            let name = self.path()?.join(".");
            return Ok(Statement::Refused(format!("Unknown function [{name}]")));
        }
        self.eat("TABLE");
        let table = self.path()?;
        let column = match self.next() {
            Some(token) if token.is_name() => Some(token.text.clone()),
            Some(token) => return Err(encountered(self.sql, token)),
            None => None,
        };
        self.end(Statement::Describe { table, column })
    }

    fn show(&mut self) -> Result<Statement, SqlError> {
        let what = self.next().map(|token| token.text.to_ascii_uppercase());
        match what.as_deref() {
            Some("SCHEMAS" | "DATABASES") => {
                let like = self.like()?;
                self.end(Statement::ShowSchemas { like })
            }
            Some("TABLES") => {
                let within = self.within()?;
                let like = self.like()?;
                self.end(Statement::ShowTables { within, like })
            }
            Some("VIEWS") => {
                let within = self.within()?;
                self.like()?;
                self.end(Statement::ShowViews { within })
            }
            Some("FUNCTIONS") => {
                self.like()?;
                self.end(Statement::ShowFunctions)
            }
            Some("CREATE") => {
                let view = self.eat("VIEW");
                if !view && !self.eat("TABLE") {
                    return Err(self.unexpected());
                }
                let path = self.path()?;
                self.end(Statement::ShowCreate { path, view })
            }
            Some("BRANCHES" | "TAGS" | "LOGS" | "LOG") => {
                let source = self.within()?.unwrap_or_default().join(".");
                Ok(Statement::Refused(format!("Source [{source}] does not support versioning.")))
            }
            _ => {
                self.at = 1;
                Err(self.unexpected())
            }
        }
    }

    fn set_session(&mut self) -> Result<Statement, SqlError> {
        self.eat("SET");
        self.eat("RESET");
        let name = self.path()?.join(".");
        Ok(Statement::SetSession { name })
    }

    fn set_system(&mut self) -> Result<Statement, SqlError> {
        let reset = self.eat("RESET");
        if !reset && !self.eat("SET") {
            return Ok(self.refuse());
        }
        let name = self.path()?.join(".");
        if reset {
            return self.end(Statement::SetSystem { name, value: None });
        }
        if !self.next().is_some_and(|token| token.is_symbol("=")) {
            self.at -= 1;
            return Err(self.unexpected());
        }
        let value = self.next().cloned();
        let Some(value) = value else {
            return Err(unexpected_end(self.sql));
        };
        self.end(Statement::SetSystem { name, value: Some(value) })
    }

    fn refuse_dml(&self) -> Statement {
        // The table is the first path after INTO, FROM, TABLE, or the verb itself.
        let start = self
            .tokens
            .iter()
            .position(|token| token.is_any_word(&["INTO", "FROM", "TABLE"]))
            .unwrap_or(0);
        let mut cursor = Cursor { sql: self.sql, tokens: self.tokens, at: start + 1 };
        let table = cursor.path().unwrap_or_default().join(".");
        Statement::Refused(format!("Table [{table}] is not configured to support DML operations"))
    }

    fn refuse(&self) -> Statement {
        let word = |index: usize| {
            let token = self.tokens.get(index)?;
            (token.kind == Kind::Word).then(|| token.text.to_ascii_uppercase())
        };
        let verb = word(0).unwrap_or_default();
        let object = word(1).unwrap_or_default();
        let edition_only = matches!(verb.as_str(), "GRANT" | "REVOKE")
            || matches!(object.as_str(), "USER" | "ROLE");
        if object == "PIPE" {
            return pipes();
        }
        if edition_only {
            return Statement::Refused(format!(
                "{verb} action is only supported in Enterprise Edition."
            ));
        }
        Statement::Refused(format!(
            "{verb} {object} is refused: this stand-in for Dremio holds read-only demo data."
        ))
    }

    fn within(&mut self) -> Result<Option<Vec<String>>, SqlError> {
        if self.eat("IN") || self.eat("FROM") { self.path().map(Some) } else { Ok(None) }
    }

    fn like(&mut self) -> Result<Option<String>, SqlError> {
        if !self.eat("LIKE") {
            return Ok(None);
        }
        match self.next() {
            Some(token) if token.kind == Kind::Text => Ok(Some(token.text.clone())),
            _ => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    /// A dotted name.
    fn path(&mut self) -> Result<Vec<String>, SqlError> {
        let mut path = Vec::new();
        loop {
            match self.next() {
                Some(token) if token.kind == Kind::Quoted => path.push(token.text.clone()),
                Some(token) if token.kind == Kind::Word && !is_reserved(&token.text) => {
                    path.push(token.text.clone());
                }
                _ => {
                    self.at -= 1;
                    return Err(self.unexpected());
                }
            }
            if !self.tokens.get(self.at).is_some_and(|token| token.is_symbol(".")) {
                return Ok(path);
            }
            self.at += 1;
        }
    }

    fn next(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.at);
        self.at += 1;
        token
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|token| token.is_word(word));
        if found {
            self.at += 1;
        }
        found
    }

    fn end(&self, statement: Statement) -> Result<Statement, SqlError> {
        match self.tokens.get(self.at) {
            Some(token) => Err(encountered(self.sql, token)),
            None => Ok(statement),
        }
    }

    fn unexpected(&self) -> SqlError {
        match self.tokens.get(self.at) {
            Some(token) => encountered(self.sql, token),
            None => unexpected_end(self.sql),
        }
    }
}

fn pipes() -> Statement {
    Statement::Refused("This edition of Dremio does not support PIPE statements.".to_owned())
}

#[cfg(test)]
mod tests;
