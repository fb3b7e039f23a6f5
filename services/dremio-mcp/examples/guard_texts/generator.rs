//! Texts that are SQL, nearly SQL, or made to look like something else to one of two readers. The
//! same for the same seed, on any machine and with any version of any library.

/// Statements that read, most of which Calcite knows, too.
const READS: &[&str] = &[
    "SELECT 1",
    "SELECT a , b FROM t WHERE c = 'x'",
    "SELECT \"a b\" . \"c\" FROM \"d\" AS e",
    "SELECT * FROM t ORDER BY 1 LIMIT 3",
    "SELECT a FROM t UNION ALL SELECT b FROM u",
    "( SELECT 1 ) EXCEPT ( SELECT 2 )",
    "WITH w AS ( SELECT 1 AS x ) SELECT * FROM w",
    "VALUES ( 1 , 'a' ) , ( 2 , 'b' )",
    "TABLE t",
    "EXPLAIN PLAN FOR SELECT 1",
    "EXPLAIN PLAN WITHOUT IMPLEMENTATION AS JSON FOR SELECT 1",
    "EXPLAIN JSON FOR SELECT 1",
    "DESCRIBE t",
    "DESCRIBE TABLE t . u",
    "SHOW TABLES IN s",
    "SELECT 1.5e-3 , .5 , 1. , 0x1 , 1e , 2..3 FROM t",
    "SELECT a / b - c * d % e FROM t",
    "SELECT COUNT ( * ) FROM t GROUP BY a HAVING COUNT ( * ) >= 2 AND a <> 'b' OR a != c",
    "SELECT x'ff' , N'a' , DATE '2020-01-01' , a || b FROM t",
    "SELECT a FROM t AT BRANCH main",
    "SELECT EXPR$0 , a$b , $c FROM t",
    "SELECT größe , 日本 , ſ FROM t",
    "SELECT a [ 0 ] . b FROM t",
    "SELECT * FROM TABLE ( f ( 'a' ) )",
    "SELECT CASE WHEN a THEN 1 ELSE 2 END FROM t",
];

/// Statements that are no queries, and statements that hide one.
const WRITES: &[&str] = &[
    "DELETE FROM t",
    "INSERT INTO t VALUES ( 1 )",
    "INSERT INTO t SELECT 1",
    "UPDATE t SET a = 1",
    "MERGE INTO t USING u ON t . a = u . a WHEN MATCHED THEN UPDATE SET b = 1",
    "UPSERT INTO t VALUES ( 1 )",
    "CALL f ( 1 )",
    "ALTER SYSTEM SET a = 1",
    "SET a = 1",
    "RESET ALL",
    "EXPLAIN PLAN FOR DELETE FROM t",
    "EXPLAIN PLAN FOR INSERT INTO t SELECT 1",
    "DESCRIBE DELETE FROM t",
    "DESCRIBE STATEMENT UPDATE t SET a = 1",
    "DESCRIBE SCHEMA s",
    "SELECT 1 ; DELETE FROM t",
    "DELETE FROM t ; SELECT 1",
    "DROP TABLE t",
    "CREATE TABLE t AS SELECT 1",
    "WITH w AS ( SELECT 1 ) DELETE FROM t",
    "TRUNCATE TABLE t",
];

/// Comments, and what nearly is one.
const COMMENTS: &[&str] = &[
    "/**/",
    "/***/",
    "/****/",
    "/* */",
    "/** */",
    "/*/ */",
    "/* * / */",
    "/* /* */",
    "/* /* */ */",
    "/*'*/",
    "/*\"*/",
    "/*\n*/",
    "/**\n*/",
    "/**'*/",
    "/*--*/",
    "/*//*/",
    "/*;*/",
    "--\n",
    "-- a\n",
    "--'\n",
    "-- /*\n",
    "--*/\n",
    "--\r",
    "-- a\r\n",
    "--",
    "//\n",
    "// '\n",
    "//*\n",
    "///*\n",
    "//",
    "/*+ a */",
    "/*+ a ( '*/' ) */",
    "/*",
    "/**",
    "*/",
    "*/ */",
    "-- a\u{85}",
    "-- a\u{2028}",
    "--\x0b",
    "--\x0c",
    "/*\u{2028}é😀*/",
    "- -",
    "/ *",
    "/-*",
    "/*-*/",
];

/// Strings, quoted names, and what nearly is one.
const QUOTES: &[&str] = &[
    "'a'",
    "''",
    "'it''s'",
    "'*/'",
    "'/*'",
    "'--'",
    "'//'",
    "'\n'",
    "'\\'",
    "'\\''",
    "' '' '",
    "'",
    "\"a\"",
    "\"\"",
    "\"a\"\"b\"",
    "\"*/\"",
    "\"/*\"",
    "\"--\"",
    "\"'\"",
    "'\"'",
    "\"a\nb\"",
    "\"",
    "U&'\\0041'",
    "U&\"\\0041\"",
    "u&'!0041' UESCAPE '!'",
    "_utf8'a'",
    "_a--'x'",
    "_a-b:c.d'x'",
    "_'x'",
    "N'a'",
    "n'*/'",
    "x'ff'",
    "X'--'",
    "e'\\''",
    "E'a'",
    "`a`",
    "`'`",
    "{d '2020-01-01'}",
    "{fn f('a')}",
    "{ts'a'}",
    "$$",
    "$a$",
    "a--b$c",
    "a:b$c",
    "'; DELETE FROM t --'",
    "'*/ DELETE FROM t --'",
    "\"*/ DELETE FROM t //\"",
    "' OR 1=1 /*'",
    "'a' 'b'",
    "'a'\n'b'",
    "[a]",
    "['",
    "[\"",
    "_a-$b",
    "1-a$b",
];

