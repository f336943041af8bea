// The events of one process on their way to its reader.

import { isTerminal } from "./protocol.js";

/** @typedef {import("./protocol.js").ProcessEvent} ProcessEvent */

export class Inbox {
  /** @type {ProcessEvent[]} */
  #events = [];
  #first = 0;
  #ended = false;
  #size = 0;
  /** @type {((event: ProcessEvent | null) => void)[]} */
  #readers = [];

  /** Bytes and characters that lie here. */
  get size() {
    return this.#size;
  }

  /** The terminal event has come. It may still be unread. */
  get ended() {
    return this.#ended;
  }

  /** After the terminal event nothing is taken any more. @param {ProcessEvent} event */
  put(event) {
    if (this.#ended) return;
    this.#ended = isTerminal(event);
    const reader = this.#readers.shift();
    if (reader === undefined) {
      this.#events.push(event);
      this.#size += sizeOf(event);
    } else reader(event);
    if (this.#ended) for (const other of this.#readers.splice(0)) other(null);
  }

  /** @returns {Promise<ProcessEvent | null>} the oldest event, waiting for one; null after the terminal one */
  next() {
    const event = this.#events[this.#first];
    if (event === undefined) return this.#ended ? Promise.resolve(null) : new Promise((resolve) => this.#readers.push(resolve));
    this.#first += 1;
    this.#size -= sizeOf(event);
    if (this.#first === this.#events.length || this.#first > 1024) {
      this.#events.splice(0, this.#first);
      this.#first = 0;
    }
    return Promise.resolve(event);
  }
}

/** @param {ProcessEvent} event */
function sizeOf(event) {
  return 1 + (event.event === "file" ? event.value.data.length : event.value.length);
}
