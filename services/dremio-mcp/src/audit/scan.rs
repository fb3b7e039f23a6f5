//! Reads an audit file from its beginning to its end, and says whether its chain holds.

use std::io::{self, BufRead, BufReader, Read};

use ring::digest::{self, SHA256};
use serde::Deserialize;

use super::chain::{ChainKey, Hash, Head, SealedLine};

/// The event of the line that begins each file.
pub(super) const FILE_OPENED: &str = "file_opened";

/// No line of ours is longer: a statement of 32,768 characters, each as an escape of 12.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

/// What the first line of a file says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Opening {
    event: String,
    /// The hash of the line before, in another file.
    after: String,
    /// With which key the file is sealed.
    pub(super) key: String,
    /// SHA-256 of the whole file before, in hex.
    pub(super) file_before: Option<String>,
}

impl Opening {
    fn read(line: &[u8]) -> Option<Self> {
        let opening: Self = serde_json::from_slice(line).ok()?;
        (opening.event == FILE_OPENED).then_some(opening)
    }

    /// The hash of the line before the file.
    pub(super) fn after(&self) -> Option<Hash> {
        self.after.parse().ok()
    }
}

/// Whether a file is as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All whole lines of it are.
    Whole,
    /// Not from this line on, counted from 1 in the file.
    Changed { line: u64, why: &'static str },
    /// It is sealed with another key than those given.
    NoKey,
}

/// What a file holds.
pub(super) struct Scan {
    pub(super) opening: Option<Opening>,
    pub(super) verdict: Verdict,
    /// The number of the first line; 0 without one.
    pub(super) first: u64,
    /// The last line that has the form of one.
    pub(super) last: Option<Head>,
    /// The bytes of all whole lines, and their digest.
    pub(super) bytes: u64,
    pub(super) digest: digest::Context,
    /// What follows the last line end.
    pub(super) tail: Vec<u8>,
}

impl Scan {
    /// Reads `file` to its end. `each` sees every line that has the form of one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn of(
        file: impl Read,
        keys: &[ChainKey],
        mut each: impl FnMut(Head, &[u8]),
    ) -> io::Result<Self> {
        let mut scan = Self {
            opening: None,
            verdict: Verdict::Whole,
            first: 0,
            last: None,
            bytes: 0,
            digest: digest::Context::new(&SHA256),
            tail: Vec::new(),
        };
        let (mut file, mut line) = (BufReader::with_capacity(256 * 1024, file), Vec::new());
        let (mut count, mut chain) = (0, None);
        loop {
            line.clear();
            let length = file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
            let Some(text) = line.strip_suffix(b"\n") else {
                if length as u64 == LINE_BYTES_MAX {
                    scan.changed(count + 1, "it is longer than any line");
                    scan.tail.append(&mut line);
                    file.read_to_end(&mut scan.tail)?;
                } else {
                    // What a crash leaves of a line has no hash yet. All of a line has one, with
                    // or without its line end.
                    if let Some((read, (key, before))) = SealedLine::read(&line).zip(chain) {
                        scan.follow(count + 1, key, before, &read);
                    }
                    scan.tail.append(&mut line);
                }
                return Ok(scan);
            };
            scan.digest.update(&line);
            scan.bytes += length as u64;
            count += 1;
            let read = SealedLine::read(text);
            if count == 1 {
                chain = scan.begin(text, read.as_ref(), keys);
            }
            match (read, chain) {
                (Some(read), Some((key, before))) => {
                    scan.follow(count, key, before, &read);
                    chain = Some((key, read.head));
                }
                (Some(_), None) => {}
                (None, _) => scan.changed(count, "it is not a line of an audit file"),
            }
            if let Some(read) = read {
                scan.last = Some(read.head);
                each(read.head, text);
            }
        }
    }

    /// SHA-256 of the whole file, in hex.
    pub(super) fn sha256(&self) -> String {
        let mut digest = self.digest.clone();
        digest.update(&self.tail);
        crate::random::hex(digest.finish().as_ref())
    }

    /// Reads the first line. Gives what the chain goes on from, if it can be followed.
    fn begin<'k>(
        &mut self,
        text: &[u8],
        read: Option<&SealedLine<'_>>,
        keys: &'k [ChainKey],
    ) -> Option<(&'k ChainKey, Head)> {
        let (read, opening) = (read?, Opening::read(text));
        self.first = read.head.number;
        self.opening = opening;
        let Some((after, opening)) =
            self.opening.as_ref().and_then(|opening| Some((opening.after()?, opening)))
        else {
            self.changed(1, "it is not the line that begins an audit file");
            return None;
        };
        let Some(key) = keys.iter().find(|key| key.id() == opening.key) else {
            self.verdict = Verdict::NoKey;
            return None;
        };
        Some((key, Head { number: read.head.number.saturating_sub(1), hash: after }))
    }

    fn follow(&mut self, line: u64, key: &ChainKey, before: Head, read: &SealedLine<'_>) {
        if before.number.checked_add(1) != Some(read.head.number) {
            let why = "its number does not follow that of the line before: lines were removed, \
                       inserted or moved";
            self.changed(line, why);
        } else if !key.is_sealed(before.hash, read) {
            let why = "its hash is wrong: this line was changed, or another one before it put in \
                       its place";
            self.changed(line, why);
        }
    }

    fn changed(&mut self, line: u64, why: &'static str) {
        if self.verdict == Verdict::Whole {
            self.verdict = Verdict::Changed { line, why };
        }
    }
}

#[cfg(test)]
mod tests;
