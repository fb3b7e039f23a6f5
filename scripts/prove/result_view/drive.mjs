// Opens the view in the host for each case, as a person would, in light and in dark; takes pictures
// and checks what is seen. Reads its plan from standard input: { cache, chromium, folder, cases },
// `cases` a link by name. Prints a table. Ends with 1 if a check fails.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const plan = JSON.parse(await text(process.stdin));
const { chromium } = createRequire(join(plan.cache, "package.json"))("playwright-core");
// For a busy machine.
const PATIENCE = { timeout: 240_000 };

const browser = await chromium.launch({
  executablePath: plan.chromium,
  // Root needs the first; nothing but loopback can even be looked up.
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  ],
});

let failures = 0;
function check(name, is, found) {
  if (is) return;
  failures++;
  console.log(`!! ${name}: ${JSON.stringify(found)}`);
}

// The page itself: the host puts it into a frame of a frame.
async function viewOf(page) {
  for (const end = Date.now() + PATIENCE.timeout; Date.now() < end; ) {
    for (const frame of page.frames().slice(1)) {
      if ((await frame.title().catch(() => "")) === "Query result") return frame;
    }
    await page.waitForTimeout(50);
  }
  throw new Error(`no view: ${page.frames().map((frame) => frame.url())}`);
}

async function begun(colorScheme) {
  const context = await browser.newContext({
    colorScheme,
    locale: "en-GB",
    viewport: { width: 1700, height: 1000 },
  });
  context.setDefaultTimeout(PATIENCE.timeout);
  const page = await context.newPage();
  const seen = { outside: [], dialogs: 0, errors: [] };
  await context.route(/.*/, (route) => {
    const { protocol, hostname } = new URL(route.request().url());
    if (["data:", "blob:", "about:"].includes(protocol) || hostname === "127.0.0.1") {
      return route.continue();
    }
    // The host itself asks for a font, and does without it.
    if (route.request().frame() !== page.mainFrame()) seen.outside.push(route.request().url());
    return route.abort();
  });
  page.on("dialog", (dialog) => (seen.dialogs++, dialog.dismiss()));
  page.on("pageerror", (cause) => seen.errors.push(String(cause)));
  const opened = { page, seen, close: () => context.close() };
  opened.shoot = async (as) => {
    if (opened.view) check(`${as}: the host makes room`, await hasRoom(page, opened.view), as);
    await page.screenshot({ path: join(plan.folder, `${as}-${colorScheme}.png`) });
  };
  return opened;
}

// Waits until the host has given the view the height that it asked for. What is seen of it is as
// high as the lowest frame around it.
async function hasRoom(page, view) {
  for (const end = Date.now() + 60_000; Date.now() < end; await page.waitForTimeout(100)) {
    let room = await view.evaluate(() => {
      const main = document.querySelector("main:not([hidden])");
      const bottom = main ? main.getBoundingClientRect().bottom : 0;
      return innerHeight + 1 - Math.max(document.body.offsetHeight, bottom);
    });
    for (let frame = view; frame.parentFrame(); frame = frame.parentFrame()) {
      const box = await (await frame.frameElement()).boundingBox();
      const height = await view.evaluate(() => document.body.offsetHeight);
      room = Math.min(room, (box?.height ?? 0) - height + 1);
    }
    if (room >= 0) return true;
  }
  return false;
}

// What a person does to see the view; on a busy machine the host gives up connecting, and is asked
// again.
async function openView(page, link) {
  const button = page.getByRole("button", { name: "Open App" });
  for (let attempt = 1; ; attempt++) {
    await page.goto(link);
    try {
      await button.waitFor({ timeout: 60_000 });
      break;
    } catch (cause) {
      if (attempt === 3) throw cause;
    }
  }
  await button.click();
  return viewOf(page);
}

const rowsOf = (view) => view.locator("tbody tr").count();
const summaryOf = (view) => view.locator("#summary").textContent();

async function hasRows(view) {
  await view.locator("tbody tr").first().waitFor(PATIENCE);
}

