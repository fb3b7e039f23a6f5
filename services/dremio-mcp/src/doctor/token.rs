//! The token file, and the gateway key beside it.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use jiff::SignedDuration;
use secrecy::SecretString;
use token_file::gateway_key::{self, KeyError};
use token_file::{ReadError, Token};

use super::finding::{Cure, Finding};
use super::{CHECK_MAX, Doctor, files, on_thread};

/// A token that ends so soon should have been replaced hours ago.
const SOON: SignedDuration = SignedDuration::from_mins(15);

/// How the token file and the gateway key look from outside.
struct Look {
    mode: u32,
    owner: u32,
    group: u32,
}

impl Look {
    fn at(path: &Path) -> Option<Self> {
        let found = path.metadata().ok()?;
        Some(Self { mode: found.mode() & 0o7777, owner: found.uid(), group: found.gid() })
    }

    fn is_open_to_all(&self) -> bool {
        self.mode & 0o004 != 0
    }
}

/// What the token file is like, and the token if it can be sent.
pub(super) async fn look(doctor: &Doctor) -> (Vec<Finding>, Option<SecretString>) {
    let path = doctor.config.token_file.clone();
    let read = on_thread(CHECK_MAX, move || (token_file::read(&path), Look::at(&path))).await;
    let Some((read, look)) = read else {
        let cure = Cure::Change("mount the volume of the token file again".to_owned());
        return (vec![Finding::bad("token", ReadError::Pending.to_string(), cure)], None);
    };
    match (read, look) {
        (Ok(token), look) => judge(doctor, &token, look),
        (Err(cause), _) => (vec![unread(doctor, &cause)], None),
    }
}

fn judge(
    doctor: &Doctor,
    token: &Token,
    look: Option<Look>,
) -> (Vec<Finding>, Option<SecretString>) {
    let path = doctor.config.token_file.display();
    let left = token.expires_at().duration_since(doctor.clock.now());
    if token.is_expired(doctor.clock.now()) {
        let ago = spoken(left.abs());
        let text = format!("the token in {path} ended {ago} ago, and there is no other yet");
        return (vec![Finding::bad("token", text, doctor.site.refresh())], None);
    }
    let mut findings = Vec::new();
    if left < SOON {
        let text = format!("the token ends in {}, and was not replaced yet", spoken(left));
        findings.push(Finding::warning("token", text).with_cure(doctor.site.refresh()));
    }
    if let Some(look) = look.as_ref().filter(|look| look.is_open_to_all())
        && files::can_be_reached_by_others(doctor, &doctor.config.token_file)
    {
        let text = format!("every user of this machine can read {path} (mode {:04o})", look.mode);
        let cure = Cure::Run(format!("chmod o-r {path}"));
        findings.push(Finding::warning("token", text).with_cure(cure));
    }
    if findings.is_empty() {
        let look = look.map_or(String::new(), |Look { mode, owner, group }| {
            format!("; {path} has mode {mode:04o}, owner {owner}, group {group}")
        });
        let text = format!("there is a token, good for {}{look}", spoken(left));
        findings.push(Finding::good("token", text));
    }
    (findings, Some(token.secret().clone()))
}

fn unread(doctor: &Doctor, cause: &ReadError) -> Finding {
    let file = &doctor.config.token_file;
    let path = file.display();
    let cure = match cause {
        ReadError::Missing if !token_file::folder_of(file).is_dir() => {
            let text = format!(
                "there is no folder {}; both services must name the same token file",
                token_file::folder_of(file).display()
            );
            let cure = Cure::Set("TOKEN_FILE=/the/file/that/token-refresher/writes".to_owned());
            return Finding::bad("token", text, cure);
        }
        ReadError::Missing => doctor
            .site
            .run("docker compose up --detach --wait token-refresher", "token-refresher once"),
        ReadError::PermissionDenied => for_group(doctor),
        ReadError::NotAFile | ReadError::LeavesFolder => doctor.site.run(
            "docker compose down --volumes && docker compose up --detach",
            format!("mv {path} {path}.old"),
        ),
        ReadError::Io(_) => Cure::Run(format!("ls -l {path}")),
        _ => doctor.site.refresh(),
    };
    Finding::bad("token", format!("{cause}: {path}"), cure)
}

/// The gateway key.
pub(super) async fn check_gateway_key(doctor: &Doctor) -> Vec<Finding> {
    let file = doctor.config.token_file.clone();
    let path = token_file::folder_of(&file).join(gateway_key::FILE_NAME);
    let seen = path.clone();
    let read = on_thread(CHECK_MAX, move || (gateway_key::read(&file), Look::at(&seen))).await;
    let path = path.display();
    let start = doctor
        .site
        .run("docker compose up --detach --wait token-refresher", "token-refresher once");
    let finding = match read {
        None => {
            let cure = Cure::Change("mount the volume of the token file again".to_owned());
            Finding::bad("gateway_key", KeyError::Pending.to_string(), cure)
        }
        Some((Ok(_), Some(look)))
            if look.is_open_to_all()
                && files::can_be_reached_by_others(doctor, &doctor.config.token_file) =>
        {
            let text = format!("every user of this machine can read {path}");
            let cure = Cure::Run(format!("chmod o-r {path}"));
            Finding::warning("gateway_key", text).with_cure(cure)
        }
        Some((Ok(_), _)) => {
            Finding::good("gateway_key", "there is one, so sessions outlive a restart")
        }
        Some((Err(cause @ KeyError::Missing), _)) => {
            let text = format!("{cause}; without it, sessions end with the gateway");
            Finding::warning("gateway_key", text).with_cure(start)
        }
        Some((Err(cause @ KeyError::PermissionDenied), _)) => {
            Finding::bad("gateway_key", cause.to_string(), for_group(doctor))
        }
        Some((Err(cause), _)) => {
            let cure = doctor.site.run(
                "docker compose down --volumes && docker compose up --detach",
                format!("mv {path} {path}.old"),
            );
            Finding::bad("gateway_key", cause.to_string(), cure)
        }
    };
    vec![finding]
}

/// Lets this process's group read what token-refresher writes.
fn for_group(doctor: &Doctor) -> Cure {
    let folder = token_file::folder_of(&doctor.config.token_file);
    let group = rustix::process::getegid().as_raw();
    doctor.site.run(
        "docker compose down --volumes && docker compose up --detach",
        format!(
            "sudo chgrp -R {group} {folder} && sudo chmod 2750 {folder} && sudo chmod 640 \
             {folder}/*",
            folder = folder.display()
        ),
    )
}

/// `29 h`, `12 min` or `40 s`.
fn spoken(time: SignedDuration) -> String {
    match time.as_secs() {
        seconds if seconds >= 2 * 3600 => format!("{} h", seconds / 3600),
        seconds if seconds >= 2 * 60 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}
