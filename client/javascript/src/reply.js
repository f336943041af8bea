// What an engine answers to a request.

import { RefusedError } from "./errors.js";

/** @typedef {import("./connection.js").Message} Message */
/** @typedef {import("./connection.js").Reply} Reply */
/** @typedef {(message: (corrId: number) => Message) => Promise<Reply>} Ask */

/** The result; if the engine refused, its reason as an error. @param {Reply} reply @param {typeof RefusedError} Refusal @param {string} what */
export function good({ ok, result }, Refusal, what) {
  if (!ok) throw new Refusal(what, result);
  return result;
}
