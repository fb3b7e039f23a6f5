//! What the child may not do although it runs as the gateway's user: read the token, the keys or
//! the gateway's memory, write outside its own folder, or signal processes that it did not start.
//! The kernel's Landlock enforces this for the child and its descendants, as far as the kernel
//! supports it (`landlock(7)`).
//!
//! Landlock has no exceptions: all below an allowed folder is allowed. So the allowed folders are
//! the neighbours of the hidden paths: this walks from the root to each hidden path and allows
//! everything that is not on the way.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use service_kit::admin::Condition;

/// The Landlock version whose rights are requested; an older kernel enforces those it knows.
/// Version 6 (Linux 6.12) is the first that restricts signals.
const ABI_ASKED: ABI = ABI::V6;

/// Capabilities that bypass Landlock; root has them: looking into any process (in the kernel,
/// `mm_access` checks `CAP_PERFMON` or `CAP_SYS_ADMIN` before Landlock), opening files by handle,
/// and going below the file system. A gateway that runs as another user has none of these.
const PIERCING: CapabilitySet = CapabilitySet::SYS_ADMIN
    .union(CapabilitySet::PERFMON)
    .union(CapabilitySet::SYS_PTRACE)
    .union(CapabilitySet::BPF)
    .union(CapabilitySet::SYS_MODULE)
    .union(CapabilitySet::SYS_RAWIO)
    .union(CapabilitySet::MKNOD)
    .union(CapabilitySet::DAC_READ_SEARCH);

/// Where orchestrators put secrets.
const SECRETS: &str = "/run/secrets";

/// What is hidden from the child, and where it may write besides its own folder.
#[derive(Clone, Debug)]
pub(crate) struct Confinement {
    /// Files and folders that contain secrets. They need not exist.
    pub(crate) hidden: Vec<PathBuf>,
    /// Folders that the operator has opened for writing.
    pub(crate) writable: Vec<PathBuf>,
}

/// What one child needs.
pub(super) struct Needs<'a> {
    /// The program, if it was found.
    pub(super) program: Option<&'a Path>,
    /// Its working directory.
    pub(super) folder: &'a Path,
    /// The only TCP port that it needs to connect to, if known.
    pub(super) port: Option<u16>,
    /// The TCP port that it listens on.
    pub(super) listens: Option<u16>,
}

/// What the kernel enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enforced {
    /// Everything that was requested.
    Fully,
    /// Other files stay closed, but restrictions of newer kernels are missing.
    Partly(ABI),
    /// Nothing: the kernel has no Landlock, it is switched off, or a container's system call filter
    /// hides it.
    Not(&'static str),
}

impl Confinement {
    /// Confines the calling thread and all processes that it will start, permanently. Never call
    /// it on a thread of the runtime.
    ///
    /// # Errors
    /// When the kernel has Landlock and rejects the rules. Nothing is confined then.
    pub(super) fn apply(&self, needs: &Needs<'_>) -> Result<Enforced, RulesetError> {
        let hidden = self.hidden();
        let all = AccessFs::from_all(ABI_ASKED);
        let mut ruleset =
            Ruleset::default().handle_access(all)?.scope(Scope::from_all(ABI_ASKED))?;
        if needs.port.is_some() {
            ruleset = ruleset.handle_access(AccessNet::ConnectTcp | AccessNet::BindTcp)?;
        }
        let mut ruleset = ruleset.create()?;
        if let Some(port) = needs.port {
            ruleset = ruleset.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
            if let Some(port) = needs.listens {
                ruleset = ruleset.add_rule(NetPort::new(port, AccessNet::BindTcp))?;
            }
        }
        let mut readable = beside(Path::new("/"), &hidden);
        readable.extend(needs.program.and_then(|program| own_tree(program, &hidden)));
        ruleset = allow(ruleset, &readable, AccessFs::from_read(ABI_ASKED))?;
        // Names are no secret, and programs that look around need not fail.
        ruleset = allow(ruleset, &["/"], AccessFs::ReadDir)?;
        ruleset = allow(ruleset, &["/dev"], AccessFs::from_file(ABI_ASKED) | AccessFs::ReadDir)?;
        for folder in &self.writable {
            let folder = resolved(folder);
            let is_on_the_way = hidden.iter().any(|path| path.starts_with(&folder));
            let folders = if is_on_the_way { beside(&folder, &hidden) } else { vec![folder] };
            ruleset = allow(ruleset, &folders, all)?;
        }
        let status = allow(ruleset, &[needs.folder], all)?.restrict_self()?;
        // Permanent: `restrict_self` has set `no_new_privs`, so no program that root starts regains
        // them.
        if let Err(cause) = drop_piercing_capabilities() {
            tracing::warn!(
                %cause,
                "the MCP server process keeps capabilities that lead past Landlock",
            );
        }
        Ok(match status.landlock {
            LandlockStatus::NotImplemented => {
                Enforced::Not("the kernel, or the container's system call filter, has no Landlock")
            }
            LandlockStatus::NotEnabled => {
                Enforced::Not("the kernel was started without Landlock (lsm=landlock,…)")
            }
            LandlockStatus::Available { .. } if status.ruleset == RulesetStatus::NotEnforced => {
                Enforced::Not("the kernel took no rule")
            }
            LandlockStatus::Available { effective_abi, .. } if effective_abi < ABI_ASKED => {
                Enforced::Partly(effective_abi)
            }
            LandlockStatus::Available { .. } => Enforced::Fully,
        })
    }

