// Telling an engine who one is.

import { LoginError } from "./errors.js";
import { fromBase64, toBase64 } from "./keys.js";
import { good } from "./reply.js";

/** @typedef {import("./reply.js").Ask} Ask */
/** @typedef {import("./keys.js").PrivateKey} PrivateKey */

const WITHOUT_AUTH = "Authenticated (Engine disabled authentication)";

/** @param {Ask} ask @param {string} username @param {PrivateKey} [key] */
export async function prove(ask, username, key) {
  const identified = await ask((corrId) => ({ type: "auth_identify", corr_id: corrId, username }));
  const challenge = good(identified, LoginError, `Username '${username}' rejected by server`);
  if (challenge === WITHOUT_AUTH) return;
  if (key === undefined) {
    throw new LoginError("Login failed", "Server requires public key authentication but no private key provided");
  }
  const signature = toBase64(await key.sign(fromBase64(challenge)));
  const proved = await ask((corrId) => ({ type: "auth_prove", corr_id: corrId, signature }));
  good(proved, LoginError, `Signature verification failed for username '${username}'`);
}

/** @param {Ask} ask @param {string} token */
export async function showToken(ask, token) {
  good(await ask((corrId) => ({ type: "auth_by_token", corr_id: corrId, token })), LoginError, "Internal authentication failed");
}
