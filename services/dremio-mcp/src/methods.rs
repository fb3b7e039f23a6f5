//! The names of MCP's methods, each in one place, and sets of them.

// Requests.
pub(crate) const INITIALIZE: &str = "initialize";
pub(crate) const PING: &str = "ping";
pub(crate) const LOGGING_SET_LEVEL: &str = "logging/setLevel";
pub(crate) const TOOLS_LIST: &str = "tools/list";
pub(crate) const TOOLS_CALL: &str = "tools/call";
pub(crate) const PROMPTS_LIST: &str = "prompts/list";
pub(crate) const PROMPTS_GET: &str = "prompts/get";
pub(crate) const RESOURCES_LIST: &str = "resources/list";
pub(crate) const RESOURCE_TEMPLATES_LIST: &str = "resources/templates/list";
pub(crate) const RESOURCES_READ: &str = "resources/read";
pub(crate) const RESOURCES_SUBSCRIBE: &str = "resources/subscribe";
pub(crate) const RESOURCES_UNSUBSCRIBE: &str = "resources/unsubscribe";
pub(crate) const COMPLETION_COMPLETE: &str = "completion/complete";
pub(crate) const TASKS_LIST: &str = "tasks/list";
pub(crate) const TASKS_GET: &str = "tasks/get";
pub(crate) const TASKS_RESULT: &str = "tasks/result";
pub(crate) const TASKS_CANCEL: &str = "tasks/cancel";
pub(crate) const SERVER_DISCOVER: &str = "server/discover";
pub(crate) const SUBSCRIPTIONS_LISTEN: &str = "subscriptions/listen";

// Notifications.
pub(crate) const INITIALIZED: &str = "notifications/initialized";
pub(crate) const CANCELLED: &str = "notifications/cancelled";
pub(crate) const PROGRESS: &str = "notifications/progress";
pub(crate) const LOG_MESSAGE: &str = "notifications/message";
pub(crate) const TOOLS_LIST_CHANGED: &str = "notifications/tools/list_changed";
pub(crate) const PROMPTS_LIST_CHANGED: &str = "notifications/prompts/list_changed";
pub(crate) const RESOURCES_LIST_CHANGED: &str = "notifications/resources/list_changed";
pub(crate) const RESOURCE_UPDATED: &str = "notifications/resources/updated";
pub(crate) const TASK_STATUS: &str = "notifications/tasks/status";
pub(crate) const ELICITATION_COMPLETE: &str = "notifications/elicitation/complete";
pub(crate) const SUBSCRIPTION_ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

/// The requests that an engine may answer.
const OF_ENGINES: [&str; 15] = [
    PING,
    TOOLS_LIST,
    TOOLS_CALL,
    PROMPTS_LIST,
    PROMPTS_GET,
    RESOURCES_LIST,
    RESOURCE_TEMPLATES_LIST,
    RESOURCES_READ,
    RESOURCES_SUBSCRIBE,
    RESOURCES_UNSUBSCRIBE,
    COMPLETION_COMPLETE,
    TASKS_LIST,
    TASKS_GET,
    TASKS_RESULT,
    TASKS_CANCEL,
];

/// A method by a name of few, for metrics: what no engine knows is `other`.
pub(crate) fn known(method: &str) -> &'static str {
    OF_ENGINES.into_iter().find(|known| *known == method).unwrap_or("other")
}

/// Requests for a list that comes in pages and stays the same until the server announces a change.
pub(crate) const LISTS: [&str; 4] =
    [TOOLS_LIST, PROMPTS_LIST, RESOURCES_LIST, RESOURCE_TEMPLATES_LIST];

/// Requests about one task, named by `params.taskId`.
pub(crate) const OF_ONE_TASK: [&str; 3] = [TASKS_GET, TASKS_RESULT, TASKS_CANCEL];

/// The requests that are new in revision 2026-07-28.
pub(crate) const NEW_IN_MODERN: [&str; 2] = [SERVER_DISCOVER, SUBSCRIPTIONS_LISTEN];

/// All requests of revision 2026-07-28.
pub(crate) const MODERN: [&str; 10] = [
    SERVER_DISCOVER,
    SUBSCRIPTIONS_LISTEN,
    TOOLS_LIST,
    TOOLS_CALL,
    PROMPTS_LIST,
    PROMPTS_GET,
    RESOURCES_LIST,
    RESOURCE_TEMPLATES_LIST,
    RESOURCES_READ,
    COMPLETION_COMPLETE,
];
