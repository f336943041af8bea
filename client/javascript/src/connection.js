// The shell around the protocol: the socket, who waits for which answer, and reconnecting.
//
//   new --open--> open --socket breaks--> recovering --restored--> open
//                  |                          | given up
//                  +--------- close ----------+-------> closed
//
// While it recovers, new requests wait; those that were sent and not answered have failed. `restore` attaches to processes again.

import { ConnectionLostError, NotConnectedError, ProtocolError, UnreachableError } from "./errors.js";
import { Inbox } from "./inbox.js";
import { BUFFERED_BYTES_MAX, HELD_BYTES_MAX, RESTORE_TIMEOUT_MS, STABLE_AFTER_MS } from "./limits.js";
import { encode } from "./msgpack.js";
import { Protocol, opensNothing } from "./protocol.js";
import { pauses } from "./reconnect.js";
import { opened } from "./socket.js";

/** @typedef {import("./protocol.js").Outcome} Outcome */
/** @typedef {import("./protocol.js").Asked} Asked */
/** @typedef {import("./protocol.js").Answer} Answer */
/** @typedef {import("./protocol.js").Opens} Opens */
/** @typedef {import("./reconnect.js").Reconnect} Reconnect */
/** @typedef {import("./msgpack.js").Value} Value */
/** @typedef {{ [key: string]: Value | undefined }} Message */
/** @typedef {{ ok: boolean, result: string, inboxes: Map<string, Inbox> }} Reply */
/** @typedef {"new" | "open" | "recovering" | "closed"} State */

const CLOSED = "WebSocket connection closed";
const BUFFER_POLL_MS = 5;

export class Connection {
  #uri;
  #pingIntervalMs;
  #policy;
  #restore;
  #asked;
  /** @type {State} */
  #state = "new";
  #whyClosed = "connect() was not called";
  /** @type {WebSocket | null} */
  #socket = null;
  #protocol = new Protocol();
  /** @type {Map<number, { resolve: (reply: Reply) => void, reject: (error: Error) => void }>} */
  #replies = new Map();
  /** @type {Map<string, Inbox>} */
  #inboxes = new Map();
  /** @type {(() => void)[]} */
  #waiting = [];
  #statistics = { frames: 0, unreadableFrames: 0, reconnections: 0 };

  /**
   * @param {string} uri
   * @param {object} hooks
   * @param {Reconnect} hooks.reconnect
   * @param {() => Promise<void>} hooks.restore makes the session anew on a new socket
   * @param {(asked: Asked, answer: (message: Message) => void) => void} hooks.asked gets what processes ask of MCP servers
   * @param {number} hooks.pingIntervalMs
   */
  constructor(uri, { reconnect, restore, asked, pingIntervalMs }) {
    this.#uri = uri;
    this.#pingIntervalMs = pingIntervalMs;
    this.#policy = reconnect;
    this.#restore = restore;
    this.#asked = asked;
  }

  get state() {
    return this.#state;
  }

