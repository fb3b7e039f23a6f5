//! Every environment variable of the services, once: what reads variables takes a [`Setting`], and
//! help, the pass-list of the official server, `docker-compose.yml`, `.env.example` and
//! docs/SETTINGS.md follow from this table (`cargo test -p tidy` holds them against it).
//!
//! It says nothing of how a value is parsed: the configuration of a service does.

mod help;
mod refresh;
mod table;

pub use help::help;
pub use refresh::renewed_before;
pub use table::*;

/// Names of up to so many edits (insert, delete, replace, swap) are taken for one another. Two
/// catches a dropped letter plus a swap and keeps `MCP_ADDR` and `ADMIN_ADDR` apart.
const SLIP_EDITS_MAX: usize = 2;

/// Who reads a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `token-refresher`.
    TokenRefresher,
    /// `dremio-mcp`.
    Gateway,
    /// Dremio's own MCP server, to which the gateway hands it on.
    OfficialServer,
}

/// One environment variable.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The variable.
    pub name: &'static str,
    /// What it belongs to, as a heading of help.
    pub group: &'static str,
    /// Who reads it.
    pub services: &'static [Service],
    /// What holds without it.
    pub default: Default,
    /// Whether a file may hold the value, too.
    pub form: Form,
    /// How it reaches the containers.
    pub containers: Containers,
    /// What it does: a fragment that follows the name.
    pub help: &'static str,
}

/// What holds where a variable is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// Nothing: it must be set, for example to this.
    Required(&'static str),
    /// This value.
    Is(&'static str),
    /// A value for each service.
    Each {
        /// Of `token-refresher`.
        refresher: &'static str,
        /// Of `dremio-mcp`.
        gateway: &'static str,
    },
    /// No value; what that means, where it is not plain.
    Unset(&'static str),
}

/// Where the value of a setting may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In the variable.
    Plain,
    /// In the variable, or in the file that `NAME_FILE` names.
    OrFile,
}

/// How a setting reaches a service in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Containers {
    /// From `.env`, under its own name. Without it, Compose and Swarm say this; nothing leaves the
    /// service's own default.
    FromEnv(&'static str),
    /// In another way, which this describes; `docker-compose*.yml` or a Dockerfile sets it.
    Apart(&'static str),
}

impl Service {
    /// What its program is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TokenRefresher => "token-refresher",
            Self::Gateway => "dremio-mcp",
            Self::OfficialServer => "the official server",
        }
    }

    /// What it reads, in the order of the table.
    pub fn settings(self) -> impl Iterator<Item = &'static Setting> {
        ALL.iter().copied().filter(move |setting| setting.services.contains(&self))
    }

    /// Prefixes of variables that are meant for the service: an unknown name with one of them is
    /// worth a warning.
    pub(crate) fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::TokenRefresher => &["TOKEN_", "RETRY_"],
            Self::Gateway => &["AUDIT_", "MCP_", "OTEL_EXPORTER_OTLP_", "OTEL_TRACES_", "TOKEN_"],
            Self::OfficialServer => &[],
        }
    }

    /// The variable of this service that `name` is a slip of. What is as near to a variable of
    /// another service is left to that one: both may have the same environment.
    #[must_use]
    pub fn meant_by(self, name: &str) -> Option<String> {
        let nearest = |own: bool| {
            ALL.iter()
                .filter(|setting| setting.services.contains(&self) == own)
                .flat_map(|setting| setting.names())
                .filter(|known| known.len().abs_diff(name.len()) <= SLIP_EDITS_MAX)
                .map(|known| (strsim::damerau_levenshtein(&known, name), known))
                .filter(|(edits, _)| *edits <= SLIP_EDITS_MAX)
                .min()
        };
        let (edits, meant) = nearest(true)?;
        let is_anothers = nearest(false).is_some_and(|(other_edits, _)| other_edits <= edits);
        (!is_anothers).then_some(meant)
    }
}

impl Setting {
    /// The variables that may hold it: its name, and `NAME_FILE` if a file may.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self.form {
            Form::Plain => vec![self.name.to_owned()],
            Form::OrFile => vec![self.name.to_owned(), self.file_name()],
        }
    }

    pub(crate) fn file_name(&self) -> String {
        format!("{}_FILE", self.name)
    }
}

impl Default {
    /// The value without the variable, or an example of one; nothing for [`Default::Unset`].
    pub(crate) fn value(self, service: Service) -> &'static str {
        match (self, service) {
            (Self::Required(value) | Self::Is(value), _)
            | (Self::Each { refresher: value, .. }, Service::TokenRefresher)
            | (Self::Each { gateway: value, .. }, _) => value,
            (Self::Unset(_), _) => "",
        }
    }
}

/// Whether any service knows a variable of this name.
pub(crate) fn is_known(name: &str) -> bool {
    ALL.iter().any(|setting| setting.names().iter().any(|known| known == name))
}

#[cfg(test)]
mod tests;
