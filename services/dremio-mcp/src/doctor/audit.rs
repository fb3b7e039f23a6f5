//! The audit file: whether lines can be added to it, and sealed. While they cannot, tool calls are
//! refused.

use std::fs::{self, FileType};
use std::io;
use std::path::Path;

use rustix::fs::{Access, access};
use service_kit::settings::AUDIT_FILE;
use token_file::gateway_key::{self, KeyError};

use super::finding::{Cure, Finding};
use super::{CHECK_MAX, Doctor, on_thread};

/// What there is at the path, or in its place.
enum Place {
    NoFolder,
    NotAFile(FileType),
    /// This user may not write there.
    Closed(io::Error),
    New,
    Old,
}

/// Whether a problem with this setting is one of the audit file.
pub(super) fn is_about_audit(name: &str) -> bool {
    name == AUDIT_FILE.name
}

pub(super) async fn check(doctor: &Doctor) -> Vec<Finding> {
    let Some(file) = doctor.config.audit.file.clone() else {
        let text = "AUDIT_FILE is not set: calls are written down in the log alone";
        return vec![Finding::good("audit", text)];
    };
    let token_file = doctor.config.token_file.clone();
    let path = file.clone();
    let looked =
        on_thread(CHECK_MAX, move || (place(&path), gateway_key::read(&token_file).map(drop)));
    vec![match looked.await {
        None => {
            let text = format!("{} does not answer: its volume hangs", file.display());
            Finding::bad("audit", text, Cure::mount("AUDIT_FILE"))
        }
        Some((place, key)) => judge(doctor, &file, &place, key),
    }]
}

fn place(path: &Path) -> Place {
    let folder = token_file::folder_of(path);
    if !folder.is_dir() {
        return Place::NoFolder;
    }
    let may = |path: &Path, what| access(path, what).map_err(io::Error::from);
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Place::NotAFile(found.file_type()),
        // It is set aside when it is full, so its folder is written in, too.
        Ok(_) => may(path, Access::READ_OK | Access::WRITE_OK)
            .and_then(|()| may(&folder, Access::WRITE_OK | Access::EXEC_OK))
            .map_or_else(Place::Closed, |()| Place::Old),
        Err(_) => may(&folder, Access::WRITE_OK | Access::EXEC_OK)
            .map_or_else(Place::Closed, |()| Place::New),
    }
}

fn judge(doctor: &Doctor, file: &Path, place: &Place, key: Result<(), KeyError>) -> Finding {
    let (path, folder) = (file.display(), token_file::folder_of(file));
    let folder = folder.display();
    let in_volume = || Cure::Set(format!("{}=/audit/audit.jsonl", AUDIT_FILE.name));
    let is_in_volume = file.starts_with("/audit");
    let (text, cure) = match place {
        Place::NoFolder if doctor.site.in_container => {
            (format!("there is no folder {folder} in the container"), in_volume())
        }
        Place::NoFolder => {
            (format!("there is no folder {folder}"), Cure::Run(format!("mkdir -p {folder}")))
        }
        Place::NotAFile(kind) if kind.is_dir() => (
            format!("{path} is a folder"),
            Cure::Set(format!("{}={path}/audit.jsonl", AUDIT_FILE.name)),
        ),
        Place::NotAFile(_) => (
            format!("{path} is a link, a pipe or a device, and lines go into a file only"),
            Cure::Set(format!("{}={path}.jsonl", AUDIT_FILE.name)),
        ),
        Place::Closed(_) if doctor.site.in_container && !is_in_volume => {
            (format!("{folder} cannot be written to in the container"), in_volume())
        }
        Place::Closed(cause) => {
            let user = rustix::process::geteuid().as_raw();
            let plain = format!("sudo chown -R {user} {folder}");
            let volume = "$(docker volume inspect --format '{{.Mountpoint}}' dremio-mcp_audit)";
            let cure = doctor.site.run(&format!("sudo chown -R {user} \"{volume}\""), plain);
            (format!("{path} cannot be written: {cause}"), cure)
        }
        Place::New | Place::Old => match key {
            Ok(()) => {
                let what = if matches!(place, Place::Old) { "is added to" } else { "can be made" };
                return Finding::good("audit", format!("{path} {what}, and lines can be sealed"));
            }
            Err(KeyError::Missing) => {
                let text = "lines are sealed with the gateway key, and there is none";
                (text.to_owned(), doctor.site.start_refresher())
            }
            Err(_) => {
                return Finding::not_checked("audit", "it needs the gateway key, see there");
            }
        },
    };
    Finding::bad("audit", format!("{text}; tool calls are refused until that is mended"), cure)
}
