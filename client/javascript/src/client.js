// The client of a Pie engine, for Node and browsers.

import { blake3 } from "./blake3.js";
import { Connection } from "./connection.js";
import {
  ConnectionLostError, InstallError, LaunchError, LoginError, NotConnectedError, ProcessNotFoundError, ProtocolError, RefusedError,
} from "./errors.js";
import { chunks } from "./files.js";
import { PING_INTERVAL_MS, REATTACH_PAUSE_MS, REATTACH_TIMEOUT_MS } from "./limits.js";
import { prove, showToken } from "./login.js";
import { answered } from "./mcp.js";
import { Process } from "./process.js";
import { opensMany, opensNothing, opensOne, strings } from "./protocol.js";
import { DEFAULT } from "./reconnect.js";
import { good } from "./reply.js";

/** @typedef {import("./connection.js").Message} Message */
/** @typedef {import("./connection.js").Reply} Reply */
/** @typedef {import("./reconnect.js").Reconnect} Reconnect */
/** @typedef {import("./keys.js").PrivateKey} PrivateKey */
/** @typedef {import("./reply.js").Ask} Ask */
/** @typedef {import("./mcp.js").McpHandler} McpHandler */

/** What a program gets, as JSON; undefined: an empty object. @typedef {unknown} Input */

/**
 * A running process.
 * @typedef {object} ListedProcess
 * @property {string} id
 * @property {string} username
 * @property {string} program
 * @property {string} input
 * @property {number} elapsed_secs
 * @property {string} [state]
 * @property {boolean} [attached]
 * @property {number} [tokens]
 */

/**
 * @typedef {object} LaunchOptions
 * @property {boolean} [captureOutputs] default true
 * @property {number} [tokenBudget] tokens that it may have computed
 */

/**
 * A session with an engine. A lost connection is made anew, logged in again, and its processes are attached to again. Meanwhile new
 * requests wait, and those that were sent and not answered fail with `ConnectionLostError`: only the caller knows whether to repeat
 * them.
 */
export class PieClient {
  #connection;
  /** @type {((ask: Ask) => Promise<void>) | null} */
  #login = null;
  /** @type {Map<string, McpHandler>} */
  #mcp = new Map();

