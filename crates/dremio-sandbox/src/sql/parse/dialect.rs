//! Dremio's words for sqlparser: what is a keyword here, and what may be a name.

use sqlparser::ast;
use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token as Parsed, TokenWithSpan, Word};

use super::lexer::{Kind, Position, Token};
use super::words;

/// Dremio's SQL as far as sqlparser asks; its lexer is not used.
#[derive(Debug)]
pub(super) struct Dremio;

impl Dialect for Dremio {
    fn is_identifier_start(&self, char: char) -> bool {
        char.is_alphabetic() || char == '_' || char == '$'
    }

    fn is_identifier_part(&self, char: char) -> bool {
        self.is_identifier_start(char) || char.is_numeric()
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn supports_interval_options(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_string_literal_column_alias(&self, _: bool) -> bool {
        false
    }

    fn supports_string_literal_table_alias(&self, _: bool) -> bool {
        false
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        is_reserved(keyword)
    }

    fn is_column_alias(&self, keyword: &Keyword, _: &mut Parser<'_>) -> bool {
        !is_reserved(*keyword)
    }

    fn is_table_alias(&self, keyword: &Keyword, _: &mut Parser<'_>) -> bool {
        !is_reserved(*keyword)
    }

    fn is_table_factor(&self, keyword: &Keyword, _: &mut Parser<'_>) -> bool {
        // A reserved word that is a table's name is found when the name is looked up.
        !matches!(keyword, Keyword::SELECT | Keyword::WITH | Keyword::VALUES | Keyword::WHERE)
    }

    /// `MAP['a', 1]`, which sqlparser takes for the item of a column, and reserved words, which it
    /// would take for columns.
    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<ast::Expr, ParserError>> {
        let [Parsed::Word(word), next] = parser.peek_tokens() else {
            return None;
        };
        let goes_on = matches!(next, Parsed::LParen | Parsed::SingleQuotedString(_));
        let is_name = word.quote_style.is_some() || word.keyword == Keyword::NoKeyword;
        if !is_name && !goes_on && !words::begins_expression(&word.value) {
            return Some(parser.expected_ref("an expression", parser.peek_token_ref()));
        }
        if next != Parsed::LBracket {
            return None;
        }
        if word.quote_style.is_some() || !word.value.eq_ignore_ascii_case("MAP") {
            return None;
        }
        let name = parser.next_token();
        parser.advance_token();
        let items = parser.parse_comma_separated(Parser::parse_expr);
        Some(items.and_then(|items| {
            parser.expect_token(&Parsed::RBracket)?;
            let unnamed = |item| ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(item));
            Ok(ast::Expr::Function(ast::Function {
                name: ast::ObjectName::from(vec![ast::Ident::with_span(name.span, "MAP")]),
                uses_odbc_syntax: false,
                parameters: ast::FunctionArguments::None,
                args: ast::FunctionArguments::List(ast::FunctionArgumentList {
                    duplicate_treatment: None,
                    args: items.into_iter().map(unnamed).collect(),
                    clauses: Vec::new(),
                }),
                filter: None,
                null_treatment: None,
                over: None,
                within_group: Vec::new(),
            }))
        }))
    }
}

fn is_reserved(keyword: Keyword) -> bool {
    keyword != Keyword::NoKeyword && words::is_reserved(&format!("{keyword:?}"))
}

/// Our tokens as sqlparser's. A word that is no keyword here is a name to the parser, whatever it
/// is elsewhere.
pub(super) fn convert(sql: &str, tokens: &[Token]) -> Vec<TokenWithSpan> {
    let mut positions = Position::all(sql, tokens.iter().map(|token| token.at));
    tokens
        .iter()
        .map(|token| {
            let (line, column) = positions.next().unwrap_or_default();
            let start = Location::new(line, column);
            TokenWithSpan::new(parsed(token), Span::new(start, start))
        })
        .collect()
}

fn parsed(token: &Token) -> Parsed {
    let text = token.text.clone();
    match token.kind {
        Kind::Word if words::is_parsed(&text) => Parsed::make_word(&text, None),
        Kind::Word => {
            Parsed::Word(Word { value: text, quote_style: None, keyword: Keyword::NoKeyword })
        }
        Kind::Quoted => Parsed::make_word(&text, Some('"')),
        Kind::Text => Parsed::SingleQuotedString(text),
        Kind::Number => Parsed::Number(text, false),
        Kind::Symbol => match text.as_str() {
            "<>" | "!=" => Parsed::Neq,
            "<=" => Parsed::LtEq,
            ">=" => Parsed::GtEq,
            "||" => Parsed::StringConcat,
            "=>" => Parsed::RArrow,
            "(" => Parsed::LParen,
            ")" => Parsed::RParen,
            "[" => Parsed::LBracket,
            "]" => Parsed::RBracket,
            "{" => Parsed::LBrace,
            "}" => Parsed::RBrace,
            "," => Parsed::Comma,
            "." => Parsed::Period,
            ";" => Parsed::SemiColon,
            "+" => Parsed::Plus,
            "-" => Parsed::Minus,
            "*" => Parsed::Mul,
            "/" => Parsed::Div,
            "%" => Parsed::Mod,
            "=" => Parsed::Eq,
            "<" => Parsed::Lt,
            _ => Parsed::Gt,
        },
    }
}
