// Against a real server, which tests/e2e/test_javascript_client.py starts; PIE_SURROUNDINGS is a file that tells about it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import test from "node:test";

import * as pie from "../src/index.js";
import { scenarios } from "./scenarios.js";

const path = process.env.PIE_SURROUNDINGS;
const skip = path === undefined ? "needs a server: run `pytest tests/e2e/test_javascript_client.py`" : false;
const surroundings = skip === false ? read(path) : null;

function read(file) {
  const { url, keys, programs } = JSON.parse(readFileSync(file, "utf8"));
  const loaded = Object.entries(programs).map(([name, { wasm, manifest }]) => [name, { wasm: new Uint8Array(readFileSync(wasm)), manifest }]);
  return { pie, url, keys, programs: Object.fromEntries(loaded) };
}

for (const [name, scenario] of Object.entries(scenarios)) test(name, { skip }, () => scenario(surroundings));

/** Between client and server: `cut` breaks all connections, `refusing` takes no new ones. */
class Wire {
  refusing = false;
  #sockets = new Set();

  async open(port) {
    this.server = createServer((client) => {
      if (this.refusing) return client.destroy();
      const server = connect(port, "127.0.0.1");
      for (const [socket, other] of [[client, server], [server, client]]) {
        this.#sockets.add(socket);
        socket.pipe(other);
        socket.on("error", () => {});
        socket.on("close", () => other.destroy());
      }
    });
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `ws://127.0.0.1:${this.server.address().port}`;
  }

  /** Nothing gets through any more, and nobody is told. */
  mute() {
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.resume();
    }
  }

  cut() {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  close() {
    this.cut();
    this.server.close();
  }
}

async function overWire(use, options = {}) {
  const wire = new Wire();
  const uri = await wire.open(Number(new URL(surroundings.url).port));
  const client = new pie.PieClient(uri, { reconnect: { attemptsMax: 1000, firstMs: 10, longestMs: 50 }, ...options });
  await client.connect();
  await client.authenticate("alice", await pie.PrivateKey.parse(surroundings.keys.alice));
  try {
    await use(client, wire);
  } finally {
    client.close();
    wire.close();
  }
}

async function until(holds) {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("processes outlive broken connections", { skip }, () =>
  overWire(async (client, wire) => {
    const { wasm, manifest } = surroundings.programs["file-echo"];
    await client.installProgram(wasm, manifest);
    const process = await client.launchProcess("file-echo", { change: "none", count: 3 });
    for (let round = 1; round <= 3; round += 1) {
      await process.transferFile(Uint8Array.of(round));
      assert.deepEqual((await process.recv()).value.data, Uint8Array.of(round));
      if (round === 3) break; // what the server has sent into a broken connection is lost
      wire.cut();
      await until(() => client.statistics().reconnections === round && client.statistics().state === "open");
    }
    assert.deepEqual(await process.result(), [1, 1, 1]);
  }));

test("requests wait while there is no connection", { skip }, () =>
  overWire(async (client, wire) => {
    wire.refusing = true;
    wire.cut();
    await until(() => client.statistics().state === "recovering");
    const ping = client.ping();
    wire.refusing = false;
    await ping;
  }));

test("a process that is gone after the connection broke gets an error", { skip }, () =>
  overWire(async (client, wire) => {
    const { wasm, manifest } = surroundings.programs.talk;
    await client.installProgram(wasm, manifest);
    const launched = await client.launchProcess("talk", { do: "wait" });
    await launched.recv();
    wire.refusing = true;
    wire.cut();
    const other = new pie.PieClient(surroundings.url);
    await other.connect();
    await other.authenticate("alice", await pie.PrivateKey.parse(surroundings.keys.alice));
    await other.terminateProcess(launched.processId);
    wire.refusing = false;
    await assert.rejects(launched.result(), pie.ProcessFailedError);
    other.close();
  }));

test("a wire on which nothing comes through is left for another", { skip }, () =>
  overWire(async (client, wire) => {
    await client.ping();
    wire.mute();
    await until(() => client.statistics().reconnections === 1 && client.statistics().state === "open");
    await client.ping();
  }, { pingIntervalMs: 200 }));
