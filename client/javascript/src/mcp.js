// MCP servers that the client is, or knows how to reach.

import { McpError } from "./errors.js";
import { MCP_RESULT_CHARACTERS_MAX } from "./limits.js";

/**
 * Answers what processes ask of an MCP server: `tools/list`, `tools/call`, `resources/read` and so on. What it returns is the
 * result; an `McpError` that it throws is answered as it is.
 * @typedef {(method: string, params: unknown) => unknown | Promise<unknown>} McpHandler
 */

const TRANSPORT_ERROR = -32000;
const INVALID_PARAMS = -32602;

/** @param {McpHandler | undefined} handler @param {string} server @param {string} method @param {string} params */
export async function answered(handler, server, method, params) {
  try {
    if (handler === undefined) throw new McpError(TRANSPORT_ERROR, `MCP server '${server}' is not registered locally`);
    const result = JSON.stringify((await handler(method, paramsOf(params))) ?? null);
    if (result.length > MCP_RESULT_CHARACTERS_MAX) {
      throw new McpError(TRANSPORT_ERROR, `the result is longer than ${MCP_RESULT_CHARACTERS_MAX} characters`);
    }
    return { ok: true, result };
  } catch (error) {
    const { code, message, data } = error instanceof McpError ? error : new McpError(TRANSPORT_ERROR, String(error));
    return { ok: false, result: JSON.stringify({ code, message, data }) };
  }
}

/** @param {string} text */
function paramsOf(text) {
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch (error) {
    throw new McpError(INVALID_PARAMS, `the parameters are not JSON: ${String(error)}`);
  }
}
