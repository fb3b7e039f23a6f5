//! The token file, and the gateway key beside it.

use std::fmt::Display;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use secrecy::SecretString;
use service_kit::settings::{Default as IfUnset, TOKEN_REFRESH_BEFORE, renewed_before};
use token_file::gateway_key::{self, KeyError};
use token_file::{AccountName, ReadError, Token};

use super::finding::{Cure, Finding};
use super::{CHECK_MAX, Doctor, files, on_thread};

/// How much later than usual a token may be replaced before that is worth a word: at times the
/// first attempt fails.
const LATE: SignedDuration = SignedDuration::from_mins(15);

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

/// The token file of an account.
struct File<'a> {
    account: Option<&'a AccountName>,
    path: PathBuf,
}

impl File<'_> {
    fn check(&self) -> &'static str {
        if self.account.is_some() { "accounts" } else { "token" }
    }

    fn bad(&self, text: impl Display, cure: Cure) -> Finding {
        Finding::bad(self.check(), self.with_name(text), cure)
    }

    fn warning(&self, text: impl Display, cure: Cure) -> Finding {
        Finding::warning(self.check(), self.with_name(text)).with_cure(cure)
    }

    fn with_name(&self, text: impl Display) -> String {
        match self.account {
            Some(account) => format!("account {account}: {text}"),
            None => text.to_string(),
        }
    }
}

/// What the token file of `account` is like, `None` being the single one, and the token if it can
/// be sent.
pub(super) async fn look(
    doctor: &Doctor,
    account: Option<&AccountName>,
) -> (Vec<Finding>, Option<SecretString>) {
    let single = &doctor.config.token_file;
    let path = account.map_or_else(|| single.clone(), |account| account.token_file(single));
    let file = File { account, path: path.clone() };
    let read = on_thread(CHECK_MAX, move || (token_file::read(&path), Look::at(&path))).await;
    match read {
        None => (vec![file.bad(ReadError::Pending, Cure::mount("the token file"))], None),
        Some((Ok(token), look)) => judge(doctor, &file, &token, look),
        Some((Err(cause), _)) => (vec![unread(doctor, &file, &cause)], None),
    }
}

fn judge(
    doctor: &Doctor,
    file: &File<'_>,
    token: &Token,
    look: Option<Look>,
) -> (Vec<Finding>, Option<SecretString>) {
    let (path, now) = (file.path.display(), doctor.clock.now());
    let left = token.expires_at().duration_since(now);
    let age = token.written_at().map(|at| now.duration_since(at)).filter(|it| !it.is_negative());
    if token.is_expired(now) {
        let ago = spoken(left.abs());
        let text = format!("the token in {path} ended {ago} ago, and there is no other yet");
        return (vec![file.bad(text, doctor.site.refresh())], None);
    }
    let mut findings = Vec::new();
    let old = age.map_or(String::new(), |age| format!("is {} old and ", spoken(age)));
    if let Some(before) = overdue(age, left) {
        let (name, left) = (TOKEN_REFRESH_BEFORE.name, spoken(left));
        let text = format!(
            "the token {old}ends in {left}, and was not replaced: token-refresher does that {} \
             before its end, unless {name} is set",
            spoken(before)
        );
        findings.push(file.warning(text, doctor.site.refresh()));
    }
    if let Some(look) = look.as_ref().filter(|look| look.is_open_to_all())
        && files::can_be_reached_by_others(doctor, &file.path)
    {
        let text = format!("every user of this machine can read {path} (mode {:04o})", look.mode);
        findings.push(file.warning(text, Cure::Run(format!("chmod o-r {path}"))));
    }
    if findings.is_empty() {
        let look = look.map_or(String::new(), |Look { mode, owner, group }| {
            format!("; {path} has mode {mode:04o}, owner {owner}, group {group}")
        });
        let text = format!("there is one, which {old}ends in {}{look}", spoken(left));
        findings.push(Finding::good(file.check(), text));
    }
    (findings, Some(token.secret().clone()))
}

/// How long before its end a token should have been replaced, if that is overdue: by the default
/// of the setting, which only token-refresher knows.
fn overdue(age: Option<SignedDuration>, left: SignedDuration) -> Option<SignedDuration> {
    let IfUnset::Is(usual) = TOKEN_REFRESH_BEFORE.default else { return None };
    let usual = SignedDuration::try_from(service_kit::parse_duration(usual).ok()?).ok()?;
    let before = renewed_before(usual, age.map(|age| age + left));
    (left < before - LATE.min(before / 2)).then_some(before)
}