  statistics() {
    return { state: this.#state, ...this.#statistics };
  }

  /** Ids of processes that have not ended. */
  processes() {
    return [...this.#inboxes.keys()];
  }

  async open() {
    if (this.#state !== "new") throw new NotConnectedError("connect() was called before; make a new client");
    const lost = this.#serve(await opened(this.#uri));
    this.#set("open");
    void this.#supervise(lost);
  }

  close() {
    this.#giveUp(CLOSED);
  }

  /**
   * Send the message made for a number, and wait for the answer.
   * @param {(corrId: number) => Message} message
   * @param {{ opens?: Opens, restoring?: boolean }} [options] `restoring`: do not wait for the end of recovering
   * @returns {Promise<Reply>}
   */
  async request(message, { opens = opensNothing, restoring = false } = {}) {
    const socket = await this.#usable(restoring);
    const { corrId, reply } = this.#expect(opens);
    transmit(socket, message(corrId));
    return reply;
  }

  /**
   * As `request`, with several messages and one answer; an early answer ends the sending.
   * @param {(corrId: number) => Iterable<Message>} messages
   * @returns {Promise<Reply>}
   */
  async upload(messages) {
    const socket = await this.#usable(false);
    const { corrId, reply } = this.#expect(opensNothing);
    let answered = false;
    const settled = () => (answered = true);
    reply.then(settled, settled);
    for (const message of messages(corrId)) {
      transmit(socket, message);
      await drained(socket);
      if (answered) break;
    }
    return reply;
  }

  /** Send what is not answered. @param {Iterable<Message>} messages */
  async send(messages) {
    const socket = await this.#usable(false);
    for (const message of messages) {
      if (socket.readyState !== socket.OPEN) throw new ConnectionLostError(`${CLOSED} before everything was sent`);
      transmit(socket, message);
      await drained(socket);
    }
  }

  /** The process cannot be had back. @param {string} processId @param {string} why */
  fail(processId, why) {
    this.#protocol.forget(processId);
    this.#inboxes.get(processId)?.put({ event: "error", value: why });
    this.#inboxes.delete(processId);
  }

  /** @param {Opens} opens */
  #expect(opens) {
    const corrId = this.#protocol.begin(opens);
    /** @type {Promise<Reply>} */
    const reply = new Promise((resolve, reject) => this.#replies.set(corrId, { resolve, reject }));
    return { corrId, reply };
  }

  /** Handle what comes over a socket. @param {WebSocket} socket @returns {Promise<void>} ends with the socket */
  #serve(socket) {
    this.#socket = socket;
    return new Promise((resolve) => {
      const lost = () => {
        clearInterval(watch);
        socket.onmessage = socket.onclose = null;
        this.#interrupt();
        resolve();
      };
      const watch = setInterval(this.#watch(socket, lost), this.#pingIntervalMs);
      socket.onmessage = ({ data }) => {
        if (data instanceof ArrayBuffer) this.#receive(socket, new Uint8Array(data));
      };
      socket.onclose = lost;
    });
  }

  /**
   * What to do at each interval: nothing if a frame has come; else ask, and the next time give the socket up.
   * @param {WebSocket} socket @param {() => void} lost
   */
  #watch(socket, lost) {
    let [seen, asked] = [-1, false];
    return () => {
      const quiet = this.#statistics.frames === seen;
      seen = this.#statistics.frames;
      if (quiet && asked) {
        lost();
        socket.close();
      } else if (quiet) this.#ping();
      asked = quiet;
    };
  }

  #ping() {
    this.request((corrId) => ({ type: "ping", corr_id: corrId }), { restoring: true }).catch(() => {}); // told to those who wait, too
  }

  /** @param {WebSocket} socket @param {Uint8Array} frame */
  #receive(socket, frame) {
    this.#statistics.frames += 1;
    for (const outcome of this.#protocol.receive(frame)) this.#handle(socket, outcome);
  }

  /** @param {WebSocket} socket @param {Outcome} outcome */
  #handle(socket, outcome) {
    switch (outcome.outcome) {
      case "delivery": return this.#deliver(outcome.processId, outcome.event);
      case "answer": return this.#answer(outcome);
      case "asked": return this.#asked(outcome, (message) => answerOn(socket, message));
      case "unreadable": return this.#ignore(outcome.problem, outcome.corrId);
    }
  }

