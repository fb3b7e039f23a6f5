//! Shortens the cells of a page of results while it is read, so that memory holds what will be
//! shown, whatever the size of a cell: Dremio does not cut them.
//!
//! A page is `{"rowCount":…,"schema":[…],"rows":[{"a":…},…]}` (contract §4.3). A text of a row that
//! is too long becomes its start; a list, struct or map that is too long becomes a text, the start
//! of its JSON. All else is copied byte for byte.

/// How deep in a page's JSON the cells are: below the page, its rows, and a row.
const CELL_DEPTH: usize = 3;

/// Copies a page's JSON with shorter cells.
#[derive(Debug)]
pub(crate) struct CellCutter {
    chars_max: usize,
    /// Open brackets and braces.
    depth: usize,
    in_text: bool,
    /// The bytes of an escape that is not complete yet.
    escape: Vec<u8>,
    /// The latest member of the page, as far as it matters.
    member: Vec<u8>,
    in_rows: bool,
    rows: u64,
    cell: Option<Cell>,
}

/// The cell that is being read.
#[derive(Debug)]
struct Cell {
    /// Where it starts in the copy.
    start: usize,
    chars: usize,
    is_nested: bool,
    /// Whether the rest of it is left out.
    is_over: bool,
}

impl CellCutter {
    /// One that leaves `chars_max` characters of each cell, as they are written in JSON.
    pub(crate) fn new(chars_max: usize) -> Self {
        Self {
            chars_max,
            depth: 0,
            in_text: false,
            escape: Vec::new(),
            member: Vec::new(),
            in_rows: false,
            rows: 0,
            cell: None,
        }
    }

    /// How many rows are complete.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Copies what follows.
    pub(crate) fn copy(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for &byte in bytes {
            if self.in_text {
                self.text_byte(byte, out);
            } else {
                self.token_byte(byte, out);
            }
        }
    }

