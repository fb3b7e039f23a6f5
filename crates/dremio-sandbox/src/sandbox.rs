//! The running sandbox: started on a port, stopped on drop, or stopped with proof that nothing is
//! left.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::config::{SandboxConfig, StartError};
use crate::control::Control;
use crate::data::Demo;
use crate::gate::Gate;
use crate::instance::Instance;
use crate::{accept, rest};

/// A stand-in for Dremio that is running. Dropping it stops it without waiting; [`Sandbox::stop`]
/// waits.
#[derive(Debug)]
pub struct Sandbox {
    instance: Arc<Instance>,
    server: JoinHandle<()>,
    stop: DropGuard,
}

impl Sandbox {
    /// Starts a sandbox; when this returns, it answers.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(config: SandboxConfig) -> Result<Self, StartError> {
        // Building the demo data takes a moment and happens once per process.
        let demo = tokio::task::spawn_blocking(Demo::get)
            .await
            .map_err(|cause| StartError::DemoData { reason: cause.to_string() })?
            .map_err(|reason| StartError::DemoData { reason })?;
        let gate = Gate::listen(config.addr)
            .map_err(|source| StartError::Listen { addr: config.addr, source })?;
        let stop = CancellationToken::new();
        let instance = Arc::new(Instance::new(&config, demo, gate, stop.clone()));
        let server = tokio::spawn(accept::serve_dremio(
            Arc::clone(&instance),
            rest::router(Arc::clone(&instance)),
            stop.clone(),
        ));
        tracing::info!(addr = %instance.gate.addr(), "sandbox is listening");
        Ok(Self { instance, server, stop: stop.drop_guard() })
    }

    /// Its base address, `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.instance.gate.addr()
    }

    /// The handle that changes what it does, and shows what it saw.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.instance))
    }

    /// Stops it: connections are dropped, jobs are cancelled, and every task has ended when this
    /// returns.
    ///
    /// # Panics
    /// If a request handler or a job panicked while it ran.
    pub async fn stop(self) {
        drop(self.stop);
        if let Err(cause) = self.server.await
            && cause.is_panic()
        {
            std::panic::resume_unwind(cause.into_panic());
        }
        self.instance.jobs.shut_down().await;
    }
}
