//! The conditions of the gateway's readiness. What they are called in plain words, and what helps,
//! stands in `status::words`, which compiles only if it knows each.

use service_kit::admin;

/// The gateway's readiness.
pub type Readiness = admin::Readiness<ConditionName>;

/// A condition of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionName {
    /// Calls can be written down in the audit file.
    Audit,
    /// The kernel keeps the MCP server process from what is not its own.
    Confinement,
    /// Dremio answers.
    Dremio,
    /// There is something that answers calls.
    Engine,
    /// There is a key that outlives this process and is shared by replicas.
    GatewayKey,
    /// Agents can only read.
    Guard,
    /// There are keys for agents.
    Keys,
    /// The policy file is the policy in force.
    Policy,
    /// There is a token that Dremio takes.
    Token,
    /// Nobody else may write beside the token.
    TokenFolder,
}

impl ConditionName {
    /// The word in `/readyz` and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Confinement => "confinement",
            Self::Dremio => "dremio",
            Self::Engine => "engine",
            Self::GatewayKey => "gateway_key",
            Self::Guard => "guard",
            Self::Keys => "keys",
            Self::Policy => "policy",
            Self::Token => "token",
            Self::TokenFolder => "token_folder",
        }
    }
}

impl admin::ConditionName for ConditionName {
    fn as_str(self) -> &'static str {
        self.as_str()
    }
}
