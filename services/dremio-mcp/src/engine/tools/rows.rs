//! The rows of a completed job, as many as fit into an answer. They are Dremio's own texts: a
//! number is never read, so it keeps every digit (`12.50`, 19-digit integers).
//!
//! Pages are asked for as they are needed. Cells are shortened while a page is read, so their size
//! does not matter; a page that is too large all the same is asked for again with fewer rows, and
//! then with shorter cells. So no row is skipped, however wide it is.

use dremio_client::{Error, JobId, PAGE_ROWS_MAX, Page, PageLimits};
use service_kit::wording::counted;

use super::failure::Failure;
use super::progress::Progress;
use super::wanted::Wanted;
use super::{ToolRoom, values};
use crate::answer::{CELL_CHARS_MAX, Place, Sheet, columns};
use crate::audit::CallAudit;
use crate::dremio::{DremioCaller, DremioError};

/// Advice where a result cannot be read any more.
pub(super) const RUN_AGAIN: &str = "Run the query again.";

/// What is kept of a page: many more rows than an answer shows, and room for the columns that
/// stand before them.
const PAGE_BYTES_MAX: usize = 512 * 1024;

/// Room that a fetch takes: for a page as it came (a buffer may be half empty), for its rows, and
/// for the answer made of them.
const ROOM_BYTES: usize = 4 * PAGE_BYTES_MAX;

/// Characters that are kept of a cell: one more than are shown, so that it is seen that there are
/// more. The shorter ones are for rows of thousands of cells.
const CELL_CHARS: [usize; 3] = [CELL_CHARS_MAX + 1, 101, 9];

/// The largest offset that Dremio reads (a Java `int`).
const OFFSET_MAX: u64 = 0x7fff_ffff;

/// Writes rows until the budget is used up or there are no more, and asks for no page beyond. Waits
/// for room first: pages of many calls at a time would fill the memory. `sql` is what the job runs.
///
/// # Errors
/// When the results cannot be fetched, or Dremio has fewer rows than it says.
pub(super) async fn write(
    room: &ToolRoom,
    job: &JobId,
    wanted: Wanted,
    sql: &str,
    progress: &mut Progress<'_>,
) -> Result<String, Failure> {
    room.check_budgets()?;
    let _room = progress.room(ROOM_BYTES).await?;
    let handle = room.handles.issue(progress.principal(), &progress.caller().rights(), job);
    progress.set_shown(&handle, wanted.offset);
    let mut pages = Pages::new(wanted.rows_max);
    let mut sheet: Option<Sheet> = None;
    loop {
        let count = sheet.as_ref().map_or(0, Sheet::count);
        let offset = wanted.offset.saturating_add(count);
        let doing = format!("FETCHING, {} so far", counted(count, "row"));
        let page = progress.during(&doing, pages.next(room.jobs.dremio(), job, offset)).await?;
        let mut current = match sheet.take() {
            Some(sheet) => sheet,
            None => {
                let columns = columns(&page.schema).ok_or_else(not_understood)?;
                let tokens_max = room.answers.tokens_max;
                Sheet::new(wanted.format, columns, tokens_max, wanted.rows_max)
            }
        };
        current.limit_cells(pages.cell_chars() - 1);
        let may_go_on = add_rows(room, &mut current, &page)?;
        let (total, count) = (page.row_count, current.count());
        if !may_go_on || current.is_full() || wanted.offset.saturating_add(count) >= total {
            CallAudit::note_rows(count);
            if total == 0
                && let Some(note) = values::suggestion(room, sql, progress).await
            {
                current.add_note(note);
            }
            let place = Place { offset: wanted.offset, total, handle: &handle };
            return Ok(current.finish(place));
        }
        if page.rows.is_empty() {
            let said = format!("Dremio announced {} and returned {offset}", counted(total, "row"));
            return Err(Failure::new(said, RUN_AGAIN));
        }
        sheet = Some(current);
    }
}

/// Adds the rows of a page until the answer is full. False once a budget of the caller is used up:
/// what there is goes out, and who asks on hears why there is no more.
///
/// # Errors
/// When a budget is used up before the first row of the answer, or a row cannot be read.
fn add_rows(room: &ToolRoom, sheet: &mut Sheet, page: &Page) -> Result<bool, Failure> {
    for row in &page.rows {
        if sheet.is_full() {
            break;
        }
        match room.spend_row(row) {
            Ok(()) => {}
            Err(over) if sheet.count() == 0 => return Err(over),
            Err(_) => return Ok(false),
        }
        let before = sheet.count();
        sheet.add(row).map_err(|_| not_understood())?;
        if sheet.count() == before {
            room.give_row_back(row);
        }
    }
    Ok(true)
}

/// How pages are asked for.
struct Pages {
    rows_max: u32,
    cell_chars: std::iter::Peekable<std::array::IntoIter<usize, 3>>,
}

impl Pages {
    fn new(rows_max: u64) -> Self {
        let rows_max = u32::try_from(rows_max).unwrap_or(PAGE_ROWS_MAX).min(PAGE_ROWS_MAX);
        Self { rows_max, cell_chars: CELL_CHARS.into_iter().peekable() }
    }

    /// What is kept of a cell.
    fn cell_chars(&mut self) -> usize {
        self.cell_chars.peek().copied().unwrap_or(1)
    }

    /// The page from `offset` on, with at least one row if there is one.
    async fn next(
        &mut self,
        dremio: &DremioCaller,
        job: &JobId,
        offset: u64,
    ) -> Result<Page, Failure> {
        loop {
            let limits = PageLimits {
                rows_max: self.rows_max,
                cell_chars_max: self.cell_chars(),
                bytes_max: PAGE_BYTES_MAX,
            };
            let offset = offset.min(OFFSET_MAX);
            let page = dremio.read(|client, token| async move {
                client.shortened_results(token.secret(), job, offset, limits).await
            });
            match page.await {
                Ok(page) if !page.rows.is_empty() || !page.is_cut => return Ok(page),
                // Not even the columns fitted, or not even one row.
                Ok(_) | Err(DremioError::Dremio(Error::TooLarge { .. })) if self.shrink() => {}
                Ok(_) => {
                    return Err(Failure::new(
                        format!("row {} is too large to be read", offset + 1),
                        "Select fewer columns.",
                    ));
                }
                Err(cause) => return Err(unavailable(cause)),
            }
        }
    }

    /// Asks for less from now on, if that is possible.
    fn shrink(&mut self) -> bool {
        if self.rows_max > 1 {
            self.rows_max = (self.rows_max / 10).max(1);
            return true;
        }
        self.cell_chars.next();
        self.cell_chars.peek().is_some()
    }
}

fn not_understood() -> Failure {
    Failure::new("Dremio's answer with the rows is not understood", super::failure::TELL_OPERATOR)
}

/// Results are gone after a day, or with the executor that held them (contract §4.3).
fn unavailable(cause: DremioError) -> Failure {
    match &cause {
        DremioError::Dremio(error @ (Error::Refused { .. } | Error::NotFound { .. })) => {
            let said = error.remote_message().map_or_else(String::new, |said| format!(": {said}"));
            Failure::new(
                format!("the query completed, but its results are not available{said}"),
                RUN_AGAIN,
            )
        }
        _ => cause.into(),
    }
}
