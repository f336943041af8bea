// The client's side of the protocol: frames in, outcomes out. No I/O, no waiting, no clock.
//
//   request --begin--> pending --response--> answer
//                                   | names processes
//                                   v
//   unknown ------- opened ------> open --return, error--> forgotten
//
// A `Protocol` outlives connections: numbers go on, and open processes stay open, so that a new connection can attach to them.

import { decode } from "./msgpack.js";
import { Download, ReceivedFile } from "./files.js";
import { EARLY_EVENTS_MAX, FILES_PARTIAL_MAX } from "./limits.js";

/** @typedef {"stdout" | "stderr" | "message" | "return" | "error"} TextKind */

/**
 * One event of a process. `return` and `error` are the last.
 * @typedef {{ event: TextKind, value: string } | { event: "file", value: ReceivedFile }} ProcessEvent
 */

/** @typedef {{ outcome: "answer", corrId: number, ok: boolean, result: string, opened: string[] }} Answer */
/** @typedef {{ outcome: "delivery", processId: string, event: ProcessEvent }} Delivery */
/** @typedef {{ outcome: "unreadable", problem: string, corrId: number | null }} Unreadable */
/** @typedef {{ outcome: "asked", corrId: number, processId: string, server: string, method: string, params: string }} Asked */
/** @typedef {Answer | Delivery | Unreadable | Asked} Outcome */
/** @typedef {(result: string) => string[]} Opens */
/** @typedef {{ [key: string]: unknown }} Message */

const TEXT_KINDS = new Set(["stdout", "stderr", "message", "return", "error"]);
const TERMINAL = new Set(["return", "error"]);
const CORR_IDS = 2 ** 32;

/** @type {Opens} */
export const opensNothing = () => [];
/** @type {Opens} */
export const opensOne = (result) => (result === "" ? [] : [result]);
/** @type {Opens} */
export const opensMany = (result) => strings(JSON.parse(result));

/** @param {ProcessEvent} event */
export function isTerminal(event) {
  return TERMINAL.has(event.event);
}

/** @param {unknown} value */
export function strings(value) {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return /** @type {string[]} */ (value);
  throw new TypeError("not a list of strings");
}

export class Protocol {
  #nextCorrId = 1;
  /** @type {Map<number, Opens>} */
  #pending = new Map();
  /** @type {Set<string>} */
  #open = new Set();
  /** @type {Map<string, Download>} */
  #downloads = new Map();
  /** @type {Delivery[]} */
  #early = [];

