// Talks to the host: MCP Apps (extension io.modelcontextprotocol/ui, revision 2026-01-26), JSON-RPC
// by postMessage. The host is whoever embeds this page; nothing else is listened to.

const REVISION = "2026-01-26";

function connect(handlers) {
  let lastId = 0;
  const waiting = new Map();
  // The host's origin is not known to a sandboxed page; it is the parent by definition.
  const post = (message) => window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");

  const host = {
    notify: (method, params = {}) => post({ method, params }),
    request: (method, params) =>
      new Promise((resolve, reject) => {
        waiting.set(++lastId, { resolve, reject });
        post({ id: lastId, method, params });
      }),
  };

  window.addEventListener("message", ({ source, data }) => {
    if (source !== window.parent || !data || data.jsonrpc !== "2.0") return;
    if (data.method === undefined) {
      const request = waiting.get(data.id);
      waiting.delete(data.id);
      if (data.error) request?.reject(new Error(String(data.error.message)));
      else request?.resolve(data.result || {});
    } else if (data.id === undefined) {
      handlers[data.method]?.(data.params || {});
    } else if (["ping", "ui/resource-teardown"].includes(data.method)) {
      post({ id: data.id, result: {} });
    } else {
      post({ id: data.id, error: { code: -32601, message: `this view has no ${data.method}` } });
    }
  });
  return host;
}

async function introduce(host) {
  const said = await host.request("ui/initialize", {
    protocolVersion: REVISION,
    appInfo: { name: "dremio-result", title: "Query result", version: "1" },
    appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
  });
  host.notify("ui/notifications/initialized");
  return said;
}
