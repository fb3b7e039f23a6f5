//! The program of the official server: whether it is there, and how it is started.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::config::Config;
use crate::egress::Egress;
use crate::engine::official::{ChildTransport, Confinement, FORGOTTEN_AFTER, Launch};

/// How the child is started that runs `command` and has `egress` for its Dremio.
///
/// # Errors
/// When the operating system gives no random numbers.
pub(crate) fn launch(
    config: &Config,
    command: &[String],
    egress: &Egress,
) -> anyhow::Result<Launch> {
    let calls = egress.calls();
    Ok(Launch {
        command: command.to_vec(),
        environment: config.child_environment.clone(),
        egress_uri: egress.uri()?,
        transport: if config.tickets {
            ChildTransport::Http(calls)
        } else {
            ChildTransport::Stdio(calls.open_for_child()?)
        },
        egress_activity: egress.activity(),
        silence_max: config.engine_timeout,
        forgotten_after: FORGOTTEN_AFTER,
        standby: config.standby,
        confinement: config.server_confined.then(|| Confinement {
            hidden: config.hidden_paths(),
            writable: config.server_writable.clone(),
        }),
    })
}

/// Whether `exec` would find a program and may start it. It looks from a folder of the child's own,
/// so a relative entry of `path` leads nowhere.
pub(super) fn is_found(program: &str, path: &str) -> bool {
    let is_program = |path: &Path| {
        std::fs::metadata(path)
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        is_program(Path::new(program))
    } else {
        path.split(':')
            .map(Path::new)
            .filter(|folder| folder.is_absolute())
            .any(|folder| is_program(&folder.join(program)))
    }
}