  /** The number of a new request. `opens` says which processes a good answer opens. @param {Opens} [opens] */
  begin(opens = opensNothing) {
    while (this.#pending.has(this.#nextCorrId)) this.#step();
    const corrId = this.#nextCorrId;
    this.#step();
    this.#pending.set(corrId, opens);
    return corrId;
  }

  /** Deliver nothing more of this process. @param {string} processId */
  forget(processId) {
    this.#open.delete(processId);
    for (const key of this.#downloads.keys()) if (key.startsWith(`${processId} `)) this.#downloads.delete(key);
  }

  /** The connection is gone: with it the answers to come and the rest of files that were on their way. */
  disconnected() {
    this.#pending.clear();
    this.#downloads.clear();
    this.#early = [];
  }

  /**
   * What a frame means. Never throws, whatever it holds.
   * @param {Uint8Array} frame
   * @returns {Outcome[]}
   */
  receive(frame) {
    let message;
    try {
      message = decode(frame);
    } catch (error) {
      return [this.#unreadable(`not MessagePack: ${String(error)}`, null)];
    }
    if (message === null || typeof message !== "object") return [this.#unreadable("not a map", null)];
    return this.#message(/** @type {Message} */ (message));
  }

  /** @param {Message} message @returns {Outcome[]} */
  #message(message) {
    switch (message.type) {
      case "process_event": return this.#event(message);
      case "response": return this.#response(message);
      case "file": return this.#chunk(message);
      case "mcp_request": return [this.#asked(message)];
      default: return [this.#unreadable(`a message of type ${String(message.type)}`, message.corr_id)];
    }
  }

  /** @param {Message} message @returns {Outcome[]} */
  #event({ process_id: processId, event, value }) {
    if (typeof processId !== "string" || typeof value !== "string" || !TEXT_KINDS.has(String(event))) {
      return [this.#unreadable("an event without process, kind or value", null)];
    }
    return this.#delivered(processId, { event: /** @type {TextKind} */ (event), value });
  }

  /** @param {string} processId @param {ProcessEvent} event @returns {Outcome[]} */
  #delivered(processId, event) {
    /** @type {Delivery} */
    const delivery = { outcome: "delivery", processId, event };
    if (!this.#open.has(processId)) {
      this.#early.push(delivery);
      if (this.#early.length > EARLY_EVENTS_MAX) this.#early.shift();
      return [];
    }
    if (isTerminal(event)) this.forget(processId);
    return [delivery];
  }

  /** @param {Message} message @returns {Outcome[]} */
  #response({ corr_id: corrId, ok, result }) {
    if (typeof corrId !== "number" || typeof ok !== "boolean" || typeof result !== "string") {
      return [this.#unreadable("an answer without number, ok or result", corrId)];
    }
    const opens = this.#pending.get(corrId);
    if (opens === undefined) return [this.#unreadable(`an answer to request ${corrId}, which was not made`, null)];
    let opened;
    try {
      opened = ok ? opens(result) : [];
    } catch (error) {
      return [this.#unreadable(`an answer that names no processes: ${String(error)}`, corrId)];
    }
    this.#pending.delete(corrId);
    for (const processId of opened) this.#open.add(processId);
    return [{ outcome: "answer", corrId, ok, result, opened }, ...this.#caughtUp(new Set(opened))];
  }

  /** Events that came before the answer that opened their processes. @param {Set<string>} opened */
  #caughtUp(opened) {
    const early = this.#early.filter(({ processId }) => opened.has(processId));
    this.#early = this.#early.filter(({ processId }) => !opened.has(processId));
    return early.flatMap(({ processId, event }) => this.#delivered(processId, event));
  }

  /** @param {Message} message @returns {Outcome[]} */
  #chunk({ process_id: processId, file_hash: hash, chunk_index: index, total_chunks: total, chunk_data: data, name }) {
    const good = typeof hash === "string" && typeof index === "number" && typeof total === "number" && data instanceof Uint8Array;
    if (typeof processId !== "string" || !good) return [this.#unreadable("a file without process, hash, numbers or data", null)];
    if (!this.#open.has(processId)) return [];
    const key = `${processId} ${hash}`;
    let file;
    try {
      const download = this.#downloads.get(key) ?? this.#download(key, hash, typeof name === "string" ? name : null, total);
      file = download.add(index, total, data);
    } catch (error) {
      this.#downloads.delete(key);
      return [this.#unreadable(`process ${processId} sent ${String(error)}`, null)];
    }
    if (file === null) return [];
    this.#downloads.delete(key);
    return this.#delivered(processId, { event: "file", value: file });
  }

  /** @param {string} key @param {string} hash @param {string | null} name @param {number} total */
  #download(key, hash, name, total) {
    if (this.#downloads.size >= FILES_PARTIAL_MAX) throw new RangeError("a file while too many others are not complete");
    const download = new Download(hash, name, total);
    this.#downloads.set(key, download);
    return download;
  }

  /** @param {Message} message @returns {Outcome} */
  #asked({ corr_id: corrId, process_id: processId, server_name: server, method, params }) {
    if (typeof corrId !== "number") return this.#unreadable("a request to an MCP server without number", null);
    return {
      outcome: "asked", corrId, processId: String(processId), server: String(server), method: String(method), params: String(params),
    };
  }

  /** @param {string} problem @param {unknown} corrId @returns {Unreadable} */
  #unreadable(problem, corrId) {
    const known = typeof corrId === "number" && this.#pending.delete(corrId) ? corrId : null;
    return { outcome: "unreadable", problem, corrId: known };
  }

  #step() {
    this.#nextCorrId = (this.#nextCorrId % (CORR_IDS - 1)) + 1;
  }
}
