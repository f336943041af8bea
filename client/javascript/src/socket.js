// Opening a WebSocket: the global one of browsers and Node from 22 on, else the package `ws`.

import { UnreachableError } from "./errors.js";
import { OPEN_TIMEOUT_MS } from "./limits.js";

/**
 * @param {string} uri
 * @returns {Promise<WebSocket>} open, with binary frames as ArrayBuffer
 * @throws {UnreachableError}
 */
export async function opened(uri) {
  const Socket = await implementation();
  let socket;
  try {
    socket = new Socket(uri);
  } catch (error) {
    throw new UnreachableError(`${uri} is no WebSocket address such as ws://127.0.0.1:8080`, { cause: error });
  }
  socket.binaryType = "arraybuffer";
  await whenOpen(socket, uri);
  return socket;
}

/** @returns {Promise<typeof WebSocket>} */
async function implementation() {
  if (typeof globalThis.WebSocket === "function") return globalThis.WebSocket;
  const name = "ws"; // a variable, so that bundlers for browsers leave it alone
  try {
    return (await import(name)).WebSocket;
  } catch (error) {
    throw new UnreachableError("there is no WebSocket here: use Node 22, `node --experimental-websocket`, or `npm install ws`", { cause: error });
  }
}

/** @param {WebSocket} socket @param {string} uri @returns {Promise<void>} */
function whenOpen(socket, uri) {
  return new Promise((resolve, reject) => {
    const fail = () => {
      clearTimeout(timer);
      socket.onclose = null;
      socket.onerror = () => {}; // closing may fail the socket again
      socket.close();
      reject(new UnreachableError(`no engine at ${uri}`));
    };
    const timer = setTimeout(fail, OPEN_TIMEOUT_MS);
    socket.onerror = fail;
    socket.onclose = fail;
    socket.onopen = () => {
      clearTimeout(timer);
      socket.onerror = () => {};
      resolve();
    };
  });
}
