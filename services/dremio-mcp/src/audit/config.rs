//! The settings of the audit.

use std::path::PathBuf;

use service_kit::env::Reader;
use service_kit::settings;

/// A smaller limit would leave files with hardly a line.
const FILE_BYTES_MIN: u64 = 4096;

/// What is written down of calls, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditConfig {
    /// The file of its own; `None` for the log alone.
    pub file: Option<PathBuf>,
    /// From this size on it is set aside; `None` for any size.
    pub file_bytes_max: Option<u64>,
    /// Whether statements are written down.
    pub sql: bool,
    /// Whether jobs at Dremio carry who asked.
    pub marks_jobs: bool,
}

impl AuditConfig {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let file: Option<PathBuf> = reader.optional(&settings::AUDIT_FILE);
        if let Some(file) = &file {
            let folder = token_file::folder_of(file);
            if !folder.is_dir() {
                let folder = folder.display();
                let problem = format!("there is no folder {folder}; make it, or mount a volume");
                reader.problem(&settings::AUDIT_FILE, problem);
            } else if file.is_dir() {
                let problem = format!("`{}` is a folder; name a file in it", file.display());
                reader.problem(&settings::AUDIT_FILE, problem);
            }
        }
        Self {
            file,
            file_bytes_max: reader.parsed(&settings::AUDIT_FILE_SIZE, size),
            sql: reader.parsed(&settings::AUDIT_SQL, |text| match text {
                "off" => Ok(false),
                "text" => Ok(true),
                other => Err(format!("`{other}` is neither off nor text")),
            }),
            marks_jobs: reader.flag(&settings::AUDIT_JOB_MARK),
        }
    }
}

/// A size as `100M`, or `off`.
fn size(text: &str) -> Result<Option<u64>, String> {
    if text == "off" {
        return Ok(None);
    }
    let bad = || format!("`{text}` is not a size; write for example 100M, 1G, or off");
    let (digits, unit) = match text.char_indices().next_back() {
        Some((at, 'K')) => (text.get(..at), 1024),
        Some((at, 'M')) => (text.get(..at), 1024 * 1024),
        Some((at, 'G')) => (text.get(..at), 1024 * 1024 * 1024),
        _ => (None, 0),
    };
    let count: u64 = digits.and_then(|digits| digits.parse().ok()).ok_or_else(bad)?;
    match count.checked_mul(unit) {
        Some(bytes) if bytes >= FILE_BYTES_MIN => Ok(Some(bytes)),
        Some(_) => Err(format!("`{text}` is too small for a file of lines; use 4K or more")),
        None => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("off", Ok(None)),
            ("4K", Ok(Some(4096))),
            ("100M", Ok(Some(100 * 1024 * 1024))),
            ("2G", Ok(Some(2 * 1024 * 1024 * 1024))),
            ("3K", Err("too small")),
            ("0M", Err("too small")),
            ("100", Err("is not a size")),
            ("M", Err("is not a size")),
            ("-1M", Err("is not a size")),
            ("99999999999999G", Err("is not a size")),
            ("", Err("is not a size")),
        ] {
            match (size(text), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
                (Err(said), Err(part)) => assert!(said.contains(part), "{text}: {said}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
