// The client's errors. A class says what the caller can do.

/** Base of every error that the client raises on purpose. */
export class PieClientError extends Error {
  /** @param {string} message @param {ErrorOptions} [options] */
  constructor(message, options) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** No connection could be made. Nothing was asked. */
export class UnreachableError extends PieClientError {}

/** `connect` was not called, the client was closed, or reconnecting was given up. Nothing was asked. */
export class NotConnectedError extends PieClientError {}

/** The connection broke after the request was sent and before it was answered: it may have been done or not. */
export class ConnectionLostError extends PieClientError {}

/** The other side does not speak our protocol, or broke it. */
export class ProtocolError extends PieClientError {}

/** The engine refused a request. `reason` is its text alone. */
export class RefusedError extends PieClientError {
  /** @param {string} what @param {string} reason */
  constructor(what, reason) {
    super(`${what}: ${reason}`);
    this.reason = reason;
  }
}

/** Wrong user, key or token. */
export class LoginError extends RefusedError {}

/** The program was not installed. */
export class InstallError extends RefusedError {}

/** The process was not started. */
export class LaunchError extends RefusedError {}

/** No such process, or it belongs to somebody else. */
export class ProcessNotFoundError extends RefusedError {}

/** The process ended with an error. */
export class ProcessFailedError extends PieClientError {}

/** All events of the process have been read, or none are captured. */
export class ProcessEndedError extends PieClientError {}

/** A private key that cannot be used. */
export class KeyRefusedError extends PieClientError {}

/** Thrown by the handler of an MCP server, to answer with a code of its own. */
export class McpError extends Error {
  /** @param {number} code @param {string} message @param {unknown} [data] */
  constructor(code, message, data) {
    super(message);
    this.name = "McpError";
    this.code = code;
    this.data = data;
  }
}