  /** @param {string} processId @param {import("./protocol.js").ProcessEvent} event */
  #deliver(processId, event) {
    const inbox = this.#inboxes.get(processId);
    if (inbox === undefined) return;
    inbox.put(event);
    if (inbox.ended) this.#inboxes.delete(processId);
    else if (inbox.size > HELD_BYTES_MAX / 16) this.#bound();
  }

  /** A browser's socket cannot be told to wait: a process whose events nobody reads is let go of in the end. */
  #bound() {
    const unread = [...this.#inboxes].sort(([, one], [, other]) => other.size - one.size);
    if (unread.reduce((sum, [, inbox]) => sum + inbox.size, 0) <= HELD_BYTES_MAX) return;
    const [[processId] = [""]] = unread;
    this.fail(processId, "its events were not read for too long; it runs on, and another connection may attach to it");
  }

  /** @param {Answer} answer */
  #answer({ corrId, ok, result, opened: ids }) {
    const inboxes = new Map(ids.map((processId) => [processId, this.#inboxes.get(processId) ?? new Inbox()]));
    for (const [processId, inbox] of inboxes) this.#inboxes.set(processId, inbox);
    this.#replies.get(corrId)?.resolve({ ok, result, inboxes });
    this.#replies.delete(corrId);
  }

  /** @param {string} problem @param {number | null} corrId */
  #ignore(problem, corrId) {
    this.#statistics.unreadableFrames += 1;
    if (corrId === null) return;
    this.#replies.get(corrId)?.reject(new ProtocolError(`the engine's answer cannot be read: ${problem}`));
    this.#replies.delete(corrId);
  }

  /** The socket is gone: nothing that was sent over it will be answered. */
  #interrupt() {
    this.#protocol.disconnected();
    const replies = [...this.#replies.values()];
    this.#replies.clear();
    for (const { reject } of replies) reject(new ConnectionLostError(`${CLOSED} before the engine answered`));
  }

  /** @param {boolean} restoring @returns {Promise<WebSocket>} */
  async #usable(restoring) {
    while (this.#state === "recovering" && !restoring) await new Promise((resolve) => this.#waiting.push(() => resolve(null)));
    if (this.#state === "new" || this.#state === "closed" || this.#socket === null) throw new NotConnectedError(this.#whyClosed);
    if (this.#socket.readyState !== this.#socket.OPEN) throw new ConnectionLostError(CLOSED);
    return this.#socket;
  }

  /** @param {Promise<void>} lost */
  async #supervise(lost) {
    let [attempts, since] = [pauses(this.#policy, Math.random), Date.now()];
    for (;;) {
      await lost;
      if (this.#state === "closed") return;
      this.#set("recovering");
      if (Date.now() - since > STABLE_AFTER_MS) attempts = pauses(this.#policy, Math.random);
      try {
        ({ lost } = await this.#recovered(attempts));
      } catch (error) {
        return this.#giveUp(error instanceof Error ? error.message : String(error));
      }
      since = Date.now();
      this.#statistics.reconnections += 1;
      this.#set("open");
    }
  }

  /**
   * @param {Generator<number>} attempts
   * @returns {Promise<{ lost: Promise<void> }>} what ends with the new socket
   */
  async #recovered(attempts) {
    for (let next = attempts.next(); !next.done; next = attempts.next()) {
      await new Promise((resolve) => setTimeout(resolve, next.value));
      if (this.#state === "closed") break;
      try {
        const lost = this.#serve(await opened(this.#uri));
        await this.#restored();
        return { lost };
      } catch (error) {
        if (!(error instanceof UnreachableError || error instanceof ConnectionLostError)) throw error;
      }
    }
    throw new ConnectionLostError(CLOSED);
  }

  /** The session as it was, or a `ConnectionLostError` if that takes too long. */
  async #restored() {
    const late = setTimeout(() => this.#interrupt(), RESTORE_TIMEOUT_MS);
    try {
      await this.#restore();
    } catch (error) {
      this.#socket?.close();
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  /** @param {string} why */
  #giveUp(why) {
    if (this.#state === "closed") return;
    this.#whyClosed = why;
    this.#set("closed");
    this.#socket?.close();
    this.#interrupt();
    for (const processId of this.processes()) this.fail(processId, why);
  }

  /** @param {State} state */
  #set(state) {
    if (this.#state === "closed") return;
    this.#state = state;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** @param {WebSocket} socket @param {Message} message */
function transmit(socket, message) {
  socket.send(encode(message));
}

/** On the next connection the number of a request means something else. @param {WebSocket} socket @param {Message} message */
function answerOn(socket, message) {
  if (socket.readyState === socket.OPEN) transmit(socket, message);
}

/** Wait until most of what was sent has left. @param {WebSocket} socket */
async function drained(socket) {
  while (socket.bufferedAmount > BUFFERED_BYTES_MAX && socket.readyState === socket.OPEN) {
    await new Promise((resolve) => setTimeout(resolve, BUFFER_POLL_MS));
  }
}
