//! A real client of both eras: rmcp, which knows nothing of this code.

use std::collections::HashMap;

use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt, RoleClient, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::json;

use crate::support::{Gateway, KEY, http};

async fn connect(gateway: &Gateway, lifecycle: ClientLifecycleMode) -> RunningService<RoleClient, ()> {
    let mut config = StreamableHttpClientTransportConfig::with_uri(gateway.uri.as_str());
    config.custom_headers = HashMap::new();
    config.auth_header = Some(KEY.to_owned());
    let transport = StreamableHttpClientTransport::with_client(http(), config);
    ().serve_with_lifecycle(transport, lifecycle).await.unwrap()
}

#[tokio::test]
async fn rmcp_is_served_in_both_eras() {
    let gateway = Gateway::start().await;
    for lifecycle in [
        ClientLifecycleMode::Initialize,
        ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] },
        ClientLifecycleMode::Auto { preferred_versions: vec![ProtocolVersion::V_2026_07_28], legacy_version: None },
    ] {
        let client = connect(&gateway, lifecycle).await;
        let tools = client.list_all_tools().await.unwrap();
        assert!(tools.iter().any(|tool| tool.name == "echo"));
        let arguments = json!({ "text": "from rmcp" }).as_object().unwrap().clone();
        let answer = client.call_tool(CallToolRequestParams::new("echo").with_arguments(arguments)).await.unwrap();
        assert_eq!(answer.content[0].as_text().unwrap().text, "from rmcp");
        client.cancel().await.unwrap();
    }
    gateway.stop().await;
}