  /** @param {string} uri such as `ws://127.0.0.1:8080` @param {{ reconnect?: Partial<Reconnect>, pingIntervalMs?: number }} [options] */
  constructor(uri, { reconnect = {}, pingIntervalMs = PING_INTERVAL_MS } = {}) {
    this.uri = uri;
    this.#connection = new Connection(uri, {
      reconnect: { ...DEFAULT, ...reconnect },
      pingIntervalMs,
      restore: () => this.#restore(),
      asked: ({ corrId, server, method, params }, answer) =>
        void answered(this.#mcp.get(server), server, method, params).then((result) =>
          answer({ type: "mcp_response", corr_id: corrId, ...result }),
        ),
    });
  }

  // --- the session ----------------------------------------------------------------------------------------------------------

  /** @throws {import("./errors.js").UnreachableError} */
  async connect() {
    await this.#connection.open();
    return this;
  }

  /** End the session. Its processes go on; whoever waits for one here gets an error event. */
  close() {
    this.#connection.close();
  }

  statistics() {
    return this.#connection.statistics();
  }

  /**
   * Log in as a user; the key is needed if the engine's authentication is on.
   * @param {string} username @param {PrivateKey} [key]
   * @throws {LoginError}
   */
  async authenticate(username, key) {
    await this.#logIn((ask) => prove(ask, username, key));
  }

  /** Log in with the engine's own token or with an API key. @param {string} token @throws {LoginError} */
  async authByToken(token) {
    await this.#logIn((ask) => showToken(ask, token));
  }

  async ping() {
    good(await this.#ask((corrId) => ({ type: "ping", corr_id: corrId })), RefusedError, "Ping failed");
  }

  /** Ask the engine about a subject, such as `model_status`. @param {string} subject @param {string} [record] */
  async query(subject, record = "") {
    const { ok, result } = await this.#ask((corrId) => ({ type: "query", corr_id: corrId, subject, record }));
    return { ok, result };
  }

  // --- programs -------------------------------------------------------------------------------------------------------------

  /**
   * Whether the engine has a `name@version`; with both others: exactly these.
   * @param {string} inferlet @param {Uint8Array} [wasm] @param {string} [manifest]
   */
  async checkProgram(inferlet, wasm, manifest) {
    const at = inferlet.lastIndexOf("@");
    if (at === -1) throw new TypeError("Version required: use 'name@version' format");
    const both = wasm !== undefined && manifest !== undefined;
    const hashes = both ? { wasm_hash: blake3(wasm), manifest_hash: blake3(new TextEncoder().encode(manifest)) } : {};
    const [name, version] = [inferlet.slice(0, at), inferlet.slice(at + 1)];
    const reply = await this.#ask((corrId) => ({ type: "check_program", corr_id: corrId, name, version, ...hashes }));
    return good(reply, RefusedError, "CheckProgram failed") === "true";
  }

  /**
   * Install a program: a component, and the text of its `Pie.toml`. Without `force`, a version that is there stays.
   * @param {Uint8Array} wasm @param {string} manifest @param {{ force?: boolean }} [options]
   * @throws {InstallError}
   */
  async installProgram(wasm, manifest, { force = false } = {}) {
    const fixed = { type: "add_program", program_hash: blake3(wasm), manifest, force_overwrite: force };
    const reply = await this.#connection.upload((corrId) => spread({ ...fixed, corr_id: corrId }, chunks(wasm)));
    good(reply, InstallError, "Upload failed");
  }

  // --- processes ------------------------------------------------------------------------------------------------------------

  /**
   * Start a process.
   * @param {string} inferlet @param {Input} [input] @param {LaunchOptions} [options]
   * @throws {LaunchError}
   */
  async launchProcess(inferlet, input, { captureOutputs = true, tokenBudget } = {}) {
    const reply = await this.#connection.request(
      (corrId) => ({
        type: "launch_process", corr_id: corrId, inferlet, input: json(input), capture_outputs: captureOutputs, token_budget: tokenBudget,
      }),
      { opens: captureOutputs ? opensOne : opensNothing },
    );
    const processId = good(reply, LaunchError, "Failed to launch process");
    return new Process(this, processId, reply.inboxes.get(processId));
  }

  /**
   * Start several processes with one request; those launched before a failure go on.
   * @param {string} inferlet @param {Input[]} inputs
   * @param {{ captureOutputs?: boolean, tokenBudgets?: (number | null)[] }} [options]
   * @throws {LaunchError}
   */
  async launchProcesses(inferlet, inputs, { captureOutputs = true, tokenBudgets } = {}) {
    const reply = await this.#connection.request(
      (corrId) => ({
        type: "launch_processes", corr_id: corrId, inferlet, inputs: inputs.map(json), capture_outputs: captureOutputs,
        token_budgets: tokenBudgets,
      }),
      { opens: captureOutputs ? opensMany : opensNothing },
    );
    const ids = parsed(good(reply, LaunchError, "Failed to launch processes"), strings);
    return ids.map((processId) => new Process(this, processId, reply.inboxes.get(processId)));
  }

  /**
   * Run several processes to their ends: what they returned, in the order of the inputs.
   * @param {string} inferlet @param {Input[]} inputs @param {{ tokenBudgets?: (number | null)[] }} [options]
   * @throws {LaunchError}
   */
  async runProcesses(inferlet, inputs, { tokenBudgets } = {}) {
    const reply = await this.#ask((corrId) => ({
      type: "run_processes", corr_id: corrId, inferlet, inputs: inputs.map(json), token_budgets: tokenBudgets,
    }));
    return parsed(good(reply, LaunchError, "Failed to run processes"), strings);
  }

  /** Take over the events of a process. @param {string} processId @throws {ProcessNotFoundError} */
  async attachProcess(processId) {
    const reply = await this.#attach(processId);
    good(reply, ProcessNotFoundError, "Failed to attach to process");
    return new Process(this, processId, reply.inboxes.get(processId));
  }

  /** The running processes of this user. @returns {Promise<ListedProcess[]>} */
  async listProcesses() {
    const reply = await this.#ask((corrId) => ({ type: "list_processes", corr_id: corrId }));
    return parsed(good(reply, RefusedError, "List processes failed"), (value) => /** @type {ListedProcess[]} */ (value));
  }

  /** Send a text to a process that this session is attached to. Not answered. @param {string} processId @param {string} message */
  async signalProcess(processId, message) {
    await this.#connection.send([{ type: "signal_process", process_id: processId, message }]);
  }

  /** Send a file to such a process. Not answered. @param {string} processId @param {Uint8Array} data @param {string} [name] */
  async transferFile(processId, data, name) {
    const fixed = { type: "transfer_file", process_id: processId, file_hash: blake3(data), name };
    await this.#connection.send(spread(fixed, chunks(data)));
  }

  /** @param {string} processId @throws {ProcessNotFoundError} */
  async terminateProcess(processId) {
    const reply = await this.#ask((corrId) => ({ type: "terminate_process", corr_id: corrId, process_id: processId }));
    good(reply, ProcessNotFoundError, "Failed to terminate process");
  }

  // --- MCP ------------------------------------------------------------------------------------------------------------------

  /**
   * Let the processes of this session use an MCP server that `handler` is or knows how to reach.
   * @param {string} name @param {McpHandler} handler
   */
  async registerMcpServer(name, handler) {
    await this.#announce(name, (message) => this.#ask(message));
    this.#mcp.set(name, handler);
  }

  // --- for operators --------------------------------------------------------------------------------------------------------

  /** The running processes of all users. @returns {Promise<ListedProcess[]>} */
  async processesOfAll() {
    return parsed(await this.#queried("processes"), (value) => /** @type {ListedProcess[]} */ (value));
  }

  /** How the engine is doing. @returns {Promise<Record<string, unknown>>} */
  async status() {
    return parsed(await this.#queried("status"), (value) => /** @type {Record<string, unknown>} */ (value));
  }

  /** Let the engine take no new processes, or let it take them again. @param {boolean} [enabled] */
  async drain(enabled = true) {
    good(await this.#ask((corrId) => ({ type: "drain", corr_id: corrId, enabled })), RefusedError, "Drain failed");
  }

  /** Let the engine read its configuration again: the keys that changed and took effect. */
  async reloadConfig() {
    const reply = await this.#ask((corrId) => ({ type: "reload_config", corr_id: corrId }));
    return parsed(good(reply, RefusedError, "Reloading the configuration failed"), strings);
  }

  // --- inside ---------------------------------------------------------------------------------------------------------------

  /** @param {(corrId: number) => Message} message */
  #ask(message) {
    return this.#connection.request(message);
  }

  /** @param {(ask: Ask) => Promise<void>} login */
  async #logIn(login) {
    await login((message) => this.#ask(message));
    this.#login = login;
  }

  /** @param {string} subject */
  async #queried(subject) {
    const { ok, result } = await this.query(subject);
    if (!ok) throw new RefusedError(`Query '${subject}' failed`, result);
    return result;
  }

  /** @param {string} processId @param {{ restoring?: boolean }} [options] */
  #attach(processId, { restoring = false } = {}) {
    return this.#connection.request(
      (corrId) => ({ type: "attach_process", corr_id: corrId, process_id: processId }),
      { opens: () => [processId], restoring },
    );
  }

  /** @param {string} name @param {Ask} ask */
  async #announce(name, ask) {
    const reply = await ask((corrId) => ({ type: "register_mcp_server", corr_id: corrId, name, transport: "stdio", command: "" }));
    good(reply, RefusedError, "Register MCP server failed");
  }

  /** On a new connection: be who we were, have what we had. */
  async #restore() {
    /** @type {Ask} */
    const ask = (message) => this.#connection.request(message, { restoring: true });
    await this.#login?.(ask);
    for (const name of this.#mcp.keys()) await this.#announce(name, ask);
    await Promise.all(this.#connection.processes().map((processId) => this.#reattach(processId)));
  }

  /** @param {string} processId */
  async #reattach(processId) {
    const { ok, result } = await this.#attach(processId, { restoring: true });
    if (!ok) void this.#reattachLater(processId, result);
  }

  /** The engine may still count the old connection; or the process is gone, which its list tells. @param {string} processId @param {string} why */
  async #reattachLater(processId, why) {
    const deadline = Date.now() + REATTACH_TIMEOUT_MS;
    try {
      while (Date.now() < deadline && (await this.listProcesses()).some(({ id }) => id === processId)) {
        await new Promise((resolve) => setTimeout(resolve, REATTACH_PAUSE_MS));
        const reply = await this.#attach(processId);
        if (reply.ok) return;
        why = reply.result;
      }
    } catch (error) {
      if (error instanceof ConnectionLostError || error instanceof NotConnectedError) return;
      why = String(error);
    }
    this.#connection.fail(processId, `lost with the connection: ${why}`);
  }
}

/**
 * @template T
 * @param {string} text @param {(value: unknown) => T} check
 */
function parsed(text, check) {
  try {
    return check(JSON.parse(text));
  } catch (error) {
    throw new ProtocolError(`the engine's answer is not what was asked for: ${String(error)}`, { cause: error });
  }
}

/** The fixed part with each of the chunks. @param {Message} fixed @param {Iterable<Message>} parts @returns {Generator<Message>} */
function* spread(fixed, parts) {
  for (const part of parts) yield { ...fixed, ...part };
}

/** @param {Input} input */
function json(input) {
  return JSON.stringify(input ?? {});
}
