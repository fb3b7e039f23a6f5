//! What answers cost a model: every call of a fixed set of tasks with its tokens, as `cl100k_base`
//! counts them, in `tests/ledger/ledger.tsv`. An answer that grows fails here, so that it grows on
//! purpose only: `BLESS=1 cargo test -p dremio-mcp --test it ledger` writes the file.
//!
//! The columns `… before` are of the release before the answers were measured in tokens, and stay.
//! The last row is the sum of the calls that both engines answered then, which are of the kind
//! `both` in `tasks.jsonl`.
//! The official engine is measured where `DREMIO_MCP_SERVER` names an installed server.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::servers;
use crate::setting::Setting;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ledger");

const HEADER: &str = "task\tofficial before\tofficial\tnative before\tnative";

/// How much one answer, and all together, may grow.
const ANSWER_GROWTH_MAX: f64 = 1.05;
const SUM_GROWTH_MAX: f64 = 1.02;

/// What `tools/list` may cost, and the calls that both engines have always answered.
const LIST_TOKENS_MAX: usize = 750;
const BOTH_TOKENS_MAX: usize = 6500;

const LIST: &str = "tools/list";
const SUM: &str = "sum of the 25 calls of both";

#[derive(Deserialize)]
struct Task {
    kind: String,
    task: String,
    tool: String,
    arguments: Value,
}

/// An answer's tokens, and whether it was an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    tokens: usize,
    is_error: bool,
}

/// The rows of the ledger: the columns of each task.
type Ledger = HashMap<String, [Option<Cost>; 4]>;

#[derive(Clone, Copy)]
enum Column {
    Official = 1,
    Native = 3,
}

