//! Shows a page in the person's browser.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// What opens a page, with its arguments before the address: on macOS; on Linux; in the Linux of a
/// Windows machine.
const OPENERS: [&[&str]; 4] =
    [&["open"], &["xdg-open"], &["wslview"], &["cmd.exe", "/c", "start", ""]];

/// What has not ended by then shows the page, for as long as the browser is open.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Asks the system to show the page at `url`; whether something took it. It never holds up or fails
/// what calls it longer than 5 s a program.
pub(crate) async fn open(url: &str) -> bool {
    for opener in openers() {
        let [program, arguments @ ..] = opener else { continue };
        let started = Command::new(program)
            .args(arguments)
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = started else { continue };
        match tokio::time::timeout(WAIT_MAX, child.wait()).await {
            Ok(Ok(status)) if !status.success() => {}
            _ => return true,
        }
    }
    false
}

/// On Linux, `open` is another program.
fn openers() -> &'static [&'static [&'static str]] {
    let split = if cfg!(target_os = "macos") { 0..1 } else { 1..OPENERS.len() };
    OPENERS.get(split).unwrap_or_default()
}