const steps = {
  async table({ view, shoot }) {
    await hasRows(view);
    const first = await summaryOf(view);
    check("table: the first rows", /^1–\d+ of 1,000 rows$/.test(first), first);
    await shoot("table");
    for (let clicks = 0; (await view.locator("#more").isVisible()) && clicks < 20; clicks++) {
      await view.locator("#more:enabled").click(PATIENCE);
      const isBack = view.locator("#more:enabled, #more[hidden]");
      await isBack.waitFor({ state: "attached", ...PATIENCE });
    }
    check("table: all rows", (await summaryOf(view)) === "1,000 rows", await summaryOf(view));
    const head = view.locator("thead button").first();
    for (let clicks = 0; clicks < 2; clicks++) await head.click();
    const top = await view.locator("tbody tr").first().innerText();
    check("table: sorted downwards", top.startsWith("999"), top);
    await shoot("table-sorted");
    // Rows that are not in sight are not there yet.
    check("table: rows in the page", (await rowsOf(view)) === 200, await rowsOf(view));
    return `${await summaryOf(view)}, sorted`;
  },
  bar: (open) => chart(open, "bar", "rect.filled", 5),
  line: (open) => chart(open, "line", "path", 2),
  scatter: (open) => chart(open, "scatter", "circle", 300),
  async hostile({ page, view, seen, shoot }) {
    await hasRows(view);
    const cell = (column) => view.locator(`tbody tr:first-child td:nth-child(${column})`);
    const [script, image] = [await cell(1).textContent(), await cell(2).textContent()];
    check("hostile: the script is text", script.startsWith("</script><script>"), script);
    check("hostile: the image is text", image.startsWith("<img src="), image);
    const head = await view.locator("thead th:nth-child(3) .name").textContent();
    check("hostile: the name is text", head.startsWith("<img src="), head);
    const long = (await cell(4).textContent()).length;
    check("hostile: 5 MB are cut", long > 0 && long < 2100, long);
    await shoot("hostile");
    // Longer texts open, and a chart has them as labels.
    await cell(1).click();
    await view.locator("#tab-chart").click();
    await view.locator("#drawing").waitFor(PATIENCE);
    await shoot("hostile-chart");
    const inside = await view.evaluate(() => ({
      scripts: document.scripts.length,
      images: document.images.length,
      harmed: window.harmed,
    }));
    check("hostile: one script, no image", inside.scripts === 1 && inside.images === 0, inside);
    const harmed = await page.evaluate(() => window.harmed);
    check("hostile: no harm", inside.harmed === undefined && harmed === undefined, harmed);
    // Even what got past the page would not run: its policy holds.
    const ran = await view.evaluate(async (reachable) => {
      const image = Object.assign(new Image(), { src: "http://attacker.invalid/y.png" });
      document.body.append(image);
      const script = document.createElement("script");
      script.textContent = "window.harmed = 1";
      document.body.append(script);
      const asked = fetch(reachable, { mode: "no-cors" });
      const isAsked = await asked.then(() => true, () => false);
      return { isAsked, harmed: window.harmed };
    }, new URL(page.url()).origin);
    check("hostile: the policy holds", !ran.isAsked && ran.harmed === undefined, ran);
    check("hostile: no dialog", seen.dialogs === 0, seen.dialogs);
    return `cells are text, ${long} characters of 5 MB`;
  },
  async failure({ view, shoot }) {
    const message = view.locator("#message.error");
    await message.waitFor(PATIENCE);
    const said = await message.textContent();
    check("failure: Dremio's sentence", said.includes("nope"), said);
    check("failure: no table", !(await view.locator("#table").isVisible()), "a table");
    await shoot("failure");
    return "says why";
  },
};

async function chart({ view, shoot }, type, mark, least) {
  await hasRows(view);
  await view.locator("#tab-chart").click();
  const drawing = view.locator("#drawing svg");
  await drawing.waitFor(PATIENCE);
  const picked = await view.locator("#choices select").first().inputValue();
  check(`${type}: picked by the view`, picked === type, picked);
  const marks = await drawing.locator(mark).count();
  check(`${type}: marks`, marks >= least, marks);
  await shoot(type);
  return `${marks} marks`;
}

console.log("| case | scheme | what was seen |\n|---|---|---|");
for (const name of Object.keys(plan.cases)) {
  for (const scheme of ["light", "dark"]) {
    const open = await begun(scheme);
    let seen = "failed";
    try {
      open.view = await openView(open.page, plan.cases[name]);
      seen = await steps[name](open);
      const background = await open.view.evaluate(() => getComputedStyle(document.body).color);
      const [red] = background.match(/\d+/).map(Number);
      check(`${name}: ${scheme} letters`, (red > 127) === (scheme === "dark"), background);
    } catch (cause) {
      check(name, false, String(cause));
      await open.shoot(`${name}-failed`).catch(() => {});
    }
    check(`${name}: nothing outside loopback`, open.seen.outside.length === 0, open.seen.outside);
    check(`${name}: no error of a script`, open.seen.errors.length === 0, open.seen.errors);
    console.log(`| ${name} | ${scheme} | ${seen} |`);
    await open.close();
  }
}
writeFileSync(join(plan.folder, "failures"), `${failures}\n`);
await browser.close();
process.exit(failures ? 1 : 0);
