// A client built on the TypeScript SDK: `typescript.mjs MODE URL KEY`. MODE is 1 (the package of
// version 1), 2 (version 2 as it comes) or 2-auto (told to ask for the newest revision).
// Every line on standard input, JSON of {"number", "tool", "arguments"}, is one call; every call
// ends in one line of JSON: {"number", "ok", "text"}. The first line says that it is connected, and
// which tools there are.
import { createInterface } from 'node:readline';

const [mode, url, key] = process.argv.slice(2);
const LIMIT_MS = 20_000;
const say = (value) => process.stdout.write(JSON.stringify(value) + '\n');

const first = '@modelcontextprotocol/sdk/client';
const second = '@modelcontextprotocol/client';
const { Client } = await import(mode === '1' ? `${first}/index.js` : second);
const { StreamableHTTPClientTransport } = await import(
  mode === '1' ? `${first}/streamableHttp.js` : second
);

const options = mode === '2-auto' ? { versionNegotiation: { mode: 'auto' } } : {};
const client = new Client({ name: `restart-ts-${mode}`, version: '1' }, options);
client.onerror = (cause) => process.stderr.write(`onerror: ${cause}\n`);
const requestInit = { headers: { Authorization: `Bearer ${key}` } };
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
const { tools } = await client.listTools();
say({ connected: true, tools: tools.map(({ name }) => name) });

async function call({ number, tool, arguments: given }) {
  const request = { name: tool, arguments: given };
  const limit = { timeout: LIMIT_MS };
  try {
    const rest = mode === '1' ? [undefined, limit] : [limit];
    const answer = await client.callTool(request, ...rest);
    const text = answer.content.map((part) => part.text ?? '').join('\n');
    say({ number, ok: !answer.isError, text });
  } catch (cause) {
    say({ number, ok: false, text: `${cause}` });
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  void call(JSON.parse(line));
}
process.exit(0);
