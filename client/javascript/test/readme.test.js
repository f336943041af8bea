// The README's example, against a real server.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import * as pie from "../src/index.js";

const path = process.env.PIE_SURROUNDINGS;
const skip = path === undefined ? "needs a server: run `pytest tests/e2e/test_javascript_client.py`" : false;
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the example runs", { skip }, async () => {
  const { url, keys, programs } = JSON.parse(readFileSync(path, "utf8"));
  const client = await new pie.PieClient(url).connect();
  await client.authenticate("alice", await pie.PrivateKey.parse(keys.alice));
  await client.installProgram(new Uint8Array(readFileSync(programs.echo.wasm)), programs.echo.manifest);
  client.close();

  const [, example] = /```js\n([^]*?)```/.exec(readme);
  const code = example
    .replace("@pie-project/client", new URL("../src/index.js", import.meta.url).href)
    .replace("ws://127.0.0.1:8080", url);
  const folder = mkdtempSync(join(tmpdir(), "pie-"));
  writeFileSync(join(folder, "example.mjs"), `const pem = ${JSON.stringify(keys.alice)};\n${code}`);
  const out = execFileSync(process.execPath, ["--experimental-websocket", join(folder, "example.mjs")], { stdio: ["ignore", "pipe", "ignore"] });
  rmSync(folder, { recursive: true });
  assert.equal(out.toString(), 'return {"prompt":"What is the capital of France?"}\n');
});

test("the README names every verb", () => {
  const verbs = Object.getOwnPropertyNames(pie.PieClient.prototype).filter((name) => name !== "constructor");
  const inner = ["signalProcess", "transferFile"];
  assert.deepEqual(verbs.filter((name) => !readme.includes(`\`${name}`) && !inner.includes(name)), []);
});
