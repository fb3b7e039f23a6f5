use std::sync::{Arc, Mutex};

use prometheus_client::registry::Registry;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use super::{Gate, Identity};
use crate::guard::Guard;
use crate::metrics::Metrics;
use crate::principal::Principal;

/// Records each event as its target and fields.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
}

#[test]
fn a_refusal_is_audited_and_counted_without_the_statement() {
    let mut registry = Registry::default();
    let gate = Gate::new(Guard::default(), "native", Arc::new(Metrics::register(&mut registry)));
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        assert!(gate.check("SELECT 1").is_ok());
        assert!(gate.check("DROP TABLE secret").is_err());
        let principal = Principal::of_key(&[0xab; 32]);
        let gate = gate.of(&Identity::unlimited(principal));
        assert!(gate.check("SELECT 1").is_ok());
        assert!(gate.check("SELECT 1; SELECT 2").is_err());
    });
    let expected = [("", "not_a_query"), (" principal=key:abababab", "several_statements")].map(
        |(principal, reason)| {
            format!(
                "audit event=\"statement_refused\" engine=\"native\"{principal} \
             reason=\"{reason}\" message=statement not sent to Dremio"
            )
        },
    );
    let mut lines = log.0.lock().unwrap().clone();
    for line in &mut lines {
        // The position of the message among the fields depends on the library.
        let parts: Vec<&str> = line.split(" message=statement not sent to Dremio").collect();
        *line = format!("{} message=statement not sent to Dremio", parts.concat());
    }
    assert_eq!(lines, expected);
    let mut metrics = String::new();
    prometheus_client::encoding::text::encode(&mut metrics, &registry).unwrap();
    assert!(
        metrics.contains("dremio_mcp_statements_refused_total{reason=\"not_a_query\"} 1\n"),
        "{metrics}"
    );
}
