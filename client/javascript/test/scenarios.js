// What a client does with a real server. The same in Node and in browsers.

/**
 * @typedef {object} Surroundings
 * @property {typeof import("../src/index.js")} pie
 * @property {string} url
 * @property {Record<string, string>} keys private keys by user
 * @property {Record<string, { wasm: Uint8Array, manifest: string }>} programs echo returns its input, talk speaks, mcp-tools, file-echo
 */

function equal(actual, expected, what = "") {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${what} expected ${other}, got ${one}`);
}

async function rejected(promise, Kind) {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Kind) return error;
    throw error;
  }
  throw new Error(`expected ${Kind.name}`);
}

async function loggedIn({ pie, url, keys }, user, uri = url) {
  const client = new pie.PieClient(uri, { reconnect: { attemptsMax: 100, firstMs: 10, longestMs: 200 } });
  await client.connect();
  await client.authenticate(user, await pie.PrivateKey.parse(keys[user]));
  return client;
}

async function withClient(surroundings, user, use) {
  const client = await loggedIn(surroundings, user);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

async function installed(client, { programs }, ...names) {
  for (const name of names) await client.installProgram(programs[name].wasm, programs[name].manifest);
}

export const scenarios = {
  async "every kind of key logs in, and only its own user"(surroundings) {
    const { pie, url, keys } = surroundings;
    for (const user of ["alice", "rsa", "p256", "p384"]) await withClient(surroundings, user, (client) => client.ping());
    const client = new pie.PieClient(url);
    await client.connect();
    const wrong = client.authenticate("alice", await pie.PrivateKey.parse(keys.p256));
    equal((await rejected(wrong, pie.LoginError)).reason, "Signature verification failed");
    await rejected(client.authenticate("mallory", await pie.PrivateKey.parse(keys.p256)), pie.LoginError);
    await rejected(client.authenticate("alice"), pie.LoginError);
    client.close();
  },

  async "programs are uploaded, checked, launched and run"(surroundings) {
    await withClient(surroundings, "alice", async (client) => {
      const { wasm, manifest } = surroundings.programs.echo;
      await installed(client, surroundings, "echo");
      equal(await client.checkProgram("echo@0.1.0", wasm, manifest), true);
      equal(await client.checkProgram("echo@0.1.0", wasm.slice(1), manifest), false);
      equal(await (await client.launchProcess("echo", { n: 1 })).result(), { n: 1 });
      equal(await client.runProcesses("echo@0.1.0", [{ n: 1 }, undefined]), ['{"n":1}', "{}"]);
      const processes = await client.launchProcesses("echo", Array.from({ length: 20 }, (_, n) => ({ n })));
      equal(await Promise.all(processes.map((process) => process.result())), Array.from({ length: 20 }, (_, n) => ({ n })));
    });
  },

  async "events come in order, and a failure is an error"(surroundings) {
    const { pie } = surroundings;
    await withClient(surroundings, "alice", async (client) => {
      await installed(client, surroundings, "talk");
      const events = [];
      for await (const event of await client.launchProcess("talk", { do: "stream" })) events.push(event);
      equal(events.map(({ value }) => value), ["one ", "two ", "three", "one two three"]);
      equal(events.at(-1).event, "return");
      const failing = await client.launchProcess("talk", { do: "fail" });
      const error = await rejected(failing.result(), pie.ProcessFailedError);
      if (!error.message.includes("the guest's own words")) throw error;
      await rejected(client.launchProcess("nope"), pie.LaunchError);
    });
  },

  async "processes are listed, signalled and ended"(surroundings) {
    const { pie } = surroundings;
    await withClient(surroundings, "alice", async (client) => {
      await installed(client, surroundings, "talk");
      const process = await client.launchProcess("talk", { do: "wait" });
      equal((await process.recv()).value.trim(), "waiting");
      const [listed] = await client.listProcesses();
      equal([listed.id, listed.program], [process.processId, "talk@0.1.0"]);
      await process.signal("nobody listens");
      await process.terminate();
      await rejected(process.result(), pie.ProcessFailedError);
      await rejected(client.terminateProcess(process.processId), pie.ProcessNotFoundError);
    });
  },

  async "files go both ways"(surroundings) {
    await withClient(surroundings, "alice", async (client) => {
      await installed(client, surroundings, "file-echo");
      const process = await client.launchProcess("file-echo", { change: "none", count: 3 });
      for (const size of [0, 5, 700_000]) {
        await process.transferFile(new Uint8Array(size).fill(size), "a.bin");
        const { event, value } = await process.recv();
        equal([event, value.data.length, value.fileName()], ["file", size, "a.bin"]);
      }
      equal(await process.result(), [0, 5, 700_000]);
    });
  },

  async "another connection takes over a process"(surroundings) {
    await withClient(surroundings, "alice", async (first) => {
      await installed(first, surroundings, "file-echo");
      const { processId } = await first.launchProcess("file-echo", { change: "upper" });
      await withClient(surroundings, "alice", async (second) => {
        const process = await second.attachProcess(processId);
        await process.transferFile(new TextEncoder().encode("abc"));
        equal(new TextDecoder().decode((await process.recv()).value.data), "ABC");
        equal(await process.result(), [3]);
      });
    });
  },

  async "users do not see each other's processes; operators see all"(surroundings) {
    const { pie } = surroundings;
    await withClient(surroundings, "alice", async (alice) => {
      await installed(alice, surroundings, "talk");
      const process = await alice.launchProcess("talk", { do: "wait" });
      await process.recv();
      await withClient(surroundings, "p256", async (other) => {
        equal(await other.listProcesses(), []);
        await rejected(other.attachProcess(process.processId), pie.ProcessNotFoundError);
        await rejected(other.processesOfAll(), pie.RefusedError);
      });
      equal((await alice.processesOfAll()).map(({ id }) => id), [process.processId]);
      equal(typeof (await alice.status()), "object");
      await process.terminate();
    });
  },

  async "programs use an MCP server that the client is"(surroundings) {
    const { pie } = surroundings;
    await withClient(surroundings, "alice", async (client) => {
      await installed(client, surroundings, "mcp-tools");
      await client.registerMcpServer("sums", (method, params) => {
        if (method === "tools/list") return { tools: [{ name: "add", inputSchema: { type: "object" } }] };
        if (params.name !== "add") throw new pie.McpError(-32602, `no tool ${params.name}`);
        return { content: [{ type: "text", text: String(params.arguments.numbers.reduce((sum, number) => sum + number)) }] };
      });
      const call = (tool) => client.launchProcess("mcp-tools", { tool, arguments: '{"numbers": [1, 2]}' });
      equal(await (await client.launchProcess("mcp-tools")).result(), ["add"]);
      equal(await (await call("add")).result(), 3);
      const error = await rejected((await call("fly")).result(), pie.ProcessFailedError);
      if (!error.message.includes("no tool fly")) throw error;
    });
  },

  async "a closed client says so"(surroundings) {
    const { pie } = surroundings;
    const client = await loggedIn(surroundings, "alice");
    await installed(client, surroundings, "talk");
    const process = await client.launchProcess("talk", { do: "wait" });
    await process.recv();
    client.close();
    await rejected(process.result(), pie.ProcessFailedError);
    await rejected(client.ping(), pie.NotConnectedError);
    await rejected(new pie.PieClient("ws://127.0.0.1:1").connect(), pie.UnreachableError);
    const cleaner = await loggedIn(surroundings, "alice");
    await cleaner.terminateProcess(process.processId);
    cleaner.close();
  },
};
