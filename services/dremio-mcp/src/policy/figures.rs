//! What a policy costs a call, for who wants to know:
//! `cargo test --profile dist -p dremio-mcp --lib what_a_policy_costs -- --ignored --nocapture`, or
//! with `--config profile.dev.package.dremio-mcp.opt-level=3` in place of `--profile dist`.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_client::registry::Registry;
use service_kit::Clock;
use sha2::{Digest as _, Sha256};

use super::{Gate, PolicyStore, Resource};
use crate::guard::Guard;
use crate::metrics::Metrics;
use crate::random::hex;

const CLIENTS: usize = 1000;
const TOOLS: &[&str] = &["RunSqlQuery", "GetSchemaOfTable"];

/// Budgets that do not end while it runs.
const RIGHTS: &str = "tools = [\"GetSchemaOfTable\", \"RunSqlQuery\"]
schemas = [\"Sales\", \"Marketing.*\", \"src.\\\"a.b\\\"\"]
budget = { rows = \"1G/h\", bytes = \"1G/h\", queries = \"1G/h\", jobs = 4 }
";

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key).into()
}

/// How long `work` takes at best: what else the machine does only ever adds.
fn time(work: impl Fn()) -> Duration {
    const ROUNDS: u32 = 20;
    const BATCHES: u32 = 40;
    let batch = |_| {
        let started = Instant::now();
        (0..ROUNDS).for_each(|_| work());
        started.elapsed() / ROUNDS
    };
    (0..BATCHES).map(batch).min().unwrap_or_default()
}

/// A statement of at most 4 KiB.
fn of_4_kb(start: &str, piece: &str) -> String {
    let pieces = (4_096 - start.len()) / piece.len();
    start.to_owned() + &piece.repeat(pieces)
}

#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stdout, reason = "for who runs it by hand")]
fn what_a_policy_costs() {
    let mut text = String::new();
    for number in 0..CLIENTS {
        let keys = ["old", "new"].map(|key| hex(&digest(&format!("{key}{number}"))));
        let keys = format!("\"sha256:{}\", \"sha256:{}\"", keys[0], keys[1]);
        let _infallible =
            write!(text, "[[client]]\nname = \"client-{number}\"\nkeys = [{keys}]\n{RIGHTS}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    std::fs::write(&path, &text).unwrap();
    let metrics = Arc::new(Metrics::register(&mut Registry::default()));
    let started = Instant::now();
    let store = PolicyStore::load(&path, TOOLS, Clock::system(), Arc::clone(&metrics)).unwrap();
    println!("{CLIENTS} clients, {} bytes, read in {:?}", text.len(), started.elapsed());

    let key = digest("new7");
    let caller = store.client(&key).unwrap();
    println!("who a key is: {:?}", time(|| drop(store.client(black_box(&key)).unwrap())));
    let row = [(Resource::Rows, 1), (Resource::Bytes, 1)];
    println!("the budgets of a row: {:?}", time(|| caller.spend(&row).unwrap()));
    let admit = || {
        assert!(caller.may_call("RunSqlQuery") && caller.check_budgets(&[Resource::Rows]).is_ok());
        drop(caller.begin_query().unwrap());
    };
    println!("tool and budgets of a call: {:?}", time(admit));

    let gate = Gate::new(Guard::default(), "native", metrics);
    let limited = gate.of(&caller);
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
        let check = |gate: &Gate| assert!(gate.check(black_box(&sql)).is_ok(), "{sql}");
        let (guard, both) = (time(|| check(&gate)), time(|| check(&limited)));
        // As a call does: the whole of what a client's policy adds to it.
        let call = time(|| {
            check(&limited);
            admit();
        });
        let (policy, all) = (both.saturating_sub(guard), call.saturating_sub(guard));
        let (bytes, start) = (sql.len(), sql.chars().take(48).collect::<String>());
        println!(
            "{bytes} bytes, {start}…: guard {guard:?}, policy {policy:?}, with budgets {all:?}"
        );
    }
}