fn tasks() -> Vec<Task> {
    let text = std::fs::read_to_string(format!("{FOLDER}/tasks.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn read() -> Ledger {
    let text = std::fs::read_to_string(format!("{FOLDER}/ledger.tsv")).unwrap_or_default();
    let rows = text.lines().skip(1).map(|line| {
        let mut cells = line.split('\t');
        let task = cells.next().unwrap().to_owned();
        let mut costs = [None; 4];
        for (cost, cell) in costs.iter_mut().zip(cells) {
            *cost = cell
                .trim_end_matches('!')
                .parse()
                .ok()
                .map(|tokens| Cost { tokens, is_error: cell.ends_with('!') });
        }
        (task, costs)
    });
    rows.collect()
}

fn write(ledger: &Ledger, tasks: &[Task]) {
    let mut text = format!("{HEADER}\n");
    let names = std::iter::once(LIST).chain(tasks.iter().map(|task| task.task.as_str()));
    for name in names {
        push_row(&mut text, name, ledger.get(name).copied().unwrap_or_default());
    }
    push_row(&mut text, SUM, sums(ledger, tasks));
    std::fs::write(format!("{FOLDER}/ledger.tsv"), text).unwrap();
}

fn push_row(text: &mut String, name: &str, costs: [Option<Cost>; 4]) {
    text.push_str(name);
    for cost in costs {
        match cost {
            Some(Cost { tokens, is_error }) => {
                write!(text, "\t{tokens}{}", if is_error { "!" } else { "" }).unwrap();
            }
            None => text.push_str("\t-"),
        }
    }
    text.push('\n');
}

/// What the calls that both engines have always answered cost together, by column.
fn sums(ledger: &Ledger, tasks: &[Task]) -> [Option<Cost>; 4] {
    let both: Vec<&Task> = tasks.iter().filter(|task| task.kind == "both").collect();
    std::array::from_fn(|column| {
        let costs = both.iter().map(|task| ledger.get(&task.task)?[column]);
        let costs: Vec<Cost> = costs.collect::<Option<_>>()?;
        let is_error = costs.iter().any(|cost| cost.is_error);
        Some(Cost { tokens: costs.iter().map(|cost| cost.tokens).sum(), is_error })
    })
}

fn tokens(text: &str) -> usize {
    tiktoken_rs::cl100k_base_singleton().encode_ordinary(text).len()
}

/// `text` with the same handle whatever job it is of: digits by chance cost a few tokens more or
/// less each time.
fn with_one_handle(text: &str) -> String {
    const HANDLE: &str = "1b0a2c3d-4e5f-6071-8293-a4b5c6d7e800-0123456789abcdef";
    let is_handle = |part: &str| {
        part.len() == HANDLE.len() && part.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
    };
    let parts = text.split('"').map(|part| if is_handle(part) { HANDLE } else { part });
    parts.collect::<Vec<_>>().join("\"")
}

/// Runs all tasks with an engine.
async fn measure(settings: &[(&str, &str)], tasks: &[Task]) -> HashMap<String, Cost> {
    let setting = Setting::with(settings).await;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let list = setting.client.rpc(list).await["result"]["tools"].clone();
    let shown = list.as_array().unwrap().iter().map(|tool| {
        json!({
            "name": tool["name"],
            "description": tool["description"],
            "inputSchema": tool["inputSchema"],
        })
    });
    let cost = Cost { tokens: tokens(&Value::from_iter(shown).to_string()), is_error: false };
    let mut costs = HashMap::from([(LIST.to_owned(), cost)]);
    for task in tasks {
        let answer = setting.client.call(json!(1), &task.tool, task.arguments.clone()).await;
        let result = &answer["result"];
        // A tool that is not there costs nothing.
        if result.is_null() {
            continue;
        }
        let texts = result["content"].as_array().unwrap().iter();
        let texts: Vec<&str> = texts.filter_map(|block| block["text"].as_str()).collect();
        let tokens = tokens(&with_one_handle(&texts.concat()));
        let is_error = result["isError"] == true;
        costs.insert(task.task.clone(), Cost { tokens, is_error });
    }
    costs
}

/// Holds what was measured against the ledger, or writes it there.
fn hold(column: Column, costs: &HashMap<String, Cost>, tasks: &[Task]) {
    let mut ledger = read();
    let number = column as usize;
    if std::env::var_os("BLESS").is_some_and(|value| !value.is_empty()) {
        for (task, cost) in costs {
            ledger.entry(task.clone()).or_default()[number] = Some(*cost);
        }
        write(&ledger, tasks);
        return;
    }
    let mut complaints = Vec::new();
    let (mut sum, mut sum_before) = (0, 0);
    for (task, cost) in costs {
        let Some(before) = ledger.get(task).and_then(|columns| columns[number]) else {
            complaints.push(format!("{task}: {cost:?} stands in no ledger"));
            continue;
        };
        sum += cost.tokens;
        sum_before += before.tokens;
        if cost.is_error != before.is_error || grows(cost.tokens, before.tokens, ANSWER_GROWTH_MAX)
        {
            complaints.push(format!("{task}: {cost:?}, in the ledger {before:?}"));
        }
    }
    if grows(sum, sum_before, SUM_GROWTH_MAX) {
        complaints.push(format!("all together: {sum} tokens, in the ledger {sum_before}"));
    }
    let cure = "if that is wanted: BLESS=1 cargo test -p dremio-mcp --test it ledger";
    assert!(complaints.is_empty(), "{complaints:#?}\n{cure}");
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn grows(tokens: usize, before: usize, growth_max: f64) -> bool {
    tokens as f64 > before as f64 * growth_max
}

/// What an engine's answers may cost whatever the ledger says.
fn limit(costs: &HashMap<String, Cost>, tasks: &[Task]) {
    let list = costs[LIST].tokens;
    assert!(list <= LIST_TOKENS_MAX, "tools/list: {list} tokens");
    let both = tasks.iter().filter(|task| task.kind == "both");
    let both: Vec<Cost> = both.map(|task| costs[&task.task]).collect();
    let sum: usize = both.iter().map(|cost| cost.tokens).sum();
    assert!(both.len() == 25 && sum <= BOTH_TOKENS_MAX, "{}: {sum} tokens", both.len());
    assert!(both.iter().all(|cost| !cost.is_error), "{both:?}");
    for (task, cost) in costs {
        assert!(cost.tokens <= 8000, "{task}: {cost:?}");
    }
}

#[tokio::test]
async fn answers_cost_no_more_than_the_ledger_says() {
    let tasks = tasks();
    let costs = measure(&[("MCP_ENGINE", "native")], &tasks).await;
    hold(Column::Native, &costs, &tasks);
    limit(&costs, &tasks);
    // Dremio's own server, where it is installed; the imitation has no tools to measure.
    for command in servers::dremios_own().iter().skip(1) {
        let official = [("MCP_ENGINE", "official"), ("MCP_SERVER_COMMAND", command.as_str())];
        let costs = measure(&official, &tasks).await;
        hold(Column::Official, &costs, &tasks);
        limit(&costs, &tasks);
    }
    let ledger = read();
    assert_eq!(ledger[SUM], sums(&ledger, &tasks), "the last row: {SUM}");
}
