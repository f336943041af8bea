// A process as its client sees it.

import { ProcessEndedError, ProcessFailedError } from "./errors.js";
import { isTerminal } from "./protocol.js";

/** @typedef {import("./protocol.js").ProcessEvent} ProcessEvent */
/** @typedef {import("./inbox.js").Inbox} Inbox */
/** @typedef {import("./client.js").PieClient} PieClient */

/** One run of a program. `for await (const { event, value } of process)` gives its events, the terminal one included. */
export class Process {
  #client;
  #inbox;

  /** Made by the client. @param {PieClient} client @param {string} processId @param {Inbox | undefined} inbox */
  constructor(client, processId, inbox) {
    this.#client = client;
    this.#inbox = inbox;
    /** Empty if it was launched alone and its outputs are not captured: the engine does not tell. */
    this.processId = processId;
    /** What `result` has seen of its stdout and messages. @type {string[]} */
    this.output = [];
  }

  /** Its terminal event has come. It may still be unread. */
  get ended() {
    return this.#inbox?.ended ?? false;
  }

  /**
   * The next event.
   * @returns {Promise<ProcessEvent>}
   * @throws {ProcessEndedError} after the last one, and if outputs are not captured
   */
  async recv() {
    if (this.#inbox === undefined) throw new ProcessEndedError("outputs of this process are not captured");
    const event = await this.#inbox.next();
    if (event === null) throw new ProcessEndedError(`process ${this.processId} has ended and all its events have been read`);
    return event;
  }

  /** @returns {AsyncGenerator<ProcessEvent, void, void>} */
  async *[Symbol.asyncIterator]() {
    for (;;) {
      const event = await this.#inbox?.next();
      if (event === undefined || event === null) return;
      yield event;
      if (isTerminal(event)) return;
    }
  }

  /**
   * What the process returns: JSON as a value, other text as it is, nothing as null.
   * @returns {Promise<unknown>}
   * @throws {ProcessFailedError}
   */
  async result() {
    for await (const { event, value } of this) {
      if (event === "stdout" || event === "message") this.output.push(value);
      if (event === "return") return valueOf(value);
      if (event === "error") throw new ProcessFailedError(value);
    }
    throw new ProcessEndedError(`process ${this.processId} has ended and its outcome has been read`);
  }

  /** Send a text for its `session.receive`. Not answered. @param {string} message */
  signal(message) {
    return this.#client.signalProcess(this.processId, message);
  }

  /** Send a file for its `session.receive-file`. Not answered. @param {Uint8Array} data @param {string} [name] */
  transferFile(data, name) {
    return this.#client.transferFile(this.processId, data, name);
  }

  /** End it. Its last event is then an error. */
  terminate() {
    return this.#client.terminateProcess(this.processId);
  }
}

/** @param {string} text */
function valueOf(text) {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return text;
  }
}
