//! The folders: who may write in them, and whether there is room.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Access, access};
use service_kit::is_open_to_all;

use super::finding::{Cure, Finding};
use super::{CHECK_MAX, Doctor, on_thread};
use crate::config::EngineConfig;

/// Below this, the next token or the next start of the official server may find no room.
const BYTES_MIN: u64 = 1024 * 1024;

pub(super) async fn check(doctor: &Doctor) -> Vec<Finding> {
    let folder = token_file::folder_of(&doctor.config.token_file);
    // Only the official server gets a folder of its own.
    let temporary = matches!(doctor.config.engine, EngineConfig::Official(_))
        .then(|| doctor.site.temporary.clone());
    let audit = doctor.config.audit.file.as_deref().map(token_file::folder_of);
    let (room, places) = (doctor.site.room, (folder.clone(), temporary.clone()));
    let looked = on_thread(CHECK_MAX, move || {
        let (folder, temporary) = places;
        let is_open = is_open_to_all(&folder);
        let may_write = temporary.as_deref().map(|path| access(path, Access::WRITE_OK));
        let rooms: Vec<_> = [Some(folder), temporary, audit]
            .into_iter()
            .flatten()
            .map(|path| (room(&path), path))
            .collect();
        (is_open, may_write, rooms)
    });
    let Some((is_open, may_write, rooms)) = looked.await else {
        let text = format!("{} does not answer: its volume hangs", folder.display());
        return vec![Finding::bad("token_folder", text, Cure::mount("the token file"))];
    };
    let mut findings = vec![];
    if is_open && !doctor.site.in_container {
        let folder = folder.display();
        let text = format!("every user of this machine may put another file into {folder}");
        let cure = Cure::Run(format!("chmod o-w {folder}"));
        findings.push(Finding::warning("token_folder", text).with_cure(cure));
    }
    let full = rooms
        .iter()
        .find(|(room, _)| room.is_some_and(|room| room.bytes < BYTES_MIN || !room.has_files));
    let temporary = temporary.as_deref().unwrap_or(Path::new("")).display();
    findings.push(match (full, may_write) {
        (Some((_, path)), _) => {
            let text = format!("there is no room left where {} is", path.display());
            Finding::bad("disk", text, doctor.site.make_room(path))
        }
        (None, Some(Err(cause))) => {
            let text = format!(
                "the official server needs a folder of its own, and {temporary} cannot be written \
                 to: {cause}"
            );
            Finding::bad("disk", text, Cure::Set("TMPDIR=/a/folder/of/this/user".to_owned()))
        }
        (None, _) => Finding::good("disk", "there is room for all files that are written"),
    });
    findings
}

/// Whether other users of the machine get as far as the folder of `file`. In a container there are
/// none.
pub(super) fn can_be_reached_by_others(doctor: &Doctor, file: &Path) -> bool {
    let folder = std::path::absolute(token_file::folder_of(file)).unwrap_or_default();
    let lets_through =
        |folder: &Path| folder.metadata().is_ok_and(|found| found.mode() & 0o001 != 0);
    !doctor.site.in_container && folder.ancestors().all(lets_through)
}
