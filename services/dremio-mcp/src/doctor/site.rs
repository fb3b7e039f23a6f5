//! Where the doctor runs. That decides how a cure is written, and what cannot be seen from there.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;
use service_kit::env::Env;

use super::finding::Cure;

/// Where the doctor runs, and what it sees of the machine.
#[derive(Clone, Debug)]
pub struct Site {
    /// Whether cures are for somebody who looks at a container from outside.
    pub in_container: bool,
    /// Whether all of it runs in one `dremio-mcp-local`.
    pub is_local: bool,
    /// Where temporary files go.
    pub temporary: PathBuf,
    /// What this machine is called.
    pub host: String,
    /// The names of the person who runs it.
    pub people: Vec<String>,
    /// The name that leads to the admin addresses of all gateways; `None` if there is none.
    pub gateways: Option<String>,
    /// How much room there is where a path leads; `None` if that cannot be known.
    pub room: fn(&Path) -> Option<Room>,
}

/// What is left for this user on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes.
    pub bytes: u64,
    /// Whether another file can be made.
    pub has_files: bool,
}

impl Site {
    /// This process, which has the environment `env`, on this machine.
    #[must_use]
    pub fn here(env: &Env) -> Self {
        let name = |variable| env.get(variable).map(str::to_owned);
        let home = std::env::home_dir();
        let home = home.as_deref().and_then(Path::file_name).and_then(OsStr::to_str);
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let people = [name("USER"), name("LOGNAME"), home.map(str::to_owned)];
        let in_container =
            ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| Path::new(mark).exists())
                || name("KUBERNETES_SERVICE_HOST").is_some();
        Self {
            in_container,
            is_local: false,
            temporary: std::env::temp_dir(),
            host: host.trim().to_owned(),
            people: people.into_iter().flatten().collect(),
            // The service's name in docker-compose.yml, by which Prometheus finds all of them, too.
            gateways: in_container.then(|| "dremio-mcp".to_owned()),
            room,
        }
    }

    /// A command for Compose on the host, or the other one where the services run by themselves.
    pub(super) fn run(&self, compose: &str, plain: impl Into<String>) -> Cure {
        Cure::Run(if self.in_container { compose.to_owned() } else { plain.into() })
    }

    /// A command that has token-refresher do something: for Compose, or its own.
    pub(super) fn run_refresher(&self, compose: &str, own: &str) -> Cure {
        let restart = "dremio-mcp-local stop; dremio-mcp-local --background";
        self.run(compose, if self.is_local { restart } else { own })
    }

    /// Has token-refresher look at its token at once.
    pub(super) fn refresh(&self) -> Cure {
        self.run_refresher("docker compose restart token-refresher", "token-refresher once")
    }

    /// Makes the user without whom nobody can log in.
    pub(super) fn make_first_user(&self) -> Cure {
        let compose = "docker compose run --rm token-refresher first-user";
        self.run_refresher(compose, "token-refresher first-user")
    }

    /// Ends whatever keeps Dremio from answering.
    pub(super) fn restart_dremio(&self) -> Cure {
        self.run("docker compose restart dremio", "sudo systemctl restart dremio")
    }

    /// Starts token-refresher, which makes what is missing beside the token file.
    pub(super) fn start_refresher(&self) -> Cure {
        let compose = "docker compose up --detach --wait token-refresher";
        self.run_refresher(compose, "token-refresher once")
    }

    /// Another volume for the token and the gateway key, with the owner and mode that the image
    /// has; outside of containers, what mends the one that is there.
    pub(super) fn renew_token_volume(&self, plain: impl Into<String>) -> Cure {
        let compose = "docker compose down && docker volume rm dremio-mcp_tokens && docker \
                       compose up --detach";
        self.run(compose, plain)
    }

    /// Finds, or removes, what fills the disk that `folder` is on.
    pub(super) fn make_room(&self, folder: &Path) -> Cure {
        let find = format!("du -xhd1 {} | sort -h | tail", folder.display());
        self.run("docker system prune", find)
    }
}

fn room(path: &Path) -> Option<Room> {
    let found = statvfs(path).ok()?;
    // Some file systems count neither blocks nor files.
    (found.f_blocks > 0).then(|| Room {
        bytes: found.f_bavail.saturating_mul(found.f_frsize),
        has_files: found.f_files == 0 || found.f_favail > 0,
    })
}
