//! A few rows of a table.

use super::super::ToolCall;
use super::super::lines::Lines;
use super::page;
use crate::answer::{Format, Place, Sheet, columns};
use crate::audit::CallAudit;
use crate::catalog::quoted;

/// Rows of a sample.
const ROWS: u32 = 5;

/// Adds a few rows, as CSV, or why there are none.
pub(super) async fn show(call: &mut ToolCall<'_>, lines: &mut Lines, path: &[String]) {
    let sql = format!("SELECT * FROM {} LIMIT {ROWS}", quoted(path));
    match sheet(call, &sql, lines.tokens_left()).await {
        Ok(rows) => {
            lines.push("");
            lines.append(&rows);
        }
        Err(reason) => lines.push(&format!("[no sample: {reason}]")),
    }
}

async fn sheet(call: &mut ToolCall<'_>, sql: &str, tokens_max: usize) -> Result<String, String> {
    let page = page(call, sql, "READING_SAMPLE", ROWS).await?;
    let columns = columns(&page.schema).unwrap_or_default();
    let mut sheet = Sheet::new(Format::Csv, columns, tokens_max, ROWS.into());
    for row in &page.rows {
        sheet.add(row).map_err(|cause| cause.to_string())?;
    }
    CallAudit::note_rows(sheet.count());
    let place = Place { offset: 0, total: sheet.count(), handle: "" };
    Ok(sheet.finish(place))
}
