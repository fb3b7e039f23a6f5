//! Where messages go, and what was seen so far.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};

use super::variable;

/// Standard output, one whole line at a time, or the stream of one request over HTTP.
#[derive(Clone, Default)]
pub(crate) struct Out {
    seen: Arc<Mutex<Seen>>,
    stream: Option<Arc<Stream>>,
}

/// The answer to one request.
struct Stream {
    connection: Mutex<TcpStream>,
    bearer: String,
    /// Whether it has its answer.
    ended: AtomicBool,
    /// Whether its client has gone.
    left: AtomicBool,
}

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) calls: u64,
    pub(crate) cancelled: BTreeSet<u64>,
    pub(crate) subscribed: BTreeSet<String>,
    pub(crate) tasks: u64,
    /// Connections that a cancellation closes, by request.
    pub(crate) open: BTreeMap<u64, TcpStream>,
    /// What "Dremio" said to calls that had ended.
    pub(crate) late: Vec<String>,
}

impl Out {
    /// The same, for the request on this connection.
    pub(crate) fn to(&self, connection: TcpStream, bearer: String) -> Self {
        let (ended, left) = (AtomicBool::new(false), AtomicBool::new(false));
        let stream = Stream { connection: Mutex::new(connection), bearer, ended, left };
        Self { seen: Arc::clone(&self.seen), stream: Some(Arc::new(stream)) }
    }

    /// What is presented at "Dremio".
    pub(crate) fn bearer(&self) -> String {
        match &self.stream {
            Some(stream) => stream.bearer.clone(),
            None => variable("DREMIOAI_DREMIO__PAT"),
        }
    }

    pub(crate) fn line(&self, text: &str) {
        // A closed pipe means that the client has gone; then nobody cares.
        if let Some(stream) = &self.stream {
            let event = format!("event: message\r\ndata: {text}\r\n\r\n");
            let _ = stream.connection.lock().write_all(event.as_bytes());
            return;
        }
        let _whole_lines = self.seen();
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(format!("{text}\n").as_bytes()).and_then(|()| stdout.flush());
    }

    /// The last line of an answer.
    pub(crate) fn last_line(&self, text: &str) {
        self.line(text);
        self.end();
    }

    /// Ends the answer.
    pub(crate) fn end(&self) {
        if let Some(stream) = &self.stream {
            stream.ended.store(true, Ordering::Relaxed);
            let _ = stream.connection.lock().shutdown(Shutdown::Write);
        }
    }

    /// The client has closed its end; whether it did so before its answer.
    pub(crate) fn leave(&self) -> bool {
        let Some(stream) = &self.stream else { return false };
        stream.left.store(true, Ordering::Relaxed);
        !stream.ended.load(Ordering::Relaxed)
    }

    pub(crate) fn has_left(&self) -> bool {
        self.stream.as_ref().is_some_and(|stream| stream.left.load(Ordering::Relaxed))
    }

    pub(crate) fn result(&self, id: &Value, result: &Value) {
        self.last_line(&json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string());
    }

    pub(crate) fn text(&self, id: &Value, text: &str) {
        self.tool_result(id, text, false);
    }

    pub(crate) fn tool_result(&self, id: &Value, text: &str, is_error: bool) {
        let content = json!([{ "type": "text", "text": text }]);
        self.result(id, &json!({ "content": content, "isError": is_error }));
    }

    pub(crate) fn notification(&self, method: &Value, params: &Value) {
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        self.line(&message.to_string());
    }

    pub(crate) fn error(&self, id: &Value, code: i32, message: &str) {
        let error = json!({ "code": code, "message": message });
        self.last_line(&json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string());
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock()
    }
}