    /// A byte between quotes, the last of these included.
    fn text_byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        if !self.escape.is_empty() {
            self.escape.push(byte);
            let is_code = self.escape.get(1) == Some(&b'u');
            if self.escape.len() == if is_code { 6 } else { 2 } {
                let escape = std::mem::take(&mut self.escape);
                // The second half of a character is not parted from the first.
                let is_second = is_code
                    && matches!(escape.get(2), Some(b'd' | b'D'))
                    && matches!(escape.get(3), Some(b'c'..=b'f' | b'C'..=b'F'));
                self.content(&escape, !is_second, out);
            }
            return;
        }
        match byte {
            b'\\' => self.escape.push(byte),
            b'"' => {
                self.in_text = false;
                match &self.cell {
                    // The mark of the end, also of a text that was cut.
                    Some(cell) if !cell.is_nested => out.push(byte),
                    Some(_) => self.content(&[byte], true, out),
                    None => out.push(byte),
                }
            }
            _ => {
                if self.depth == 1 && self.member.len() < 8 {
                    self.member.push(byte);
                }
                self.content(&[byte], byte & 0b1100_0000 != 0b1000_0000, out);
            }
        }
    }

    /// A byte outside of quotes, or the first of these.
    fn token_byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        let at_cell_depth = self.in_rows && self.depth == CELL_DEPTH;
        match byte {
            b',' | b'}' if at_cell_depth => self.cell = None,
            b':' if self.depth == 1 => self.in_rows = self.member == b"rows",
            _ => {}
        }
        match byte {
            b'"' => {
                self.in_text = true;
                if self.depth == 1 {
                    self.member.clear();
                }
            }
            b'{' | b'[' => {
                self.depth += 1;
                if let Some(cell) = self.cell.as_mut().filter(|cell| cell.chars == 0) {
                    cell.is_nested = true;
                }
            }
            b'}' | b']' => {
                self.rows += u64::from(at_cell_depth && byte == b'}');
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {}
        }
        let is_nested = self.cell.as_ref().is_some_and(|cell| cell.is_nested);
        if is_nested {
            self.content(&[byte], true, out);
        } else {
            out.push(byte);
        }
        if byte == b':' && at_cell_depth {
            self.cell = Some(Cell { start: out.len(), chars: 0, is_nested: false, is_over: false });
        }
    }

    /// A part of a text or of something nested. `is_start` says whether a character starts.
    fn content(&mut self, part: &[u8], is_start: bool, out: &mut Vec<u8>) {
        if let Some(cell) = &mut self.cell {
            if is_start && !cell.is_over && cell.chars >= self.chars_max {
                cell.is_over = true;
                if cell.is_nested {
                    let json = out.split_off(cell.start);
                    let text = serde_json::Value::from(String::from_utf8_lossy(&json));
                    out.extend_from_slice(text.to_string().as_bytes());
                }
            }
            if cell.is_over {
                return;
            }
            cell.chars += usize::from(is_start);
        }
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CellCutter;

    /// `page` with cells of at most `chars_max`, whatever pieces it comes in.
    fn cut(page: &str, chars_max: usize) -> (String, u64) {
        let copies: Vec<_> = [1, 3, page.len()]
            .into_iter()
            .map(|piece| {
                let (mut cutter, mut out) = (CellCutter::new(chars_max), Vec::new());
                page.as_bytes().chunks(piece).for_each(|bytes| cutter.copy(bytes, &mut out));
                (String::from_utf8(out).unwrap(), cutter.rows())
            })
            .collect();
        assert!(copies.iter().all(|copy| *copy == copies[0]), "{copies:?}");
        copies.into_iter().next().unwrap()
    }

    #[test]
    fn what_is_short_enough_stays_byte_for_byte() {
        let page = r#"{"rowCount":2, "schema":[{"name":"a","type":{"name":"STRUCT","subSchema":[
            {"name":"a long name","type":{"name":"VARCHAR"}}]}}],
            "rows":[{"a":{"b":[1, "two", {}]},"n":12.50},{"a":null,"n":"\"x\\"}]}"#;
        assert_eq!(cut(page, 100), (page.to_owned(), 2));
        // Only cells are cut: neither columns nor numbers.
        let schema = r#"[{"name":"abcdef","type":{"name":"VARCHAR"}}]"#;
        let page = &format!(r#"{{"schema":{schema},"rows":[{{"abcdef":123456789}}]}}"#);
        assert_eq!(cut(page, 2), (page.to_owned(), 1));
    }

    #[test]
    fn long_cells_become_their_starts() {
        let check = |cell: &str, expected: Value| {
            let page = format!(
                r#"{{"rows":[{{"x":1,"a":{cell},"b":"z"}},{{"a":"y"}}],"more":"abcdefgh"}}"#
            );
            let (text, rows) = cut(&page, 5);
            let page: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
            let rows_expected = json!([{ "x": 1, "a": expected, "b": "z" }, { "a": "y" }]);
            let expected = json!({ "rows": rows_expected, "more": "abcdefgh" });
            assert_eq!((page, rows), (expected, 2), "{cell}");
        };
        check(r#""abcdefgh""#, json!("abcde"));
        check(r#""abcde""#, json!("abcde"));
        check(r#""\"\\\n\t\/rest""#, json!("\"\\\n\t/"));
        check("\"ééééééé\"", json!("ééééé"));
        check("\"日本語日本語\"", json!("日本語日本"));
        check(r#""abcd\ud83d\ude00xyz""#, json!("abcd😀"));
        check(r#""abcde\ud83d\ude00xyz""#, json!("abcde"));
        check(
            r#""\u0001\u0001\u0001\u0001\u0001\u0001\u0001""#,
            json!("\u{1}\u{1}\u{1}\u{1}\u{1}"),
        );
        check("[1,2,3,4]", json!("[1,2,"));
        check(r#"["a\"",{"b":"}"}]"#, json!(r#"["a\"""#));
        check(r#"{"a":[[[]]]}"#, json!(r#"{"a":"#));
        check("[1,2]", json!([1, 2]));
        check("null", json!(null));
    }

    #[test]
    fn a_page_that_ends_in_the_middle_keeps_its_complete_rows() {
        let (text, rows) = cut(r#"{"rows":[{"a":"abcdef"},{"a":"abc"#, 3);
        assert_eq!((text.as_str(), rows), (r#"{"rows":[{"a":"abc"},{"a":"abc"#, 1));
    }
}
