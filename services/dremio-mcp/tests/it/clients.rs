//! A real client of both eras: rmcp, which knows nothing of this code.

use std::collections::HashMap;

use rmcp::ClientHandler;
use rmcp::model::{
    CallToolRequestParams, ProtocolVersion, ResourceUpdatedNotificationParam, ServerNotification,
    SubscribeRequestParams, SubscriptionFilter, UnsubscribeRequestParams,
};
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt, NotificationContext, RoleClient, RunningService, Service,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::json;
use tokio::sync::mpsc;

use crate::support::{Gateway, KEY, PATIENCE, eventually, http};

async fn connect<S: Service<RoleClient>>(
    gateway: &Gateway,
    lifecycle: ClientLifecycleMode,
    handler: S,
) -> RunningService<RoleClient, S> {
    let mut config = StreamableHttpClientTransportConfig::with_uri(gateway.uri.as_str());
    config.custom_headers = HashMap::new();
    config.auth_header = Some(KEY.to_owned());
    let transport = StreamableHttpClientTransport::with_client(http(), config);
    handler.serve_with_lifecycle(transport, lifecycle).await.unwrap()
}

#[tokio::test]
async fn rmcp_is_served_in_both_eras() {
    let gateway = Gateway::start().await;
    for lifecycle in [
        ClientLifecycleMode::Initialize,
        ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] },
        ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            legacy_version: None,
        },
    ] {
        let client = connect(&gateway, lifecycle, ()).await;
        let tools = client.list_all_tools().await.unwrap();
        assert!(tools.iter().any(|tool| tool.name == "echo"));
        let arguments = json!({ "text": "from rmcp" }).as_object().unwrap().clone();
        let answer = client
            .call_tool(CallToolRequestParams::new("echo").with_arguments(arguments))
            .await
            .unwrap();
        assert_eq!(answer.content[0].as_text().unwrap().text, "from rmcp");
        client.cancel().await.unwrap();
    }
    gateway.stop().await;
}

/// Passes on the URIs of resources that have changed.
struct Updates(mpsc::UnboundedSender<String>);

impl ClientHandler for Updates {
    async fn on_resource_updated(
        &self,
        params: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.0.send(params.uri).unwrap();
    }
}

#[tokio::test]
#[expect(deprecated, reason = "the older era has no other way")]
async fn rmcp_hears_of_the_resources_that_it_subscribed_to_in_both_eras() {
    let gateway = Gateway::start().await;
    let observer = gateway.client().await;
    let touch = async |uri: &str| {
        observer
            .text(
                "notify",
                json!({ "method": "notifications/resources/updated", "params": { "uri": uri } }),
            )
            .await;
    };
    let (updates, mut updated) = mpsc::unbounded_channel();
    let legacy = connect(&gateway, ClientLifecycleMode::Initialize, Updates(updates)).await;
    legacy.subscribe(SubscribeRequestParams::new("fixture://one")).await.unwrap();
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    let modern = connect(&gateway, ClientLifecycleMode::Discover { preferred_versions }, ()).await;
    let filter = SubscriptionFilter::builder()
        .resource_subscription("fixture://one")
        .tools_list_changed()
        .build();
    let mut subscription = modern.listen(filter.clone()).await.unwrap();
    assert_eq!(subscription.acknowledged(), &filter);

    touch("fixture://two").await;
    touch("fixture://one").await;
    assert_eq!(
        tokio::time::timeout(PATIENCE, updated.recv()).await.unwrap().unwrap(),
        "fixture://one"
    );
    let told = tokio::time::timeout(PATIENCE, subscription.next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(
        told,
        ServerNotification::ResourceUpdatedNotification(update)
            if update.params.uri == "fixture://one"
    ));

    legacy.unsubscribe(UnsubscribeRequestParams::new("fixture://one")).await.unwrap();
    subscription.cancel().await.unwrap();
    eventually("the child is told that nobody listens", async || {
        observer.seen().await["subscribed"] == json!([])
    })
    .await;
    gateway.stop().await;
}
