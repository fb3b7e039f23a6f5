use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use service_kit::Clock;
use service_kit::lifecycle::Shutdown;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::PolicyStore;
use crate::conditions::{ConditionName, Readiness};
use crate::metrics::Metrics;
use crate::policy::{Identity, Resource};
use crate::principal::Principal;
use crate::random::hex;

const TOOLS: &[&str] = &["RunSqlQuery", "GetSchemaOfTable"];

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key).into()
}

fn client(name: &str, keys: &[&str], rest: &str) -> String {
    let keys: Vec<String> =
        keys.iter().map(|key| format!("\"sha256:{}\"", hex(&digest(key)))).collect();
    format!("[[client]]\nname = \"{name}\"\nkeys = [{}]\n{rest}\n", keys.join(", "))
}

struct Followed {
    store: Arc<PolicyStore>,
    readiness: Readiness,
    folder: TempDir,
}

impl Followed {
    fn start(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        std::fs::write(&path, text).unwrap();
        let metrics = Arc::new(Metrics::register(&mut Registry::default()));
        let store = PolicyStore::load(&path, TOOLS, Clock::system(), metrics).unwrap();
        let (store, readiness) = (Arc::new(store), Readiness::new(&[ConditionName::Policy]));
        tokio::spawn(Arc::clone(&store).follow(readiness.clone(), Shutdown::new(), || {}));
        Self { store, readiness, folder }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("policy.toml")
    }

    /// Waits for what a change leads to, for the two seconds within which it must.
    async fn becomes(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            while !is_so(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "never: {what}");
    }

    fn client(&self, key: &str) -> Option<Arc<Identity>> {
        self.store.client(&digest(key))
    }

    fn reason(&self) -> (bool, String) {
        let report = self.readiness.report();
        let condition = &report.conditions["policy"];
        (condition.ready, condition.reason.clone().unwrap_or_default())
    }
}

#[tokio::test]
async fn a_rotated_key_is_the_same_client_with_the_same_spending() {
    let budget = "budget = { rows = \"1/h\" }";
    let followed = Followed::start(&client("a", &["old"], budget));
    let old = followed.client("old").unwrap();
    assert_eq!(old.principal().as_str(), "client:a");
    old.spend(&[(Resource::Rows, 1)]).unwrap();
    std::fs::write(followed.path(), client("a", &["old", "new"], budget)).unwrap();
    followed.becomes("the new key is known", |it| it.client("new").is_some()).await;
    assert_eq!(followed.client("old").unwrap().principal(), old.principal());
    std::fs::write(followed.path(), client("a", &["new"], budget)).unwrap();
    followed.becomes("the old key is not", |it| it.client("old").is_none()).await;
    let new = followed.client("new").unwrap();
    assert!(new.principal() == old.principal() && !old.principal().withdrawn().is_cancelled());
    assert!(new.spend(&[(Resource::Rows, 1)]).is_err(), "its budget is the old one");
    // A client that goes takes with it whatever it has started.
    std::fs::write(followed.path(), client("b", &["new"], "")).unwrap();
    followed
        .becomes("the key is another client's", |it| {
            it.client("new").unwrap().principal().as_str() == "client:b"
        })
        .await;
    assert!(old.principal().withdrawn().is_cancelled());
}

/// What is done to the file, and what is said of it.
type Edit = (&'static str, fn(&Path), &'static str);

#[tokio::test]
async fn a_bad_edit_changes_nothing_and_says_so() {
    let good = client("a", &["key"], "tools = [\"*\"]");
    let followed = Followed::start(&good);
    let path = followed.path();
    let edits: [Edit; 5] = [
        (
            "an unknown member",
            |path| std::fs::write(path, "[[client]]\nnom = \"a\"\n").unwrap(),
            "line 2: unknown field `nom`",
        ),
        (
            "half a file",
            |path| std::fs::write(path, "[[client]]\nname = \"a\"\nkeys = [\"sha").unwrap(),
            "line 3: ",
        ),
        (
            "an empty file",
            |path| std::fs::write(path, "").unwrap(),
            "line 1: the file names no client",
        ),
        ("no file", |path| std::fs::remove_file(path).unwrap(), "cannot be read"),
        (
            "a folder",
            |path| std::fs::create_dir(path).unwrap(),
            "it is no regular file, but a folder",
        ),
    ];
    for (what, edit, said) in edits {
        edit(&path);
        let says_so = |it: &Followed| {
            let message = it.readiness.conditions()[&ConditionName::Policy].message.clone();
            message.unwrap_or_default().contains(said)
        };
        followed.becomes(what, says_so).await;
        assert_eq!(followed.reason(), (true, "policy_rejected".to_owned()), "{what}");
        assert!(followed.client("key").unwrap().may_call("RunSqlQuery"), "{what}");
    }
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, client("a", &["key"], "")).unwrap();
    followed
        .becomes("the good edit counts", |it| !it.client("key").unwrap().may_call("RunSqlQuery"))
        .await;
    followed.becomes("readiness is content", |it| it.reason() == (true, String::new())).await;
}

#[tokio::test]
async fn keys_outside_the_file_are_served_under_default_only() {
    let with_default = format!(
        "{}[[client]]\nname = \"default\"\ntools = [\"RunSqlQuery\"]\n\
         budget = {{ rows = \"1/h\" }}\n",
        client("a", &["key"], "")
    );
    let followed = Followed::start(&with_default);
    let outsider = Principal::of_key(&digest("other"));
    let other = followed.store.other(&outsider).unwrap();
    assert_eq!(other.principal(), &outsider);
    assert!(other.may_call("RunSqlQuery") && !other.may_call("GetSchemaOfTable"));
    // Each has a budget of its own.
    other.spend(&[(Resource::Rows, 1)]).unwrap();
    assert!(followed.store.other(&outsider).unwrap().spend(&[(Resource::Rows, 1)]).is_err());
    let third = followed.store.other(&Principal::of_key(&digest("third"))).unwrap();
    third.spend(&[(Resource::Rows, 1)]).unwrap();
    assert!(followed.store.serves_other(&digest("other")));
    assert!(!followed.store.serves_other(&digest("key")));
    std::fs::write(followed.path(), client("a", &["key"], "")).unwrap();
    followed.becomes("nobody else", |it| it.store.other(&outsider).is_none()).await;
    assert!(!followed.store.serves_other(&digest("other")));
}

#[tokio::test]
async fn a_client_may_be_called_like_anything_and_is_never_a_key() {
    let name = format!("key-{}", &hex(&digest("x"))[..40]);
    let followed = Followed::start(&client(&name, &["key"], ""));
    let principal = followed.client("key").unwrap().principal().clone();
    assert_ne!(principal, Principal::of_key(&digest("x")));
    assert_eq!(principal.to_string(), format!("client:{name}"));
}
