// JavaScript client of Pie, for Node and browsers.

export { PieClient } from "./client.js";
export { Process } from "./process.js";
export { PrivateKey } from "./keys.js";
export { ReceivedFile } from "./files.js";
export {
  ConnectionLostError, InstallError, KeyRefusedError, LaunchError, LoginError, McpError, NotConnectedError, PieClientError,
  ProcessEndedError, ProcessFailedError, ProcessNotFoundError, ProtocolError, RefusedError, UnreachableError,
} from "./errors.js";

/** @typedef {import("./protocol.js").ProcessEvent} ProcessEvent */
/** @typedef {import("./client.js").ListedProcess} ListedProcess */
/** @typedef {import("./client.js").LaunchOptions} LaunchOptions */
/** @typedef {import("./mcp.js").McpHandler} McpHandler */
/** @typedef {import("./reconnect.js").Reconnect} Reconnect */
