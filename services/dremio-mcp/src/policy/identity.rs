//! Who calls, as everything behind access control treats the call.

use std::sync::Arc;

use crate::principal::Principal;

/// Who calls. One value for each principal, shared by its calls: cheap to hand on.
#[derive(Debug)]
pub(crate) struct Identity {
    principal: Principal,
}

impl Identity {
    /// Of somebody whom no policy concerns: everything is allowed.
    pub(crate) fn unlimited(principal: Principal) -> Arc<Self> {
        Arc::new(Self { principal })
    }

    /// To whom sessions, results and memory belong.
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }
}
