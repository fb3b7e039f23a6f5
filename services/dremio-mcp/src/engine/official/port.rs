//! The loopback port on which a child is to listen. A child can only be told a number, and takes
//! seconds until it listens there. So the gateway keeps the port bound from the choice on, without
//! listening: nobody is given it for an outgoing connection or as a free port, and a server that
//! sets `SO_REUSEADDR`, as most do, can still listen there (`socket(7)`).

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpSocket;

/// Sockets of this network namespace (`proc_net(5)`).
const SOCKETS: &str = "/proc/net/tcp";

/// How often it is looked whether the child listens.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// `TCP_LISTEN` in that file.
const LISTENS: &str = "0A";

/// A port that is kept for a child until this is dropped.
#[derive(Debug)]
pub(super) struct ReservedPort {
    number: u16,
    _bound: TcpSocket,
}

/// Somebody else listens on the child's port.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a process of another user listens on port {0}, which was meant for it")]
pub(super) struct Taken(u16);

impl ReservedPort {
    /// A free port of `127.0.0.1`.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn new() -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        Ok(Self { number: socket.local_addr()?.port(), _bound: socket })
    }

    pub(super) fn number(&self) -> u16 {
        self.number
    }

    /// Waits until a process of the gateway's own user listens there: what is sent to the child is
    /// for nobody else. Another process of the same user could look into the child anyway.
    ///
    /// # Errors
    /// When a process of another user listens there.
    pub(super) async fn is_listened_on(&self) -> Result<(), Taken> {
        let own = rustix::process::geteuid().as_raw();
        loop {
            let sockets = tokio::fs::read_to_string(SOCKETS).await.unwrap_or_default();
            match listener(&sockets, self.number) {
                Some(user) if user == own => return Ok(()),
                Some(_) => return Err(Taken(self.number)),
                None => tokio::time::sleep(LOOK_INTERVAL).await,
            }
        }
    }
}

/// What makes Dremio's own server listen for HTTP. What it would log of each request costs it more
/// time than the request.
pub(super) fn arguments(port: &str) -> [&str; 7] {
    ["--enable-streaming-http", "--host", "127.0.0.1", "--port", port, "--log-level", "ERROR"]
}

/// Whether a child that never listened seems to be a program that does not know these arguments: it
/// rejects them, finds its input closed, or goes on without listening.
pub(super) fn lacks_http(exit_code: Option<i32>) -> bool {
    matches!(exit_code, None | Some(0 | 2))
}

/// What to do about that.
pub(super) fn advice() -> String {
    format!(
        "So the program of MCP_SERVER_COMMAND does not seem to serve HTTP: to tell the calls of \
         clients apart for MCP_POLICY_FILE and AUDIT_FILE, it is started with `{}`. Use Dremio's \
         own server, which does (dremio-mcp-server run), or MCP_ENGINE=native, or take both \
         settings out",
        arguments("PORT").join(" "),
    )
}

/// The user who listens on this port.
fn listener(sockets: &str, port: u16) -> Option<u32> {
    sockets.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (_, local_port) = fields.get(1)?.split_once(':')?;
        let is_it =
            u16::from_str_radix(local_port, 16) == Ok(port) && fields.get(3) == Some(&LISTENS);
        if is_it { fields.get(7)?.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use tokio::net::{TcpListener, TcpSocket};

    use super::{ReservedPort, listener};

    #[tokio::test]
    async fn a_reserved_port_is_free_for_the_child_only() {
        let port = ReservedPort::new().unwrap();
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port.number()));
        let plain = TcpSocket::new_v4().unwrap();
        assert!(plain.bind(addr).is_err(), "a program that does not know");
        assert_ne!(ReservedPort::new().unwrap().number(), port.number());
        let is_early = tokio::time::timeout(std::time::Duration::ZERO, port.is_listened_on());
        assert!(is_early.await.is_err());
        // tokio sets SO_REUSEADDR, as Python's asyncio does.
        let child = TcpListener::bind(addr).await.unwrap();
        assert_eq!(port.is_listened_on().await, Ok(()));
        assert!(TcpListener::bind(addr).await.is_err(), "a second one");
        drop(child);
    }

    #[test]
    fn the_user_of_a_listener_is_read() {
        let line = |address: &str, state: &str, user: u32| {
            format!(
                "   0: {address} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 \
                 {user} 0 2530704 1 00000000ea5c19e8 100 0 0 10 0\n"
            )
        };
        let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when …\n";
        let (listens, connected) =
            (line("0100007F:B209", "0A", 1001), line("0100007F:B20A", "01", 1002));
        let sockets = format!("{head}{connected}{listens}");
        assert_eq!(listener(&sockets, 0xB209), Some(1001));
        assert_eq!(listener(&sockets, 0xB20A), None, "a connection");
        assert_eq!(listener(&sockets, 1), None);
        assert_eq!(listener("", 1), None);
    }
}