fn unread(doctor: &Doctor, file: &File<'_>, cause: &ReadError) -> Finding {
    let path = file.path.display();
    let cure = match (cause, file.account) {
        (ReadError::Missing, Some(account)) if doctor.site.in_container => {
            // Also if it is there, with a password that Dremio does not accept.
            Cure::Run(format!("scripts/setup.sh account add {account} --force"))
        }
        (ReadError::Missing, Some(account)) => Cure::Change(format!(
            "put the files username and password into {account} in the folder of \
             DREMIO_ACCOUNTS_DIR"
        )),
        (ReadError::Missing, None) if !token_file::folder_of(&file.path).is_dir() => {
            let text = format!(
                "there is no folder {}; both services must name the same token file",
                token_file::folder_of(&file.path).display()
            );
            let cure = Cure::Set("TOKEN_FILE=/the/file/that/token-refresher/writes".to_owned());
            return file.bad(text, cure);
        }
        (ReadError::Missing, None) => doctor.site.start_refresher(),
        (ReadError::PermissionDenied, _) => for_group(doctor),
        (ReadError::NotAFile | ReadError::LeavesFolder, _) => {
            doctor.site.renew_token_volume(format!("mv {path} {path}.old"))
        }
        (ReadError::Io(_), _) => Cure::Run(format!("ls -l {path}")),
        _ => doctor.site.refresh(),
    };
    file.bad(format!("{cause}: {path}"), cure)
}

/// The gateway key.
pub(super) async fn check_gateway_key(doctor: &Doctor) -> Vec<Finding> {
    let file = doctor.config.token_file.clone();
    let path = token_file::folder_of(&file).join(gateway_key::FILE_NAME);
    let seen = path.clone();
    let read = on_thread(CHECK_MAX, move || (gateway_key::read(&file), Look::at(&seen))).await;
    let path = path.display();
    let finding = match read {
        None => Finding::bad(
            "gateway_key",
            KeyError::Pending.to_string(),
            Cure::mount("the token file"),
        ),
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
            Finding::warning("gateway_key", text).with_cure(doctor.site.start_refresher())
        }
        Some((Err(cause @ KeyError::PermissionDenied), _)) => {
            Finding::bad("gateway_key", cause.to_string(), for_group(doctor))
        }
        Some((Err(cause), _)) => {
            let cure = doctor.site.renew_token_volume(format!("mv {path} {path}.old"));
            Finding::bad("gateway_key", cause.to_string(), cure)
        }
    };
    vec![finding]
}

/// Lets this process's group read what token-refresher writes.
fn for_group(doctor: &Doctor) -> Cure {
    let folder = token_file::folder_of(&doctor.config.token_file);
    let group = rustix::process::getegid().as_raw();
    doctor.site.renew_token_volume(format!(
        "sudo chgrp -R {group} {folder} && sudo chmod 2750 {folder} && sudo chmod 640 {folder}/*",
        folder = folder.display()
    ))
}

/// `29 h`, `12 min` or `40 s`.
fn spoken(time: SignedDuration) -> String {
    match time.as_secs() {
        seconds if seconds >= 2 * 3600 => format!("{} h", seconds / 3600),
        seconds if seconds >= 2 * 60 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::overdue;

    #[test]
    fn a_token_is_replaced_well_before_its_end() {
        let minutes = SignedDuration::from_mins;
        for (age, left, before) in [
            // Of 30 h: 6 h before its end, and 15 min are no reason to worry.
            (Some(0), 30 * 60, None),
            (Some(24 * 60), 6 * 60, None),
            (Some(24 * 60 + 15), 6 * 60 - 15, None),
            (Some(24 * 60 + 16), 6 * 60 - 16, Some(6 * 60)),
            // Of 3 h: 1 h before.
            (Some(130), 50, None),
            (Some(140), 40, Some(60)),
            // Of 6 min: 2 min before, and one is no reason to worry.
            (Some(5), 1, None),
            (Some(6), 0, Some(2)),
            // From elsewhere, or by a clock that is ahead.
            (None, 6 * 60, None),
            (None, 5, Some(6 * 60)),
        ] {
            let found = overdue(age.map(minutes), minutes(left));
            assert_eq!(found, before.map(minutes), "{age:?} {left}");
        }
    }
}
