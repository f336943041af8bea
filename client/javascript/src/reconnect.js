// How often and how soon a lost connection is tried again.

/**
 * Pauses grow by `factor` from `firstMs` to `longestMs`; after `attemptsMax` attempts it is over. The defaults take half a minute.
 * @typedef {object} Reconnect
 * @property {number} attemptsMax
 * @property {number} firstMs
 * @property {number} factor
 * @property {number} longestMs
 */

/** @type {Reconnect} */
export const DEFAULT = { attemptsMax: 10, firstMs: 50, factor: 2, longestMs: 5000 };

/**
 * Milliseconds to wait before each attempt, each a little random so that a thousand clients do not come at once.
 * @param {Reconnect} policy
 * @param {() => number} random
 */
export function* pauses({ attemptsMax, firstMs, factor, longestMs }, random) {
  for (let attempt = 0, pause = firstMs; attempt < attemptsMax; attempt += 1) {
    yield pause * (0.5 + random() / 2);
    pause = Math.min(longestMs, pause * factor);
  }
}
