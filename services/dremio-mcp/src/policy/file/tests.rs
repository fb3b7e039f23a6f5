use super::{Policy, PolicyError};
use crate::policy::grant::Tools;

const TOOLS: &[&str] = &["RunSqlQuery", "GetSchemaOfTable"];

fn key(digit: char) -> String {
    format!("\"sha256:{}\"", digit.to_string().repeat(64))
}

fn problems(text: &str) -> String {
    match Policy::read(text.as_bytes(), TOOLS) {
        Ok(policy) => panic!("good: {policy:?}"),
        Err(cause @ PolicyError::Wrong(_)) => cause.to_string(),
        Err(cause) => panic!("{cause}"),
    }
}

#[test]
fn a_policy_is_read() {
    let text = format!(
        "# who\n[[client]]\nname = \"analyst\"\nkeys = [{}, {}]\naccount = \"sales\"\n\
         tools = [\"RunSqlQuery\"]\nschemas = [\"Sales\", \"Marketing.*\"]\n\
         budget = {{ rows = \"1M/h\", bytes = \"200M/h\", queries = \"60/m\", jobs = 4, tokens = \
         \"500k/h\" }}\n\n[[client]]\nname = \"default\"\ntools = [\"*\"]\nschemas = [\"*\"]\n",
        key('a'),
        key('B')
    );
    let policy = Policy::read(text.as_bytes(), TOOLS).unwrap();
    let [client] = policy.clients.as_slice() else { panic!("{policy:?}") };
    let grant = &client.grant;
    assert_eq!(client.keys, [[0xaa; 32], [0xbb; 32]]);
    assert_eq!(
        (grant.name.as_str(), grant.account.as_ref().unwrap().as_str()),
        ("analyst", "sales")
    );
    assert_eq!(grant.tools, Tools::These(vec!["RunSqlQuery"]));
    assert!(grant.schemas.as_ref().unwrap().allow(&["Marketing", "t"]));
    assert_eq!(
        grant.limits.to_string(),
        "rows 1M/h, bytes 200M/h, queries 60/m, tokens 500k/h, jobs 4"
    );
    let default = policy.default.unwrap();
    assert!(default.tools == Tools::All && default.schemas.is_none());
    // What is not allowed is not allowed.
    let policy = Policy::read(b"[[client]]\nname = \"a\"", TOOLS).unwrap();
    let grant = &policy.clients[0].grant;
    assert!(!grant.tools.include("RunSqlQuery") && !grant.schemas.as_ref().unwrap().allow(&["a"]));
}

#[test]
fn a_problem_has_its_line_its_cause_and_its_cure() {
    let client = |rest: &str| format!("[[client]]\nname = \"a\"\n{rest}\n");
    let two = |a: &str, b: &str| {
        format!("[[client]]\nname = \"a\"\nkeys = [{a}]\n[[client]]\nname = \"b\"\nkeys = [{b}]\n")
    };
    for (text, line, said) in [
        (String::new(), 1, "the file names no client, so nobody could call anything"),
        ("# none\n".to_owned(), 1, "begin with [[client]]"),
        ("[[client]]\n".to_owned(), 1, "missing field `name`"),
        (client("colour = \"red\""), 3, "unknown field `colour`, expected one of `name`, `keys`"),
        (format!("{}[[user]]\nname = \"x\"\n", client("")), 4, "unknown field `user`"),
        (client("budget = { cents = \"1/h\" }"), 3, "unknown field `cents`"),
        (client("keys = [\"sha256:"), 3, "see docs/DEPLOYMENT.md for the form of the file"),
        (client("keys = \"x\""), 3, "expected a sequence"),
        (client("budget = { rows = \"1M\" }"), 3, "`rows` needs another value: a whole number"),
        (client("budget = { jobs = 0 }"), 3, "`jobs` is no number of queries"),
        (client("budget = { jobs = \"4\" }"), 3, "invalid type"),
        (
            client("tools = [\"RunSqlQuery\",\n\"DropAll\"]"),
            4,
            "there is no tool \"DropAll\"; the tools are RunSqlQuery, GetSchemaOfTable",
        ),
        (client("tools = [\"*\", \"RunSqlQuery\"]"), 3, "there is no tool \"*\""),
        (client("schemas = [\"a..b\"]"), 3, "\"a..b\" in `schemas`: is no path"),
        (
            client("schemas = [\"a\", \"sys\"]"),
            3,
            "only a client with schemas = [\"*\"] may query it",
        ),
        (client("schemas = [\"a\\u001b[31m\"]"), 3, "\"a\\u{1b}[31m\" in `schemas`"),
        (client("account = \"Sales\""), 3, "`account` is not the name of an account"),
        (client("keys = [\"abc\"]"), 3, "`dremio-mcp key new a` makes a key and its line"),
        (client("keys = [\"sha256:abc\"]"), 3, "64 hex digits"),
        (client(&format!("keys = [{}]", key('+'))), 3, "64 hex digits"),
        (
            client(&format!("keys = [{}, {}]", key('a'), key('A'))),
            3,
            "this key stands in line 3 too, for `a`",
        ),
        (
            two(&key('a'), &key('a')),
            6,
            "this key stands in line 3 too, for `a`; a key has one client",
        ),
        (
            format!("{}{}", client(""), client("")),
            5,
            "the name `a` is taken by the client in line 2",
        ),
        ("[[client]]\nname = \"a b\"\n".to_owned(), 2, "`name` is no name of a client"),
        (format!("[[client]]\nname = \"{}\"\n", "a".repeat(65)), 2, "`name` is no name"),
        (
            format!("[[client]]\nname = \"default\"\nkeys = [{}]\n", key('a')),
            3,
            "`default` is for the keys that this file does not name",
        ),
    ] {
        let found = problems(&text);
        assert!(found.starts_with(&format!("line {line}: ")), "{text}\n{found}");
        assert!(found.contains(said), "{text}\n{found}");
        assert!(!found.contains(char::is_control), "{found:?}");
    }
    let latin = Policy::read(b"[[client]]\nname = \"\xe9\"", TOOLS).unwrap_err().to_string();
    assert!(latin.starts_with("line 2: is not UTF-8"), "{latin}");
    // All problems at once, but never a key that stands where a digest should.
    let secret = "dmk_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let all = problems(&client(&format!("keys = [\"{secret}\"]\ntools = [\"x\"]")));
    assert!(
        all.contains("line 3: ") && all.contains("; line 4: ") && !all.contains("dmk_"),
        "{all}"
    );
    let many = problems(&client(&format!("tools = [{}]", "\"x\",\n".repeat(1000))));
    assert!(many.ends_with("; and 995 more problems") && many.len() < 1000, "{many}");
}