/// What looks like a blank, and is one for some readers.
const ODD_BLANKS: &[&str] = &[
    "\t", "\r", "\r\n", "\x0c", "\x0b", "\u{85}", "\u{a0}", "\u{2028}", "\u{3000}", "\u{feff}",
    "\u{200b}", "\0", "\u{1680}", "",
];

/// Single characters that mean something to a lexer.
const CHARACTERS: &[char] = &[
    '/', '*', '-', '\'', '"', '+', ' ', '\n', '\r', ';', '(', ')', '&', 'U', 'e', '_', '$', '.',
    '0', '\\', '`', '{', '[', ':', 'ſ', '\u{a0}', '😀', 'x', 'N',
];

/// An endless, repeatable supply of texts.
pub(crate) struct Generator(u64);

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next text.
    pub(crate) fn text(&mut self) -> String {
        let text = match self.below(10) {
            0..=2 => self.statement(),
            3..=6 => self.smuggled(),
            7..=8 => self.mixed(),
            _ => self.soup(),
        };
        match self.below(4) {
            0 => self.mutated(&text),
            _ => text,
        }
    }

    /// A statement with other blanks, comments and letters.
    fn statement(&mut self) -> String {
        let is_write = self.below(2) == 0;
        let statement = self.pick(if is_write { WRITES } else { READS });
        let mut text = String::new();
        for word in statement.split(' ') {
            if self.below(5) == 0 {
                text.push_str(self.pick(COMMENTS));
            }
            match self.below(8) {
                0 => text.push_str(&word.to_lowercase()),
                1 if word.starts_with('\'') => text.push_str(self.pick(QUOTES)),
                _ => text.push_str(word),
            }
            text.push_str(self.blank());
        }
        if self.below(4) == 0 {
            text.push_str(self.pick(&[
                ";",
                ";;",
                " ; ",
                "; --",
                ";/**/",
                "-- end",
                "/* end */",
                "/***/",
            ]));
        }
        text
    }

    /// One statement in front of, inside of or behind what could hide it.
    fn smuggled(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..=self.below(2) {
            text.push_str(self.pick(COMMENTS));
            text.push_str(self.blank());
        }
        text.push_str(self.pick(READS));
        text.push_str(self.pick(&[" ", " '", " \"", "'", " , '", ""]));
        for _ in 0..=self.below(2) {
            text.push_str(self.pick(COMMENTS));
            text.push_str(self.blank());
        }
        text.push_str(self.pick(WRITES));
        text.push_str(
            self.pick(&["", " --'", " /*'*/", "'", "\"", " //\"", " --", "*/", "\n'", " -- '\n"]),
        );
        text
    }

    /// A query over quotes and comments of every kind.
    fn mixed(&mut self) -> String {
        let mut text = String::from("SELECT ");
        for at in 0..=self.below(6) {
            if at > 0 {
                text.push_str(self.pick(&[",", " , ", " ", "+", "||"]));
            }
            text.push_str(match self.below(3) {
                0 => self.pick(QUOTES),
                1 => self.pick(COMMENTS),
                _ => self.pick(&["a", "1", "t.a", "f(x)", "\"b\"", "'c'"]),
            });
        }
        text.push_str(self.pick(&[
            "",
            " FROM t",
            " FROM t --'",
            "/**/ FROM t",
            " FROM t WHERE a = 'b'",
        ]));
        text
    }

    fn blank(&mut self) -> &'static str {
        match self.below(20) {
            0 => self.pick(ODD_BLANKS),
            1..=3 => "\n",
            _ => " ",
        }
    }

    /// Characters that mean something, and a statement among them.
    fn soup(&mut self) -> String {
        let mut text =
            String::from(self.pick(&["", "SELECT ", "SELECT 1 ", "/*", "SELECT '", "--"]));
        for _ in 0..=self.below(14) {
            match self.below(16) {
                0 => text.push_str(self.pick(WRITES)),
                1 => text.push_str(self.pick(READS)),
                _ => text.push(self.pick(CHARACTERS)),
            }
        }
        text
    }

    /// `text` with one to three characters more, fewer or other ones.
    fn mutated(&mut self, text: &str) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        for _ in 0..=self.below(2) {
            let at = self.below(characters.len() + 1);
            let c = self.pick(CHARACTERS);
            match self.below(3) {
                0 if at < characters.len() => drop(characters.remove(at)),
                1 if at < characters.len() => characters.splice(at..=at, [c]).for_each(drop),
                _ => characters.insert(at, c),
            }
        }
        characters.into_iter().collect()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let at = self.below(from.len());
        #[expect(clippy::indexing_slicing, reason = "`at` is below the length")]
        from[at]
    }

    /// A number below `limit`, from SplitMix64 (Steele, Lea and Flood, 2014).
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        usize::try_from(z % limit.max(1) as u64).unwrap_or_default()
    }
}