    fn hidden(&self) -> Vec<PathBuf> {
        let named = self.hidden.iter().flat_map(|path| {
            // Both the link and its target: Kubernetes projects secrets as links.
            let folder = path.parent().map(resolved).unwrap_or_default();
            [
                path.file_name().map_or_else(|| folder.clone(), |name| folder.join(name)),
                resolved(path),
            ]
        });
        named.chain([resolved(Path::new(SECRETS))]).collect()
    }
}

impl fmt::Display for Enforced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fully => f.write_str(
                "the MCP server process is fully confined (Landlock): it cannot read the token, \
                 the keys or the gateway's memory, write outside of its folder, or signal other \
                 processes",
            ),
            Self::Partly(abi) => write!(
                f,
                "the MCP server process is partly confined (Landlock ABI {}, 6 or Linux 6.12 has \
                 all): it cannot read the token, the keys or the gateway's memory, or make files \
                 outside of its folder",
                *abi as i32
            ),
            Self::Not(why) => write!(
                f,
                "the MCP server process is not confined ({why}): it could read the token and the \
                 keys, as it runs as the gateway's user; use a kernel with Landlock (Linux 5.13 \
                 or newer), or MCP_ENGINE=native, which starts no process"
            ),
        }
    }
}

/// Describes a child's confinement; `None` is one without any. It never stops the gateway from
/// serving: not every kernel supports it.
pub(super) fn condition(enforced: Option<Enforced>) -> Condition {
    match enforced {
        Some(enforced @ (Enforced::Fully | Enforced::Partly(_))) => {
            Condition::met_by(enforced.to_string())
        }
        Some(enforced @ Enforced::Not(_)) => {
            Condition::met_with_warning("not_confined", enforced.to_string())
        }
        None => Condition::met_with_warning(
            "not_confined",
            "MCP_SERVER_CONFINE=false: the MCP server process can read the token and the keys",
        ),
    }
}

/// Drops [`PIERCING`] from the calling thread.
fn drop_piercing_capabilities() -> rustix::io::Result<()> {
    let now = capabilities(None)?;
    let [effective, permitted, inheritable] =
        [now.effective, now.permitted, now.inheritable].map(|set| set.difference(PIERCING));
    set_capabilities(None, CapabilitySets { effective, permitted, inheritable })
}

fn allow<P: AsRef<Path>>(
    ruleset: RulesetCreated,
    paths: &[P],
    access: impl Into<BitFlags<AccessFs>>,
) -> Result<RulesetCreated, RulesetError> {
    // Paths that have vanished since they were listed are left out.
    ruleset.add_rules(path_beneath_rules(paths, access))
}

/// The files and folders below `folder` that are neither hidden nor on the way to something hidden.
/// Left out are links (their target is judged where it lies) and what cannot be listed.
fn beside(folder: &Path, hidden: &[PathBuf]) -> Vec<PathBuf> {
    let mut allowed = Vec::new();
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let path = entry.path();
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if is_link || hidden.contains(&path) {
            continue;
        }
        if hidden.iter().any(|below| below.starts_with(&path)) {
            allowed.extend(beside(&path, hidden));
        } else {
            allowed.push(path);
        }
    }
    allowed
}

/// The folder that `program` was installed in (above `bin`), if it lies in a hidden folder: for
/// example when the token file is in the folder of a project, beside its virtual environment.
fn own_tree(program: &Path, hidden: &[PathBuf]) -> Option<PathBuf> {
    let bin = program.parent()?;
    let tree = if bin.file_name() == Some(OsStr::new("bin")) { bin.parent()? } else { bin };
    let tree = resolved(tree);
    let is_within = hidden.iter().any(|path| tree != *path && tree.starts_with(path));
    let holds_secrets = hidden.iter().any(|path| path.starts_with(&tree));
    (is_within && !holds_secrets).then_some(tree)
}

/// `path` with links resolved as far as it exists; the rest is unchanged.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let existing = path.ancestors().find_map(|ancestor| {
        Some((path.strip_prefix(ancestor).ok()?, ancestor.canonicalize().ok()?))
    });
    match existing {
        Some((rest, real)) if rest.as_os_str().is_empty() => real,
        Some((rest, real)) => real.join(rest),
        None => path,
    }
}

#[cfg(test)]
mod tests;
