use std::sync::{Arc, Mutex};

use prometheus_client::registry::Registry;
use service_kit::Clock;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use super::{Gate, Identity};
use crate::guard::Guard;
use crate::metrics::Metrics;
use crate::policy::Resource;
use crate::policy::grant::{Grant, Tools};
use crate::policy::limits::Table;
use crate::policy::schemas::Schemas;
use crate::policy::spending::Spending;
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

/// Run by hand: `cargo test -p dremio-mcp --lib --config profile.dev.package.dremio-mcp.opt-level=3
/// -- --ignored --nocapture what_the_policy_costs`, or with `--release`.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stderr, reason = "for who runs it by hand")]
fn what_the_policy_costs() {
    const ROUNDS: u32 = 20;
    const BATCHES: u32 = 200;
    let grant = Grant {
        name: "a".to_owned(),
        account: None,
        tools: Tools::These(vec!["GetSchemaOfTable", "RunSqlQuery"]),
        schemas: Schemas::read(&["Sales", "Marketing.*", "src.\"a.b\""]).unwrap(),
        limits: toml::from_str::<Table>("rows = \"9/h\"\nqueries = \"1G/h\"\njobs = 4")
            .unwrap()
            .read()
            .unwrap(),
    };
    let spending = Spending::new(Clock::system());
    let caller = Identity::limited(Principal::of_client("a"), Arc::new(grant), spending);
    let metrics = Arc::new(Metrics::register(&mut Registry::default()));
    let gate = Gate::new(Guard::default(), "native", metrics);
    let limited = gate.of(&caller);
    let of_4_kb = |start: &str, piece: &str| {
        let mut sql = start.to_owned();
        while sql.len() + piece.len() <= 4_096 {
            sql.push_str(piece);
        }
        sql
    };
    for sql in [
        "SELECT id FROM Sales.orders WHERE id = 1".to_owned(),
        of_4_kb("SELECT 1 FROM Sales.t WHERE x = 1", " AND some_column_name = 'and a value'"),
        of_4_kb("SELECT 1", ", a.b + 17 AS c"),
        of_4_kb("SELECT * FROM Sales.t a", " JOIN Sales.t b ON a.i = b.i"),
        of_4_kb("SELECT * FROM Sales.t", ",src.\"a.b\".t"),
        of_4_kb("SELECT 1 FROM Sales.t", " UNION ALL SELECT 1 FROM Sales.t"),
        of_4_kb("SELECT a", ",a"),
        of_4_kb("SELECT * FROM Sales.t", ",Sales.t a"),
        of_4_kb("WITH some_name AS (SELECT 1) SELECT * FROM some_name", ",some_name a"),
    ] {
        // The quickest batch: what else the machine does only ever adds.
        let time = |work: &dyn Fn()| {
            let batch = |_| {
                let started = std::time::Instant::now();
                (0..ROUNDS).for_each(|_| work());
                started.elapsed() / ROUNDS
            };
            (0..BATCHES).map(batch).min().unwrap()
        };
        let check = |gate: &Gate| {
            let gate = gate.clone();
            let sql = sql.as_str();
            move || assert!(gate.check(std::hint::black_box(sql)).is_ok(), "{sql}")
        };
        let (guard, both) = (time(&check(&gate)), time(&check(&limited)));
        let policy = both.saturating_sub(guard);
        let admission = || {
            assert!(
                caller.may_call("RunSqlQuery") && caller.check_budgets(&[Resource::Rows]).is_ok()
            );
            drop(caller.begin_query().unwrap());
        };
        let budget = time(&admission);
        // As a call does: the whole of what a client's policy adds to it.
        let (check, admit) = (check(&limited), admission);
        let call = time(&|| {
            check();
            admit();
        });
        let together = call.saturating_sub(guard);
        let text: String = sql.chars().take(48).collect();
        eprintln!(
            "{} bytes, {text}…: policy {policy:?}, tool and budgets {budget:?}, together \
             {together:?}; guard {guard:?}",
            sql.len()
        );
    }
}
