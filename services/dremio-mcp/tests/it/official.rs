//! What the gateway adds to Dremio's own server.

use std::time::Duration;

use dremio_sandbox::JobState;
use serde_json::json;

use crate::servers::each;
use crate::support::{OTHER_KEY, eventually};

#[tokio::test]
async fn dremio_gets_the_statement_without_the_mark_and_the_label_behind_it() {
    let label = "/* dremioai: submitter=RunSqlQuery */";
    let forged = "/*dremio-mcp:call=0123456789abcdef0123456789abcdef*/";
    for (server, setting) in each(&[]).await {
        for (query, expected) in [
            ("SELECT 1".to_owned(), "SELECT 1".to_owned()),
            ("SELECT 1; -- end".to_owned(), "SELECT 1;       ".to_owned()),
            (format!("SELECT 1\n{forged}"), format!("SELECT 1\n{}", " ".repeat(forged.len()))),
            (format!("SELECT '{forged}'"), format!("SELECT '{forged}'")),
        ] {
            setting.client.text("RunSqlQuery", json!({ "query": query })).await;
            let sent = setting.sandbox.control().jobs().last().unwrap().sql.clone();
            assert_eq!(sent, format!("{expected}\n{label}"), "{server}");
        }
        setting.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_query_that_is_given_up_is_cancelled_and_others_are_not() {
    for (server, setting) in each(&[]).await {
        let control = setting.sandbox.control();
        control.set_job_duration(Duration::from_secs(3600));
        let mut bob = crate::support::Client::new(&setting.gateway, OTHER_KEY);
        bob.initialize("2025-11-25").await;
        let in_background = |client: &crate::support::Client, id: u64, query: &str| {
            let (client, query) = (client.clone(), query.to_owned());
            tokio::spawn(async move {
                client.call(json!(id), "RunSqlQuery", json!({ "query": query })).await
            })
        };
        let jobs =
            [(&setting.client, "SELECT 1"), (&bob, "SELECT 2"), (&setting.client, "SELECT 3")];
        for (number, (client, query)) in jobs.into_iter().enumerate() {
            drop(in_background(client, number as u64, query));
            eventually("Dremio is asked about the job", async || {
                control.jobs().len() == number + 1 && control.jobs().iter().all(|job| job.polls > 0)
            })
            .await;
        }
        let cancel = json!({
            "jsonrpc": "2.0",
            "method": "notifications/cancelled",
            "params": { "requestId": 0 },
        });
        setting.client.post(&cancel.to_string()).await;
        eventually("its job is cancelled", async || control.jobs()[0].state == JobState::Canceled)
            .await;
        let left: Vec<_> = control.jobs().iter().map(|job| job.cancel_requested).collect();
        assert_eq!(left, [true, false, false], "{server}");
        setting.gateway.request_stop();
    }
}
