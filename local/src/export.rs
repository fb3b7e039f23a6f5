//! Rows for programs, a page after the other: CSV (RFC 4180) or JSON.

use std::io::{self, Write};

use serde_json::value::RawValue;

use crate::answer::{Answer, Row, compact};
use crate::arguments::Format;

/// Writes the rows of one result.
pub(crate) struct Export<W> {
    format: Format,
    out: W,
    count: u64,
}

impl<W: Write> Export<W> {
    pub(crate) fn new(format: Format, out: W) -> Self {
        Self { format, out, count: 0 }
    }

    /// Writes the rows that follow.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(crate) fn add(&mut self, page: &Answer) -> io::Result<()> {
        for row in &page.rows {
            if self.format == Format::Csv {
                self.add_csv(row)?;
            } else {
                self.add_json(row)?;
            }
            self.count += 1;
        }
        Ok(())
    }

    /// Writes what stands below the rows.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        match (self.format, self.count) {
            (Format::Json, 0) => writeln!(self.out, "[]")?,
            (Format::Json, _) => writeln!(self.out, "\n]")?,
            _ => {}
        }
        self.out.flush()
    }

    /// The first row brings the header.
    fn add_csv(&mut self, Row(members): &Row) -> io::Result<()> {
        if self.count == 0 {
            let names: Vec<String> = members.iter().map(|(name, _)| csv_text(name)).collect();
            write!(self.out, "{}\r\n", names.join(","))?;
        }
        let cells: Vec<String> = members.iter().map(|(_, value)| csv_cell(value)).collect();
        write!(self.out, "{}\r\n", cells.join(","))
    }

    /// An array with a row a line.
    fn add_json(&mut self, Row(members): &Row) -> io::Result<()> {
        let member = |(name, value): &(String, Box<RawValue>)| {
            format!("{}:{}", serde_json::Value::from(name.as_str()), compact(value.get()))
        };
        let members: Vec<String> = members.iter().map(member).collect();
        let before = if self.count == 0 { "[\n" } else { ",\n" };
        write!(self.out, "{before}{{{}}}", members.join(","))
    }
}

/// NULL is empty, and empty text is `""`; numbers are Dremio's own digits.
fn csv_cell(value: &RawValue) -> String {
    let raw = value.get();
    match raw.as_bytes().first() {
        Some(b'n') => String::new(),
        Some(b'"') => csv_text(&serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned())),
        _ => csv_text(&compact(raw)),
    }
}

fn csv_text(text: &str) -> String {
    if text.is_empty() || text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::Export;
    use crate::answer::Answer;
    use crate::arguments::Format;

    fn export(format: Format, pages: &[&str]) -> String {
        let mut out = Vec::new();
        let mut export = Export::new(format, &mut out);
        for rows in pages {
            let page = Answer::parse(&format!(r#"{{"result":[{rows}]}}"#)).unwrap();
            export.add(&page).unwrap();
        }
        export.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn pages_become_one_text() {
        let pages = [
            r#"{"n": 9223372036854775807, "a,b": null}, {"n": 12.50, "a,b": ""}"#,
            r#"{"n": -1, "a,b": "say \"hi\""}, {"n": null, "a,b": "two\nlines"},
               {"n": 0, "a,b": ["x", 1]}"#,
        ];
        assert_eq!(
            export(Format::Csv, &pages),
            "n,\"a,b\"\r\n9223372036854775807,\r\n12.50,\"\"\r\n-1,\"say \"\"hi\"\"\"\r\n\
             ,\"two\nlines\"\r\n\
             0,\"[\"\"x\"\",1]\"\r\n"
        );
        assert_eq!(
            export(Format::Json, &pages),
            "[\n{\"n\":9223372036854775807,\"a,b\":null},\n{\"n\":12.50,\"a,b\":\"\"},\n\
             {\"n\":-1,\"a,b\":\"say \\\"hi\\\"\"},\n{\"n\":null,\"a,b\":\"two\\nlines\"},\n\
             {\"n\":0,\"a,b\":[\"x\",1]}\n]\n"
        );
    }

    #[test]
    fn no_rows_are_no_lines_or_an_empty_array() {
        assert_eq!(export(Format::Csv, &[""]), "");
        assert_eq!(export(Format::Json, &[""]), "[]\n");
    }
}
