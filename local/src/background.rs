//! Running without a terminal: starting so, and the commands for what runs so.
//!
//! The process in the background is this program again. It writes to the terminal through the one
//! that started it until it is ready; then it goes into a session of its own, and its standard
//! error becomes the log.

use std::ffi::OsString;
use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use service_kit::admin::Report;
use service_kit::wording::counted;
use service_kit::{Clock, Exit};

use crate::arguments::Folder;
use crate::config_dir::ConfigDir;
use crate::instance::{self, Running, already_runs, running};
use crate::log_file::LogFile;
use crate::screen::{Screen, facts};

/// The first word of the process in the background, which is no flag for people.
const MARK: &str = "--in-background";

/// A status page on this machine answers at once.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(3);

/// Takes the mark of the process in the background away; whether it was there.
pub(crate) fn take_mark(words: &mut Vec<OsString>) -> bool {
    let is_marked = words.get(1).is_some_and(|word| word == MARK);
    if is_marked {
        words.remove(1);
    }
    is_marked
}

/// Starts the program with the same `words` in the background, and waits until it is ready or has
/// said why it is not.
///
/// # Errors
/// When it cannot be started, or one runs already.
pub(crate) fn start(words: &[OsString], folder: &ConfigDir) -> anyhow::Result<Exit> {
    if let Some(running) = running(folder)? {
        anyhow::bail!(already_runs(folder, &running));
    }
    let mut child = Command::new(std::env::current_exe().context("where is this program?")?)
        .arg(MARK)
        .args(words.iter().skip(1))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start the program again")?;
    if let Some(mut said) = child.stderr.take() {
        // It ends when the other process is ready, or ends itself.
        io::copy(&mut said, &mut io::stderr())?;
    }
    let is_there = |it: Running| it.process.as_raw_nonzero().get().cast_unsigned() == child.id();
    if running(folder)?.is_some_and(is_there) {
        return Ok(Exit::Success);
    }
    let status = child.wait()?;
    Ok(match status.code() {
        Some(0) => Exit::Success,
        Some(78) => Exit::Config,
        Some(64) => Exit::Usage,
        _ => Exit::Failure,
    })
}

/// Lets go of the terminal: what it says from now on goes into `log`.
///
/// # Errors
/// When the system refuses.
pub(crate) fn detach(log: &LogFile) -> anyhow::Result<()> {
    rustix::process::setsid().context("cannot leave the terminal")?;
    rustix::stdio::dup2_stderr(log.handle()?).context("cannot leave the terminal")?;
    Ok(())
}

/// Stops what runs with the folder.
///
/// # Errors
/// When it does not stop.
pub(crate) fn stop(folder: &Folder) -> anyhow::Result<Exit> {
    let Some(folder) = ConfigDir::existing(folder.config_dir.as_deref())? else {
        return Ok(Exit::Success.print("Nothing runs."));
    };
    let Some(running) = running(&folder)? else {
        return Ok(Exit::Success.print(&nothing_runs(&folder)));
    };
    instance::stop(&folder, running.process)?;
    let process = running.process.as_raw_nonzero();
    Ok(Exit::Success.print(&format!("Stopped (process {process}).")))
}

/// Says what runs with the folder, and how it is.
///
/// # Errors
/// When that cannot be found out.
pub(crate) async fn status(folder: &Folder, screen: &Screen) -> anyhow::Result<Exit> {
    let Some(folder) = ConfigDir::existing(folder.config_dir.as_deref())? else {
        let text = "Nothing runs. This starts it: dremio-mcp-local --background";
        return Ok(Exit::Failure.print(text));
    };
    let Some(running) = running(&folder)? else {
        return Ok(Exit::Failure.print(&nothing_runs(&folder)));
    };
    let process = running.process.as_raw_nonzero();
    let Some(state) = running.state else {
        return Ok(Exit::Failure.print(&format!("It is starting (process {process}).")));
    };
    let since = Duration::from_secs(state.since);
    let now = instance::now(&Clock::system());
    let (exit, how) = match report(&state.facts.status_uri).await {
        Ok(report) if report.ready => (Exit::Success, "Ready".to_owned()),
        Ok(report) => {
            let unmet = report.conditions.values().filter(|condition| !condition.ready);
            let unmet = unmet.filter_map(|condition| condition.message.as_deref());
            let why = unmet.collect::<Vec<_>>().join("; ");
            (Exit::Failure, format!("Not ready: {why}"))
        }
        Err(cause) => (Exit::Failure, format!("It does not answer: {cause:#}")),
    };
    let text = format!(
        "{how} (process {process}, for {})\n\n{}\n  Kept in      {}",
        lasting(now.saturating_sub(since)),
        facts(&state.facts),
        folder.path().display()
    );
    Ok(exit.print(&screen.judged(&text, exit)))
}

async fn report(status_uri: &str) -> anyhow::Result<Report> {
    let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_WAIT_MAX).build()?;
    let answer = http.get(format!("{status_uri}readyz")).send().await?;
    Ok(answer.json().await?)
}

fn nothing_runs(folder: &ConfigDir) -> String {
    let shown = folder.path().display();
    match instance::remove_leftover(folder) {
        Some(process) => format!(
            "Nothing runs with {shown}. Process {process} ended there without a word, as when it \
             is killed."
        ),
        None => format!("Nothing runs with {shown}."),
    }
}

/// A time in its largest unit.
fn lasting(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let (size, unit) =
        units.into_iter().find(|(size, _)| seconds >= *size).unwrap_or((1, "second"));
    let number = seconds / size;
    counted(number, unit)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::lasting;

    #[test]
    fn times_are_told_in_their_largest_unit() {
        for (seconds, said) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "1 minute"),
            (7200, "2 hours"),
            (100_000, "1 day"),
        ] {
            assert_eq!(lasting(Duration::from_secs(seconds)), said);
        }
    }
}
